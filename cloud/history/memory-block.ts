import { KIND } from "#core/model/sample-columns.ts";
import { compareKeys, Dictionary, newRows, RowAppender, type SampleRows } from "./sample-rows.ts";

/** Rows of a segment: 2 to the power of it. */
const SEGMENT_BITS = 18;
const SEGMENT_ROWS = 1 << SEGMENT_BITS;
const IN_SEGMENT = SEGMENT_ROWS - 1;
/** Segments that are kept for the next block when one is done with: memory that comes and goes is never given back whole. */
const SPARE_MOST = 8;

/** Some rows, in the order they came, 27 bytes each. */
interface Segment {
  readonly time: Float64Array;
  readonly number: Float64Array;
  /** There only where some sample of the segment has a sourceTime. */
  source: Float64Array | undefined;
  /** Place in the block's runs of keys. */
  readonly run: Uint32Array;
  /** The row of the same series before this one, plus 1; 0: none. */
  readonly before: Uint32Array;
  readonly quality: Uint16Array;
  readonly kind: Uint8Array;
}

function newSegment(): Segment {
  return {
    time: new Float64Array(SEGMENT_ROWS),
    number: new Float64Array(SEGMENT_ROWS),
    source: undefined,
    run: new Uint32Array(SEGMENT_ROWS),
    before: new Uint32Array(SEGMENT_ROWS),
    quality: new Uint16Array(SEGMENT_ROWS),
    kind: new Uint8Array(SEGMENT_ROWS),
  };
}

/** Segments nobody uses. */
export class SegmentPool {
  readonly #spare: Segment[] = [];
  take(): Segment {
    return this.#spare.pop() ?? newSegment();
  }
  /** Takes segments back of which nobody reads any more. */
  release(segments: readonly Segment[]): void {
    for (const segment of segments) {
      if (this.#spare.length >= SPARE_MOST) return;
      segment.source = undefined;
      this.#spare.push(segment);
    }
  }
}

/** Memory for the rows of one series at a time, used again for the next one. Columns may be longer than the rows. */
export class RowRoom {
  #columns = newRows(2048);
  take(n: number): SampleRows {
    if (n > this.#columns.time.length) this.#columns = newRows(2 * n);
    return this.#columns;
  }
}

const exactRoom: Pick<RowRoom, "take"> = { take: (n) => newRows(n) };

function grown(column: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const made = new Uint32Array(Math.max(length, column.length * 2));
  made.set(column);
  return made;
}

function hasSource(source: Float64Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!Number.isNaN(source[i])) return true;
  return false;
}

/**
 * Rows in the order they came, as columns, of all series: what of the log is in no chunk yet. The rows of one series are a
 * chain from the newest back, so finding them sorts nothing. Only appended to; who keeps the block and its length sees what it
 * was then.
 */
export class MemoryBlock {
  readonly #pool: SegmentPool;
  readonly #segments: Segment[] = [];
  #length = 0;
  readonly texts: string[] = [];
  readonly qualities: string[] = [];
  readonly #texts = new Dictionary(this.texts);
  readonly #qualities = new Dictionary(this.qualities);
  /** Rows whose keys follow each other: their epoch, and the offset of a row less its place. */
  readonly #epochs: number[] = [];
  readonly #bases: number[] = [];
  /** By series: its newest row plus 1, and how many it has. */
  #last = new Uint32Array(1024);
  #counts = new Uint32Array(1024);
  #lent = false;

  constructor(pool: SegmentPool) {
    this.#pool = pool;
  }

  get length(): number {
    return this.#length;
  }

  /** How many rows a series has. */
  count(series: number): number {
    return this.#counts[series] ?? 0;
  }

  /** The first series after this one that has rows; undefined when there is none. */
  seriesAfter(series: number): number | undefined {
    for (let next = series + 1; next < this.#counts.length; next++) if (this.#counts[next] !== 0) return next;
    return undefined;
  }

  /** Appends rows; `series[i]` is that of row i. */
  append(series: Uint32Array, from: SampleRows): void {
    const qualities = Uint16Array.from(from.qualities, (text) => this.#qualities.indexOf(text));
    for (let at = 0; at < from.length; ) {
      const count = Math.min(SEGMENT_ROWS - (this.#length & IN_SEGMENT), from.length - at);
      this.#appendPiece(series, from, at, at + count, qualities);
      at += count;
    }
  }

  #appendPiece(series: Uint32Array, from: SampleRows, begin: number, end: number, qualities: Uint16Array): void {
    const base = this.#length & IN_SEGMENT;
    if (base === 0) this.#segments.push(this.#pool.take());
    const segment = this.#segments.at(-1);
    if (segment === undefined) throw new RangeError("a block of samples has no segment");
    for (const name of ["time", "number", "kind"] as const) segment[name].set(from[name].subarray(begin, end), base);
    for (let i = begin, at = base; i < end; i++, at++) segment.quality[at] = qualities[from.quality[i] ?? 0] ?? 0;
    if (segment.source !== undefined || hasSource(from.source, begin, end)) {
      segment.source ??= new Float64Array(SEGMENT_ROWS).fill(Number.NaN);
      segment.source.set(from.source.subarray(begin, end), base);
    }
    if (from.texts.length > 0) this.#takeTexts(segment, from.texts, base, base + end - begin);
    this.#takeKeys(segment, from, begin, end);
    this.#chain(segment, series, begin, end);
    this.#length += end - begin;
  }

  #takeTexts({ kind, number }: Segment, texts: readonly string[], from: number, to: number): void {
    for (let at = from; at < to; at++)
      if (kind[at] === KIND.text) number[at] = this.#texts.indexOf(texts[number[at] ?? 0] ?? "");
  }

  #takeKeys({ run }: Segment, { epoch, offset }: SampleRows, begin: number, end: number): void {
    let row = this.#length;
    let last = this.#epochs.length - 1;
    let ofEpoch = this.#epochs[last] ?? -1;
    let base = this.#bases[last] ?? 0;
    for (let i = begin; i < end; i++, row++) {
      if (epoch[i] !== ofEpoch || (offset[i] ?? 0) - row !== base) {
        ofEpoch = epoch[i] ?? 0;
        base = (offset[i] ?? 0) - row;
        this.#epochs.push(ofEpoch);
        last = this.#bases.push(base) - 1;
      }
      run[row & IN_SEGMENT] = last;
    }
  }

  #chain({ before }: Segment, series: Uint32Array, begin: number, end: number): void {
    let row = this.#length;
    for (let i = begin; i < end; i++, row++) {
      const id = series[i] ?? 0;
      if (id >= this.#last.length) {
        this.#last = grown(this.#last, id + 1);
        this.#counts = grown(this.#counts, id + 1);
      }
      before[row & IN_SEGMENT] = this.#last[id] ?? 0;
      this.#last[id] = row + 1;
      this.#counts[id] = (this.#counts[id] ?? 0) + 1;
    }
  }

