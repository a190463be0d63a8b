import { KIND } from "#core/model/sample-columns.ts";
import { compareKeys, Dictionary, newRows, RowAppender, type SampleRows } from "./sample-rows.ts";

const SMALLEST = 4096;

/** Rows of a block sorted by series, then by time, one of each time. */
export interface SortedRows {
  /** Series that have rows, ascending. */
  readonly series: Uint32Array;
  /** Rows of series[i] are order[starts[i]] to order[starts[i + 1] - 1], in the order they came. */
  readonly starts: Uint32Array;
  readonly order: Uint32Array;
}

/**
 * Rows in the order they came, as columns, of all series: what of the log is in no chunk yet. Only appended to; a reader that
 * keeps the block and its length keeps what it was then.
 */
export class MemoryBlock {
  rows: SampleRows = newRows(0);
  series = new Uint32Array(0);
  readonly #texts = new Dictionary(this.rows.texts);
  readonly #qualities = new Dictionary(this.rows.qualities);

  get length(): number {
    return this.rows.length;
  }

  /** Takes back what was appended after this length. */
  truncate(length: number): void {
    this.rows.length = length;
  }

  /** Appends rows; `series[i]` is that of row i. */
  append(series: Uint32Array, from: SampleRows): void {
    const base = this.length;
    const end = base + from.length;
    this.#reserve(end);
    const { rows } = this;
    this.series.set(series.subarray(0, from.length), base);
    for (const name of ["time", "source", "kind", "number", "epoch", "offset"] as const)
      rows[name].set(from[name].subarray(0, from.length), base);
    const qualities = Uint16Array.from(from.qualities, (text) => this.#qualities.indexOf(text));
    for (let i = 0, at = base; at < end; i++, at++) rows.quality[at] = qualities[from.quality[i] ?? 0] ?? 0;
    if (from.texts.length > 0) this.#takeTexts(from.texts, base, end);
    rows.length = end;
  }

  #takeTexts(texts: readonly string[], base: number, end: number): void {
    const { rows } = this;
    for (let at = base; at < end; at++)
      if (rows.kind[at] === KIND.text) rows.number[at] = this.#texts.indexOf(texts[rows.number[at] ?? 0] ?? "");
  }

  #reserve(capacity: number): void {
    const { rows } = this;
    if (capacity <= rows.time.length) return;
    const size = Math.max(capacity, rows.time.length * 2, SMALLEST);
    const { texts: _texts, qualities: _qualities, length: _length, ...grown } = newRows(size);
    grown.time.set(rows.time);
    grown.source.set(rows.source);
    grown.kind.set(rows.kind);
    grown.number.set(rows.number);
    grown.quality.set(rows.quality);
    grown.epoch.set(rows.epoch);
    grown.offset.set(rows.offset);
    const series = new Uint32Array(size);
    series.set(this.series);
    // A new object: who reads the old one goes on with the old columns.
    this.rows = { ...rows, ...grown };
    this.series = series;
  }
}

/** The first `length` rows of a block by series: a counting sort, so that rows of one series stay in the order they came. */
export function sortBySeries(series: Uint32Array, length: number): SortedRows {
  let max = 0;
  for (let i = 0; i < length; i++) max = Math.max(max, series[i] ?? 0);
  const counts = new Uint32Array(max + 2);
  for (let i = 0; i < length; i++) {
    const at = (series[i] ?? 0) + 1;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  const ids: number[] = [];
  const starts: number[] = [];
  for (let id = 0; id <= max; id++) {
    const count = counts[id + 1] ?? 0;
    if (count > 0) {
      ids.push(id);
      starts.push(counts[id] ?? 0);
    }
    counts[id + 1] = count + (counts[id] ?? 0);
  }
  starts.push(length);
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) {
    const id = series[i] ?? 0;
    const at = counts[id] ?? 0;
    order[at] = i;
    counts[id] = at + 1;
  }
  return { series: Uint32Array.from(ids), starts: Uint32Array.from(starts), order };
}

/** Do times grow strictly along these rows? */
function isAscending(rows: SampleRows, order: Uint32Array): boolean {
  let before = -Infinity;
  for (const at of order) {
    const time = rows.time[at] ?? 0;
    if (time <= before) return false;
    before = time;
  }
  return true;
}

/** Some rows, by their numbers, as rows of their own: in order of time, of each time the one with the oldest key. */
export function gatherRows(rows: SampleRows, order: Uint32Array): SampleRows {
  if (!isAscending(rows, order)) {
    const sorted = order
      .slice()
      .sort((a, b) => (rows.time[a] ?? 0) - (rows.time[b] ?? 0) || compareKeys(rows, a, rows, b));
    const once = new RowAppender(sorted.length);
    for (const [i, at] of sorted.entries())
      if (i === 0 || rows.time[at] !== rows.time[sorted[i - 1] ?? 0]) once.add(rows, at);
    return once.rows;
  }
  const n = order.length;
  const { texts: _texts, qualities: _qualities, ...columns } = newRows(n);
  for (let i = 0; i < n; i++) {
    const at = order[i] ?? 0;
    columns.time[i] = rows.time[at] ?? 0;
    columns.source[i] = rows.source[at] ?? 0;
    columns.kind[i] = rows.kind[at] ?? 0;
    columns.number[i] = rows.number[at] ?? 0;
    columns.quality[i] = rows.quality[at] ?? 0;
    columns.epoch[i] = rows.epoch[at] ?? 0;
    columns.offset[i] = rows.offset[at] ?? 0;
  }
  return { ...columns, length: n, texts: rows.texts, qualities: rows.qualities };
}
