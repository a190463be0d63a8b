import type { Value } from "#core/model/sample.ts";
import { KIND, valueAt } from "#core/model/sample-columns.ts";
import { type BucketColumns, type BucketSlab, growSlab, newSlabBuffer, slabColumns } from "./bucket-slab.ts";
import { HOUR_MS, numberOf } from "./hour-summary.ts";
import { Dictionary, type SampleRows, usableQualities } from "./sample-rows.ts";
import type { SummaryColumns, SummaryExtras } from "./summary-codec.ts";

/** What was before the first bucket. */
export interface Before {
  /** The number that holds; NaN when there is none. */
  readonly held: number;
  /** The usable number before; NaN when there is none. */
  readonly number: number;
}

/** What is asked about a series beyond the plain summary. */
export interface WalkOptions {
  readonly timeWeighted: boolean;
  /** Present for a counter: the value at which it starts again at 0, or null. */
  readonly rollover?: number | null;
}

const NOTHING_BEFORE: Before = { held: Number.NaN, number: Number.NaN };

function copy(into: Float64Array | Uint32Array, at: number, column: Float64Array, from: number, to: number): void {
  for (let i = from, k = at; i < to; i++, k++) into[k] = column[i] ?? 0;
}

/** The buckets of one series, filled in order of time by whole hours and by rows. */
export class BucketWalk {
  readonly #edges: readonly number[];
  readonly #from: number;
  readonly #to: number;
  readonly #rollover: number | null;
  readonly #full: boolean;
  #slab: BucketSlab;
  #columns: BucketColumns;
  #length = 0;
  readonly #texts = new Dictionary();
  /** Bucket of the last record, which is row #at. */
  #bucket = -1;
  #at = -1;
  /** Time up to which what held is accounted for. */
  #time = 0;
  #held: number;
  #before: number;

  constructor(edges: readonly number[], options: WalkOptions, before: Before = NOTHING_BEFORE, guess = 16) {
    this.#edges = edges;
    this.#from = edges[0] ?? 0;
    this.#to = edges.at(-1) ?? 0;
    this.#full = options.timeWeighted || options.rollover !== undefined;
    this.#rollover = options.rollover ?? null;
    const capacity = Math.max(1, guess);
    this.#slab = { length: 0, capacity, full: this.#full, buffer: newSlabBuffer(capacity, this.#full), texts: [] };
    this.#columns = slabColumns(this.#slab);
    this.#held = before.held;
    this.#before = before.number;
  }

