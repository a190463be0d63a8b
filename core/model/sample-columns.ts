import type { Quality } from "./quality.ts";
import type { Sample, Value } from "./sample.ts";

/** Kind of one value; for numbers `number` holds the value, for texts an index into `texts`. */
export const KIND = { null: 0, number: 1, false: 2, true: 3, text: 4 } as const;

/**
 * Samples as columns: no object per sample. Row i of every column belongs to one sample; the columns are at least
 * `length` long. They lie in shared memory, so that handing them to a thread copies nothing.
 */
export interface SampleColumns {
  length: number;
  /** Number of the point in the process's directory of points. */
  point: Uint32Array;
  /** observedAt, Unix ms, whole. */
  time: Float64Array;
  /** sourceTime, Unix ms, whole; NaN when there is none. */
  source: Float64Array;
  /** One of KIND. */
  kind: Uint8Array;
  number: Float64Array;
  /** Index into `qualities`. */
  quality: Uint16Array;
  /** 1: told after the fact; it goes to storage and changes neither live value nor alarm. */
  historical: Uint8Array;
  readonly texts: string[];
  /** `good`, or `<quality>|<reason>`. */
  readonly qualities: string[];
}

const COLUMNS = {
  point: Uint32Array,
  time: Float64Array,
  source: Float64Array,
  kind: Uint8Array,
  number: Float64Array,
  quality: Uint16Array,
  historical: Uint8Array,
} as const;

function columnsOf(capacity: number): Pick<SampleColumns, keyof typeof COLUMNS> {
  const memory = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(capacity * bytes);
  return {
    point: new Uint32Array(memory(4)),
    time: new Float64Array(memory(8)),
    source: new Float64Array(memory(8)),
    kind: new Uint8Array(memory(1)),
    number: new Float64Array(memory(8)),
    quality: new Uint16Array(memory(2)),
    historical: new Uint8Array(memory(1)),
  };
}

/** Empty columns with room for `capacity` samples. */
export function newSampleColumns(capacity: number): SampleColumns {
  return { length: 0, ...columnsOf(capacity), texts: [], qualities: [] };
}

/** Makes room for at least `capacity` samples. Views of the columns taken before are not those of after. */
export function reserveSamples(columns: SampleColumns, capacity: number): void {
  if (capacity <= columns.time.length) return;
  const grown = columnsOf(Math.max(capacity, columns.time.length * 2, 64));
  for (const name of Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]) grown[name].set(columns[name]);
  Object.assign(columns, grown);
}

/** `good`, or `<quality>|<reason>`, as the dictionary of qualities holds it. */
export function qualityText(quality: Quality, reason?: string): string {
  return reason === undefined ? quality : `${quality}|${reason}`;
}

/** The two parts of what `qualityText` has made. */
export function parseQuality(text: string): { readonly quality: Quality; readonly reason?: string } {
  const bar = text.indexOf("|");
  if (bar < 0) return { quality: text as Quality };
  return { quality: text.slice(0, bar) as Quality, reason: text.slice(bar + 1) };
}

/** The value of one row. */
export function valueAt(columns: Pick<SampleColumns, "kind" | "number" | "texts">, row: number): Value {
  const number = columns.number[row] ?? 0;
  switch (columns.kind[row]) {
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

/** One row as a sample, for whoever needs an object; the hot path does not. */
export function sampleAt(columns: SampleColumns, row: number, point: Sample["point"]): Sample {
  const source = columns.source[row] ?? Number.NaN;
  return {
    point,
    value: valueAt(columns, row),
    ...parseQuality(columns.qualities[columns.quality[row] ?? 0] ?? "bad"),
    ...(Number.isNaN(source) ? {} : { sourceTime: source }),
    observedAt: columns.time[row] ?? 0,
    ...(columns.historical[row] === 1 ? { historical: true as const } : {}),
  };
}

/** Appends rows to columns and keeps their dictionaries. */
export class SampleAppender {
  readonly columns: SampleColumns;
  readonly #texts = new Map<string, number>();
  readonly #qualities = new Map<string, number>();

  constructor(columns: SampleColumns = newSampleColumns(64)) {
    this.columns = columns;
    for (const [i, text] of columns.texts.entries()) this.#texts.set(text, i);
    for (const [i, text] of columns.qualities.entries()) this.#qualities.set(text, i);
  }

  /** Index of a text in `texts`, added where it is new. */
  text(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const index = this.columns.texts.push(text) - 1;
    this.#texts.set(text, index);
    return index;
  }

  /** Index of a `qualityText` in `qualities`, added where it is new. */
  quality(text: string): number {
    const known = this.#qualities.get(text);
    if (known !== undefined) return known;
    const index = this.columns.qualities.push(text) - 1;
    this.#qualities.set(text, index);
    return index;
  }

  /** Appends one sample under the number of its point. */
  sample(point: number, sample: Omit<Sample, "point">): void {
    const c = this.columns;
    const row = c.length;
    reserveSamples(c, row + 1);
    c.point[row] = point;
    // Times are whole milliseconds by contract; a sender's fraction must not reach the integer codec.
    c.time[row] = Math.round(sample.observedAt);
    c.source[row] = Math.round(sample.sourceTime ?? Number.NaN);
    const { value } = sample;
    if (typeof value === "number") {
      c.kind[row] = KIND.number;
      c.number[row] = value;
    } else if (typeof value === "string") {
      c.kind[row] = KIND.text;
      c.number[row] = this.text(value);
    } else {
      c.kind[row] = value === null ? KIND.null : value ? KIND.true : KIND.false;
      c.number[row] = 0;
    }
    c.quality[row] = this.quality(qualityText(sample.quality, sample.reason));
    c.historical[row] = sample.historical === true ? 1 : 0;
    c.length = row + 1;
  }

  /** Forgets every row and both dictionaries; the memory is used again. */
  clear(): void {
    this.columns.length = 0;
    this.columns.texts.length = 0;
    this.columns.qualities.length = 0;
    this.#texts.clear();
    this.#qualities.clear();
  }
}
