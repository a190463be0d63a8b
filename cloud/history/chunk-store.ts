import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { errorCode, HubError } from "#core/errors.ts";
import { KIND } from "#core/model/sample-columns.ts";
import { decodeChunk, encodeChunk } from "./chunk-codec.ts";
import { HOUR_MS, type HourSummary, summarizeHours } from "./hour-summary.ts";
import { PagePacker } from "./page-packer.ts";
import { compareKeys, lowerBound, mergeRows, type SampleRows, sliceRows, usableQualities } from "./sample-rows.ts";

/** A chunk holds at most so many samples of one series. */
const CHUNK_SAMPLES = 1280;
/** A chunk with less is joined to its neighbour at night. The index chunks_small knows this number. */
export const SMALL_CHUNK = 512;
/** So many late samples at most are sorted into one chunk at a time. */
const LATE_AT_ONCE = 4096;

/** Where a chunk is and what it covers: times of the first and the last sample, Unix ms. */
export interface ChunkRef {
  readonly id: number;
  readonly series: number;
  readonly from: number;
  readonly to: number;
  readonly n: number;
}

/** A chunk that cannot be read. */
export class DamagedChunk extends HubError {
  readonly chunk: ChunkRef;
  constructor(chunk: ChunkRef, cause: unknown) {
    super(
      "HISTORY_CORRUPT",
      `${chunk.n} samples from ${new Date(chunk.from).toISOString()} to ${new Date(chunk.to).toISOString()} cannot be read any more`,
      { cause },
    );
    this.chunk = chunk;
  }
}

type Row = Record<string, SQLOutputValue>;
const COLUMNS = "id, series, t_from, t_to, n";

function refOf(row: Row): ChunkRef {
  return {
    id: Number(row["id"]),
    series: Number(row["series"]),
    from: Number(row["t_from"]),
    to: Number(row["t_to"]),
    n: Number(row["n"]),
  };
}

/** Reads chunks. */
export class ChunkReader {
  readonly #before: StatementSync;
  readonly #numbersBefore: StatementSync;
  readonly #within: StatementSync;
  readonly #data: StatementSync;

  constructor(db: DatabaseSync) {
    const select = `SELECT ${COLUMNS} FROM chunks WHERE series=?`;
    this.#before = db.prepare(`${select} AND t_from<=? ORDER BY t_from DESC LIMIT 1`);
    this.#numbersBefore = db.prepare(`${select} AND t_from<? AND numbers>0 ORDER BY t_from DESC LIMIT 1`);
    this.#within = db.prepare(`${select} AND t_from>? AND t_from<? ORDER BY t_from`);
    this.#data = db.prepare("SELECT data FROM chunks WHERE id=?");
  }

  /** The chunk that begins last, at or before a time. */
  atOrBefore(series: number, time: number): ChunkRef | undefined {
    const row = this.#before.get(series, time);
    return row === undefined ? undefined : refOf(row);
  }

  /** The chunk that begins last before a time and has a usable number. */
  withNumbersBefore(series: number, time: number): ChunkRef | undefined {
    const row = this.#numbersBefore.get(series, time);
    return row === undefined ? undefined : refOf(row);
  }

  /** The chunks that hold samples in [from, to), or may, in order of time. */
  overlapping(series: number, from: number, to: number): ChunkRef[] {
    const first = this.atOrBefore(series, from);
    const rest = this.#within.all(series, from, to).map(refOf);
    return first === undefined || first.to < from ? rest : [first, ...rest];
  }

  /** The rows of a chunk; without their keys where `keys` is false. @throws DamagedChunk */
  rows(chunk: ChunkRef, keys = true): SampleRows {
    const data = this.#data.get(chunk.id)?.["data"];
    try {
      return decodeChunk(data as Uint8Array, keys);
    } catch (error) {
      throw errorCode(error) === "HISTORY_CORRUPT" ? new DamagedChunk(chunk, error) : error;
    }
  }
}

function countNumbers(rows: SampleRows): number {
  const usable = usableQualities(rows.qualities);
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const kind = rows.kind[i];
    if (kind !== KIND.null && kind !== KIND.text && usable[rows.quality[i] ?? 0] === 1) count++;
  }
  return count;
}

/** Is every row of `late` there already, under an older key? */
function isKnown(rows: SampleRows, late: SampleRows): boolean {
  for (let i = 0; i < late.length; i++) {
    const at = lowerBound(rows, late.time[i] ?? 0);
    if (at >= rows.length || rows.time[at] !== late.time[i] || compareKeys(rows, at, late, i) > 0) return false;
  }
  return true;
}

