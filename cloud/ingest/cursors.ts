import type { CompiledQuery, Insertable } from "kysely";
import type { Clock } from "#core/clock.ts";
import type { Lane } from "#core/contracts/lanes.ts";
import { errorCode } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Db } from "../db/database.ts";
import { addRange, missingIn, type Range, sizeOf } from "../db/ranges.ts";
import type { Compilable } from "../db/sync.ts";
import type { IngestFinding, IngestWatch } from "../telemetry-ports.ts";
import type { IngestTables } from "./tables.ts";

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

/** Two findings as one, where the second follows on the first. */
function join(first: IngestFinding, second: IngestFinding): IngestFinding | undefined {
  if (first.kind !== "duplicate" || second.kind !== "duplicate") return undefined;
  const follows = first.lane === second.lane && first.epoch === second.epoch && first.to + 1 === second.from;
  return follows ? { ...first, to: second.to } : undefined;
}

/**
 * The changes of one transaction. Reads show them; memory gets them only when COMMIT has returned, because a cursor that
 * ran ahead of a failed commit would later acknowledge what was never stored.
 */
export class CursorChanges {
  readonly #known: ReadonlyMap<string, Cursor>;
  readonly #now: number;
  readonly changed = new Map<string, Cursor>();
  readonly #findings: { readonly gateway: GatewayId; finding: IngestFinding }[] = [];

  constructor(known: ReadonlyMap<string, Cursor>, now: number) {
    this.#known = known;
    this.#now = now;
  }

  /** The cursor as this transaction sees it. */
  get(key: CursorKey): Cursor | undefined {
    return this.changed.get(keyOf(key)) ?? this.#known.get(keyOf(key));
  }

  /** Takes a note for the watch, which is told once this is committed. What follows on the one before is one with it. */
  found(gateway: GatewayId, finding: IngestFinding): void {
    const last = this.#findings.at(-1);
    const joined = last?.gateway === gateway ? join(last.finding, finding) : undefined;
    if (last !== undefined && joined !== undefined) last.finding = joined;
    else this.#findings.push({ gateway, finding });
  }

