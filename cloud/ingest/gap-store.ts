import type { Clock } from "#core/clock.ts";
import type { GapItem, Lane } from "#core/contracts/lanes.ts";
import type { Db } from "../db/database.ts";
import type { Range } from "../db/ranges.ts";
import type { CursorChanges, CursorKey } from "./cursors.ts";

/** Offsets that will never come, as recorded. */
export interface Gap extends Range {
  readonly lane: Lane;
  readonly epoch: string;
  readonly reason: string;
}

/** Remembers what will never come: accounted loss, never silent. */
export class GapStore {
  readonly #db: Db;
  readonly #clock: Clock;
  constructor(db: Db, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Records the gap and lets the cursor pass it, in the running transaction. What has arrived all the same is no gap: false when nothing was missing. */
  add(changes: CursorChanges, key: CursorKey, range: Range, reason: string): boolean {
    const lost = changes.account(key, range);
    this.#record(key, lost, reason);
    return lost.length > 0;
  }

  /**
   * Records what a gateway itself says it lost. A broken outbox cannot name how much (0 to 0), perhaps not even its epoch: that
   * belongs to no cursor, and one opened for it would end that of the epoch in use.
   */
  told(changes: CursorChanges, { gateway }: CursorKey, { lane, epoch, from, to, reason }: GapItem): void {
    const key = { gateway, lane, epoch };
    if (/^[0-9a-f]{32}$/.test(epoch) && to > 0) this.add(changes, key, { from, to }, reason);
    else this.#record(key, [{ from, to }], reason);
  }

  #record(key: CursorKey, ranges: readonly Range[], reason: string): void {
    for (const { from, to } of ranges)
      this.#db.sync.run(
        this.#db.kysely
          .insertInto("lane_gaps")
          .values({
            gateway: key.gateway,
            lane: key.lane,
            epoch: key.epoch,
            from_offset: from,
            to_offset: to,
            reason,
            at: this.#clock.now(),
          })
          .onConflict((conflict) => conflict.doNothing()),
      );
  }

  /** All gaps of a gateway, in the order they were told. */
  of(gateway: string): readonly Gap[] {
    return this.#db.sync
      .all(this.#db.kysely.selectFrom("lane_gaps").selectAll().where("gateway", "=", gateway).orderBy("at"))
      .map(({ lane, epoch, from_offset: from, to_offset: to, reason }) => ({ lane, epoch, from, to, reason }));
  }
}
