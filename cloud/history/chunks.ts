import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { newSummary, type Summary, summarize } from "./buckets.ts";
import { decodeColumns, encodeColumns } from "./codec.ts";
import { Appender, type Columns } from "./columns.ts";

/** A chunk holds at most so many samples of one series ... */
const CHUNK_SAMPLES = 1024;
/** ... and no more than so much time, so that a query knows how far back a chunk may begin. */
const CHUNK_SPAN_MS = 31 * 24 * 3600 * 1000;
/** The newest chunk of a series is rewritten together with what follows while it is smaller than this. */
const SMALL_CHUNK = 512;

/** One chunk as listed: what it covers and its summary; its samples come with `columns`. */
export interface Chunk {
  readonly from: number;
  readonly to: number;
  readonly summary: Summary;
  columns(): Columns;
}

type Row = Record<string, SQLOutputValue>;

function summaryOf(row: Row): Summary {
  const lastAt = row["last_at"];
  return {
    count: Number(row["usable"]),
    numeric: Number(row["numeric"]),
    sum: Number(row["sum"]),
    min: Number(row["min"] ?? Infinity),
    max: Number(row["max"] ?? -Infinity),
    lastAt: lastAt === null ? -Infinity : Number(lastAt),
    last: JSON.parse(String(row["last"])),
  };
}

/** Rows of `columns` in order of time, then of arrival. */
function byTime(columns: Columns, rows: Iterable<number>): number[] {
  return [...rows].sort(
    (a, b) => (columns.time[a] ?? 0) - (columns.time[b] ?? 0) || (columns.offset[a] ?? 0) - (columns.offset[b] ?? 0),
  );
}

/** Compressed samples of one series each, with their summaries. Every change runs in the caller's transaction. */
export class Chunks {
  readonly #insert: StatementSync;
  readonly #newest: StatementSync;
  readonly #remove: StatementSync;
  readonly #overlapping: StatementSync;
  readonly #data: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      "INSERT INTO chunks(series,t_from,t_to,n,usable,numeric,sum,min,max,last_at,last,data) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
    );
    this.#newest = db.prepare("SELECT id, n FROM chunks WHERE series=? ORDER BY t_from DESC LIMIT 1");
    this.#remove = db.prepare("DELETE FROM chunks WHERE id=?");
    this.#overlapping = db.prepare(
      "SELECT id,t_from,t_to,usable,numeric,sum,min,max,last_at,last FROM chunks WHERE series=? AND t_from>=? AND t_from<? AND t_to>=? ORDER BY t_from",
    );
    this.#data = db.prepare("SELECT data FROM chunks WHERE id=?");
  }

  /** Stores these rows of one series, together with its newest chunk when that is small. */
  add(series: number, columns: Columns, rows: readonly number[]): void {
    const newest = this.#newest.get(series);
    if (newest === undefined || Number(newest["n"]) >= SMALL_CHUNK) {
      this.#store(series, columns, byTime(columns, rows));
      return;
    }
    const id = Number(newest["id"]);
    const joined = new Appender(this.#read(id));
    for (const row of rows) joined.row(columns, row);
    this.#remove.run(id);
    this.#store(series, joined.columns, byTime(joined.columns, Array(joined.columns.length).keys()));
  }

  /** The chunks that may hold samples in [from, to), in order of their beginning. */
  *overlapping(series: number, from: number, to: number): Generator<Chunk> {
    for (const row of this.#overlapping.all(series, from - CHUNK_SPAN_MS, to, from)) {
      const id = Number(row["id"]);
      yield {
        from: Number(row["t_from"]),
        to: Number(row["t_to"]),
        summary: summaryOf(row),
        columns: () => this.#read(id),
      };
    }
  }

  #read(id: number): Columns {
    return decodeColumns(this.#data.get(id)?.["data"] as Uint8Array);
  }

  #store(series: number, columns: Columns, sorted: readonly number[]): void {
    let part = new Appender();
    const flush = (): void => {
      if (part.columns.length > 0) this.#write(series, part.columns);
      part = new Appender();
    };
    for (const row of sorted) {
      const { columns: c } = part;
      const begin = c.time[0] ?? 0;
      if (c.length >= CHUNK_SAMPLES || (c.length > 0 && (columns.time[row] ?? 0) - begin > CHUNK_SPAN_MS)) flush();
      part.row(columns, row);
    }
    flush();
  }

  #write(series: number, c: Columns): void {
    const s = newSummary();
    summarize(c, () => s);
    const numeric = s.numeric > 0;
    this.#insert.run(
      series,
      c.time[0] ?? 0,
      c.time[c.length - 1] ?? 0,
      c.length,
      s.count,
      s.numeric,
      s.sum,
      numeric ? s.min : null,
      numeric ? s.max : null,
      s.count > 0 ? s.lastAt : null,
      JSON.stringify(s.last),
      encodeColumns(c, 3),
    );
  }
}
