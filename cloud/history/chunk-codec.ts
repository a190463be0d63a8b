import { crc32 } from "node:zlib";
import { errorMessage, HubError } from "#core/errors.ts";
import { KIND } from "#core/model/sample-columns.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { readIntegers, writeIntegers } from "./integer-codec.ts";
import { readNumbers, writeNumbers } from "./number-codec.ts";
import { newRows, type SampleRows } from "./sample-rows.ts";
import { readTimes, writeTimes } from "./time-codec.ts";

/*
 * One chunk: samples of one series in order of time, one of each time, without loss.
 *   layout, flags, count, dictionaries, times, [sources], kinds, qualities, [numbers], [texts], epochs, offsets, CRC-32
 * The key (epoch, offset) comes last, so that who only wants values stops before it. The checksum's four bytes are also the
 * room that the bit reader needs to look ahead.
 */

/** First byte of every chunk. A change of the layout takes the next number and keeps reading the old one. */
const LAYOUT = 2;
const HAS = { sources: 1, numbers: 2, texts: 4 } as const;
const writer = new ByteWriter();
let scratch = new Float64Array(1024);
let picked = new Float64Array(1024);

function room(n: number): void {
  if (scratch.length >= n) return;
  scratch = new Float64Array(n * 2);
  picked = new Float64Array(n * 2);
}

function flagsOf(rows: SampleRows): number {
  let flags = 0;
  for (let i = 0; i < rows.length; i++) {
    if (!Number.isNaN(rows.source[i])) flags |= HAS.sources;
    if (rows.kind[i] === KIND.number) flags |= HAS.numbers;
    else if (rows.kind[i] === KIND.text) flags |= HAS.texts;
  }
  return flags;
}

/** sourceTime as its distance from observedAt, where there is one. */
function writeSources(w: ByteWriter, rows: SampleRows): void {
  const { length, source, time } = rows;
  let count = 0;
  for (let i = 0; i < length; i++) {
    const there = !Number.isNaN(source[i]);
    scratch[i] = there ? 1 : 0;
    if (there) picked[count++] = (source[i] ?? 0) - (time[i] ?? 0);
  }
  writeIntegers(w, scratch, length);
  writeIntegers(w, picked, count);
}

/** What `number` holds for one kind. */
function pick(rows: SampleRows, kind: number): number {
  let count = 0;
  for (let i = 0; i < rows.length; i++) if (rows.kind[i] === kind) picked[count++] = rows.number[i] ?? 0;
  return count;
}

function writeSmall(w: ByteWriter, column: Uint8Array | Uint16Array | Uint32Array, n: number): void {
  for (let i = 0; i < n; i++) scratch[i] = column[i] ?? 0;
  writeIntegers(w, scratch, n);
}

/** Only those entries of the dictionaries that the rows use, so that rows cut out of others carry nothing of them. */
function compact(rows: SampleRows): {
  texts: string[];
  qualities: string[];
  text: Map<number, number>;
  quality: Map<number, number>;
} {
  const text = new Map<number, number>();
  const quality = new Map<number, number>();
  for (let i = 0; i < rows.length; i++) {
    const q = rows.quality[i] ?? 0;
    if (!quality.has(q)) quality.set(q, quality.size);
    const t = rows.number[i] ?? 0;
    if (rows.kind[i] === KIND.text && !text.has(t)) text.set(t, text.size);
  }
  return {
    texts: [...text.keys()].map((at) => rows.texts[at] ?? ""),
    qualities: [...quality.keys()].map((at) => rows.qualities[at] ?? "bad"),
    text,
    quality,
  };
}

/** What a gateway counts on average in a millisecond, as the first and the last sample of a chunk tell. */
function pace(rows: SampleRows): number {
  const last = rows.length - 1;
  const ms = (rows.time[last] ?? 0) - (rows.time[0] ?? 0);
  const pace = Math.fround(((rows.offset[last] ?? 0) - (rows.offset[0] ?? 0)) / ms);
  return Number.isFinite(pace) ? pace : 0;
}

/** Puts into `scratch` what is left of the steps of the offsets at a pace. False when a difference is too large to be exact. */
function stepsAtPace({ length, offset, time }: SampleRows, perMs: number): boolean {
  for (let i = 1; i < length; i++) {
    const expected = Math.round(((time[i] ?? 0) - (time[i - 1] ?? 0)) * perMs);
    const rest = (offset[i] ?? 0) - (offset[i - 1] ?? 0) - expected;
    if (!Number.isSafeInteger(rest)) return false;
    scratch[i - 1] = rest;
  }
  return true;
}

/** Offsets as what is left of their steps when the time that went by is taken into account: all samples of a gateway are counted. */
function writeOffsets(w: ByteWriter, rows: SampleRows): void {
  let perMs = pace(rows);
  if (!stepsAtPace(rows, perMs)) {
    perMs = 0;
    stepsAtPace(rows, perMs);
  }
  w.integer(rows.offset[0] ?? 0);
  w.float(perMs);
  writeIntegers(w, scratch, rows.length - 1);
}

