import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ChunkWriter } from "./chunk-store.ts";
import { summarizeHours } from "./hour-summary.ts";
import { encodeLog } from "./log-codec.ts";
import { gatherRows, MemoryBlock, type SortedRows, sortBySeries } from "./memory-block.ts";
import type { HeldRows } from "./memory-snapshot.ts";
import { lowerBound, RowAppender, type SampleRows, sliceRows } from "./sample-rows.ts";
import type { SummaryWriter } from "./summary-store.ts";

/** The log is turned into chunks after so many new rows: for each series, but at least, and at most. */
const DUE_PER_SERIES = 640;
const DUE_LEAST = 65_536;
const DUE_MOST = 1_048_576;
/** Rows of a series that are worth a chunk; fewer stay in the log until there are more, or until night. */
const CHUNK_FROM = 1024;
/** No more rows than this are left in the log for that reason. */
const CARRY_MOST = 1_048_576;
/** A slice takes so many series, a few milliseconds, in any case: with fewer their chunks fill no pages. */
const SERIES_LEAST = 24;
/** So many records of the log are deleted in one slice. */
const DELETE_AT_ONCE = 64;

/** The rows that are being turned into chunks, series by series. */
interface Frozen {
  readonly block: MemoryBlock;
  readonly sorted: SortedRows;
  /** Last record of the log that the block holds. */
  readonly upto: number;
  /** Fewer rows of a series than this stay in the log. */
  readonly chunkFrom: number;
  /** Next place in `sorted.series`. */
  next: number;
  /** Series up to this one are through; 0 before the first. */
  done: number;
}

/** What compaction works with; `transaction` runs work in one that need not be on disk when it returns. */
export interface CompactionParts {
  readonly db: DatabaseSync;
  readonly chunks: ChunkWriter;
  readonly summaries: SummaryWriter;
  readonly transaction: <T>(work: () => T) => T;
  readonly seriesCount: () => number;
}

/** Sizes for tests. */
export interface CompactionSizes {
  readonly compactAt?: number;
  readonly chunkAt?: number;
}

/**
 * Turns the log into chunks and summaries in small slices. Each slice is one transaction: the chunks and summaries of some
 * series, what of theirs stays in the log as a new record, and how far it has come. So after a crash every sample is in the log
 * or in a chunk, never in both nor in neither.
 */
export class Compaction {
  readonly #parts: CompactionParts;
  readonly #sizes: CompactionSizes;
  #active = new MemoryBlock();
  /** Rows of the active block that were new, not left over from the compaction before. */
  #fresh = 0;
  #frozen: Frozen | undefined;
  #lastSeq = 0;
  readonly #insertLog: StatementSync;
  readonly #deleteLog: StatementSync;
  readonly #setProgress: StatementSync;
  readonly #clearProgress: StatementSync;

