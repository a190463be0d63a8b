import type { DatabaseSync, StatementSync } from "node:sqlite";
import { dbError } from "../db/dialect.ts";
import type { TelemetryRetention } from "../telemetry-ports.ts";
import { type ChunkRef, ChunkWriter, type DamagedChunk } from "./chunk-store.ts";
import { Compaction, type CompactionSizes } from "./compaction.ts";
import { HOUR_MS } from "./hour-summary.ts";
import { type LogParts, recoverLog, upgradeFromLayout1 } from "./log-recovery.ts";
import type { HeldRows } from "./memory-snapshot.ts";
import { type FreshPart, OffsetRanges } from "./offset-ranges.ts";
import type { SampleRows } from "./sample-rows.ts";
import { openForWriting } from "./schema.ts";
import { HistoryError } from "./store-errors.ts";
import type { StoreNotice, StoreRequest, WrittenColumns } from "./store-messages.ts";
import { SummaryWriter } from "./summary-store.ts";

type WriteRequest = Extract<StoreRequest, { op: "write" }>;

/** Slices of compaction after every write at most, when it does not keep up. */
const MOST_PRESSURE = 6;
/** With so many rows in memory nothing more is taken. */
const FULL_ROWS = 6_291_456;
/** Bytes written since the last checkpoint after which the next one is due. */
const CHECKPOINT_BYTES = 4_194_304;
/** What a commit, a row of it and a slice of compaction add to the write-ahead log, about. */
const COMMIT_BYTES = 24_576;
const ROW_BYTES = 8;
const SLICE_BYTES = 262_144;

/**
 * The telemetry file as its one writer has it, synchronous: a compressed columnar log record per commit, chunks per series,
 * hourly summaries. What is stored is known by ranges of offsets in the same transaction, so that a batch offered again is
 * ignored.
 */
export class TelemetryFile {
  readonly #db: DatabaseSync;
  readonly #notify: (notice: StoreNotice) => void;
  readonly #series = new Map<string, number>();
  /** Series of each point number of this process; 0: not known yet. */
  #seriesOf = new Uint32Array(1024);
  readonly #points: string[] = [];
  readonly #keys = new KeyRoom();
  readonly #ranges: OffsetRanges;
  readonly #chunks: ChunkWriter;
  readonly #summaries: SummaryWriter;
  readonly #compaction: Compaction;
  readonly #insertSeries: StatementSync;
  readonly #fullAt: number;
  #unsaved = 0;
  #rawBefore = -Infinity;

