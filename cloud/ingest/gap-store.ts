import type { Clock } from "#core/clock.ts";
import type { Lane } from "#core/contracts/lanes.ts";
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
    // A gap of an epoch that cannot be named (a broken outbox) is recorded, but belongs to no cursor.
    const known = /^[0-9a-f]{32}$/.test(key.epoch);
    const lost = known ? changes.account(key, range) : [range];
    for (const { from, to } of lost)
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
    return lost.length > 0;
  }

  /** All gaps of a gateway, in the order they were told. */
  of(gateway: string): readonly Gap[] {
    return this.#db.sync
      .all(this.#db.kysely.selectFrom("lane_gaps").selectAll().where("gateway", "=", gateway).orderBy("at"))
      .map(({ lane, epoch, from_offset: from, to_offset: to, reason }) => ({ lane, epoch, from, to, reason }));
  }
}
