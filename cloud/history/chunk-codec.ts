import { crc32 } from "node:zlib";
import { errorMessage, HubError } from "#core/errors.ts";
import { KIND } from "#core/model/sample-columns.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { readIntegers, writeConstant, writeIntegers } from "./integer-codec.ts";
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

function flagsOf({ length, source, kind }: SampleRows): number {
  let flags = 0;
  for (let i = 0; i < length; i++) {
    if (!Number.isNaN(source[i])) flags |= HAS.sources;
    if (kind[i] === KIND.number) flags |= HAS.numbers;
    else if (kind[i] === KIND.text) flags |= HAS.texts;
  }
  return flags;
}

/** Is each of the first `n` the same? */
function isSame(column: Uint8Array | Uint16Array | Uint32Array, n: number): boolean {
  const first = column[0];
  for (let i = 1; i < n; i++) if (column[i] !== first) return false;
  return true;
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

/** What `number` holds for one kind, into `picked`. */
function pick(rows: SampleRows, kind: number): number {
  let count = 0;
  for (let i = 0; i < rows.length; i++) if (rows.kind[i] === kind) picked[count++] = rows.number[i] ?? 0;
  return count;
}

function writeSmall(w: ByteWriter, column: Uint8Array | Uint16Array | Uint32Array, n: number): void {
  if (isSame(column, n)) {
    writeConstant(w, column[0] ?? 0);
    return;
  }
  for (let i = 0; i < n; i++) scratch[i] = column[i] ?? 0;
  writeIntegers(w, scratch, n);
}

/** The numbers of entries of a dictionary that the rows use, in order of their first use. */
function usedOf(rows: SampleRows, column: Uint16Array | Float64Array, kind?: number): Map<number, number> {
  const used = new Map<number, number>();
  let before = -1;
  for (let i = 0; i < rows.length; i++) {
    const entry = column[i] ?? 0;
    if (entry === before || (kind !== undefined && rows.kind[i] !== kind)) continue;
    if (!used.has(entry)) used.set(entry, used.size);
    before = entry;
  }
  return used;
}

/** "good" is nearly always there: it is told by nothing. */
function qualityName(text: string | undefined): string {
  return text === "good" ? "" : (text ?? "bad");
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

const NO_OFFSETS = new Float64Array(0);
/** The offsets that were written last with the times that were written last, and what became of their steps. */
let knownOffsets = NO_OFFSETS;
let writtenSteps = new Uint8Array(0);

function areKnownSteps({ length, offset }: SampleRows): boolean {
  if (length !== knownOffsets.length) return false;
  const apart = (offset[0] ?? 0) - (knownOffsets[0] ?? 0);
  for (let i = length - 1; i > 0; i--) if ((offset[i] ?? 0) - (knownOffsets[i] ?? 0) !== apart) return false;
  return true;
}

/**
 * Offsets as what is left of their steps when the time that went by is taken into account: all samples of a gateway are
 * counted. `sameTimes`: the times are those of the call before.
 */
function writeOffsets(w: ByteWriter, rows: SampleRows, sameTimes: boolean): void {
  w.integer(rows.offset[0] ?? 0);
  if (sameTimes && areKnownSteps(rows)) {
    w.raw(writtenSteps);
    return;
  }
  const start = w.at;
  let perMs = pace(rows);
  if (!stepsAtPace(rows, perMs)) {
    perMs = 0;
    stepsAtPace(rows, perMs);
  }
  w.float(perMs);
  writeIntegers(w, scratch, rows.length - 1);
  knownOffsets = rows.offset.slice(0, rows.length);
  writtenSteps = w.done().slice(start);
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

/** Only those entries of the dictionary are written that the rows use: rows cut out of others carry nothing of them. */
function writeTexts(w: ByteWriter, rows: SampleRows, used: ReadonlyMap<number, number>): void {
  const count = pick(rows, KIND.text);
  for (let i = 0; i < count; i++) picked[i] = used.get(picked[i] ?? 0) ?? 0;
  writeIntegers(w, picked, count);
}

function writeQualities(w: ByteWriter, { quality, length }: SampleRows, used: ReadonlyMap<number, number>): void {
  if (used.size === 1) {
    writeConstant(w, 0);
    return;
  }
  for (let i = 0; i < length; i++) scratch[i] = used.get(quality[i] ?? 0) ?? 0;
  writeIntegers(w, scratch, length);
}

function writeValues(w: ByteWriter, rows: SampleRows): void {
  if (isSame(rows.kind, rows.length)) writeNumbers(w, rows.number, rows.length);
  else writeNumbers(w, picked, pick(rows, KIND.number));
}

/** One chunk out of rows, of which there is at least one. */
export function encodeChunk(rows: SampleRows): Uint8Array {
  const n = rows.length;
  room(n);
  const w = writer;
  w.clear();
  const flags = flagsOf(rows);
  const qualities = usedOf(rows, rows.quality);
  const texts = flags & HAS.texts ? usedOf(rows, rows.number, KIND.text) : undefined;
  w.byte(LAYOUT);
  w.byte(flags);
  w.integer(n);
  w.texts([...qualities.keys()].map((at) => qualityName(rows.qualities[at])));
  if (texts !== undefined) w.texts([...texts.keys()].map((at) => rows.texts[at] ?? ""));
  const sameTimes = writeTimes(w, rows.time, n);
  if (!sameTimes) knownOffsets = NO_OFFSETS;
  if (flags & HAS.sources) writeSources(w, rows);
  writeSmall(w, rows.kind, n);
  writeQualities(w, rows, qualities);
  if (flags & HAS.numbers) writeValues(w, rows);
  if (texts !== undefined) writeTexts(w, rows, texts);
  writeSmall(w, rows.epoch, n);
  writeOffsets(w, rows, sameTimes);
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
