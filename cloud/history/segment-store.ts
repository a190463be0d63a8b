import type { DatabaseSync } from "node:sqlite";
import { HubError } from "#core/errors.ts";
import { dbError, openSqlite } from "../db/dialect.ts";
import { addRange, type Range } from "../db/ranges.ts";
import type { Bucket, BucketQuery, HistoryQuery } from "../ports.ts";
import { BucketSet, summarize } from "./buckets.ts";
import { Chunks } from "./chunks.ts";
import { decodeColumns, encodeColumns } from "./codec.ts";
import { Appender, type Columns } from "./columns.ts";
import { MemoryLog } from "./memory-log.ts";
import { RowCollector, type StoredRow } from "./rows.ts";

/** Layout of telemetry.db; PRAGMA user_version. */
const VERSION = 1;
const SCHEMA = `
CREATE TABLE series(id INTEGER PRIMARY KEY, point TEXT NOT NULL UNIQUE);
CREATE TABLE epochs(id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, epoch TEXT NOT NULL, UNIQUE(gateway, epoch));
CREATE TABLE ranges(epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(epoch, first)) WITHOUT ROWID;
CREATE TABLE log(seq INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE chunks(id INTEGER PRIMARY KEY, series INTEGER NOT NULL, t_from INTEGER NOT NULL, t_to INTEGER NOT NULL,
  n INTEGER NOT NULL, usable INTEGER NOT NULL, numeric INTEGER NOT NULL, sum REAL NOT NULL, min REAL, max REAL,
  last_at INTEGER, last TEXT NOT NULL, data BLOB NOT NULL);
CREATE INDEX chunks_time ON chunks(series, t_from, t_to);
PRAGMA user_version=${VERSION};`;

/** The log becomes chunks when it holds so many samples: at least, per series, at most. */
const COMPACT_MIN = 65_536;
const COMPACT_PER_SERIES = 256;
const COMPACT_MAX = 1_000_000;

/** One batch inside packed columns: its rows are `start` to `start + last - first`. */
export interface Span {
  readonly gateway: string;
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
  readonly start: number;
}

interface Epoch {
  readonly id: number;
  readonly gateway: string;
  readonly epoch: string;
  readonly ranges: readonly Range[];
}