function readOffsets(r: ByteReader, rows: SampleRows): void {
  const { length: n, offset, time } = rows;
  let at = r.integer();
  const perMs = r.float();
  readIntegers(r, scratch, n - 1);
  offset[0] = at;
  for (let i = 1; i < n; i++) {
    at += (scratch[i - 1] ?? 0) + Math.round(((time[i] ?? 0) - (time[i - 1] ?? 0)) * perMs);
    offset[i] = at;
  }
}

/** One chunk out of rows, of which there is at least one. */
export function encodeChunk(rows: SampleRows): Uint8Array {
  const n = rows.length;
  room(n);
  const w = writer;
  w.clear();
  const flags = flagsOf(rows);
  const used = compact(rows);
  w.byte(LAYOUT);
  w.byte(flags);
  w.integer(n);
  // "good" is nearly always there: it is told by nothing.
  w.texts(used.qualities.map((text) => (text === "good" ? "" : text)));
  if (flags & HAS.texts) w.texts(used.texts);
  writeTimes(w, rows.time, n);
  if (flags & HAS.sources) writeSources(w, rows);
  writeSmall(w, rows.kind, n);
  for (let i = 0; i < n; i++) scratch[i] = used.quality.get(rows.quality[i] ?? 0) ?? 0;
  writeIntegers(w, scratch, n);
  if (flags & HAS.numbers) writeNumbers(w, picked, pick(rows, KIND.number));
  if (flags & HAS.texts) {
    const count = pick(rows, KIND.text);
    for (let i = 0; i < count; i++) picked[i] = used.text.get(picked[i] ?? 0) ?? 0;
    writeIntegers(w, picked, count);
  }
  writeSmall(w, rows.epoch, n);
  writeOffsets(w, rows);
  w.uint32(crc32(w.done()));
  return w.done();
}

function readSources(r: ByteReader, rows: SampleRows): void {
  const n = rows.length;
  readIntegers(r, scratch, n);
  let count = 0;
  for (let i = 0; i < n; i++) if (scratch[i] === 1) count++;
  readIntegers(r, picked, count);
  for (let i = 0, k = 0; i < n; i++)
    rows.source[i] = scratch[i] === 1 ? (rows.time[i] ?? 0) + (picked[k++] ?? 0) : Number.NaN;
}

function readValues(r: ByteReader, rows: SampleRows, kind: number): void {
  const { length: n, kind: kinds, number } = rows;
  let count = 0;
  for (let i = 0; i < n; i++) if (kinds[i] === kind) count++;
  if (count === n && kind === KIND.number) {
    readNumbers(r, number, n);
    return;
  }
  if (kind === KIND.number) readNumbers(r, picked, count);
  else readIntegers(r, picked, count);
  for (let i = 0, k = 0; i < n; i++) if (kinds[i] === kind) number[i] = picked[k++] ?? 0;
}

function readChunk(r: ByteReader, keys: boolean): SampleRows {
  const layout = r.byte();
  if (layout !== LAYOUT) throw new RangeError(`layout ${layout}, expected ${LAYOUT}`);
  const flags = r.byte();
  const n = r.integer();
  room(n);
  const rows = newRows(n);
  rows.length = n;
  for (const text of r.texts()) rows.qualities.push(text === "" ? "good" : text);
  if (flags & HAS.texts) rows.texts.push(...r.texts());
  readTimes(r, rows.time, n);
  if (flags & HAS.sources) readSources(r, rows);
  else rows.source.fill(Number.NaN);
  readIntegers(r, scratch, n);
  rows.kind.set(scratch.subarray(0, n));
  readIntegers(r, scratch, n);
  rows.quality.set(scratch.subarray(0, n));
  if (flags & HAS.numbers) readValues(r, rows, KIND.number);
  if (flags & HAS.texts) readValues(r, rows, KIND.text);
  if (!keys) return rows;
  readIntegers(r, scratch, n);
  rows.epoch.set(scratch.subarray(0, n));
  readOffsets(r, rows);
  return rows;
}

/** The rows of a chunk; without their keys where `keys` is false. @throws HISTORY_CORRUPT when its checksum or layout is wrong */
export function decodeChunk(blob: Uint8Array, keys = true): SampleRows {
  const size = blob.length - 4;
  const r = new ByteReader(blob);
  if (size < 3 || crc32(blob.subarray(0, size)) !== r.view.getUint32(size, true))
    throw new HubError("HISTORY_CORRUPT", "a stored chunk of samples is damaged: its checksum is wrong");
  try {
    return readChunk(r, keys);
  } catch (cause) {
    throw new HubError("HISTORY_CORRUPT", `a stored chunk of samples cannot be read: ${errorMessage(cause)}`, {
      cause,
    });
  }
}
