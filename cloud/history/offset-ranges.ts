import type { DatabaseSync, StatementSync } from "node:sqlite";
import { addRange, type Range } from "../db/ranges.ts";
import type { TelemetrySpan } from "../telemetry-ports.ts";

interface Epoch {
  readonly id: number;
  readonly gateway: string;
  readonly epoch: string;
  readonly ranges: readonly Range[];
}

/** What of a span is new: its offsets and the row of the first one. */
export interface FreshPart {
  readonly epoch: number;
  readonly first: number;
  readonly count: number;
  readonly start: number;
}

function keyOf({ gateway, epoch }: { readonly gateway: string; readonly epoch: string }): string {
  return `${gateway} ${epoch}`;
}

/** Which offsets of each gateway and epoch are stored: in memory, and in the same transaction as the samples. */
export class OffsetRanges {
  readonly #epochs = new Map<string, Epoch>();
  readonly #names = new Map<number, string>();
  readonly #insertEpoch: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insertEpoch = db.prepare("INSERT INTO epochs(gateway, epoch) VALUES(?,?)");
    this.#put = db.prepare(
      "INSERT INTO ranges(epoch, first, last) VALUES(?,?,?) ON CONFLICT(epoch, first) DO UPDATE SET last=excluded.last",
    );
    this.#remove = db.prepare("DELETE FROM ranges WHERE epoch=? AND first=?");
    const ranges = db.prepare("SELECT first, last FROM ranges WHERE epoch=? ORDER BY first");
    for (const row of db.prepare("SELECT id, gateway, epoch FROM epochs").all()) {
      const id = Number(row["id"]);
      this.#set({
        id,
        gateway: String(row["gateway"]),
        epoch: String(row["epoch"]),
        ranges: ranges.all(id).map((range) => ({ from: Number(range["first"]), to: Number(range["last"]) })),
      });
    }
  }

  #set(epoch: Epoch): void {
    this.#epochs.set(keyOf(epoch), epoch);
    this.#names.set(epoch.id, epoch.epoch);
  }

  /** The epoch of a number. */
  name(id: number): string {
    return this.#names.get(id) ?? "";
  }

  /** Merged ranges of a gateway's stored offsets. */
  of(gateway: string): { epoch: string; from: number; to: number }[] {
    return [...this.#epochs.values()]
      .filter((epoch) => epoch.gateway === gateway)
      .flatMap(({ epoch, ranges }) => ranges.map(({ from, to }) => ({ epoch, from, to })));
  }

  /**
   * Adds spans in the caller's transaction: what of them is new, and what to call when it has committed. Until then `of`
   * knows nothing of them.
   */
  add(spans: readonly TelemetrySpan[]): { readonly fresh: readonly FreshPart[]; readonly commit: () => void } {
    const changed = new Map<string, Epoch>();
    const fresh: FreshPart[] = [];
    for (const span of spans) {
      const key = keyOf(span);
      const epoch = changed.get(key) ?? this.#epochs.get(key) ?? this.#newEpoch(span);
      const added = addRange(epoch.ranges, { from: span.first, to: span.last });
      if (added.fresh.length > 0 || !this.#epochs.has(key)) changed.set(key, { ...epoch, ranges: added.ranges });
      for (const { from, to } of added.fresh)
        fresh.push({ epoch: epoch.id, first: from, count: to - from + 1, start: span.start + from - span.first });
    }
    for (const [key, epoch] of changed) this.#store(this.#epochs.get(key)?.ranges ?? [], epoch);
    return {
      fresh,
      commit: () => {
        for (const epoch of changed.values()) this.#set(epoch);
      },
    };
  }

  /** Writes the difference: mostly that one range has become longer. */
  #store(before: readonly Range[], { id, ranges }: Epoch): void {
    const lasts = new Map(ranges.map(({ from, to }) => [from, to]));
    for (const { from, to } of before) {
      const last = lasts.get(from);
      if (last === undefined) this.#remove.run(id, from);
      else if (last === to) lasts.delete(from);
    }
    for (const [from, to] of lasts) this.#put.run(id, from, to);
  }

  #newEpoch({ gateway, epoch }: TelemetrySpan): Epoch {
    const { lastInsertRowid } = this.#insertEpoch.run(gateway, epoch);
    return { id: Number(lastInsertRowid), gateway, epoch, ranges: [] };
  }
}
