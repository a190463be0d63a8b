import type { Sample } from "#core/model/sample.ts";

/** Kind of one value; numbers and texts hold their content in `number` (texts: an index into `texts`). */
export const KIND = { null: 0, number: 1, false: 2, true: 3, text: 4 } as const;

/**
 * Samples as columns: no object and no row per sample. All columns are as long as `length` or longer. `quality` and
 * texts point into the dictionaries. `qualities[i]` is `good`, or `<quality>|<reason>`.
 */
export interface Columns {
  length: number;
  /** Number of the series (or of the name, before the store has given it one). */
  series: Float64Array;
  /** Number of the epoch. */
  epoch: Float64Array;
  offset: Float64Array;
  /** observedAt, Unix ms. */
  time: Float64Array;
  /** sourceTime, Unix ms; NaN when there is none. */
  source: Float64Array;
  kind: Uint8Array;
  number: Float64Array;
  quality: Float64Array;
  readonly texts: string[];
  readonly qualities: string[];
}

/** Empty columns with room for `capacity` samples. */
export function newColumns(capacity: number): Columns {
  return {
    length: 0,
    series: new Float64Array(capacity),
    epoch: new Float64Array(capacity),
    offset: new Float64Array(capacity),
    time: new Float64Array(capacity),
    source: new Float64Array(capacity),
    kind: new Uint8Array(capacity),
    number: new Float64Array(capacity),
    quality: new Float64Array(capacity),
    texts: [],
    qualities: [],
  };
}

const NUMERIC = ["series", "epoch", "offset", "time", "source", "number", "quality"] as const;

/** Makes room for at least `capacity` samples. */
export function reserve(columns: Columns, capacity: number): void {
  const now = columns.time.length;
  if (capacity <= now) return;
  const size = Math.max(capacity, now * 2, 64);
  for (const name of NUMERIC) {
    const grown = new Float64Array(size);
    grown.set(columns[name]);
    columns[name] = grown;
  }
  const kinds = new Uint8Array(size);
  kinds.set(columns.kind);
  columns.kind = kinds;
}

/** Finds or adds an entry of a dictionary, by way of an index kept beside it. */
export class Dictionary {
  readonly #list: string[];
  readonly #index = new Map<string, number>();
  constructor(list: string[]) {
    this.#list = list;
    for (const [i, text] of list.entries()) this.#index.set(text, i);
  }
  indexOf(text: string): number {
    const known = this.#index.get(text);
    if (known !== undefined) return known;
    const index = this.#list.push(text) - 1;
    this.#index.set(text, index);
    return index;
  }
}

/** Appends samples to columns and keeps their dictionaries. */
export class Appender {
  readonly columns: Columns;
  readonly #texts: Dictionary;
  readonly #qualities: Dictionary;

  constructor(columns: Columns = newColumns(64)) {
    this.columns = columns;
    this.#texts = new Dictionary(columns.texts);
    this.#qualities = new Dictionary(columns.qualities);
  }

  /** Appends one sample under the given numbers of its series and epoch. */
  sample(series: number, epoch: number, offset: number, sample: Sample): void {
    const c = this.columns;
    const i = c.length;
    reserve(c, i + 1);
    c.series[i] = series;
    c.epoch[i] = epoch;
    c.offset[i] = offset;
    // Times are whole milliseconds by contract; a sender's fraction must not reach the integer codec.
    c.time[i] = Math.round(sample.observedAt);
    c.source[i] = Math.round(sample.sourceTime ?? Number.NaN);
    const { value } = sample;
    if (typeof value === "number") {
      c.kind[i] = KIND.number;
      c.number[i] = value;
    } else if (typeof value === "string") {
      c.kind[i] = KIND.text;
      c.number[i] = this.#texts.indexOf(value);
    } else c.kind[i] = value === null ? KIND.null : value ? KIND.true : KIND.false;
    c.quality[i] = this.#qualities.indexOf(
      sample.reason === undefined ? sample.quality : `${sample.quality}|${sample.reason}`,
    );
    c.length = i + 1;
  }

  /** Copies one row of other columns. */
  row(from: Columns, at: number): void {
    const c = this.columns;
    const i = c.length;
    reserve(c, i + 1);
    c.series[i] = from.series[at] ?? 0;
    c.epoch[i] = from.epoch[at] ?? 0;
    c.offset[i] = from.offset[at] ?? 0;
    c.time[i] = from.time[at] ?? 0;
    c.source[i] = from.source[at] ?? Number.NaN;
    const kind = from.kind[at] ?? KIND.null;
    const number = from.number[at] ?? 0;
    c.kind[i] = kind;
    c.number[i] = kind === KIND.text ? this.#texts.indexOf(from.texts[number] ?? "") : number;
    c.quality[i] = this.#qualities.indexOf(from.qualities[from.quality[at] ?? 0] ?? "bad");
    c.length = i + 1;
  }
}

/** The value of one row. */
export function valueAt(columns: Columns, at: number): Sample["value"] {
  const number = columns.number[at] ?? 0;
  switch (columns.kind[at]) {
    case KIND.number:
      return number;
    case KIND.text:
      return columns.texts[number] ?? "";
    case KIND.true:
      return true;
    case KIND.false:
      return false;
    default:
      return null;
  }
}