  constructor(parts: CompactionParts, sizes: CompactionSizes) {
    this.#parts = parts;
    this.#sizes = sizes;
    const { db } = parts;
    this.#insertLog = db.prepare("INSERT INTO log(seq, n, data) VALUES(?, ?, ?)");
    this.#deleteLog = db.prepare(
      "DELETE FROM log WHERE seq IN (SELECT seq FROM log WHERE seq<=? ORDER BY seq LIMIT ?)",
    );
    this.#setProgress = db.prepare("INSERT INTO progress(upto, done) VALUES(?, ?)");
    this.#clearProgress = db.prepare("DELETE FROM progress");
  }

  /** Rows in memory. */
  get rows(): number {
    const { block, sorted, next } = this.#frozen ?? {};
    return this.#active.length + (block?.length ?? 0) - (sorted?.starts[next ?? 0] ?? 0);
  }

  /** Is there something to do? */
  get isDue(): boolean {
    return this.#frozen !== undefined || this.#fresh >= this.#dueAt();
  }

  #dueAt(): number {
    const most = Math.max(DUE_LEAST, this.#parts.seriesCount() * DUE_PER_SERIES);
    return this.#sizes.compactAt ?? Math.min(DUE_MOST, most);
  }

  /** What is in memory, for readers. */
  held(): HeldRows[] {
    const { rows, series, length } = this.#active;
    const held: HeldRows[] = [{ rows: { ...rows }, series, length }];
    if (this.#frozen !== undefined) {
      const { block, sorted, done } = this.#frozen;
      held.push({ rows: block.rows, series: block.series, length: block.length, sorted, done });
    }
    return held;
  }

  /** Writes rows into the log; in the caller's transaction. `keep` them when it has committed. */
  log(series: Uint32Array, rows: SampleRows): number {
    // Numbered here, not by the table: a number must not come again while `progress` tells of it.
    const seq = this.#lastSeq + 1;
    this.#insertLog.run(seq, rows.length, encodeLog(series, rows));
    return seq;
  }

  /** Takes logged rows into memory. `fresh`: they count for when the next compaction is due. */
  keep(seq: number, series: Uint32Array, rows: SampleRows, fresh = true): void {
    this.#active.append(series, rows);
    if (fresh) this.#fresh += rows.length;
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  /** Begins to turn everything that is in memory now into chunks; `all`: however few of a series. Only when nothing is under way. */
  begin(all = false): void {
    if (this.#frozen !== undefined || this.#active.length === 0) return;
    const block = this.#active;
    const sorted = sortBySeries(block.series, block.length);
    const chunkFrom = all ? 1 : this.#chunkFrom(sorted);
    this.#frozen = { block, sorted, upto: this.#lastSeq, chunkFrom, next: 0, done: 0 };
    this.#active = new MemoryBlock();
    this.#fresh = 0;
  }

  /** As few rows as are worth a chunk while what stays in the log is bounded. */
  #chunkFrom({ series, starts }: SortedRows): number {
    let from = this.#sizes.chunkAt ?? CHUNK_FROM;
    for (;;) {
      let carried = 0;
      for (let i = 0; i < series.length; i++) {
        const count = (starts[i + 1] ?? 0) - (starts[i] ?? 0);
        if (count < from) carried += count;
      }
      if (carried <= CARRY_MOST || from <= 1) return from;
      from >>= 1;
    }
  }

  /** Is a compaction under way? */
  get isRunning(): boolean {
    return this.#frozen !== undefined;
  }

  /**
   * Does some of it, until `isTimeUp`. On an error nothing has changed and it may be tried again.
   * @throws DB_*
   */
  slice(isTimeUp: () => boolean): void {
    if (this.#frozen === undefined) this.begin();
    const frozen = this.#frozen;
    if (frozen === undefined) return;
    if (frozen.next < frozen.sorted.series.length) this.#convert(frozen, isTimeUp);
    else this.#trim(frozen);
  }

  #convert(frozen: Frozen, isTimeUp: () => boolean): void {
    const { chunks, summaries, transaction } = this.#parts;
    const carried = new RowAppender(16);
    const carriedSeries: number[] = [];
    let { next } = frozen;
    let seq = 0;
    try {
      seq = transaction(() => {
        do {
          const left = this.#convertSeries(frozen, next, isTimeUp);
          for (let i = 0; i < left.length; i++) {
            carried.add(left, i);
            carriedSeries.push(frozen.sorted.series[next] ?? 0);
          }
          next++;
        } while (next < frozen.sorted.series.length && (next - frozen.next < SERIES_LEAST || !isTimeUp()));
        chunks.flush();
        summaries.flush();
        this.#clearProgress.run();
        this.#setProgress.run(frozen.upto, frozen.sorted.series[next - 1] ?? 0);
        return carriedSeries.length === 0 ? 0 : this.log(Uint32Array.from(carriedSeries), trimmed(carried.rows));
      });
    } catch (error) {
      chunks.discard();
      summaries.discard();
      throw error;
    }
    frozen.next = next;
    frozen.done = frozen.sorted.series[next - 1] ?? 0;
    if (seq > 0) this.keep(seq, Uint32Array.from(carriedSeries), trimmed(carried.rows), false);
  }

  /** Turns one series into chunks and gives the rows that stay in the log. */
  #convertSeries(frozen: Frozen, place: number, isTimeUp: () => boolean): SampleRows {
    const { chunks, summaries } = this.#parts;
    const { series: ids, starts, order } = frozen.sorted;
    const series = ids[place] ?? 0;
    const rows = gatherRows(frozen.block.rows, order.subarray(starts[place], starts[place + 1]));
    if (rows.length < frozen.chunkFrom) return rows;
    const late = lowerBound(rows, chunks.newestTime(series) + 1);
    if (late < rows.length) {
      chunks.insert(series, sliceRows(rows, late, rows.length));
      summarizeHours(rows, late, rows.length, (summary) => summaries.add(series, summary, false));
    }
    if (late === 0) return sliceRows(rows, 0, 0);
    const { taken, hours } = chunks.mergeLate(series, sliceRows(rows, 0, late), isTimeUp);
    chunks.summarize(series, hours, (summary) => summaries.add(series, summary, true));
    return sliceRows(rows, taken, late);
  }

  /** Everything is in chunks or in newer records: deletes the records, and at the end what told how far it had come. */
  #trim(frozen: Frozen): void {
    const deleted = this.#parts.transaction(() => {
      const { changes } = this.#deleteLog.run(frozen.upto, DELETE_AT_ONCE);
      if (Number(changes) < DELETE_AT_ONCE) this.#clearProgress.run();
      return Number(changes);
    });
    if (deleted < DELETE_AT_ONCE) this.#frozen = undefined;
  }
}

/** Rows with columns as long as they are. */
function trimmed(rows: SampleRows): SampleRows {
  return sliceRows(rows, 0, rows.length);
}
