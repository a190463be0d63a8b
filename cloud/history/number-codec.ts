import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { countChanges, isRunny, readIntegers, runsOf, writeIntegers, writePlanned } from "./integer-codec.ts";
import { type IntegerPlan, planIntegers } from "./integer-plan.ts";

/*
 * Columns of doubles. What building automation sends is mostly decimal (21.5), often through a float32, and often
 * unchanged: so a column is tried, in this order, as one constant, as runs, as decimal integers, as float32 and as float64.
 * Every mode gives back the very same bits: -0, subnormals and infinities included.
 */
const MODE = {
  constant: 0,
  runs: 1,
  decimal: 2,
  decimal32: 3,
  float32: 4,
  float32Raw: 5,
  float64: 6,
  packed64: 7,
  negativeZeros: 8,
} as const;
const POWERS = [1, 10, 100, 1000, 10_000] as const;
/** Largest scaled integers that come back exactly: through a double, and through the 24 bits of a float32. */
const EXACT_64 = 4e12;
const EXACT_32 = 0x100_0000;
const word = new DataView(new ArrayBuffer(8));
let scratch = new Float64Array(1024);

function scratchFor(n: number): Float64Array {
  if (scratch.length < n) scratch = new Float64Array(n);
  return scratch;
}

/** Fills `scratch` with the numbers times a power of ten. False when one does not come back from it exactly. */
function scale(values: Float64Array, n: number, power: number): boolean {
  const scaled = scratchFor(n);
  for (let i = 0; i < n; i++) {
    const value = values[i] ?? 0;
    const whole = Math.round(value * power);
    // A zero below zero never comes here: it was taken out before.
    if (whole / power !== value || whole > EXACT_64 || whole < -EXACT_64) return false;
    scaled[i] = whole;
  }
  return true;
}

/** As `scale`, for numbers that went through a float32. */
function scale32(values: Float64Array, n: number, power: number): boolean {
  const scaled = scratchFor(n);
  for (let i = 0; i < n; i++) {
    const value = values[i] ?? 0;
    const whole = Math.round(value * power);
    if (Math.fround(whole / power) !== value || whole > EXACT_32 || whole < -EXACT_32) return false;
    scaled[i] = whole;
  }
  return true;
}

/** Writes numbers that are decimals, at the smallest scale at which every one is exact. False when there is none. */
function writeDecimals(w: ByteWriter, values: Float64Array, n: number): boolean {
  let at = POWERS.findIndex((power) => scale(values, n, power));
  const mode = at >= 0 ? MODE.decimal : MODE.decimal32;
  if (at < 0) at = POWERS.findIndex((power) => scale32(values, n, power));
  if (at < 0) return false;
  w.byte(mode);
  w.byte(at);
  const steps = scratch;
  let previous = steps[0] ?? 0;
  w.integer(previous);
  for (let i = 1; i < n; i++) {
    const scaled = steps[i] ?? 0;
    steps[i - 1] = scaled - previous;
    previous = scaled;
  }
  writeIntegers(w, steps, n - 1);
  return true;
}

function readDecimals(r: ByteReader, values: Float64Array, n: number, through32: boolean): void {
  const power = POWERS[r.byte()] ?? 1;
  let scaled = r.integer();
  const steps = scratchFor(n);
  readIntegers(r, steps, n - 1);
  values[0] = through32 ? Math.fround(scaled / power) : scaled / power;
  for (let i = 1; i < n; i++) {
    scaled += steps[i - 1] ?? 0;
    values[i] = through32 ? Math.fround(scaled / power) : scaled / power;
  }
}

/** The bits of a float32 as an integer that grows with it. */
function orderedBits(value: number): number {
  word.setFloat32(0, value);
  const bits = word.getInt32(0);
  return bits >= 0 ? bits : -(bits & 0x7fff_ffff) - 1;
}
function fromOrderedBits(ordered: number): number {
  word.setInt32(0, ordered >= 0 ? ordered : -(ordered + 1) | 0x8000_0000);
  return word.getFloat32(0);
}

function planFloat32(values: Float64Array, n: number): { steps: Float64Array; plan: IntegerPlan } {
  const steps = scratchFor(n);
  let previous = 0;
  for (let i = 0; i < n; i++) {
    const bits = orderedBits(values[i] ?? 0);
    if (i > 0) steps[i - 1] = bits - previous;
    previous = bits;
  }
  return { steps, plan: planIntegers(steps, n - 1) };
}

function writeFloat32(w: ByteWriter, values: Float64Array, n: number): void {
  const { steps, plan } = planFloat32(values, n);
  if (plan.bits < 32 * n) {
    w.byte(MODE.float32);
    w.integer(orderedBits(values[0] ?? 0));
    writePlanned(w, steps, n - 1, plan);
    return;
  }
  w.byte(MODE.float32Raw);
  for (let i = 0; i < n; i++) {
    word.setFloat32(0, values[i] ?? 0, true);
    w.uint32(word.getUint32(0, true));
  }
}

function readFloat32(r: ByteReader, values: Float64Array, n: number): void {
  let ordered = r.integer();
  const steps = scratchFor(n);
  readIntegers(r, steps, n - 1);
  values[0] = fromOrderedBits(ordered);
  for (let i = 1; i < n; i++) {
    ordered += steps[i - 1] ?? 0;
    values[i] = fromOrderedBits(ordered);
  }
}

