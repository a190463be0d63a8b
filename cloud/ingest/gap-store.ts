import type { Selectable } from "kysely";
import type { Clock } from "#core/clock.ts";
import type { GapItem, Lane } from "#core/contracts/lanes.ts";
import type { Db } from "../db/database.ts";
import type { Range } from "../db/ranges.ts";
import type { CursorChanges, CursorKey } from "./cursors.ts";
import type { IngestTables } from "./tables.ts";

/** Offsets that will never come, as recorded. */
export interface Gap extends Range {
  readonly lane: Lane;
  readonly epoch: string;
  readonly reason: string;
  /** When it was told, Unix ms. */
  readonly at: number;
}

/** Most gaps of a gateway that are shown at once; all of them are kept. */
const RECENT = 200;

/** Remembers what will never come: accounted loss, never silent. */
export class GapStore {
  readonly #db: Db;
  readonly #clock: Clock;
  /** By gateway; forgotten whenever one is added. A gateway is shown with every sign of life. */
  readonly #recent = new Map<string, readonly Gap[]>();
  constructor(db: Db, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Records the gap and lets the cursor pass it, in the running transaction. What has arrived all the same is no gap: false when nothing was missing. */
  add(changes: CursorChanges, key: CursorKey, range: Range, reason: string): boolean {
    const lost = changes.account(key, range);
    this.#record(changes, key, lost, reason);
    return lost.length > 0;
  }

  /**
   * Records what a gateway itself says it lost. A broken outbox cannot name how much (0 to 0), perhaps not even its epoch: that
   * belongs to no cursor, and one opened for it would end that of the epoch in use.
   */
  told(changes: CursorChanges, { gateway }: CursorKey, { lane, epoch, from, to, reason }: GapItem): void {
    const key = { gateway, lane, epoch };
    if (/^[0-9a-f]{32}$/.test(epoch) && to > 0) this.add(changes, key, { from, to }, reason);
    else this.#record(changes, key, [{ from, to }], reason);
  }

  #record(changes: CursorChanges, { gateway, lane, epoch }: CursorKey, ranges: readonly Range[], reason: string): void {
    this.#recent.delete(gateway);
    const at = this.#clock.now();
    for (const { from, to } of ranges) {
      changes.found(gateway, { kind: "gap", lane, epoch, from, to, reason });
      this.#db.sync.run(
        this.#db.kysely
          .insertInto("lane_gaps")
          .values({ gateway, lane, epoch, from_offset: from, to_offset: to, reason, at })
          .onConflict((conflict) => conflict.doNothing()),
      );
    }
  }

  /** All gaps of a gateway, in the order they were told. */
  of(gateway: string): readonly Gap[] {
    const { kysely, sync } = this.#db;
    return sync.all(kysely.selectFrom("lane_gaps").selectAll().where("gateway", "=", gateway).orderBy("at")).map(gapOf);
  }

  /** The newest gaps of a gateway, oldest first. */
  recent(gateway: string): readonly Gap[] {
    const { kysely, sync } = this.#db;
    let gaps = this.#recent.get(gateway);
    if (gaps === undefined) {
      const newest = kysely.selectFrom("lane_gaps").selectAll().where("gateway", "=", gateway).orderBy("at", "desc");
      gaps = sync.all(newest.limit(RECENT)).map(gapOf).reverse();
      this.#recent.set(gateway, gaps);
    }
    return gaps;
  }
}

function gapOf(row: Selectable<IngestTables["lane_gaps"]>): Gap {
  const { lane, epoch, from_offset: from, to_offset: to, reason, at } = row;
  return { lane, epoch, from, to, reason, at };
}
