import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { HubError } from "#core/errors.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { type Columns, KIND, newColumns } from "./columns.ts";
import { readNumbers, writeNumbers } from "./number-codec.ts";

/** First byte inside every blob. A change of the layout takes the next number and keeps reading the old one. */
const LAYOUT = 1;

/** Equal neighbours as (value, count). */
function writeRuns(w: ByteWriter, column: Float64Array | Uint8Array, n: number): void {
  for (let i = 0; i < n; ) {
    let end = i + 1;
    while (end < n && column[end] === column[i]) end++;
    w.integer(column[i] ?? 0);
    w.integer(end - i);
    i = end;
  }
}
function readRuns(r: ByteReader, column: Float64Array | Uint8Array, n: number): void {
  for (let i = 0; i < n; ) {
    const value = r.integer();
    const end = Math.min(n, i + Math.max(1, r.integer()));
    column.fill(value, i, end);
    i = end;
  }
}

/** Integers as differences from a steady step: regular times and offsets cost next to nothing. */
function writeSteps(w: ByteWriter, column: Float64Array, n: number): void {
  let previous = 0;
  let step = 0;
  for (let i = 0; i < n; i++) {
    const value = column[i] ?? 0;
    const delta = value - previous;
    w.integer(delta - step);
    // Only the second difference of the first two is a step; later ones would double every jitter.
    if (i === 1) step = delta;
    previous = value;
  }
}
function readSteps(r: ByteReader, column: Float64Array, n: number): void {
  let previous = 0;
  let step = 0;
  for (let i = 0; i < n; i++) {
    const delta = r.integer() + step;
    if (i === 1) step = delta;
    previous += delta;
    column[i] = previous;
  }
}

/** sourceTime as its distance from observedAt, where there is one. */
function writeSources(w: ByteWriter, c: Columns): void {
  const absent = new Uint8Array(c.length);
  for (let i = 0; i < c.length; i++) absent[i] = Number.isNaN(c.source[i]) ? 1 : 0;
  writeRuns(w, absent, c.length);
  for (let i = 0; i < c.length; i++) if (absent[i] === 0) w.integer((c.source[i] ?? 0) - (c.time[i] ?? 0));
}
function readSources(r: ByteReader, c: Columns): void {
  const absent = new Uint8Array(c.length);
  readRuns(r, absent, c.length);
  for (let i = 0; i < c.length; i++) c.source[i] = absent[i] === 1 ? Number.NaN : (c.time[i] ?? 0) + r.integer();
}

function writeTexts(w: ByteWriter, texts: readonly string[]): void {
  w.integer(texts.length);
  for (const text of texts) w.text(text);
}
function readTexts(r: ByteReader, into: string[]): void {
  const count = r.integer();
  for (let i = 0; i < count; i++) into.push(r.text());
}

function holdsNumber(kind: number | undefined): boolean {
  return kind === KIND.number || kind === KIND.text;
}

/** One blob out of columns. `level` is zstd's: 1 for the log, which is written once and soon replaced, 3 for chunks. */
export function encodeColumns(c: Columns, level: 1 | 3): Uint8Array {
  const w = new ByteWriter();
  w.byte(LAYOUT);
  w.integer(c.length);
  writeTexts(w, c.texts);
  writeTexts(w, c.qualities);
  writeNumbers(w, c.series, c.length);
  writeRuns(w, c.epoch, c.length);
  writeSteps(w, c.offset, c.length);
  writeSteps(w, c.time, c.length);
  writeSources(w, c);
  writeRuns(w, c.kind, c.length);
  writeRuns(w, c.quality, c.length);
  const numbers = c.number.subarray(0, c.length).filter((_, i) => holdsNumber(c.kind[i]));
  if (numbers.length > 0) writeNumbers(w, numbers, numbers.length);
  return zstdCompressSync(w.done(), {
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}

/** The columns of a blob. @throws HISTORY_CORRUPT when its checksum or layout is wrong */
export function decodeColumns(blob: Uint8Array): Columns {
  let bytes: Uint8Array;
  try {
    bytes = zstdDecompressSync(blob);
  } catch (cause) {
    throw new HubError("HISTORY_CORRUPT", "a stored block of samples is damaged", { cause });
  }
  const r = new ByteReader(bytes);
  const layout = r.byte();
  if (layout !== LAYOUT) throw new HubError("HISTORY_CORRUPT", `a block has layout ${layout}, expected ${LAYOUT}`);
  const n = r.integer();
  const c = newColumns(n);
  c.length = n;
  readTexts(r, c.texts);
  readTexts(r, c.qualities);
  readNumbers(r, c.series, n);
  readRuns(r, c.epoch, n);
  readSteps(r, c.offset, n);
  readSteps(r, c.time, n);
  readSources(r, c);
  readRuns(r, c.kind, n);
  readRuns(r, c.quality, n);
  const count = c.kind.reduce((sum, kind) => sum + (holdsNumber(kind) ? 1 : 0), 0);
  if (count > 0) {
    const numbers = new Float64Array(count);
    readNumbers(r, numbers, count);
    for (let i = 0, k = 0; i < n; i++) if (holdsNumber(c.kind[i])) c.number[i] = numbers[k++] ?? 0;
  }
  return c;
}
