import type { Value } from "#core/model/sample.ts";
import { KIND, valueAt } from "#core/model/sample-columns.ts";
import { HOUR_MS, numberOf } from "./hour-summary.ts";
import { Dictionary, type SampleRows, usableQualities } from "./sample-rows.ts";
import { type BucketSlab, SLAB, SLAB_WIDTH } from "./store-messages.ts";
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

/** The buckets of one series, filled in order of time by whole hours and by rows. */
export class BucketWalk {
  readonly #edges: readonly number[];
  readonly #from: number;
  readonly #to: number;
  readonly #width: number;
  readonly #rollover: number | null;
  readonly #full: boolean;
  #numbers: Float64Array;
  #length = 0;
  readonly #texts = new Dictionary();
  /** Bucket of the last record; its record begins at #at. */
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
    this.#width = this.#full ? SLAB_WIDTH.full : SLAB_WIDTH.plain;
    this.#rollover = options.rollover ?? null;
    this.#numbers = new Float64Array(Math.max(1, guess) * this.#width);
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

  /** Begins a record for a bucket. */
  #open(bucket: number): number {
    const width = this.#width;
    if ((this.#length + 1) * width > this.#numbers.length) {
      const grown = new Float64Array(this.#numbers.length * 2);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    const at = this.#length * width;
    this.#length++;
    this.#bucket = bucket;
    this.#at = at;
    const numbers = this.#numbers;
    numbers[at + SLAB.bucket] = bucket;
    numbers[at + SLAB.min] = Infinity;
    numbers[at + SLAB.max] = -Infinity;
    if (this.#full) numbers[at + SLAB.increase] = Number.NaN;
    return at;
  }

  /** What holds goes on until a time, in the record that is open. */
  #holdUntil(time: number): void {
    if (Number.isNaN(this.#held) || this.#at < 0) return;
    const at = this.#at;
    const numbers = this.#numbers;
    const ms = time - this.#time;
    numbers[at + SLAB.integral] = (numbers[at + SLAB.integral] ?? 0) + this.#held * ms;
    numbers[at + SLAB.known] = (numbers[at + SLAB.known] ?? 0) + ms;
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
    const numbers = this.#numbers;
    const now = numbers[at + SLAB.increase] ?? Number.NaN;
    numbers[at + SLAB.increase] = (Number.isNaN(now) ? 0 : now) + step;
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

  /** The hour is the first one of its bucket, mostly the only one. */
  #openHour(bucket: number, c: SummaryColumns, i: number): void {
    const at = this.#open(bucket);
    const numbers = this.#numbers;
    const kinds = c.kinds[i] ?? 0;
    numbers[at + SLAB.count] = c.count[i] ?? 0;
    numbers[at + SLAB.bad] = c.bad[i] ?? 0;
    numbers[at + SLAB.numeric] = c.numeric[i] ?? 0;
    numbers[at + SLAB.sum] = c.sum[i] ?? 0;
    numbers[at + SLAB.min] = c.min[i] ?? Infinity;
    numbers[at + SLAB.max] = c.max[i] ?? -Infinity;
    numbers[at + SLAB.kinds] = kinds;
    numbers[at + SLAB.first] = this.#place(kinds >> 3, c.first[i] ?? 0, c.texts);
    numbers[at + SLAB.last] = this.#place(kinds & 7, c.last[i] ?? 0, c.texts);
  }

  #joinHour(at: number, c: SummaryColumns, i: number): void {
    const numbers = this.#numbers;
    const had = numbers[at + SLAB.count] ?? 0;
    const count = c.count[i] ?? 0;
    numbers[at + SLAB.count] = had + count;
    numbers[at + SLAB.bad] = (numbers[at + SLAB.bad] ?? 0) + (c.bad[i] ?? 0);
    numbers[at + SLAB.numeric] = (numbers[at + SLAB.numeric] ?? 0) + (c.numeric[i] ?? 0);
    numbers[at + SLAB.sum] = (numbers[at + SLAB.sum] ?? 0) + (c.sum[i] ?? 0);
    const min = c.min[i] ?? Infinity;
    const max = c.max[i] ?? -Infinity;
    if (min < (numbers[at + SLAB.min] ?? 0)) numbers[at + SLAB.min] = min;
    if (max > (numbers[at + SLAB.max] ?? 0)) numbers[at + SLAB.max] = max;
    if (count > 0) this.#joinEnds(at, had === 0, c, i);
  }

  #joinEnds(at: number, isFirst: boolean, c: SummaryColumns, i: number): void {
    const numbers = this.#numbers;
    const kinds = c.kinds[i] ?? 0;
    if (isFirst) numbers[at + SLAB.first] = this.#place(kinds >> 3, c.first[i] ?? 0, c.texts);
    numbers[at + SLAB.last] = this.#place(kinds & 7, c.last[i] ?? 0, c.texts);
    const firstKind = isFirst ? kinds >> 3 : (numbers[at + SLAB.kinds] ?? 0) >> 3;
    numbers[at + SLAB.kinds] = firstKind * 8 + (kinds & 7);
  }

  /** A text's place in the dictionary of the answer; other numbers as they are. */
  #place(kind: number, number: number, texts: readonly string[]): number {
    return kind === KIND.text ? this.#texts.indexOf(texts[number] ?? "") : number;
  }

  #addExtras(at: number, start: number, c: SummaryColumns, x: SummaryExtras, i: number): void {
    const numbers = this.#numbers;
    numbers[at + SLAB.integral] = (numbers[at + SLAB.integral] ?? 0) + (x.integral[i] ?? 0);
    numbers[at + SLAB.known] = (numbers[at + SLAB.known] ?? 0) + (x.known[i] ?? 0);
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
      const numbers = this.#numbers;
      this.#held = Number.NaN;
      if (usable[rows.quality[i] ?? 0] !== 1 || rows.kind[i] === KIND.null) {
        numbers[at + SLAB.bad] = (numbers[at + SLAB.bad] ?? 0) + 1;
        continue;
      }
      this.#addUsable(at, rows, i);
    }
  }

  #addUsable(at: number, rows: SampleRows, i: number): void {
    const numbers = this.#numbers;
    const kind = rows.kind[i] ?? 0;
    const value: Value = kind === KIND.text ? valueAt(rows, i) : null;
    const place = typeof value === "string" ? this.#texts.indexOf(value) : (rows.number[i] ?? 0);
    const had = numbers[at + SLAB.count] ?? 0;
    numbers[at + SLAB.count] = had + 1;
    if (had === 0) numbers[at + SLAB.first] = place;
    numbers[at + SLAB.last] = place;
    numbers[at + SLAB.kinds] = (had === 0 ? kind : (numbers[at + SLAB.kinds] ?? 0) >> 3) * 8 + kind;
    const number = numberOf(rows, i);
    if (Number.isNaN(number)) return;
    numbers[at + SLAB.numeric] = (numbers[at + SLAB.numeric] ?? 0) + 1;
    numbers[at + SLAB.sum] = (numbers[at + SLAB.sum] ?? 0) + number;
    if (number < (numbers[at + SLAB.min] ?? 0)) numbers[at + SLAB.min] = number;
    if (number > (numbers[at + SLAB.max] ?? 0)) numbers[at + SLAB.max] = number;
    if (!this.#full) return;
    this.#held = number;
    this.#countTo(at, number);
  }

  /** The buckets. Nothing may be added afterwards. */
  end(): BucketSlab {
    if (this.#full && this.#at >= 0) this.#holdUntil(this.#edges[this.#bucket + 1] ?? 0);
    return { length: this.#length, width: this.#width, numbers: this.#numbers, texts: this.#texts.list };
  }
}