  /** The bucket of a time not before that of the last call, which is inside the edges. */
  bucketOf(time: number): number {
    const edges = this.#edges;
    let low = Math.max(0, this.#bucket);
    if (time < (edges[low + 1] ?? Infinity)) return low;
    low++;
    if (time < (edges[low + 1] ?? Infinity)) return low;
    let high = edges.length - 1;
    while (low < high - 1) {
      const middle = (low + high) >> 1;
      if ((edges[middle] ?? 0) <= time) low = middle;
      else high = middle;
    }
    return low;
  }

  /** The bucket in which the hour lies as a whole; -1 where an edge cuts it. */
  bucketOfHour(start: number): number {
    if (start < this.#from || start >= this.#to) return -1;
    const bucket = this.bucketOf(start);
    return start + HOUR_MS <= (this.#edges[bucket + 1] ?? 0) ? bucket : -1;
  }

  #reserve(rows: number): void {
    while (this.#length + rows > this.#slab.capacity) {
      this.#slab = growSlab(this.#columns, this.#slab.capacity, this.#full);
      this.#columns = slabColumns(this.#slab);
    }
  }

  /** Begins a record for a bucket. */
  #open(bucket: number): number {
    this.#reserve(1);
    const at = this.#length;
    this.#length++;
    this.#bucket = bucket;
    this.#at = at;
    const c = this.#columns;
    c.bucket[at] = bucket;
    c.kinds[at] = 0;
    c.count[at] = 0;
    c.bad[at] = 0;
    c.numeric[at] = 0;
    c.sum[at] = 0;
    c.min[at] = Infinity;
    c.max[at] = -Infinity;
    c.first[at] = 0;
    c.last[at] = 0;
    if (!this.#full) return at;
    c.integral[at] = 0;
    c.known[at] = 0;
    c.increase[at] = Number.NaN;
    return at;
  }

  /** What holds goes on until a time, in the record that is open. */
  #holdUntil(time: number): void {
    if (Number.isNaN(this.#held) || this.#at < 0) return;
    const at = this.#at;
    const o = this.#columns;
    const ms = time - this.#time;
    o.integral[at] = (o.integral[at] ?? 0) + this.#held * ms;
    o.known[at] = (o.known[at] ?? 0) + ms;
  }

  /** The record of the bucket of a sample's time, with all accounted for that held until then. */
  #recordFor(bucket: number, time: number): number {
    if (bucket === this.#bucket) {
      if (this.#full) this.#holdUntil(time);
    } else {
      if (this.#full) this.#holdUntil(this.#edges[this.#bucket + 1] ?? 0);
      this.#open(bucket);
      if (this.#full) {
        this.#time = this.#edges[bucket] ?? 0;
        this.#holdUntil(time);
      }
    }
    this.#time = time;
    return this.#at;
  }

  #count(at: number, step: number): void {
    const o = this.#columns;
    const now = o.increase[at] ?? Number.NaN;
    o.increase[at] = (Number.isNaN(now) ? 0 : now) + step;
  }

  /** The counter went on to a number. */
  #countTo(at: number, number: number): void {
    const before = this.#before;
    if (!Number.isNaN(before)) {
      const rollover = this.#rollover;
      this.#count(at, number >= before ? number - before : rollover === null ? number : rollover - before + number);
    }
    this.#before = number;
  }

  /**
   * Adds a whole hour, row `i` of the columns, of which `bucketOfHour` has told the bucket. `x` is only read where time-weighted
   * means or counters are asked for.
   */
  addHour(bucket: number, start: number, c: SummaryColumns, x: SummaryExtras, i: number): void {
    if (!this.#full) {
      if (bucket === this.#bucket) this.#joinHour(this.#at, c, i);
      else this.#openHour(bucket, c, i);
      return;
    }
    const at = this.#recordFor(bucket, start + (x.firstAt[i] ?? 0));
    this.#joinHour(at, c, i);
    this.#addExtras(at, start, c, x, i);
  }

  /** The hour is the first one of its bucket. */
  #openHour(bucket: number, c: SummaryColumns, i: number): void {
    this.addHours(bucket - ((c.place[i] ?? 0) & 31), c, i, i + 1);
  }

  /**
   * Adds rows `from` to `to` (exclusive) of a day's hours, each of which is a bucket of its own; `first` is that of the day's first
   * hour. Only where neither time-weighted means nor counters are asked for.
   */
  addHours(first: number, c: SummaryColumns, from: number, to: number): void {
    this.#reserve(to - from);
    const o = this.#columns;
    const at = this.#length;
    for (let i = from, k = at; i < to; i++, k++) o.bucket[k] = first + ((c.place[i] ?? 0) & 31);
    copy(o.count, at, c.count, from, to);
    copy(o.bad, at, c.bad, from, to);
    copy(o.numeric, at, c.numeric, from, to);
    copy(o.sum, at, c.sum, from, to);
    copy(o.min, at, c.min, from, to);
    copy(o.max, at, c.max, from, to);
    copy(o.first, at, c.first, from, to);
    copy(o.last, at, c.last, from, to);
    for (let i = from, k = at; i < to; i++, k++) o.kinds[k] = c.kinds[i] ?? 0;
    if (c.texts.length > 0) this.#placeTexts(at, to - from, c.texts);
    this.#length = at + to - from;
    this.#at = this.#length - 1;
    this.#bucket = o.bucket[this.#at] ?? 0;
  }

  #placeTexts(at: number, count: number, texts: readonly string[]): void {
    const { kinds, first, last } = this.#columns;
    for (let k = at; k < at + count; k++) {
      const both = kinds[k] ?? 0;
      first[k] = this.#place(both >> 3, first[k] ?? 0, texts);
      last[k] = this.#place(both & 7, last[k] ?? 0, texts);
    }
  }

  #joinHour(at: number, c: SummaryColumns, i: number): void {
    const o = this.#columns;
    const had = o.count[at] ?? 0;
    const count = c.count[i] ?? 0;
    o.count[at] = had + count;
    o.bad[at] = (o.bad[at] ?? 0) + (c.bad[i] ?? 0);
    o.numeric[at] = (o.numeric[at] ?? 0) + (c.numeric[i] ?? 0);
    o.sum[at] = (o.sum[at] ?? 0) + (c.sum[i] ?? 0);
    const min = c.min[i] ?? Infinity;
    const max = c.max[i] ?? -Infinity;
    if (min < (o.min[at] ?? 0)) o.min[at] = min;
    if (max > (o.max[at] ?? 0)) o.max[at] = max;
    if (count > 0) this.#joinEnds(at, had === 0, c, i);
  }

