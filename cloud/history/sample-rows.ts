import type { Quality } from "#core/model/quality.ts";
import type { Value } from "#core/model/sample.ts";
import { KIND, parseQuality, valueAt } from "#core/model/sample-columns.ts";

/**
 * Samples of one series inside the store, as columns: row i of each belongs to one sample. `epoch` is the number of the
 * epoch in this file; `quality` and texts point into the dictionaries as in SampleColumns.
 */
export interface SampleRows {
  length: number;
  time: Float64Array;
  /** NaN when there is none. */
  source: Float64Array;
  kind: Uint8Array;
  number: Float64Array;
  quality: Uint16Array;
  epoch: Uint32Array;
  offset: Float64Array;
  readonly texts: string[];
  readonly qualities: string[];
}

/** Empty rows with room for `capacity` samples. */
export function newRows(capacity: number): SampleRows {
  return {
    length: 0,
    time: new Float64Array(capacity),
    source: new Float64Array(capacity),
    kind: new Uint8Array(capacity),
    number: new Float64Array(capacity),
    quality: new Uint16Array(capacity),
    epoch: new Uint32Array(capacity),
    offset: new Float64Array(capacity),
    texts: [],
    qualities: [],
  };
}

let usableOf: readonly string[] = [];
let usable = new Uint8Array(0);

/**
 * A sample can be used for summaries when its quality is not bad and it has a value: which entries of the dictionary are good
 * for that. Asked for series by series of one dictionary, which only grows.
 */
export function usableQualities(qualities: readonly string[]): Uint8Array {
  if (usableOf !== qualities || usable.length !== qualities.length) {
    usableOf = qualities;
    usable = Uint8Array.from(qualities, (text) => (text === "bad" || text.startsWith("bad|") ? 0 : 1));
  }
  return usable;
}

/** Entries of one dictionary in another one, which takes up those it does not have. */
export class Dictionary {
  readonly list: string[];
  readonly #index = new Map<string, number>();
  constructor(list: string[] = []) {
    this.list = list;
    for (const [i, text] of list.entries()) this.#index.set(text, i);
  }
  indexOf(text: string): number {
    const known = this.#index.get(text);
    if (known !== undefined) return known;
    const index = this.list.push(text) - 1;
    this.#index.set(text, index);
    return index;
  }
}

/** Appends rows of other columns to rows that grow. */
export class RowAppender {
  readonly rows: SampleRows;
  readonly #texts: Dictionary;
  readonly #qualities: Dictionary;
  constructor(capacity: number) {
    this.rows = newRows(Math.max(capacity, 16));
    this.#texts = new Dictionary(this.rows.texts);
    this.#qualities = new Dictionary(this.rows.qualities);
  }

  add(from: SampleRows, at: number): void {
    const { rows } = this;
    const i = rows.length;
    if (i === rows.time.length) this.#grow();
    rows.time[i] = from.time[at] ?? 0;
    rows.source[i] = from.source[at] ?? Number.NaN;
    const kind = from.kind[at] ?? KIND.null;
    const number = from.number[at] ?? 0;
    rows.kind[i] = kind;
    rows.number[i] = kind === KIND.text ? this.#texts.indexOf(from.texts[number] ?? "") : number;
    rows.quality[i] = this.#qualities.indexOf(from.qualities[from.quality[at] ?? 0] ?? "bad");
    rows.epoch[i] = from.epoch[at] ?? 0;
    rows.offset[i] = from.offset[at] ?? 0;
    rows.length = i + 1;
  }

  #grow(): void {
    const { rows } = this;
    const { texts: _texts, qualities: _qualities, length: _length, ...grown } = newRows(rows.time.length * 2);
    grown.time.set(rows.time);
    grown.source.set(rows.source);
    grown.kind.set(rows.kind);
    grown.number.set(rows.number);
    grown.quality.set(rows.quality);
    grown.epoch.set(rows.epoch);
    grown.offset.set(rows.offset);
    Object.assign(rows, grown);
  }
}

/** Rows `from` to `to` (exclusive), sharing the memory. */
export function sliceRows(rows: SampleRows, from: number, to: number): SampleRows {
  return {
    length: to - from,
    time: rows.time.subarray(from, to),
    source: rows.source.subarray(from, to),
    kind: rows.kind.subarray(from, to),
    number: rows.number.subarray(from, to),
    quality: rows.quality.subarray(from, to),
    epoch: rows.epoch.subarray(from, to),
    offset: rows.offset.subarray(from, to),
    texts: rows.texts,
    qualities: rows.qualities,
  };
}

/** First row at or after a time, in rows in order of time. */
export function lowerBound(rows: Pick<SampleRows, "length" | "time">, time: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows.time[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Which of two rows of one time is the one that counts: the one stored under the older key. Less than 0: `a`. */
export function compareKeys(a: SampleRows, i: number, b: SampleRows, k: number): number {
  return (a.epoch[i] ?? 0) - (b.epoch[k] ?? 0) || (a.offset[i] ?? 0) - (b.offset[k] ?? 0);
}

/** Two sets of rows, each in order of time with one row of each time, as one. */
export function mergeRows(a: SampleRows, b: SampleRows): SampleRows {
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  const merged = new RowAppender(a.length + b.length);
  let i = 0;
  let k = 0;
  while (i < a.length && k < b.length) {
    const order = (a.time[i] ?? 0) - (b.time[k] ?? 0);
    if (order < 0) merged.add(a, i++);
    else if (order > 0) merged.add(b, k++);
    else {
      if (compareKeys(a, i, b, k) <= 0) merged.add(a, i);
      else merged.add(b, k);
      i++;
      k++;
    }
  }
  while (i < a.length) merged.add(a, i++);
  while (k < b.length) merged.add(b, k++);
  return merged.rows;
}

/** One stored sample without its point. */
export interface StoredRow {
  readonly epoch: number;
  readonly offset: number;
  readonly observedAt: number;
  readonly sourceTime?: number;
  readonly value: Value;
  readonly quality: Quality;
  readonly reason?: string;
}

/** One row as an object. */
export function rowAt(rows: SampleRows, i: number): StoredRow {
  const source = rows.source[i] ?? Number.NaN;
  return {
    epoch: rows.epoch[i] ?? 0,
    offset: rows.offset[i] ?? 0,
    observedAt: rows.time[i] ?? 0,
    ...(Number.isNaN(source) ? {} : { sourceTime: source }),
    value: valueAt(rows, i),
    ...parseQuality(rows.qualities[rows.quality[i] ?? 0] ?? "bad"),
  };
}