/** A chunk on its way into the table. */
interface NewChunk {
  readonly series: number;
  readonly from: number;
  readonly to: number;
  readonly n: number;
  readonly numbers: number;
  readonly data: Uint8Array;
}

/** Writes chunks. Every change runs in the caller's transaction; chunks of one series never overlap. */
export class ChunkWriter {
  readonly reader: ChunkReader;
  readonly #setAside: (damage: DamagedChunk) => void;
  readonly #packer: PagePacker<NewChunk>;
  /** Made and not written yet: they are written in an order that fills the pages. */
  #made: NewChunk[] = [];
  /** What `newestTime` has given by series; NaN: not asked yet. Chunks that go away leave it too late, which is allowed. */
  #newestTimes = new Float64Array(1024).fill(Number.NaN);
  readonly #insert: StatementSync;
  readonly #newest: StatementSync;
  readonly #after: StatementSync;
  readonly #remove: StatementSync;
  readonly #small: StatementSync;
  readonly #old: StatementSync;

  /** `setAside` moves a chunk that cannot be read out of the way. */
  constructor(db: DatabaseSync, setAside: (damage: DamagedChunk) => void) {
    this.reader = new ChunkReader(db);
    this.#setAside = setAside;
    this.#packer = new PagePacker(Number(db.prepare("PRAGMA page_size").get()?.["page_size"]));
    this.#insert = db.prepare("INSERT INTO chunks(series,t_from,t_to,n,numbers,data) VALUES(?,?,?,?,?,?)");
    this.#newest = db.prepare(`SELECT ${COLUMNS} FROM chunks WHERE series=? ORDER BY t_from DESC LIMIT 1`);
    this.#after = db.prepare(`SELECT ${COLUMNS} FROM chunks WHERE series=? AND t_from>? ORDER BY t_from LIMIT 1`);
    this.#remove = db.prepare("DELETE FROM chunks WHERE id=?");
    this.#small = db.prepare(
      `SELECT ${COLUMNS} FROM chunks WHERE n < ${SMALL_CHUNK} AND (series, t_from) > (?, ?) ORDER BY series, t_from LIMIT ?`,
    );
    this.#old = db.prepare("DELETE FROM chunks WHERE series=? AND t_from<? AND t_to<?");
  }

  /** A time at or after that of the newest sample in a chunk; -Infinity when there is none. */
  newestTime(series: number): number {
    const known = this.#newestTimes[series] ?? Number.NaN;
    if (!Number.isNaN(known)) return known;
    const row = this.#newest.get(series);
    const time = row === undefined ? -Infinity : refOf(row).to;
    if (series >= this.#newestTimes.length) {
      const grown = new Float64Array(Math.max(series + 1, this.#newestTimes.length * 2)).fill(Number.NaN);
      grown.set(this.#newestTimes);
      this.#newestTimes = grown;
    }
    this.#newestTimes[series] = time;
    return time;
  }

  /** Makes chunks of even length of rows of which no chunk covers the time. They are there after `flush`. */
  insert(series: number, rows: SampleRows): void {
    const parts = Math.ceil(rows.length / CHUNK_SAMPLES);
    for (let part = 0; part < parts; part++) {
      const from = Math.floor((part * rows.length) / parts);
      const to = Math.floor(((part + 1) * rows.length) / parts);
      const piece = parts === 1 ? rows : sliceRows(rows, from, to);
      const last = piece.time[piece.length - 1] ?? 0;
      if (last > (this.#newestTimes[series] ?? Infinity)) this.#newestTimes[series] = last;
      this.#made.push({
        series,
        from: piece.time[0] ?? 0,
        to: last,
        n: piece.length,
        numbers: countNumbers(piece),
        data: encodeChunk(piece).slice(),
      });
    }
  }

  /** Writes the chunks that were made. */
  flush(): void {
    for (const { series, from, to, n, numbers, data } of this.#packer.order(this.#made))
      this.#insert.run(series, from, to, n, numbers, data);
    this.#made = [];
  }

  /** Forgets the chunks that were made: they were not written, or what was written was taken back. */
  discard(): void {
    this.#made = [];
    this.#newestTimes.fill(Number.NaN);
  }

  /**
   * Sorts rows into the chunks they belong to, until `isTimeUp` (but some in any case). Gives how many were taken, from the
   * front, and the hours they changed.
   */
  mergeLate(series: number, late: SampleRows, isTimeUp: () => boolean): { taken: number; hours: Set<number> } {
    this.flush();
    const hours = new Set<number>();
    let at = 0;
    while (at < late.length && (at === 0 || !isTimeUp())) {
      const end = this.#mergeGroup(series, late, at, hours);
      at = end;
    }
    return { taken: at, hours };
  }

  #mergeGroup(series: number, late: SampleRows, at: number, hours: Set<number>): number {
    const time = late.time[at] ?? 0;
    const chunk = this.reader.atOrBefore(series, time) ?? this.#refAfter(series, time);
    const next = chunk && this.#refAfter(series, chunk.from);
    const end = Math.min(next === undefined ? late.length : lowerBound(late, next.from), at + LATE_AT_ONCE);
    const group = sliceRows(late, at, end);
    const rows = chunk && this.#readOrSetAside(chunk);
    if (chunk !== undefined && rows !== undefined) {
      if (isKnown(rows, group)) return end;
      this.#remove.run(chunk.id);
    }
    this.insert(series, rows === undefined ? group : mergeRows(rows, group));
    this.flush();
    for (let i = 0; i < group.length; i++) hours.add(Math.floor((group.time[i] ?? 0) / HOUR_MS));
    return end;
  }

  #refAfter(series: number, time: number): ChunkRef | undefined {
    const row = this.#after.get(series, time);
    return row === undefined ? undefined : refOf(row);
  }

  #readOrSetAside(chunk: ChunkRef): SampleRows | undefined {
    try {
      return this.reader.rows(chunk);
    } catch (error) {
      if (!(error instanceof DamagedChunk)) throw error;
      this.#setAside(error);
      return undefined;
    }
  }

  /** Summaries of whole hours out of what the chunks hold now. */
  summarize(series: number, hours: ReadonlySet<number>, each: (summary: HourSummary) => void): void {
    this.flush();
    const sorted = [...hours].sort((a, b) => a - b);
    for (let i = 0; i < sorted.length; ) {
      const first = sorted[i] ?? 0;
      let last = first;
      while (sorted[++i] === last + 1) last++;
      const from = first * HOUR_MS;
      const to = (last + 1) * HOUR_MS;
      const all = this.reader
        .overlapping(series, from, to)
        .map((chunk) => this.#readOrSetAside(chunk))
        .reduce(
          (a: SampleRows | undefined, b) => (a === undefined || b === undefined ? (a ?? b) : mergeRows(a, b)),
          undefined,
        );
      if (all !== undefined) summarizeHours(all, lowerBound(all, from), lowerBound(all, to), each);
    }
  }

  /**
   * Joins small chunks of a series that lie side by side, beginning after the place given. Gives the place to go on from;
   * undefined at the end.
   */
  joinSmall(
    after: { series: number; from: number },
    isTimeUp: () => boolean,
  ): { series: number; from: number } | undefined {
    try {
      let place: { series: number; from: number } | undefined = after;
      do place = this.#joinOneRun(place);
      while (place !== undefined && !isTimeUp());
      this.flush();
      return place;
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  #joinOneRun(place: { series: number; from: number }): { series: number; from: number } | undefined {
    const refs = this.#small.all(place.series, place.from, 64).map(refOf);
    const first = refs[0];
    if (first === undefined) return undefined;
    const run = this.#runOf(refs);
    if (run.length < 2) return { series: first.series, from: first.from };
    this.#join(run);
    const whole = run.reduce((sum, { n }) => sum + n, 0);
    if (whole >= SMALL_CHUNK) return { series: first.series, from: run.at(-1)?.from ?? first.from };
    // What was joined is still small: it is looked at again as the first of the next run.
    this.flush();
    return { series: first.series, from: first.from - 1 };
  }

  /** The first chunks of a list that follow each other without another one between, and go into one chunk. */
  #runOf(refs: readonly ChunkRef[]): ChunkRef[] {
    const run: ChunkRef[] = [];
    let total = 0;
    for (const ref of refs) {
      const last = run.at(-1);
      if (last !== undefined && (ref.series !== last.series || this.#refAfter(last.series, last.from)?.id !== ref.id))
        break;
      total += ref.n;
      if (total > CHUNK_SAMPLES) break;
      run.push(ref);
    }
    return run;
  }

  #join(run: readonly ChunkRef[]): void {
    let all: SampleRows | undefined;
    for (const chunk of run) {
      const rows = this.#readOrSetAside(chunk);
      if (rows === undefined) continue;
      this.#remove.run(chunk.id);
      all = all === undefined ? rows : mergeRows(all, rows);
    }
    if (all !== undefined) this.insert(run[0]?.series ?? 0, all);
  }

  /** Drops the chunks of a series that have nothing from `before` on. */
  dropBefore(series: number, before: number): number {
    return Number(this.#old.run(series, before, before).changes);
  }
}