  /** Tells what was noted, once. */
  tell(watch: IngestWatch): void {
    for (const { gateway, finding } of this.#findings.splice(0)) watch.found(gateway, finding);
  }

  /** Marks offsets as stored. Gives those that were not before; opens the epoch's cursor where there is none. */
  store(key: CursorKey, range: Range): readonly Range[] {
    const cursor = this.#openFor(key, range.from);
    const { ranges, fresh } = addRange(cursor.covered, range);
    const added = sizeOf(fresh);
    this.#judge(cursor, range, fresh);
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

  /** What it says of a lane that these offsets came now, of which only `fresh` were new. */
  #judge(cursor: Cursor, range: Range, fresh: readonly Range[]): void {
    const { gateway, lane, epoch, upTo, highest, closedAt } = cursor;
    const found = (kind: "duplicate" | "reorder" | "replay", from: number, to: number): void =>
      this.found(gateway, { kind, lane, epoch, from, to });
    if (closedAt !== null) {
      found("replay", range.from, range.to);
      return;
    }
    for (const { from, to } of missingIn(fresh, range)) found("duplicate", from, to);
    // What waited through a cut comes beside what is live, oldest first: it fills the hole from its beginning.
    const [first, last] = [fresh[0], fresh.at(-1)];
    if (first !== undefined && last !== undefined && first.from > upTo + 1 && last.to < highest)
      found("reorder", last.to + 1, highest);
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

/** A transaction of which nobody knows yet whether it was committed. */
interface Unsettled {
  readonly changed: ReadonlyMap<string, Cursor>;
  readonly committed: () => void;
}

function isSame(a: Cursor | undefined, b: Cursor): boolean {
  const shapeOf = ({ from, upTo, covered, highest, stored, duplicates, closedAt }: Cursor): unknown[] => [
    ...[from, upTo, highest, stored, duplicates, closedAt],
    ...covered.map((range) => [range.from, range.to]),
  ];
  return a !== undefined && JSON.stringify(shapeOf(a)) === JSON.stringify(shapeOf(b));
}

/** All cursors: in memory for speed, in `lane_cursors` for ever. */
export class LaneCursors {
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #watch: IngestWatch;
  readonly #upsert: (row: CursorRow) => Compilable<unknown>;
  #cursors: Map<string, Cursor>;
  #unsettled: Unsettled | undefined;

  constructor(db: Db, clock: Clock, watch: IngestWatch) {
    this.#db = db;
    this.#clock = clock;
    this.#watch = watch;
    this.#upsert = upsertOf(db);
    this.#cursors = this.#read();
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

  /**
   * Runs `work` and the moving of the cursors in one transaction; `committed` gets what it gave, once COMMIT has returned. When
   * the answer to COMMIT is lost this throws, and before the next change the database is asked: then `committed` is called if
   * it did happen, because what it stored is not fresh any more when it is offered again.
   * @throws what `work` throws, DB_*
   */
  change<T>(
    work: (changes: CursorChanges) => T extends PromiseLike<unknown> ? never : T,
    committed: (result: T) => void = () => undefined,
  ): T {
    this.#settle();
    const changes = new CursorChanges(this.#cursors, this.#clock.now());
    let told = (): void => {};
    let result: T;
    try {
      result = this.#db.sync.transaction<T>(() => {
        const worked = work(changes);
        for (const cursor of changes.changed.values()) this.#write(cursor);
        told = () => {
          try {
            committed(worked);
          } finally {
            changes.tell(this.#watch);
          }
        };
        return worked;
      });
    } catch (error) {
      if (errorCode(error) === "DB_COMMIT_UNKNOWN") this.#unsettled = { changed: changes.changed, committed: told };
      throw error;
    }
    for (const [key, cursor] of changes.changed) this.#cursors.set(key, cursor);
    told();
    return result;
  }

  /** Finds out what became of a transaction whose COMMIT was not answered. @throws DB_* while that cannot be known */
  #settle(): void {
    if (this.#unsettled === undefined) return;
    const cursors = this.#read();
    const { changed, committed } = this.#unsettled;
    this.#cursors = cursors;
    this.#unsettled = undefined;
    if ([...changed].every(([key, cursor]) => isSame(cursors.get(key), cursor))) committed();
  }

  #read(): Map<string, Cursor> {
    const { kysely, sync } = this.#db;
    const cursors = sync.all(kysely.selectFrom("lane_cursors").selectAll()).map((row): Cursor => {
      const covered = (JSON.parse(row.covered) as [number, number][]).map(([from, to]) => ({ from, to }));
      const gateway = row.gateway as GatewayId;
      const { lane, epoch, up_to: upTo, highest, stored, duplicates } = row;
      const times = { openedAt: row.opened_at, closedAt: row.closed_at };
      return { gateway, lane, epoch, from: row.from_offset, upTo, covered, highest, stored, duplicates, ...times };
    });
    return new Map(cursors.map((cursor) => [keyOf(cursor), cursor]));
  }

  #write(cursor: Cursor): void {
    const { gateway, lane, epoch, openedAt, from, upTo, covered, highest, stored, duplicates, closedAt } = cursor;
    const ranges = JSON.stringify(covered.map((range) => [range.from, range.to]));
    const key = { gateway, lane, epoch, opened_at: openedAt };
    const row = { ...key, from_offset: from, up_to: upTo, covered: ranges, highest, stored, duplicates };
    this.#db.sync.run(this.#upsert({ ...row, closed_at: closedAt }));
  }
}

type CursorRow = Insertable<IngestTables["lane_cursors"]>;

/** The statement that writes a cursor, built once: many are written every time something is stored. */
function upsertOf({ kysely }: Db): (row: CursorRow) => Compilable<unknown> {
  let built: CompiledQuery | undefined;
  return (row) => {
    built ??= kysely
      .insertInto("lane_cursors")
      .values(row)
      .onConflict((conflict) =>
        conflict.columns(["gateway", "lane", "epoch"]).doUpdateSet((e) => ({
          from_offset: e.ref("excluded.from_offset"),
          up_to: e.ref("excluded.up_to"),
          covered: e.ref("excluded.covered"),
          highest: e.ref("excluded.highest"),
          stored: e.ref("excluded.stored"),
          duplicates: e.ref("excluded.duplicates"),
          closed_at: e.ref("excluded.closed_at"),
        })),
      )
      .compile();
    const query = { ...built, parameters: Object.values(row) };
    return { compile: () => query };
  };
}
