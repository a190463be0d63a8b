import type { ByteReader, ByteWriter } from "./bytes.ts";

/*
 * Columns of numbers. What building automation sends is mostly decimal (21.5), often through a float32, and often
 * unchanged: so a column is tried, in this order, as one constant, as decimal integers (differences, or runs when it
 * rarely changes), as float32 bits and as float64 bits (differences by XOR, bytes of equal weight side by side, for
 * zstd to find). Every mode gives back the very same bits.
 */
const MODE = { constant: 0, decimal: 1, decimalRuns: 2, float32: 3, float64: 4 } as const;
const POWERS = [1, 10, 100, 1000] as const;
const word = new DataView(new ArrayBuffer(8));

/** Smallest decimal scale (0-3) at which every number is exact, through float32 or not; -1 when there is none. */
function decimalScale(values: Float64Array, n: number, through32: boolean): number {
  const limit = through32 ? 0x100_0000 : 4e12;
  return POWERS.findIndex((power) => {
    for (let i = 0; i < n; i++) {
      const value = values[i] ?? 0;
      const scaled = Math.round(value * power);
      const back = through32 ? Math.fround(scaled / power) : scaled / power;
      if (!Object.is(back, value) || Math.abs(scaled) > limit) return false;
    }
    return true;
  });
}

function changes(values: Float64Array, n: number): number {
  let count = 0;
  for (let i = 1; i < n; i++) if (!Object.is(values[i], values[i - 1])) count++;
  return count;
}

function writeDecimals(w: ByteWriter, values: Float64Array, n: number, power: number, runs: boolean): void {
  let previous = 0;
  for (let i = 0; i < n; ) {
    const scaled = Math.round((values[i] ?? 0) * power);
    w.integer(scaled - previous);
    previous = scaled;
    let end = i + 1;
    if (runs) {
      while (end < n && values[end] === values[i]) end++;
      w.integer(end - i);
    }
    i = end;
  }
}

/** XOR with the number before, then all first bytes, all second bytes ... */
function writeBits(w: ByteWriter, values: Float64Array, n: number, width: 4 | 8): void {
  const { bytes, at } = w.reserve(n * width);
  const previous = new Uint8Array(width);
  for (let i = 0; i < n; i++) {
    if (width === 4) word.setFloat32(0, values[i] ?? 0);
    else word.setFloat64(0, values[i] ?? 0);
    for (let b = 0; b < width; b++) {
      const byte = word.getUint8(b);
      bytes[at + b * n + i] = byte ^ (previous[b] ?? 0);
      previous[b] = byte;
    }
  }
  w.advance(n * width);
}

/** Writes the first `n` numbers of a column. */
export function writeNumbers(w: ByteWriter, values: Float64Array, n: number): void {
  const changed = changes(values, n);
  if (changed === 0) {
    w.byte(MODE.constant);
    w.double(values[0] ?? 0);
    return;
  }
  const exact = decimalScale(values, n, false);
  const scale = exact >= 0 ? exact : decimalScale(values, n, true);
  if (scale >= 0) {
    const runs = changed * 5 < n;
    w.byte(runs ? MODE.decimalRuns : MODE.decimal);
    w.byte(scale | (exact >= 0 ? 0 : 8));
    writeDecimals(w, values, n, POWERS[scale] ?? 1, runs);
    return;
  }
  const narrow = values.subarray(0, n).every((value) => Object.is(Math.fround(value), value));
  w.byte(narrow ? MODE.float32 : MODE.float64);
  writeBits(w, values, n, narrow ? 4 : 8);
}

function readDecimals(r: ByteReader, values: Float64Array, n: number, runs: boolean): void {
  const head = r.byte();
  const power = POWERS[head & 7] ?? 1;
  const through32 = (head & 8) !== 0;
  let scaled = 0;
  for (let i = 0; i < n; ) {
    scaled += r.integer();
    const value = through32 ? Math.fround(scaled / power) : scaled / power;
    const end = runs ? Math.min(n, i + Math.max(1, r.integer())) : i + 1;
    values.fill(value, i, end);
    i = end;
  }
}

function readBits(r: ByteReader, values: Float64Array, n: number, width: 4 | 8): void {
  const previous = new Uint8Array(width);
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

/** Reads `n` numbers into a column. */
export function readNumbers(r: ByteReader, values: Float64Array, n: number): void {
  const mode = r.byte();
  if (mode === MODE.constant) values.fill(r.double(), 0, n);
  else if (mode === MODE.decimal || mode === MODE.decimalRuns) readDecimals(r, values, n, mode === MODE.decimalRuns);
  else readBits(r, values, n, mode === MODE.float32 ? 4 : 8);
}
