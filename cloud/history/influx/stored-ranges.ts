import type { GatewayId } from "#core/ids.ts";
import type { Db } from "../../db/database.ts";
import { addRange, type Range, sizeOf } from "../../db/ranges.ts";

/** Offsets of one batch that are stored now, both ends inclusive. */
export interface StoredRange {
  readonly gateway: GatewayId;
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
}

/** Which offsets are stored. InfluxDB overwrites rows in place and cannot tell. */
export interface StoredRanges {
  /** Notes what is stored, durably and all or nothing. Gives how many of the offsets were not noted before. @throws DB_* */
  add(ranges: readonly StoredRange[]): number;
  /** Merged ranges, in order of epoch and offset. */
  of(gateway: GatewayId): readonly { readonly epoch: string; readonly from: number; readonly to: number }[];
}

type Epochs = Map<string, readonly Range[]>;

/** StoredRanges in the record database. The only writer of its table; what it knows is read once per gateway. */
export class RecordedRanges implements StoredRanges {
  readonly #db: Db;
  readonly #known = new Map<string, Epochs>();

  constructor(db: Db) {
    this.#db = db;
  }

  add(ranges: readonly StoredRange[]): number {
    // Memory changes only after the commit, so that a failed one is tried again from the same state.
    const changed = new Map<string, { gateway: GatewayId; epoch: string; ranges: readonly Range[] }>();
    const fresh = this.#db.sync.transaction(() => {
      let count = 0;
      for (const { gateway, epoch, first, last } of ranges) {
        const key = `${gateway} ${epoch}`;
        const before = changed.get(key)?.ranges ?? this.#epochs(gateway).get(epoch) ?? [];
        const added = addRange(before, { from: first, to: last });
        const size = sizeOf(added.fresh);
        if (size === 0) continue;
        count += size;
        this.#replace(gateway, epoch, added.absorbed, added.merged);
        changed.set(key, { gateway, epoch, ranges: added.ranges });
      }
      return count;
    });
    for (const { gateway, epoch, ranges: now } of changed.values()) this.#epochs(gateway).set(epoch, now);
    return fresh;
  }

  of(gateway: GatewayId): readonly { readonly epoch: string; readonly from: number; readonly to: number }[] {
    return [...this.#epochs(gateway)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([epoch, ranges]) => ranges.map(({ from, to }) => ({ epoch, from, to })));
  }

  #epochs(gateway: GatewayId): Epochs {
    let epochs = this.#known.get(gateway);
    if (epochs === undefined) {
      epochs = new Map();
      for (const { epoch, from_offset, to_offset } of this.#rows(gateway))
        epochs.set(epoch, addRange(epochs.get(epoch) ?? [], { from: from_offset, to: to_offset }).ranges);
      this.#known.set(gateway, epochs);
    }
    return epochs;
  }

  #rows(gateway: GatewayId): { epoch: string; from_offset: number; to_offset: number }[] {
    const { kysely, sync } = this.#db;
    return sync.all(
      kysely
        .selectFrom("telemetry_ranges")
        .select(["epoch", "from_offset", "to_offset"])
        .where("gateway", "=", gateway)
        .orderBy("epoch")
        .orderBy("from_offset"),
    );
  }

  #replace(gateway: GatewayId, epoch: string, absorbed: readonly Range[], merged: Range): void {
    const { kysely, sync } = this.#db;
    const kept = absorbed.find(({ from }) => from === merged.from);
    for (const { from } of absorbed)
      if (from !== merged.from)
        sync.run(
          kysely
            .deleteFrom("telemetry_ranges")
            .where("gateway", "=", gateway)
            .where("epoch", "=", epoch)
            .where("from_offset", "=", from),
        );
    if (kept === undefined)
      sync.run(
        kysely
          .insertInto("telemetry_ranges")
          .values({ gateway, epoch, from_offset: merged.from, to_offset: merged.to }),
      );
    else
      sync.run(
        kysely
          .updateTable("telemetry_ranges")
          .set({ to_offset: merged.to })
          .where("gateway", "=", gateway)
          .where("epoch", "=", epoch)
          .where("from_offset", "=", merged.from),
      );
  }
}