/** XOR with the number before, then all first bytes, all second bytes ...: so that equal exponents and endings lie together. */
function planesOf(values: Float64Array, n: number): Uint8Array {
  const planes = new Uint8Array(n * 8);
  const previous = new Uint8Array(8);
  for (let i = 0; i < n; i++) {
    word.setFloat64(0, values[i] ?? 0);
    for (let b = 0; b < 8; b++) {
      const byte = word.getUint8(b);
      planes[b * n + i] = byte ^ (previous[b] ?? 0);
      previous[b] = byte;
    }
  }
  return planes;
}

function writeFloat64(w: ByteWriter, values: Float64Array, n: number): void {
  const planes = planesOf(values, n);
  const packed = zstdCompressSync(planes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  const shorter = packed.length < planes.length;
  w.byte(shorter ? MODE.packed64 : MODE.float64);
  if (shorter) w.integer(packed.length);
  w.raw(shorter ? packed : planes);
}

function readFloat64(planes: Uint8Array, values: Float64Array, n: number): void {
  const previous = new Uint8Array(8);
  for (let i = 0; i < n; i++) {
    for (let b = 0; b < 8; b++) {
      const byte = (planes[b * n + i] ?? 0) ^ (previous[b] ?? 0);
      previous[b] = byte;
      word.setUint8(b, byte);
    }
    values[i] = word.getFloat64(0);
  }
}

/** Where the zeros below zero are (what rounding makes of -0.04), and the numbers without their sign: else none were decimal. */
function writeNegativeZeros(w: ByteWriter, values: Float64Array, n: number, count: number): void {
  const plain = values.slice(0, n);
  const gaps = new Float64Array(count);
  let last = 0;
  for (let i = 0, k = 0; i < n; i++) {
    if (!Object.is(values[i], -0)) continue;
    plain[i] = 0;
    gaps[k++] = i - last;
    last = i;
  }
  w.byte(MODE.negativeZeros);
  w.integer(count);
  writeIntegers(w, gaps, count);
  writeNumbers(w, plain, n);
}

function readNegativeZeros(r: ByteReader, values: Float64Array, n: number): void {
  const count = r.integer();
  const gaps = new Float64Array(count);
  readIntegers(r, gaps, count);
  readNumbers(r, values, n);
  let at = 0;
  for (const gap of gaps) {
    at += gap;
    values[at] = -0;
  }
}

function countNegativeZeros(values: Float64Array, n: number): number {
  let count = 0;
  for (let i = 0; i < n; i++) if (Object.is(values[i], -0)) count++;
  return count;
}

/** Writes the first `n` numbers of a column, n > 0. */
export function writeNumbers(w: ByteWriter, values: Float64Array, n: number): void {
  const changes = countChanges(values, n);
  if (changes === 0) {
    w.byte(MODE.constant);
    w.double(values[0] ?? 0);
    return;
  }
  if (isRunny(changes, n)) {
    const { values: each, lengths } = runsOf(values, n);
    w.byte(MODE.runs);
    w.integer(each.length);
    writeIntegers(w, lengths, lengths.length);
    writeNumbers(w, each, each.length);
    return;
  }
  const negativeZeros = countNegativeZeros(values, n);
  if (negativeZeros > 0) {
    writeNegativeZeros(w, values, n, negativeZeros);
    return;
  }
  if (writeDecimals(w, values, n)) return;
  for (let i = 0; i < n; i++)
    if (!Object.is(Math.fround(values[i] ?? 0), values[i])) {
      writeFloat64(w, values, n);
      return;
    }
  writeFloat32(w, values, n);
}

function readRunsOfNumbers(r: ByteReader, values: Float64Array, n: number): void {
  const count = r.integer();
  const lengths = new Float64Array(count);
  const each = new Float64Array(count);
  readIntegers(r, lengths, count);
  readNumbers(r, each, count);
  let at = 0;
  for (let run = 0; run < count && at < n; run++) {
    const end = Math.min(n, at + (lengths[run] ?? 0));
    values.fill(each[run] ?? 0, at, end);
    at = end;
  }
}

/** Reads `n` numbers, n > 0, into a column. @throws RangeError for a column that cannot be */
export function readNumbers(r: ByteReader, values: Float64Array, n: number): void {
  const mode = r.byte();
  switch (mode) {
    case MODE.constant:
      values.fill(r.double(), 0, n);
      return;
    case MODE.runs:
      readRunsOfNumbers(r, values, n);
      return;
    case MODE.negativeZeros:
      readNegativeZeros(r, values, n);
      return;
    case MODE.decimal:
    case MODE.decimal32:
      readDecimals(r, values, n, mode === MODE.decimal32);
      return;
    case MODE.float32:
      readFloat32(r, values, n);
      return;
    case MODE.float32Raw:
      for (let i = 0; i < n; i++) values[i] = r.view.getFloat32(r.at + 4 * i, true);
      r.at += 4 * n;
      return;
    case MODE.float64:
      readFloat64(r.raw(n * 8), values, n);
      return;
    case MODE.packed64:
      readFloat64(zstdDecompressSync(r.raw(r.integer())), values, n);
      return;
    default:
      throw new RangeError(`a column of numbers has mode ${mode}`);
  }
}
