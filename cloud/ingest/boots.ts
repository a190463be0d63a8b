import { BOOT_METRIC, type Boot, judgeBoot, parseBoot } from "#core/contracts/boot.ts";
import type { Lane } from "#core/contracts/lanes.ts";
import { errorMessage } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { GatewayLink } from "../ports.ts";
import type { IngestWatch } from "../telemetry-ports.ts";
import type { LaneCursors } from "./cursors.ts";

const LANES: readonly Lane[] = ["events", "telemetry", "ledger"];
const MOST_CONDEMNED = 16;

type Verdict = ReturnType<typeof judgeBoot>["verdict"];

/** What boots are greeted with. */
export interface GatewayBootsDeps {
  readonly cursors: LaneCursors;
  readonly link: GatewayLink;
  readonly watch: IngestWatch;
  readonly logger: Logger;
}

/**
 * Which runs of a gateway's process are born. Each is told at once what was had of its lanes before it, so that a restored outbox
 * sees that it is one before anything of it could be taken for something else. Two runs that come in turns are two living copies
 * of one outbox: whichever comes again is told to take a new epoch, and nothing of either is lost.
 */
export class GatewayBoots {
  readonly #deps: GatewayBootsDeps;
  /** Runs that have used an epoch, by gateway and epoch; the latest few. */
  readonly #runs = new Map<GatewayId, Map<string, readonly string[]>>();
  readonly #copies = new Map<GatewayId, number>();
  /** Runs that were told to take a new epoch, as `<nonce> <epoch>`; the latest few. */
  readonly #condemned = new Map<GatewayId, readonly string[]>();

  constructor(deps: GatewayBootsDeps) {
    this.#deps = deps;
  }

  /** How often one of two living copies of a gateway came again. */
  copiesOf(gateway: GatewayId): number {
    return this.#copies.get(gateway) ?? 0;
  }

  /** Runs of a gateway that are kept in mind. */
  remembered(gateway: GatewayId): number {
    const runs = [...(this.#runs.get(gateway)?.values() ?? [])].flat();
    return runs.length + (this.#condemned.get(gateway)?.length ?? 0);
  }

  /** A gateway was born; `metrics` of its birth. A gateway that does not tell its run is let be. */
  born(gateway: GatewayId, metrics: readonly { readonly name: string; readonly value: unknown }[]): void {
    const text = metrics.find(({ name }) => name === BOOT_METRIC)?.value;
    if (typeof text !== "string") return;
    const boot = this.#read(gateway, text);
    if (boot === undefined) return;
    const verdict = this.#judge(gateway, boot);
    if (verdict === "copy") {
      this.#copies.set(gateway, this.copiesOf(gateway) + 1);
      this.#deps.watch.found(gateway, { kind: "clone" });
      this.#deps.logger.error({ gateway, ...boot }, "two living copies of one gateway: this one takes a new epoch");
    }
    for (const lane of LANES) {
      const known = this.#deps.cursors.get({ gateway, lane, epoch: boot.epoch })?.upTo ?? 0;
      const upTo = verdict === "copy" ? Number.MAX_SAFE_INTEGER : Math.max(0, known);
      this.#deps.link.sendAck(gateway, { lane, epoch: boot.epoch, upTo, hello: true });
    }
  }

  #read(gateway: GatewayId, text: string): Boot | undefined {
    try {
      return parseBoot(text);
    } catch (error) {
      this.#deps.logger.warn({ gateway, cause: errorMessage(error) }, "birth with an unreadable run");
      return undefined;
    }
  }

  #judge(gateway: GatewayId, { nonce, epoch }: Boot): Verdict {
    const epochs = this.#runs.get(gateway) ?? new Map<string, readonly string[]>();
    const { verdict, runs } = judgeBoot(epochs.get(epoch) ?? [], nonce);
    // the epochs of two copies, and one more while they change: older ones never come again
    epochs.delete(epoch);
    epochs.set(epoch, runs);
    for (const old of [...epochs.keys()].slice(0, -4)) epochs.delete(old);
    this.#runs.set(gateway, epochs);
    return this.#stands(gateway, `${nonce} ${epoch}`, verdict);
  }

  /**
   * A copy is one until it is born in another epoch: what it was told is lost where the other one takes its place at once, and
   * then it looks like the last one that was heard.
   */
  #stands(gateway: GatewayId, run: string, verdict: Verdict): Verdict {
    const condemned = this.#condemned.get(gateway) ?? [];
    if (verdict !== "copy") return condemned.includes(run) ? "copy" : verdict;
    this.#condemned.set(gateway, [...condemned.filter((one) => one !== run), run].slice(-MOST_CONDEMNED));
    return verdict;
  }
}