function open(file: string): DatabaseSync {
  const db = openSqlite(file);
  const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > VERSION) {
    db.close();
    throw new HubError(
      "HISTORY_NEWER",
      `${file} was written by a newer version of Parkhub (layout ${version}, this one knows ${VERSION})`,
    );
  }
  if (version === 0) db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`);
  return db;
}

/**
 * Telemetry in one SQLite file, synchronous: a compressed columnar log row per commit, then chunks per series. What is
 * stored is known by ranges of offsets in the same transaction, so that a batch offered again is ignored.
 */
export class SegmentStore {
  readonly #db: DatabaseSync;
  readonly #chunks: Chunks;
  readonly #series = new Map<string, number>();
  readonly #epochs = new Map<string, Epoch>();
  readonly #log = new MemoryLog();
  readonly #compactAt: number | undefined;

  /** `compactAt`: log size (samples) at which it becomes chunks, for tests. @throws HISTORY_NEWER, HISTORY_CORRUPT, DB_* */
  constructor(file: string, compactAt?: number) {
    this.#db = open(file);
    this.#compactAt = compactAt;
    this.#chunks = new Chunks(this.#db);
    for (const row of this.#db.prepare("SELECT id, point FROM series").all())
      this.#series.set(String(row["point"]), Number(row["id"]));
    const ranges = this.#db.prepare("SELECT first, last FROM ranges WHERE epoch=? ORDER BY first");
    for (const row of this.#db.prepare("SELECT id, gateway, epoch FROM epochs").all()) {
      const id = Number(row["id"]);
      const epoch = {
        id,
        gateway: String(row["gateway"]),
        epoch: String(row["epoch"]),
        ranges: ranges.all(id).map((range) => ({ from: Number(range["first"]), to: Number(range["last"]) })),
      };
      this.#epochs.set(`${epoch.gateway} ${epoch.epoch}`, epoch);
    }
    for (const row of this.#db.prepare("SELECT seq, data FROM log ORDER BY seq").iterate())
      this.#log.append(decodeColumns(row["data"] as Uint8Array), Number(row["seq"]));
  }

  /** Stores packed batches in one commit; `points[i]` is the name of series number i in `columns`. */
  write(columns: Columns, spans: readonly Span[], points: readonly string[]): { stored: number; duplicates: number } {
    const epochs = new Map<string, Epoch>();
    const series = new Map<string, number>();
    const fresh = new Appender();
    let offered = 0;
    const seq = this.#transaction(() => {
      const ids = points.map((point) => this.#seriesId(point, series));
      for (const span of spans) {
        offered += span.last - span.first + 1;
        this.#writeSpan(span, columns, ids, epochs, fresh);
      }
      if (fresh.columns.length === 0) return 0;
      const insert = this.#db.prepare("INSERT INTO log(n, data) VALUES(?, ?)");
      return Number(insert.run(fresh.columns.length, encodeColumns(fresh.columns, 1)).lastInsertRowid);
    });
    // What is in memory moves only now that COMMIT has returned.
    for (const [key, epoch] of epochs) this.#epochs.set(key, epoch);
    for (const [point, id] of series) this.#series.set(point, id);
    const stored = fresh.columns.length;
    if (stored > 0) this.#log.append(fresh.columns, seq);
    return { stored, duplicates: offered - stored };
  }

  /** Samples of one point in order of time. */
  read(query: HistoryQuery): StoredRow[] {
    const series = this.#series.get(query.point);
    const collector = new RowCollector(query, (id) => this.#epochName(id));
    if (series === undefined) return [];
    // The rows in memory first: then the order of the chunks tells when the limit is reached for good.
    collector.add(this.#log.columns, this.#log.series.get(series) ?? []);
    for (const chunk of this.#chunks.overlapping(series, query.from, query.to)) {
      if (collector.isFullBefore(chunk.from)) break;
      const columns = chunk.columns();
      collector.add(columns, columns.time.subarray(0, columns.length).keys());
    }
    return collector.result();
  }

  /** Summaries of one point per bucket. */
  buckets(query: BucketQuery): Bucket[] {
    const series = this.#series.get(query.point);
    const set = new BucketSet(query);
    if (series === undefined) return [];
    for (const chunk of this.#chunks.overlapping(series, query.from, query.to)) {
      if (set.holdsWhole(chunk.from, chunk.to)) set.addWhole(chunk.from, chunk.summary);
      else summarize(chunk.columns(), set.at);
    }
    summarize(this.#log.columns, set.at, this.#log.series.get(series) ?? []);
    return set.result();
  }

  /** Stored offsets of a gateway. */
  ranges(gateway: string): { epoch: string; from: number; to: number }[] {
    return [...this.#epochs.values()]
      .filter((epoch) => epoch.gateway === gateway)
      .flatMap(({ epoch, ranges }) => ranges.map(({ from, to }) => ({ epoch, from, to })));
  }

  /** Turns the log into chunks when it has grown enough. One transaction: after a crash a sample is in the log or in a chunk, never in both. */
  compactIfDue(): void {
    const due = this.#compactAt ?? Math.min(COMPACT_MAX, Math.max(COMPACT_MIN, this.#series.size * COMPACT_PER_SERIES));
    if (this.#log.length === 0 || this.#log.length < due) return;
    this.#transaction(() => {
      for (const [series, rows] of this.#log.series) this.#chunks.add(series, this.#log.columns, rows);
      this.#db.prepare("DELETE FROM log WHERE seq<=?").run(this.#log.lastSeq);
    });
    this.#log.clear();
  }

  close(): void {
    this.#db.close();
  }

  #writeSpan(span: Span, columns: Columns, ids: readonly number[], epochs: Map<string, Epoch>, fresh: Appender): void {
    const key = `${span.gateway} ${span.epoch}`;
    const epoch = epochs.get(key) ?? this.#epochs.get(key) ?? this.#newEpoch(span);
    const added = addRange(epoch.ranges, { from: span.first, to: span.last });
    epochs.set(key, { ...epoch, ranges: added.ranges });
    if (added.fresh.length === 0) return;
    const remove = this.#db.prepare("DELETE FROM ranges WHERE epoch=? AND first=?");
    for (const range of added.absorbed) remove.run(epoch.id, range.from);
    this.#db
      .prepare("INSERT INTO ranges(epoch, first, last) VALUES(?,?,?)")
      .run(epoch.id, added.merged.from, added.merged.to);
    for (const range of added.fresh)
      for (let offset = range.from; offset <= range.to; offset++) {
        fresh.row(columns, span.start + offset - span.first);
        const at = fresh.columns.length - 1;
        fresh.columns.series[at] = ids[fresh.columns.series[at] ?? 0] ?? 0;
        fresh.columns.epoch[at] = epoch.id;
      }
  }

  #newEpoch({ gateway, epoch }: Span): Epoch {
    const { lastInsertRowid } = this.#db.prepare("INSERT INTO epochs(gateway, epoch) VALUES(?,?)").run(gateway, epoch);
    return { id: Number(lastInsertRowid), gateway, epoch, ranges: [] };
  }

  #seriesId(point: string, added: Map<string, number>): number {
    const known = this.#series.get(point) ?? added.get(point);
    if (known !== undefined) return known;
    const { lastInsertRowid } = this.#db.prepare("INSERT INTO series(point) VALUES(?)").run(point);
    added.set(point, Number(lastInsertRowid));
    return Number(lastInsertRowid);
  }

  #epochName(id: number): string {
    for (const epoch of this.#epochs.values()) if (epoch.id === id) return epoch.epoch;
    return "";
  }

  #transaction<T>(work: () => T): T {
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw dbError(error, "telemetry store");
    }
  }
}
