import { constants, crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { errorMessage, HubError } from "#core/errors.ts";
import type { Value } from "#core/model/sample.ts";
import { KIND } from "#core/model/sample-columns.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { HourSummary } from "./hour-summary.ts";
import { Dictionary } from "./sample-rows.ts";
import { readColumn, SummaryColumn, writeColumn } from "./summary-column.ts";

/*
 * One part of the hourly summaries of a day and a group of series, as columns that are read by copying: what every
 * question needs in one blob (uncompressed: it is read for many series at once), what only time-weighted means and
 * counters need in a second one (compressed).
 */

const LAYOUT = 1;
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

function finished(w: ByteWriter): Uint8Array<ArrayBuffer> {
  w.uint32(crc32(w.done()));
  return new Uint8Array(w.done());
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

function reserve(n: number): void {
  if (n <= main.place.length) return;
  main = newColumns(MAIN, 2 * n);
  more = newColumns(EXTRA, 2 * n);
}

/** The first blob of one part, without the second one. */
export function encodeMain(summaries: readonly PlacedSummary[]): Uint8Array<ArrayBuffer> {
  const n = summaries.length;
  reserve(n);
  const texts = fillMain(main, summaries);
  writer.clear();
  writer.byte(LAYOUT);
  writer.integer(n);
  writer.texts(texts);
  for (const name of MAIN) writeColumn(writer, main[name], n);
  return finished(writer);
}

/** The two blobs of one part. */
export function encodeSummaries(summaries: readonly PlacedSummary[]): { data: Uint8Array; extra: Uint8Array } {
  const n = summaries.length;
  const data = encodeMain(summaries);
  fillExtra(more, summaries);
  writer.clear();
  for (const name of EXTRA) writeColumn(writer, more[name], n);
  return {
    data,
    extra: zstdCompressSync(writer.done(), {
      params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
    }),
  };
}

function corruptSummaries(cause: unknown): HubError {
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

/** Compares the checksum of a part. @throws HISTORY_CORRUPT */
export function checkSummaries(blob: Uint8Array): void {
  const size = blob.length - 4;
  if (size >= 4 && crc32(blob.subarray(0, size)) === new ByteReader(blob).view.getUint32(size, true)) return;
  throw corruptSummaries(new Error("wrong checksum"));
}

/**
 * The columns of a part. `blob` is not to be changed afterwards; with `room` they last until it is used again.
 * @throws HISTORY_CORRUPT
 */
export function decodeSummaries(blob: Uint8Array, room?: SummaryRoom): SummaryColumns {
  checkSummaries(blob);
  const r = new ByteReader(blob);
  try {
    const layout = r.byte();
    if (layout !== LAYOUT) throw new RangeError(`layout ${layout}, expected ${LAYOUT}`);
    const length = r.integer();
    const texts = r.texts();
    const columns = {} as Record<(typeof MAIN)[number], Float64Array>;
    for (const [at, name] of MAIN.entries()) columns[name] = readColumn(r, length, room?.column(at, length));
    return { length, texts, ...columns };
  } catch (cause) {
    throw corruptSummaries(cause);
  }
}

/** A part of the summaries whose columns lie in the blob. */
export interface SummaryViews {
  readonly length: number;
  readonly columns: Readonly<Record<(typeof MAIN)[number], SummaryColumn>>;
  readonly texts: readonly string[];
}

/** Looks into a blob whose checksum was compared already; it is not to be changed afterwards. @throws HISTORY_CORRUPT */
export function viewSummaries(blob: Uint8Array): SummaryViews {
  const r = new ByteReader(blob);
  try {
    const layout = r.byte();
    if (layout !== LAYOUT) throw new RangeError(`layout ${layout}, expected ${LAYOUT}`);
    const length = r.integer();
    const texts = r.texts();
    const columns = {} as Record<(typeof MAIN)[number], SummaryColumn>;
    for (const name of MAIN) columns[name] = new SummaryColumn(r, length);
    return { length, texts, columns };
  } catch (cause) {
    throw corruptSummaries(cause);
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
    throw corruptSummaries(cause);
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
