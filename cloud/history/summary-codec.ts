import { constants, crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { errorMessage, HubError } from "#core/errors.ts";
import type { Value } from "#core/model/sample.ts";
import { KIND } from "#core/model/sample-columns.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { HourSummary } from "./hour-summary.ts";
import { Dictionary } from "./sample-rows.ts";

/*
 * One part of the hourly summaries of a day and a group of series, as columns that are read by copying: what every
 * question needs in one blob (uncompressed: it is read for many series at once), what only time-weighted means and
 * counters need in a second one (compressed).
 */

const LAYOUT = 1;
/** How the numbers of a column lie in the file. `scaled`: whole numbers and what they are divided by. */
const FORM = { constant: 0, uint8: 1, uint16: 2, uint32: 3, float32: 4, float64: 5, scaled: 6 } as const;
const SCALES = [1, 10, 100, 1000] as const;

/** What of every summary. Row i of each column belongs to one series and hour; rows ascend by series, then hour. */
export interface SummaryColumns {
  readonly length: number;
  /** Series in the group times 32 plus hour of the day. */
  readonly place: Float64Array;
  /** 1: it takes the place of everything earlier parts say of its series and hour. */
  readonly replaces: Float64Array;
  readonly count: Float64Array;
  readonly bad: Float64Array;
  readonly numeric: Float64Array;
  readonly sum: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** Kinds (KIND) of first and last: first * 8 + last. */
  readonly kinds: Float64Array;
  /** Numbers, or indices into `texts`. */
  readonly first: Float64Array;
  readonly last: Float64Array;
  readonly texts: readonly string[];
}

/** What else time-weighted means and counters need. */
export interface SummaryExtras {
  readonly firstAt: Float64Array;
  readonly lastAt: Float64Array;
  readonly integral: Float64Array;
  readonly known: Float64Array;
  readonly held: Float64Array;
  readonly firstNumber: Float64Array;
  readonly lastNumber: Float64Array;
  readonly falls: Float64Array;
  readonly fallFrom: Float64Array;
}

const MAIN = ["place", "replaces", "count", "bad", "numeric", "sum", "min", "max", "kinds", "first", "last"] as const;
const EXTRA = [
  "firstAt",
  "lastAt",
  "integral",
  "known",
  "held",
  "firstNumber",
  "lastNumber",
  "falls",
  "fallFrom",
] as const;

/** A summary and where it belongs. */
export interface PlacedSummary {
  /** Series in the group. */
  readonly member: number;
  readonly replaces: boolean;
  readonly summary: HourSummary;
}

function isWhole(column: Float64Array, max: number): boolean {
  return column.every((value) => value >= 0 && value <= max && Number.isInteger(value) && !Object.is(value, -0));
}

function scaleOf(column: Float64Array): number {
  return SCALES.findIndex((scale) =>
    column.every((value) => {
      const scaled = Math.round(value * scale);
      return Math.abs(scaled) < 0x7fff_ffff && Object.is(scaled / scale, value) && !Object.is(scaled, -0);
    }),
  );
}

function bytesOf(array: Float64Array | Float32Array | Int32Array | Uint32Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function writeColumn(w: ByteWriter, column: Float64Array): void {
  const form = (code: number, scale: number): void => {
    w.byte(code);
    w.byte(scale);
    w.align();
  };
  const value = column[0] ?? 0;
  if (column.every((other) => Object.is(other, value))) {
    form(FORM.constant, 0);
    w.double(value);
  } else if (isWhole(column, 0xff)) {
    form(FORM.uint8, 0);
    w.raw(Uint8Array.from(column));
  } else if (isWhole(column, 0xffff)) {
    form(FORM.uint16, 0);
    w.raw(bytesOf(Uint16Array.from(column)));
  } else if (isWhole(column, 0xffff_ffff)) {
    form(FORM.uint32, 0);
    w.raw(bytesOf(Uint32Array.from(column)));
  } else if (column.every((other) => Object.is(Math.fround(other), other))) {
    form(FORM.float32, 0);
    w.raw(bytesOf(Float32Array.from(column)));
  } else {
    const scale = scaleOf(column);
    form(scale < 0 ? FORM.float64 : FORM.scaled, Math.max(0, scale));
    const power = SCALES[scale] ?? 1;
    w.raw(bytesOf(scale < 0 ? column : Int32Array.from(column, (other) => Math.round(other * power))));
  }
  w.align();
}

const NOTHING = new Float64Array(0);

/** A typed array over the next bytes, which may lie anywhere. */
function view<T>(r: ByteReader, n: number, size: number, make: (buffer: ArrayBuffer, at: number, n: number) => T): T {
  const bytes = r.raw(n * size);
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return make(aligned.buffer as ArrayBuffer, aligned.byteOffset, n);
}

/** `room` is used for the column where its numbers do not lie in the blob as they are; without it new memory. */
function readColumn(r: ByteReader, n: number, room?: Float64Array): Float64Array {
  const form = r.byte();
  const power = SCALES[r.byte()] ?? 1;
  r.align();
  let column = form === FORM.float64 ? NOTHING : (room?.subarray(0, n) ?? new Float64Array(n));
  if (form === FORM.constant) column.fill(r.double());
  else if (form === FORM.uint8) column.set(r.raw(n));
  else if (form === FORM.uint16) column.set(view(r, n, 2, (b, at, length) => new Uint16Array(b, at, length)));
  else if (form === FORM.uint32) column.set(view(r, n, 4, (b, at, length) => new Uint32Array(b, at, length)));
  else if (form === FORM.float32) column.set(view(r, n, 4, (b, at, length) => new Float32Array(b, at, length)));
  else if (form === FORM.float64) column = view(r, n, 8, (b, at, length) => new Float64Array(b, at, length));
  else if (form === FORM.scaled) {
    column.set(view(r, n, 4, (b, at, length) => new Int32Array(b, at, length)));
    if (power !== 1) for (let i = 0; i < n; i++) column[i] = (column[i] ?? 0) / power;
  } else throw new RangeError(`a column of summaries has form ${form}`);
  r.align();
  return column;
}

function kindOf(value: Value): number {
  if (typeof value === "number") return KIND.number;
  if (typeof value === "string") return KIND.text;
  return value === null ? KIND.null : value ? KIND.true : KIND.false;
}

/** The value of a kind and a number. */
export function valueOfKind(kind: number, number: number, texts: readonly string[]): Value {
  if (kind === KIND.number) return number;
  if (kind === KIND.text) return texts[number] ?? "";
  return kind === KIND.null ? null : kind === KIND.true;
}

function finished(w: ByteWriter): Uint8Array {
  w.uint32(crc32(w.done()));
  return w.done().slice();
}

/** Summaries as columns. They are in order of series and hour, one of each. */
export function columnsOf(summaries: readonly PlacedSummary[]): SummaryColumns {
  const texts = new Dictionary();
  const numeric = (value: Value): number =>
    typeof value === "number" ? value : typeof value === "string" ? texts.indexOf(value) : 0;
  const of = (pick: (one: PlacedSummary) => number): Float64Array => Float64Array.from(summaries, pick);
  return {
    length: summaries.length,
    place: of(({ member, summary: { hour } }) => member * 32 + hour - Math.floor(hour / 24) * 24),
    replaces: of(({ replaces }) => (replaces ? 1 : 0)),
    count: of(({ summary }) => summary.count),
    bad: of(({ summary }) => summary.bad),
    numeric: of(({ summary }) => summary.numeric),
    sum: of(({ summary }) => summary.sum),
    min: of(({ summary }) => summary.min),
    max: of(({ summary }) => summary.max),
    kinds: of(({ summary }) => kindOf(summary.first) * 8 + kindOf(summary.last)),
    first: of(({ summary }) => numeric(summary.first)),
    last: of(({ summary }) => numeric(summary.last)),
    texts: texts.list,
  };
}

/** The other columns of the same summaries. */
export function extrasOf(summaries: readonly PlacedSummary[]): SummaryExtras {
  const columns = {} as Record<(typeof EXTRA)[number], Float64Array>;
  for (const name of EXTRA) columns[name] = Float64Array.from(summaries, ({ summary }) => summary[name]);
  return columns;
}

/** The two blobs of one part. */
export function encodeSummaries(summaries: readonly PlacedSummary[]): { data: Uint8Array; extra: Uint8Array } {
  const columns = columnsOf(summaries);
  const extras = extrasOf(summaries);
  const data = new ByteWriter();
  data.byte(LAYOUT);
  data.integer(columns.length);
  data.texts(columns.texts);
  for (const name of MAIN) writeColumn(data, columns[name]);
  const extra = new ByteWriter();
  for (const name of EXTRA) writeColumn(extra, extras[name]);
  return {
    data: finished(data),
    extra: zstdCompressSync(extra.done(), {
      params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
    }),
  };
}

function corrupt(cause: unknown): HubError {
  return new HubError("HISTORY_CORRUPT", `stored hourly summaries cannot be read: ${errorMessage(cause)}`, { cause });
}

/** Memory for the columns of one part, used again for the next one: reading a month of many series leaves no garbage. */
export class SummaryRoom {
  #columns: Float64Array[] = [];
  /** Memory of a column for so many rows. */
  column(at: number, rows: number): Float64Array {
    const known = this.#columns[at];
    if (known !== undefined && known.length >= rows) return known;
    const made = new Float64Array(Math.max(rows, 2048));
    this.#columns[at] = made;
    return made;
  }
}

/**
 * The columns of a part. `blob` is not to be changed afterwards; with `room` they last until it is used again.
 * @throws HISTORY_CORRUPT
 */
export function decodeSummaries(blob: Uint8Array, room?: SummaryRoom): SummaryColumns {
  const size = blob.length - 4;
  const r = new ByteReader(blob);
  try {
    if (size < 4 || crc32(blob.subarray(0, size)) !== r.view.getUint32(size, true)) throw new Error("wrong checksum");
    const layout = r.byte();
    if (layout !== LAYOUT) throw new RangeError(`layout ${layout}, expected ${LAYOUT}`);
    const length = r.integer();
    const texts = r.texts();
    const columns = {} as Record<(typeof MAIN)[number], Float64Array>;
    for (const [at, name] of MAIN.entries()) columns[name] = readColumn(r, length, room?.column(at, length));
    return { length, texts, ...columns };
  } catch (cause) {
    throw corrupt(cause);
  }
}

/** The other columns of a part with so many rows. @throws HISTORY_CORRUPT */
export function decodeExtras(blob: Uint8Array, length: number): SummaryExtras {
  try {
    const r = new ByteReader(zstdDecompressSync(blob));
    const columns = {} as Record<(typeof EXTRA)[number], Float64Array>;
    for (const name of EXTRA) columns[name] = readColumn(r, length);
    return columns;
  } catch (cause) {
    throw corrupt(cause);
  }
}

/** One row of a part as an object; `day` in days since 1970. */
export function summaryAt(c: SummaryColumns, x: SummaryExtras, i: number, day: number): PlacedSummary {
  const place = c.place[i] ?? 0;
  const kinds = c.kinds[i] ?? 0;
  const n = (column: Float64Array): number => column[i] ?? 0;
  return {
    member: place >> 5,
    replaces: c.replaces[i] === 1,
    summary: {
      hour: day * 24 + (place & 31),
      count: n(c.count),
      bad: n(c.bad),
      numeric: n(c.numeric),
      sum: n(c.sum),
      min: n(c.min),
      max: n(c.max),
      first: valueOfKind(kinds >> 3, n(c.first), c.texts),
      last: valueOfKind(kinds & 7, n(c.last), c.texts),
      firstAt: n(x.firstAt),
      lastAt: n(x.lastAt),
      integral: n(x.integral),
      known: n(x.known),
      held: n(x.held),
      firstNumber: n(x.firstNumber),
      lastNumber: n(x.lastNumber),
      falls: n(x.falls),
      fallFrom: n(x.fallFrom),
    },
  };
}
