import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ChunkWriter } from "./chunk-store.ts";
import { summarizeHours } from "./hour-summary.ts";
import { encodeLog } from "./log-codec.ts";
import { MemoryBlock, RowRoom, SegmentPool } from "./memory-block.ts";
import type { HeldRows } from "./memory-snapshot.ts";
import { lowerBound, newRows, RowAppender, type SampleRows, sliceRows } from "./sample-rows.ts";
import type { SummaryWriter } from "./summary-store.ts";

/** The log is turned into chunks after so many new rows: for each series, but at least, and at most. */
const DUE_PER_SERIES = 640;
const DUE_LEAST = 65_536;
const DUE_MOST = 3_145_728;
/** Rows of a series that are worth a chunk; fewer stay in the log until there are more, or until night. */
const CHUNK_FROM = 1024;
/** No more rows than this, or as have come anew, are left in the log for that reason: they are written once more. */
const CARRY_MOST = 524_288;
/** A slice takes so many series, or so many rows, in any case: with fewer their chunks fill no pages. */
const SERIES_LEAST = 24;
const ROWS_LEAST = 16_384;
/** Records of the log that are deleted before the next look at the clock. */
const DELETE_AT_ONCE = 4;

/** The rows that are being turned into chunks, series by series. */
interface Frozen {
  readonly block: MemoryBlock;
  /** Last record of the log that the block holds. */
  readonly upto: number;
  /** Fewer rows of a series than this stay in the log. */
  readonly chunkFrom: number;
  /** The series that comes next; undefined when all are through. */
  next: number | undefined;
  /** Series up to this one are through; 0 before the first. */
  done: number;
  /** Rows of the series that are not through. */
  left: number;
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
  readonly #pool = new SegmentPool();
  readonly #room = new RowRoom();
  #active = new MemoryBlock(this.#pool);
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
    return this.#active.length + (this.#frozen?.left ?? 0);
  }

  /** How much of what begins the next compaction has come while this one runs: 1 when that is due already, too. */
  get pressure(): number {
    return this.#frozen === undefined ? 0 : this.#fresh / this.#dueAt();
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
    const held: HeldRows[] = [{ block: this.#active, length: this.#active.length, done: 0 }];
    if (this.#frozen !== undefined) {
      const { block, done } = this.#frozen;
      held.push({ block, length: block.length, done });
    }
    for (const { block } of held) block.lend();
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
    const chunkFrom = all ? 1 : this.#chunkFrom(block);
    const next = block.seriesAfter(-1);
    this.#frozen = { block, upto: this.#lastSeq, chunkFrom, next, done: 0, left: block.length };
    this.#active = new MemoryBlock(this.#pool);
    this.#fresh = 0;
  }

  /** As few rows as are worth a chunk while what stays in the log is bounded. */
  #chunkFrom(block: MemoryBlock): number {
    const most = Math.min(CARRY_MOST, Math.max(this.#fresh, DUE_LEAST));
    for (let from = this.#sizes.chunkAt ?? CHUNK_FROM; ; from >>= 1) {
      let carried = 0;
      for (let one = block.seriesAfter(-1); one !== undefined; one = block.seriesAfter(one)) {
        const count = block.count(one);
        if (count < from) carried += count;
      }
      if (carried <= most || from <= 1) return from;
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
    if (frozen.next !== undefined) this.#convert(frozen, frozen.next, isTimeUp);
    else this.#trim(frozen, isTimeUp);
  }

  #convert(frozen: Frozen, first: number, isTimeUp: () => boolean): void {
    const { chunks, summaries, transaction } = this.#parts;
    const { block } = frozen;
    const carried = new RowAppender(16);
    const carriedSeries: number[] = [];
    let done = first;
    let next: number | undefined = first;
    let rows = 0;
    let seq = 0;
    try {
      seq = transaction(() => {
        for (let taken = 0; next !== undefined; taken++) {
          if ((taken >= SERIES_LEAST || rows >= ROWS_LEAST) && isTimeUp()) break;
          done = next;
          const left = this.#convertSeries(frozen, done, isTimeUp);
          for (let i = 0; i < left.length; i++) {
            carried.add(left, i);
            carriedSeries.push(done);
          }
          rows += block.count(done);
          next = block.seriesAfter(done);
        }
        chunks.flush();
        summaries.flush();
        this.#clearProgress.run();
        this.#setProgress.run(frozen.upto, done);
        return carriedSeries.length === 0 ? 0 : this.log(Uint32Array.from(carriedSeries), trimmed(carried.rows));
      });
    } catch (error) {
      chunks.discard();
      summaries.discard();
      throw error;
    }
    frozen.next = next;
    frozen.done = done;
    frozen.left -= rows;
    if (seq > 0) this.keep(seq, Uint32Array.from(carriedSeries), trimmed(carried.rows), false);
  }

  /** Turns one series into chunks and gives the rows that stay in the log. */
  #convertSeries({ block, chunkFrom }: Frozen, series: number, isTimeUp: () => boolean): SampleRows {
    const { chunks, summaries } = this.#parts;
    const rows = block.rowsOf(series, block.length, this.#room);
    if (rows.length < chunkFrom) return rows;
    const late = lowerBound(rows, chunks.newestTime(series) + 1);
    if (late < rows.length) {
      chunks.insert(series, late === 0 ? rows : sliceRows(rows, late, rows.length));
      summarizeHours(rows, late, rows.length, (summary) => summaries.add(series, summary, false));
    }
    if (late === 0) return NO_ROWS;
    const { taken, hours } = chunks.mergeLate(series, sliceRows(rows, 0, late), isTimeUp);
    chunks.summarize(series, hours, (summary) => summaries.add(series, summary, true));
    return sliceRows(rows, taken, late);
  }

  /** Everything is in chunks or in newer records: deletes the records, and at the end what told how far it had come. */
  #trim(frozen: Frozen, isTimeUp: () => boolean): void {
    const isThrough = this.#parts.transaction(() => {
      do
        if (Number(this.#deleteLog.run(frozen.upto, DELETE_AT_ONCE).changes) < DELETE_AT_ONCE) {
          this.#clearProgress.run();
          return true;
        }
      while (!isTimeUp());
      return false;
    });
    if (!isThrough) return;
    this.#frozen = undefined;
    frozen.block.release();
  }
}

const NO_ROWS = newRows(0);

/** Rows with columns as long as they are. */
function trimmed(rows: SampleRows): SampleRows {
  return sliceRows(rows, 0, rows.length);
}
