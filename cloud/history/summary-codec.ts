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
type Form = (typeof FORM)[keyof typeof FORM];
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

/** Is every one of the first `n` a multiple of 1 / scale that 32 bits hold? */
function isScaled(column: Float64Array, n: number, scale: number): boolean {
  for (let i = 0; i < n; i++) {
    const value = column[i] ?? 0;
    const scaled = Math.round(value * scale);
    // Neither NaN nor a zero below zero comes back from a whole number.
    const isWhole = Math.abs(scaled) < 0x7fff_ffff && !Object.is(scaled, -0);
    if (!isWhole || !Object.is(scaled / scale, value)) return false;
  }
  return true;
}

function isSame(column: Float64Array, n: number): boolean {
  const first = column[0];
  for (let i = 1; i < n; i++) if (!Object.is(column[i], first)) return false;
  return true;
}

function isFloat32(column: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) if (!Object.is(Math.fround(column[i] ?? 0), column[i])) return false;
  return true;
}

/** The greatest of numbers that are all whole, from 0 on, and fit 32 bits; -1 where one is not. */
function greatestWhole(column: Float64Array, n: number): number {
  let greatest = 0;
  for (let i = 0; i < n; i++) {
    const value = column[i] ?? 0;
    if (!Object.is(value >>> 0, value)) return -1;
    if (value > greatest) greatest = value;
  }
  return greatest;
}

/** In what form the numbers of a column take the least room without loss. `scaled` is only sought where nothing else fits. */
function formOf(column: Float64Array, n: number): { readonly form: Form; readonly scale: number } {
  if (isSame(column, n)) return { form: FORM.constant, scale: 0 };
  const greatest = greatestWhole(column, n);
  if (greatest >= 0)
    return { form: greatest <= 0xff ? FORM.uint8 : greatest <= 0xffff ? FORM.uint16 : FORM.uint32, scale: 0 };
  if (isFloat32(column, n)) return { form: FORM.float32, scale: 0 };
  const scale = SCALES.findIndex((power) => isScaled(column, n, power));
  return scale < 0 ? { form: FORM.float64, scale: 0 } : { form: FORM.scaled, scale };
}

/** A typed array of what comes next in the writer, aligned to 8 bytes. */
function room<T>(w: ByteWriter, bytes: number, make: (buffer: ArrayBuffer, at: number) => T): T {
  const place = w.reserve(bytes);
  w.advance(bytes);
  return make(place.bytes.buffer as ArrayBuffer, place.at);
}

/** Writes the first `n` numbers of a column. */
function writeColumn(w: ByteWriter, column: Float64Array, n: number): void {
  const { form, scale } = formOf(column, n);
  w.byte(form);
  w.byte(scale);
  w.align();
  const values = column.subarray(0, n);
  if (form === FORM.constant) w.double(column[0] ?? 0);
  else if (form === FORM.uint8) room(w, n, (b, at) => new Uint8Array(b, at, n)).set(values);
  else if (form === FORM.uint16) room(w, 2 * n, (b, at) => new Uint16Array(b, at, n)).set(values);
  else if (form === FORM.uint32) room(w, 4 * n, (b, at) => new Uint32Array(b, at, n)).set(values);
  else if (form === FORM.float32) room(w, 4 * n, (b, at) => new Float32Array(b, at, n)).set(values);
  else if (form === FORM.float64) room(w, 8 * n, (b, at) => new Float64Array(b, at, n)).set(values);
  else {
    const power = SCALES[scale] ?? 1;
    const scaled = room(w, 4 * n, (b, at) => new Int32Array(b, at, n));
    for (let i = 0; i < n; i++) scaled[i] = Math.round((column[i] ?? 0) * power);
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

type Columns<Name extends string> = Record<Name, Float64Array>;

function newColumns<Name extends string>(names: readonly Name[], n: number): Columns<Name> {
  return Object.fromEntries(names.map((name) => [name, new Float64Array(n)])) as Columns<Name>;
}

function fillMain(c: Columns<(typeof MAIN)[number]>, summaries: readonly PlacedSummary[]): readonly string[] {
  const texts = new Dictionary();
  const numeric = (value: Value): number =>
    typeof value === "number" ? value : typeof value === "string" ? texts.indexOf(value) : 0;
  for (let i = 0; i < summaries.length; i++) {
    const one = summaries[i];
    if (one === undefined) continue;
    const { summary } = one;
    c.place[i] = one.member * 32 + summary.hour - Math.floor(summary.hour / 24) * 24;
    c.replaces[i] = one.replaces ? 1 : 0;
    c.count[i] = summary.count;
    c.bad[i] = summary.bad;
    c.numeric[i] = summary.numeric;
    c.sum[i] = summary.sum;
    c.min[i] = summary.min;
    c.max[i] = summary.max;
    c.kinds[i] = kindOf(summary.first) * 8 + kindOf(summary.last);
    c.first[i] = numeric(summary.first);
    c.last[i] = numeric(summary.last);
  }
  return texts.list;
}

function fillExtra(x: Columns<(typeof EXTRA)[number]>, summaries: readonly PlacedSummary[]): void {
  for (let i = 0; i < summaries.length; i++) {
    const summary = summaries[i]?.summary;
    if (summary === undefined) continue;
    x.firstAt[i] = summary.firstAt;
    x.lastAt[i] = summary.lastAt;
    x.integral[i] = summary.integral;
    x.known[i] = summary.known;
    x.held[i] = summary.held;
    x.firstNumber[i] = summary.firstNumber;
    x.lastNumber[i] = summary.lastNumber;
    x.falls[i] = summary.falls;
    x.fallFrom[i] = summary.fallFrom;
  }
}

/** Summaries as columns. They are in order of series and hour, one of each. */
export function columnsOf(summaries: readonly PlacedSummary[]): SummaryColumns {
  const columns = newColumns(MAIN, summaries.length);
  const texts = fillMain(columns, summaries);
  return { length: summaries.length, texts, ...columns };
}

/** The other columns of the same summaries. */
export function extrasOf(summaries: readonly PlacedSummary[]): SummaryExtras {
  const columns = newColumns(EXTRA, summaries.length);
  fillExtra(columns, summaries);
  return columns;
}

const writer = new ByteWriter();
let main = newColumns(MAIN, 0);
let more = newColumns(EXTRA, 0);

/** The two blobs of one part. */
export function encodeSummaries(summaries: readonly PlacedSummary[]): { data: Uint8Array; extra: Uint8Array } {
  const n = summaries.length;
  if (n > main.place.length) {
    main = newColumns(MAIN, 2 * n);
    more = newColumns(EXTRA, 2 * n);
  }
  const texts = fillMain(main, summaries);
  fillExtra(more, summaries);
  writer.clear();
  writer.byte(LAYOUT);
  writer.integer(n);
  writer.texts(texts);
  for (const name of MAIN) writeColumn(writer, main[name], n);
  const data = finished(writer);
  writer.clear();
  for (const name of EXTRA) writeColumn(writer, more[name], n);
  return {
    data,
    extra: zstdCompressSync(writer.done(), {
      params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
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