  #joinEnds(at: number, isFirst: boolean, c: SummaryColumns, i: number): void {
    const o = this.#columns;
    const kinds = c.kinds[i] ?? 0;
    if (isFirst) o.first[at] = this.#place(kinds >> 3, c.first[i] ?? 0, c.texts);
    o.last[at] = this.#place(kinds & 7, c.last[i] ?? 0, c.texts);
    const firstKind = isFirst ? kinds >> 3 : (o.kinds[at] ?? 0) >> 3;
    o.kinds[at] = firstKind * 8 + (kinds & 7);
  }

  /** A text's place in the dictionary of the answer; other numbers as they are. */
  #place(kind: number, number: number, texts: readonly string[]): number {
    return kind === KIND.text ? this.#texts.indexOf(texts[number] ?? "") : number;
  }

  #addExtras(at: number, start: number, c: SummaryColumns, x: SummaryExtras, i: number): void {
    const o = this.#columns;
    o.integral[at] = (o.integral[at] ?? 0) + (x.integral[i] ?? 0);
    o.known[at] = (o.known[at] ?? 0) + (x.known[i] ?? 0);
    this.#time = start + (x.lastAt[i] ?? 0);
    this.#held = x.held[i] ?? Number.NaN;
    const numeric = c.numeric[i] ?? 0;
    if (numeric === 0) return;
    const first = x.firstNumber[i] ?? 0;
    const last = x.lastNumber[i] ?? 0;
    this.#countTo(at, first);
    // Inside the hour the steps add up to the difference of its ends, but for what each fall adds.
    const rollover = this.#rollover;
    const fallen = rollover === null ? (x.fallFrom[i] ?? 0) : (x.falls[i] ?? 0) * rollover;
    if (numeric > 1) this.#count(at, last - first + fallen);
    this.#before = last;
  }

  /** Adds rows `from` to `to` (exclusive), all of them inside the edges. */
  addRows(rows: SampleRows, from: number, to: number): void {
    const usable = usableQualities(rows.qualities);
    for (let i = from; i < to; i++) {
      const time = rows.time[i] ?? 0;
      const at = this.#recordFor(this.bucketOf(time), time);
      const o = this.#columns;
      this.#held = Number.NaN;
      if (usable[rows.quality[i] ?? 0] !== 1 || rows.kind[i] === KIND.null) {
        o.bad[at] = (o.bad[at] ?? 0) + 1;
        continue;
      }
      this.#addUsable(at, rows, i);
    }
  }

  #addUsable(at: number, rows: SampleRows, i: number): void {
    const o = this.#columns;
    const kind = rows.kind[i] ?? 0;
    const value: Value = kind === KIND.text ? valueAt(rows, i) : null;
    const place = typeof value === "string" ? this.#texts.indexOf(value) : (rows.number[i] ?? 0);
    const had = o.count[at] ?? 0;
    o.count[at] = had + 1;
    if (had === 0) o.first[at] = place;
    o.last[at] = place;
    o.kinds[at] = (had === 0 ? kind : (o.kinds[at] ?? 0) >> 3) * 8 + kind;
    const number = numberOf(rows, i);
    if (Number.isNaN(number)) return;
    o.numeric[at] = (o.numeric[at] ?? 0) + 1;
    o.sum[at] = (o.sum[at] ?? 0) + number;
    if (number < (o.min[at] ?? 0)) o.min[at] = number;
    if (number > (o.max[at] ?? 0)) o.max[at] = number;
    if (!this.#full) return;
    this.#held = number;
    this.#countTo(at, number);
  }

  /** The buckets. Nothing may be added afterwards. */
  end(): BucketSlab {
    if (this.#full && this.#at >= 0) this.#holdUntil(this.#edges[this.#bucket + 1] ?? 0);
    return { ...this.#slab, length: this.#length, texts: this.#texts.list };
  }
}
