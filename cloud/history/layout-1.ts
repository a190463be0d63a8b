import { zstdDecompressSync } from "node:zlib";
import { HubError } from "#core/errors.ts";
import { KIND } from "#core/model/sample-columns.ts";
import { ByteReader } from "./bytes.ts";
import { newRows, type SampleRows } from "./sample-rows.ts";

/*
 * Reads the blocks (records of the log and chunks alike) of telemetry.db's first layout, for the upgrade. Nothing writes them
 * any more.
 */

const MODE = { constant: 0, decimal: 1, decimalRuns: 2, float32: 3 } as const;
const POWERS = [1, 10, 100, 1000] as const;
const word = new DataView(new ArrayBuffer(8));

function readRuns(r: ByteReader, n: number): Float64Array {
  const column = new Float64Array(n);
  for (let i = 0; i < n; ) {
    const value = r.integer();
    const end = Math.min(n, i + Math.max(1, r.integer()));
    column.fill(value, i, end);
    i = end;
  }
  return column;
}

function readSteps(r: ByteReader, n: number): Float64Array {
  const column = new Float64Array(n);
  let previous = 0;
  let step = 0;
  for (let i = 0; i < n; i++) {
    const delta = r.integer() + step;
    if (i === 1) step = delta;
    previous += delta;
    column[i] = previous;
  }
  return column;
}

function readDecimals(r: ByteReader, values: Float64Array, runs: boolean): void {
  const head = r.byte();
  const power = POWERS[head & 7] ?? 1;
  const n = values.length;
  let scaled = 0;
  for (let i = 0; i < n; ) {
    scaled += r.integer();
    const value = head & 8 ? Math.fround(scaled / power) : scaled / power;
    const end = runs ? Math.min(n, i + Math.max(1, r.integer())) : i + 1;
    values.fill(value, i, end);
    i = end;
  }
}

function readBits(r: ByteReader, values: Float64Array, width: 4 | 8): void {
  const previous = new Uint8Array(width);
  const n = values.length;
  for (let i = 0; i < n; i++) {
    for (let b = 0; b < width; b++) {
      const byte = (r.bytes[r.at + b * n + i] ?? 0) ^ (previous[b] ?? 0);
      previous[b] = byte;
      word.setUint8(b, byte);
    }
    values[i] = width === 4 ? word.getFloat32(0) : word.getFloat64(0);
  }
  r.at += n * width;
}

function readNumbers(r: ByteReader, n: number): Float64Array {
  const values = new Float64Array(n);
  const mode = r.byte();
  if (mode === MODE.constant) values.fill(r.double());
  else if (mode === MODE.decimal || mode === MODE.decimalRuns) readDecimals(r, values, mode === MODE.decimalRuns);
  else readBits(r, values, mode === MODE.float32 ? 4 : 8);
  return values;
}

function readSources(r: ByteReader, time: Float64Array): Float64Array {
  const absent = readRuns(r, time.length);
  return absent.map((none, i) => (none === 1 ? Number.NaN : (time[i] ?? 0) + r.integer()));
}

/** The rows of a block of the first layout; `series[i]` is that of row i. @throws HISTORY_CORRUPT */
export function decodeLayout1(blob: Uint8Array): { series: Uint32Array; rows: SampleRows } {
  let bytes: Uint8Array;
  try {
    bytes = zstdDecompressSync(blob);
  } catch (cause) {
    throw new HubError("HISTORY_CORRUPT", "a stored block of samples is damaged", { cause });
  }
  const r = new ByteReader(bytes);
  const layout = r.byte();
  if (layout !== 1) throw new HubError("HISTORY_CORRUPT", `a block has layout ${layout}, expected 1`);
  const n = r.integer();
  const rows = newRows(n);
  rows.length = n;
  rows.texts.push(...r.texts());
  rows.qualities.push(...r.texts());
  const series = Uint32Array.from(readNumbers(r, n));
  rows.epoch.set(readRuns(r, n));
  rows.offset.set(readSteps(r, n));
  rows.time.set(readSteps(r, n));
  rows.source.set(readSources(r, rows.time));
  rows.kind.set(readRuns(r, n));
  rows.quality.set(readRuns(r, n));
  const held = (kind: number | undefined): boolean => kind === KIND.number || kind === KIND.text;
  const count = rows.kind.reduce((sum, kind) => sum + (held(kind) ? 1 : 0), 0);
  const numbers = count > 0 ? readNumbers(r, count) : new Float64Array(0);
  for (let i = 0, k = 0; i < n; i++) if (held(rows.kind[i])) rows.number[i] = numbers[k++] ?? 0;
  return { series, rows };
}
