import { judgeBoot, parseBoot } from "#core/contracts/boot.ts";
import type { Ack, Lane } from "#core/contracts/lanes.ts";

const LANES = ["events", "telemetry", "ledger"] as const;

/** The cloud's account of what it has of each lane and epoch, and of the runs that use an epoch: what it acks and how it greets. */
export class CloudAcks {
  readonly #stored = new Map<string, [number, number][]>();
  readonly #runs = new Map<string, readonly string[]>();
  /** Births of copies, as nonces. */
  readonly copies: string[] = [];

  /** Takes offsets in; the ack goes as far as nothing is missing from where the epoch begins here. */
  store(lane: Lane, epoch: string, first: number, last: number): Ack {
    const key = `${lane} ${epoch}`;
    const ranges = [...(this.#stored.get(key) ?? []), [first, last] as const].sort(([a], [b]) => a - b);
    const merged: [number, number][] = [];
    for (const [from, to] of ranges) {
      const before = merged.at(-1);
      if (before !== undefined && from <= before[1] + 1) before[1] = Math.max(before[1], to);
      else merged.push([from, to]);
    }
    this.#stored.set(key, merged);
    return { lane, epoch, upTo: this.#upTo(lane, epoch) };
  }

  #upTo(lane: Lane, epoch: string): number {
    return this.#stored.get(`${lane} ${epoch}`)?.[0]?.[1] ?? 0;
  }

  /** What may be acked of every lane and epoch. */
  all(): Ack[] {
    return [...this.#stored].map(([key, ranges]) => {
      const [lane, epoch = ""] = key.split(" ");
      return { lane: lane as Lane, epoch, upTo: ranges[0]?.[1] ?? 0 };
    });
  }

  /** What a gateway is told at its birth: what was had before it, or that it is a copy. */
  greet(boot: string): Ack[] {
    const { nonce, epoch } = parseBoot(boot);
    const { verdict, runs } = judgeBoot(this.#runs.get(epoch) ?? [], nonce);
    this.#runs.set(epoch, runs);
    if (verdict === "copy") this.copies.push(nonce);
    const upTo = (lane: Lane): number => (verdict === "copy" ? Number.MAX_SAFE_INTEGER : this.#upTo(lane, epoch));
    return LANES.map((lane) => ({ lane, epoch, upTo: upTo(lane), hello: true }));
  }
}