  /**
   * The rows of a series among the first `length` of the block: in order of time, of each time the one with the oldest key.
   * With `room` they last until it is used again.
   */
  rowsOf(series: number, length = this.#length, room: Pick<RowRoom, "take"> = exactRoom): SampleRows {
    let n = this.count(series);
    let at = this.#last[series] ?? 0;
    for (; at > length; n--) at = this.#segments[(at - 1) >>> SEGMENT_BITS]?.before[(at - 1) & IN_SEGMENT] ?? 0;
    const rows = { ...room.take(n), length: n, texts: this.texts, qualities: this.qualities };
    return this.#gather(rows, at) ? rows : ordered(rows);
  }

  /** Fills rows from the last one, which is row `at - 1` of the block, to the first. True when their times rise strictly. */
  #gather(rows: SampleRows, at: number): boolean {
    const piece: Piece = { left: rows.length, next: at, later: Infinity, rises: true };
    while (piece.left > 0) {
      const number = (piece.next - 1) >>> SEGMENT_BITS;
      const segment = this.#segments[number];
      if (segment === undefined) throw new RangeError(`a block of samples has no row ${piece.next - 1}`);
      gatherFrom(segment, number << SEGMENT_BITS, rows, piece);
    }
    const { epoch, offset, length } = rows;
    for (let i = 0; i < length; i++) {
      const run = epoch[i] ?? 0;
      epoch[i] = this.#epochs[run] ?? 0;
      offset[i] = (offset[i] ?? 0) + (this.#bases[run] ?? 0);
    }
    return piece.rises;
  }

  /** A question holds on to the block: its memory is not used again. */
  lend(): void {
    this.#lent = true;
  }

  /** The block is done with, nothing is read or appended any more. */
  release(): void {
    if (!this.#lent) this.#pool.release(this.#segments);
  }
}

/** How far the rows of a series are gathered, from the last one on. */
interface Piece {
  left: number;
  /** The row that comes next, plus 1. */
  next: number;
  /** Time of the row after it. */
  later: number;
  rises: boolean;
}

/** Gathers what lies in one segment, of which `start` is the first row. Instead of keys come the run and the row. */
function gatherFrom(segment: Segment, start: number, rows: SampleRows, piece: Piece): void {
  const { time, source, kind, number, quality, epoch, offset } = rows;
  const { time: times, number: numbers, kind: kinds, quality: qualities, run, before, source: sources } = segment;
  let { left, next, later, rises } = piece;
  while (left > 0 && next > start) {
    left--;
    const k = next - 1 - start;
    const when = times[k] ?? 0;
    if (when >= later) rises = false;
    later = when;
    time[left] = when;
    source[left] = sources === undefined ? Number.NaN : (sources[k] ?? Number.NaN);
    kind[left] = kinds[k] ?? 0;
    number[left] = numbers[k] ?? 0;
    quality[left] = qualities[k] ?? 0;
    epoch[left] = run[k] ?? 0;
    offset[left] = next - 1;
    next = before[k] ?? 0;
  }
  piece.left = left;
  piece.next = next;
  piece.later = later;
  piece.rises = rises;
}

/** Rows in order of time, of each time the one with the oldest key. */
function ordered(rows: SampleRows): SampleRows {
  const order = Uint32Array.from({ length: rows.length }, (_, i) => i).sort(
    (a, b) => (rows.time[a] ?? 0) - (rows.time[b] ?? 0) || compareKeys(rows, a, rows, b),
  );
  const once = new RowAppender(rows.length);
  for (const [i, at] of order.entries())
    if (i === 0 || rows.time[at] !== rows.time[order[i - 1] ?? 0]) once.add(rows, at);
  return once.rows;
}
