import { constants, crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { errorMessage, HubError } from "#core/errors.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { newRows, type SampleRows } from "./sample-rows.ts";

/*
 * One record of the log: the rows of one commit, of all series, as plain columns behind zstd's fastest level. It is written
 * once and soon replaced by chunks, so what counts is the time it takes.
 */

const LAYOUT = 2;
/** How a column of times lies in the record. */
const TIMES = { none: 0, int32: 1, float64: 2 } as const;
/** A column that is one number throughout. */
const SAME = 1;
const EACH = 0;
/** Records below this size do not become shorter by much, and the compressor takes its time to start. */
const COMPRESS_FROM_BYTES = 256;
const PLAIN = 0;
const ZSTD = 1;
/** Bytes before the columns: how they lie, and their CRC-32. */
const HEAD = 5;
const writer = new ByteWriter();

function bytesOf(array: Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

let near = new Int32Array(16_384);

/** Puts the distances of times from `base` into `near`. False where one does not fit 32 bits, or there is no time. */
function areNear(column: Float64Array, base: number): boolean {
  if (near.length < column.length) near = new Int32Array(2 * column.length);
  for (let i = 0; i < column.length; i++) {
    const distance = (column[i] ?? Number.NaN) - base;
    near[i] = distance;
    if (near[i] !== distance) return false;
  }
  return true;
}

function isNowhere(column: Float64Array): boolean {
  for (let i = 0; i < column.length; i++) if (!Number.isNaN(column[i])) return false;
  return true;
}

/** Distances from `base` where they fit 32 bits, else the times themselves. */
function writeTimes(w: ByteWriter, column: Float64Array, base: number): void {
  if (isNowhere(column)) {
    w.byte(TIMES.none);
    return;
  }
  const fits = areNear(column, base);
  w.byte(fits ? TIMES.int32 : TIMES.float64);
  w.raw(bytesOf(fits ? near.subarray(0, column.length) : column));
}

function readTimes(r: ByteReader, into: Float64Array, base: number): void {
  const form = r.byte();
  const n = into.length;
  if (form === TIMES.none) into.fill(Number.NaN);
  else if (form === TIMES.float64) bytesOf(into).set(r.raw(n * 8));
  else {
    const near = new Int32Array(n);
    bytesOf(near).set(r.raw(n * 4));
    for (let i = 0; i < n; i++) into[i] = base + (near[i] ?? 0);
  }
}

type Plain = Float64Array | Uint32Array | Uint16Array | Uint8Array;

/** Is each the same? Then its bytes are those of the one before it. */
function isSame(column: Plain): boolean {
  if (column.length > 1 && !Object.is(column[1], column[0])) return false;
  const { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT: size } = column;
  if (byteLength <= size) return true;
  const all = Buffer.from(buffer, byteOffset + size, byteLength - size);
  return all.equals(Buffer.from(buffer, byteOffset, byteLength - size));
}

function writePlain(w: ByteWriter, column: Plain): void {
  const same = isSame(column);
  w.byte(same ? SAME : EACH);
  w.raw(bytesOf(same ? column.subarray(0, 1) : column));
}

function readPlain(r: ByteReader, into: Plain): void {
  const same = r.byte() === SAME;
  const target = bytesOf(same ? into.subarray(0, 1) : into);
  target.set(r.raw(target.length));
  if (same) into.fill(into[0] ?? 0);
}

/** Offsets that follow each other as runs (first, count). */
function writeOffsets(w: ByteWriter, rows: SampleRows): void {
  const runs: number[] = [];
  let begin = 0;
  for (let i = 1; i <= rows.length; i++)
    if (i === rows.length || rows.offset[i] !== (rows.offset[i - 1] ?? 0) + 1) {
      runs.push(rows.offset[begin] ?? 0, i - begin);
      begin = i;
    }
  const asRuns = runs.length < rows.length;
  w.integer(asRuns ? runs.length : 0);
  if (asRuns) for (const number of runs) w.integer(number);
  else w.raw(bytesOf(rows.offset));
}

function readOffsets(r: ByteReader, into: Float64Array): void {
  const numbers = r.integer();
  if (numbers === 0) {
    bytesOf(into).set(r.raw(into.length * 8));
    return;
  }
  let at = 0;
  for (let run = 0; run < numbers; run += 2) {
    const first = r.integer();
    const count = Math.min(r.integer(), into.length - at);
    for (let i = 0; i < count; i++) into[at++] = first + i;
  }
}

/** One record out of rows; `series[i]` is that of row i. Columns are as long as the rows; the dictionaries are written whole. */
export function encodeLog(series: Uint32Array, rows: SampleRows): Uint8Array {
  const w = writer;
  w.clear();
  const base = rows.time[0] ?? 0;
  w.byte(LAYOUT);
  w.integer(rows.length);
  w.double(base);
  w.texts(rows.qualities);
  w.texts(rows.texts);
  writePlain(w, series);
  writePlain(w, rows.epoch);
  writeOffsets(w, rows);
  writeTimes(w, rows.time, base);
  writeTimes(w, rows.source, base);
  writePlain(w, rows.kind);
  writePlain(w, rows.quality);
  writePlain(w, rows.number);
  const plain = w.done();
  const compress = plain.length >= COMPRESS_FROM_BYTES;
  const body = compress
    ? zstdCompressSync(plain, {
        chunkSize: 65_536,
        params: { [constants.ZSTD_c_compressionLevel]: 1 },
      })
    : plain;
  const record = new Uint8Array(body.length + HEAD);
  record[0] = compress ? ZSTD : PLAIN;
  new DataView(record.buffer).setUint32(1, crc32(body));
  record.set(body, HEAD);
  return record;
}

/** The rows of a record. @throws HISTORY_CORRUPT when its checksum or layout is wrong */
export function decodeLog(record: Uint8Array): { series: Uint32Array; rows: SampleRows } {
  try {
    const body = record.subarray(HEAD);
    if (record.length < HEAD || crc32(body) !== new DataView(record.buffer, record.byteOffset).getUint32(1))
      throw new Error("wrong checksum");
    const r = new ByteReader(record[0] === ZSTD ? zstdDecompressSync(body) : body);
    const layout = r.byte();
    if (layout !== LAYOUT) throw new RangeError(`layout ${layout}, expected ${LAYOUT}`);
    const n = r.integer();
    const base = r.double();
    const rows = newRows(n);
    rows.length = n;
    rows.qualities.push(...r.texts());
    rows.texts.push(...r.texts());
    const series = new Uint32Array(n);
    readPlain(r, series);
    readPlain(r, rows.epoch);
    readOffsets(r, rows.offset);
    readTimes(r, rows.time, base);
    readTimes(r, rows.source, base);
    readPlain(r, rows.kind);
    readPlain(r, rows.quality);
    readPlain(r, rows.number);
    return { series, rows };
  } catch (cause) {
    throw new HubError("HISTORY_CORRUPT", `a record of the log cannot be read: ${errorMessage(cause)}`, { cause });
  }
}
