import type { Clock } from "#core/clock.ts";
import type { Lane } from "#core/contracts/lanes.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Db } from "../db/database.ts";
import { addRange, type Range, sizeOf } from "../db/ranges.ts";

/** Which cursor: a lane of a gateway in one epoch of its outbox. */
export interface CursorKey {
  readonly gateway: GatewayId;
  readonly lane: Lane;
  readonly epoch: string;
}

/** Where a lane stands in an epoch. `upTo` is what may be acknowledged. */
export interface Cursor extends CursorKey {
  /** First offset that counts; what lies below was never offered here. */
  readonly from: number;
  readonly upTo: number;
  readonly covered: readonly Range[];
  readonly highest: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly openedAt: number;
  readonly closedAt: number | null;
}

const keyOf = ({ gateway, lane, epoch }: CursorKey): string => `${gateway} ${lane} ${epoch}`;

/** Highest offset without a hole after `upTo`. */
function endOf(covered: readonly Range[], upTo: number): number {
  return covered.find(({ from, to }) => from <= upTo + 1 && to > upTo)?.to ?? upTo;
}

/**
 * The changes of one transaction. Reads show them; memory gets them only when COMMIT has returned, because a cursor that
 * ran ahead of a failed commit would later acknowledge what was never stored.
 */
export class CursorChanges {
  readonly #known: ReadonlyMap<string, Cursor>;
  readonly #now: number;
  readonly changed = new Map<string, Cursor>();

  constructor(known: ReadonlyMap<string, Cursor>, now: number) {
    this.#known = known;
    this.#now = now;
  }

  /** The cursor as this transaction sees it. */
  get(key: CursorKey): Cursor | undefined {
    return this.changed.get(keyOf(key)) ?? this.#known.get(keyOf(key));
  }

  /** Marks offsets as stored. Gives those that were not before; opens the epoch's cursor where there is none. */
  store(key: CursorKey, range: Range): readonly Range[] {
    const cursor = this.#openFor(key, range.from);
    const { ranges, fresh } = addRange(cursor.covered, range);
    const added = sizeOf(fresh);
    this.#put({
      ...cursor,
      from: Math.min(cursor.from, range.from),
      covered: ranges,
      upTo: endOf(ranges, cursor.upTo),
      highest: Math.max(cursor.highest, range.to),
      stored: cursor.stored + added,
      duplicates: cursor.duplicates + range.to - range.from + 1 - added,
    });
    return fresh;
  }

  /** Marks offsets as never to come: they hold no acknowledgement up any more. Gives those that were still missing. */
  account(key: CursorKey, range: Range): readonly Range[] {
    const cursor = this.#openFor(key, range.from);
    const { ranges, fresh } = addRange(cursor.covered, range);
    this.#put({
      ...cursor,
      covered: ranges,
      upTo: endOf(ranges, cursor.upTo),
      highest: Math.max(cursor.highest, range.to),
    });
    return fresh;
  }

  /** An epoch of which nothing is here yet begins with this offset: what lies below was never meant for this cloud. */
  beginAt(key: CursorKey, first: number): void {
    const cursor = this.#openFor(key, first);
    this.#put({ ...cursor, from: first, upTo: endOf(cursor.covered, first - 1) });
  }

  #openFor(key: CursorKey, first: number): Cursor {
    const known = this.get(key);
    if (known !== undefined) return known;
    for (const other of [...this.#known.values(), ...this.changed.values()])
      if (other.gateway === key.gateway && other.lane === key.lane && other.closedAt === null)
        this.#put({ ...(this.get(other) ?? other), closedAt: this.#now });
    // Our gateways count from 1, so that an acknowledgement of 0 says "nothing yet".
    const from = first === 0 ? 0 : 1;
    const { gateway, lane, epoch } = key;
    const empty = { covered: [], highest: from - 1, stored: 0, duplicates: 0, openedAt: this.#now, closedAt: null };
    return { gateway, lane, epoch, from, upTo: from - 1, ...empty };
  }

  #put(cursor: Cursor): void {
    this.changed.set(keyOf(cursor), cursor);
  }
}

/** All cursors: in memory for speed, in `lane_cursors` for ever. */
export class LaneCursors {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #cursors = new Map<string, Cursor>();

  constructor(db: Db, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    for (const row of db.sync.all(db.kysely.selectFrom("lane_cursors").selectAll())) {
      const covered = (JSON.parse(row.covered) as [number, number][]).map(([from, to]) => ({ from, to }));
      const gateway = row.gateway as GatewayId;
      const { lane, epoch, highest, stored, duplicates } = row;
      const times = { openedAt: row.opened_at, closedAt: row.closed_at };
      const cursor = {
        gateway,
        lane,
        epoch,
        from: row.from_offset,
        upTo: row.up_to,
        covered,
        highest,
        stored,
        duplicates,
        ...times,
      };
      this.#cursors.set(keyOf(cursor), cursor);
    }
  }

  /** The cursor of one epoch. */
  get(key: CursorKey): Cursor | undefined {
    return this.#cursors.get(keyOf(key));
  }

  /** All epochs of a gateway, every lane, oldest first. */
  of(gateway: string): readonly Cursor[] {
    return [...this.#cursors.values()]
      .filter((cursor) => cursor.gateway === gateway)
      .sort((a, b) => a.openedAt - b.openedAt);
  }

  /** The epoch in use of a lane. */
  current(gateway: string, lane: Lane): Cursor | undefined {
    return this.of(gateway).findLast((cursor) => cursor.lane === lane && cursor.closedAt === null);
  }

  /** Runs `work` and the moving of the cursors in one transaction. @throws what `work` throws, DB_* */
  change<T>(work: (changes: CursorChanges) => T extends PromiseLike<unknown> ? never : T): T {
    const changes = new CursorChanges(this.#cursors, this.#clock.now());
    const result = this.#db.sync.transaction<T>(() => {
      const worked = work(changes);
      for (const cursor of changes.changed.values()) this.#write(cursor);
      return worked;
    });
    for (const [key, cursor] of changes.changed) this.#cursors.set(key, cursor);
    return result;
  }

  #write(cursor: Cursor): void {
    const moving = {
      from_offset: cursor.from,
      up_to: cursor.upTo,
      covered: JSON.stringify(cursor.covered.map(({ from, to }) => [from, to])),
      highest: cursor.highest,
      stored: cursor.stored,
      duplicates: cursor.duplicates,
      closed_at: cursor.closedAt,
    };
    const { gateway, lane, epoch, openedAt } = cursor;
    this.#db.sync.run(
      this.#db.kysely
        .insertInto("lane_cursors")
        .values({ gateway, lane, epoch, opened_at: openedAt, ...moving })
        .onConflict((conflict) => conflict.columns(["gateway", "lane", "epoch"]).doUpdateSet(moving)),
    );
  }
}