  /** Opens or makes the file. @throws HISTORY_NEWER, DB_* */
  constructor(
    file: string,
    sizes: CompactionSizes & { readonly fullAt?: number },
    notify: (notice: StoreNotice) => void,
  ) {
    const { db, upgrade } = openForWriting(file);
    this.#db = db;
    this.#notify = notify;
    this.#fullAt = sizes.fullAt ?? FULL_ROWS;
    try {
      this.#insertSeries = db.prepare("INSERT INTO series(point) VALUES(?)");
      for (const row of db.prepare("SELECT id, point FROM series").all())
        this.#series.set(String(row["point"]), Number(row["id"]));
      this.#ranges = new OffsetRanges(db);
      this.#chunks = new ChunkWriter(db, (damage) => this.#keepDamaged(damage));
      this.#summaries = new SummaryWriter(
        db,
        (series, hours, each) => this.#chunks.summarize(series, hours, each),
        (day) => this.#tellDamaged(`hourly summaries of ${new Date(day * 24 * HOUR_MS).toISOString()}: made anew`),
      );
      this.#compaction = new Compaction(
        {
          db,
          chunks: this.#chunks,
          summaries: this.#summaries,
          transaction: (work) => this.#transaction(work, "NORMAL"),
          seriesCount: () => this.#series.size,
        },
        sizes,
      );
      this.#rawBefore = Number(db.prepare("SELECT raw_before FROM retention").get()?.["raw_before"] ?? -Infinity);
      const parts: LogParts = {
        db,
        compaction: this.#compaction,
        transaction: (work) => this.#transaction(work, "FULL"),
        onDamaged: (what) => this.#tellDamaged(what),
      };
      if (upgrade === undefined) recoverLog(parts);
      else {
        upgradeFromLayout1(parts);
        this.#notify({ notice: "upgraded", ...upgrade });
      }
    } catch (error) {
      if (db.isOpen) db.close();
      throw dbError(error, `cannot open ${file}`);
    }
  }

  get rawBefore(): number {
    return this.#rawBefore;
  }
  /** Number of a point's series; undefined for one never stored. */
  seriesOf(point: string): number | undefined {
    return this.#series.get(point);
  }
  /** The epoch of a number in rows. */
  epochName(id: number): string {
    return this.#ranges.name(id);
  }
  held(): HeldRows[] {
    return this.#compaction.held();
  }
  ranges(gateway: string): { epoch: string; from: number; to: number }[] {
    return this.#ranges.of(gateway);
  }

  /** Stores rows in one commit. @throws HISTORY_FULL, DB_* */
  write({ columns, spans, points }: WriteRequest): { stored: number; duplicates: number } {
    for (const point of points) this.#points.push(point);
    if (this.#compaction.rows > this.#fullAt)
      throw new HistoryError("HISTORY_FULL", `${this.#compaction.rows} samples wait to be sorted into their series`, {
        retriable: true,
      });
    const offered = spans.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const made: number[] = [];
    let stored = 0;
    try {
      const keep = this.#transaction(() => {
        const { fresh, commit } = this.#ranges.add(spans);
        if (fresh.length === 0) return commit;
        const { series, rows } = this.#rowsOf(columns, fresh, made);
        stored = rows.length;
        const seq = this.#compaction.log(series, rows);
        this.#unsaved += COMMIT_BYTES + rows.length * ROW_BYTES;
        return () => {
          commit();
          this.#compaction.keep(seq, series, rows);
        };
      }, "FULL");
      // What is in memory moves only now that COMMIT has returned.
      keep();
    } catch (error) {
      for (const number of made) {
        this.#series.delete(this.#points[number] ?? "");
        this.#seriesOf[number] = 0;
      }
      throw error;
    }
    return { stored, duplicates: offered - stored };
  }

  /**
   * The new rows of what was written, with their series and keys, until the next write. In the common case nothing is copied.
   */
  #rowsOf(c: WrittenColumns, fresh: readonly FreshPart[], made: number[]): { series: Uint32Array; rows: SampleRows } {
    const length = fresh.reduce((sum, { count }) => sum + count, 0);
    const start = fresh[0]?.start ?? 0;
    let next = start;
    const oneAfterOther = fresh.every((part) => {
      const follows = part.start === next;
      next = part.start + part.count;
      return follows;
    });
    const pick = oneAfterOther ? undefined : rowNumbers(fresh, length);
    const { series, epoch, offset } = this.#keys.take(length);
    let at = 0;
    for (const part of fresh) {
      epoch.fill(part.epoch, at, at + part.count);
      for (let i = 0; i < part.count; i++) offset[at + i] = part.first + i;
      this.#placeSeries(c.point.subarray(part.start, part.start + part.count), series.subarray(at), made);
      at += part.count;
    }
    const end = start + length;
    return {
      series,
      rows: {
        length,
        time: pick === undefined ? c.time.subarray(start, end) : Float64Array.from(pick, (i) => c.time[i] ?? 0),
        source: pick === undefined ? c.source.subarray(start, end) : Float64Array.from(pick, (i) => c.source[i] ?? 0),
        kind: pick === undefined ? c.kind.subarray(start, end) : Uint8Array.from(pick, (i) => c.kind[i] ?? 0),
        number: pick === undefined ? c.number.subarray(start, end) : Float64Array.from(pick, (i) => c.number[i] ?? 0),
        quality: pick === undefined ? c.quality.subarray(start, end) : Uint16Array.from(pick, (i) => c.quality[i] ?? 0),
        epoch,
        offset,
        texts: [...c.texts],
        qualities: [...c.qualities],
      },
    };
  }

  /** The series of point numbers; `made` gets the numbers of those that are new. */
  #placeSeries(points: Uint32Array, series: Uint32Array, made: number[]): void {
    let known = this.#seriesOf;
    for (let i = 0; i < points.length; i++) {
      const point = points[i] ?? 0;
      let id = known[point] ?? 0;
      if (id === 0) {
        id = this.#newSeries(point, made);
        known = this.#seriesOf;
      }
      series[i] = id;
    }
  }

  #newSeries(number: number, made: number[]): number {
    const point = this.#points[number];
    if (point === undefined) throw new RangeError(`point number ${number} of ${this.#points.length}`);
    let id = this.#series.get(point);
    if (id === undefined) {
      id = Number(this.#insertSeries.run(point).lastInsertRowid);
      this.#series.set(point, id);
      made.push(number);
    }
    if (number >= this.#seriesOf.length) {
      const grown = new Uint32Array(Math.max(number + 1, this.#seriesOf.length * 2));
      grown.set(this.#seriesOf);
      this.#seriesOf = grown;
    }
    this.#seriesOf[number] = id;
    return id;
  }

  /** Is there work for the background? */
  get isDue(): boolean {
    return this.#compaction.isDue || this.#unsaved > CHECKPOINT_BYTES;
  }
  /** Slices of that work that must not wait until nobody asks for anything: 0 as long as it keeps up. */
  get pressure(): number {
    return Math.min(MOST_PRESSURE, Math.floor(4 * this.#compaction.pressure));
  }

  /** Does some of the work in the background, in one transaction as long as so many slices. @throws DB_* */
  work(isTimeUp: () => boolean, slices = 1): void {
    if (this.#unsaved > CHECKPOINT_BYTES) {
      this.#checkpoint();
      return;
    }
    this.#compaction.slice(isTimeUp);
    this.#unsaved += slices * SLICE_BYTES;
  }

  /** Brings everything into its final form and drops what is too old. Each step takes until `isTimeUp`. @throws DB_* */
  *maintain(retention: TelemetryRetention, isTimeUp: () => boolean): Generator<undefined> {
    for (const step of this.#nightly(retention, isTimeUp)) {
      this.#unsaved += SLICE_BYTES;
      if (this.#unsaved > CHECKPOINT_BYTES) this.#checkpoint();
      yield step;
    }
    this.#checkpoint();
  }

  *#nightly({ rawBefore, summariesBefore }: TelemetryRetention, isTimeUp: () => boolean): Generator<undefined> {
    while (this.#compaction.isRunning) {
      this.#compaction.slice(isTimeUp);
      yield;
    }
    this.#compaction.begin(true);
    while (this.#compaction.isRunning) {
      this.#compaction.slice(isTimeUp);
      yield;
    }
    let place: { series: number; from: number } | undefined = { series: -1, from: 0 };
    while (place !== undefined) {
      const after: { series: number; from: number } = place;
      place = this.#transaction(() => this.#chunks.joinSmall(after, isTimeUp), "NORMAL");
      yield;
    }
    while (this.#transaction(() => this.#summaries.joinOne(), "NORMAL")) yield;
    yield* this.#drop(rawBefore, Math.min(rawBefore, summariesBefore), isTimeUp);
  }

  *#drop(rawBefore: number, summariesBefore: number, isTimeUp: () => boolean): Generator<undefined> {
    this.#transaction(() => {
      this.#db.prepare("DELETE FROM retention").run();
      this.#db.prepare("INSERT INTO retention(raw_before) VALUES(?)").run(rawBefore);
    }, "FULL");
    this.#rawBefore = rawBefore;
    const all = [...this.#series.values()];
    for (let i = 0; i < all.length; ) {
      this.#transaction(() => {
        do this.#chunks.dropBefore(all[i++] ?? 0, rawBefore);
        while (i < all.length && !isTimeUp());
      }, "NORMAL");
      yield;
    }
    while (this.#transaction(() => this.#summaries.dropSomeBefore(summariesBefore), "NORMAL")) yield;
  }

  /** Moves a chunk that cannot be read out of the way and tells what was lost. @throws DB_* */
  setAside(damage: DamagedChunk): void {
    this.#transaction(() => this.#keepDamaged(damage), "FULL");
  }

  #pointOf(series: number): string {
    for (const [point, id] of this.#series) if (id === series) return point;
    return "";
  }

  /** What a damaged chunk held. */
  describe({ series, from, to, n }: ChunkRef): string {
    return `${n} samples of ${this.#pointOf(series)} from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`;
  }

  #keepDamaged({ chunk }: DamagedChunk): void {
    const what = this.describe(chunk);
    const { changes } = this.#db
      .prepare("INSERT INTO damaged(what, data) SELECT ?, data FROM chunks WHERE id=?")
      .run(what, chunk.id);
    if (Number(changes) === 0) return;
    this.#db.prepare("DELETE FROM chunks WHERE id=?").run(chunk.id);
    this.#tellDamaged(what);
  }

  #tellDamaged(what: string): void {
    this.#notify({ notice: "damaged", what, damaged: this.damaged });
  }

  /** How many things in the file cannot be read any more. */
  get damaged(): number {
    return Number(this.#db.prepare("SELECT count(*) AS n FROM damaged").get()?.["n"]);
  }

  /** Makes the summaries of a day and group of series anew out of the samples. @throws DB_* */
  rebuildSummaries(day: number, group: number): void {
    this.#transaction(() => this.#summaries.rebuild(day, group), "FULL");
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  /** Never waits for a reader: those are of this very thread. */
  #checkpoint(): void {
    this.#unsaved = 0;
    try {
      this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    } catch (error) {
      throw dbError(error, "telemetry store");
    }
  }

  /** `NORMAL`: what is written need not be on disk yet when it returns; a commit that must be brings it along. */
  #transaction<T>(work: () => T, synchronous: "FULL" | "NORMAL"): T {
    // An upgrade is one transaction as a whole.
    if (this.#db.isTransaction) return work();
    try {
      this.#db.exec(`PRAGMA synchronous=${synchronous}; BEGIN IMMEDIATE`);
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw dbError(error, "telemetry store");
    }
  }
}

/** Memory for the series and keys of the rows of one write, used again for the next one. */
class KeyRoom {
  #series = new Uint32Array(0);
  #epoch = new Uint32Array(0);
  #offset = new Float64Array(0);
  take(rows: number): { series: Uint32Array; epoch: Uint32Array; offset: Float64Array } {
    if (rows > this.#series.length) {
      this.#series = new Uint32Array(2 * rows);
      this.#epoch = new Uint32Array(2 * rows);
      this.#offset = new Float64Array(2 * rows);
    }
    return {
      series: this.#series.subarray(0, rows),
      epoch: this.#epoch.subarray(0, rows),
      offset: this.#offset.subarray(0, rows),
    };
  }
}

function rowNumbers(fresh: readonly FreshPart[], length: number): Uint32Array {
  const numbers = new Uint32Array(length);
  let at = 0;
  for (const { start, count } of fresh) for (let i = 0; i < count; i++) numbers[at++] = start + i;
  return numbers;
}
