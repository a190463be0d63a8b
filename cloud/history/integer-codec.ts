import type { ByteReader, ByteWriter } from "./bytes.ts";
import { CODE_BITS, codeLengths, codesOf, decodeTable } from "./prefix-code.ts";

/*
 * Columns of whole numbers, bit by bit and without a general compressor, close to what they hold of information:
 * - constant: one number
 * - packed: the distance from the least one in a fixed count of bits; for what is spread evenly (the jitter of a poll)
 * - rice: Rice's code of the distance from the least one; for what is small mostly (the time between changes)
 * - riceSigned: Rice's code of the distance from the middle, either way; for what swings (the steps of a temperature)
 * - symbols: Huffman's code of the distance from the middle; for what is near it nearly always, however it is spread
 * - runs: values and how often each repeats, as two columns
 * A number that is too far off for Rice's code is written out behind an escape, so that an odd one costs 11 bytes and
 * spoils nothing. A column is a Float64Array of safe integers.
 */
const FORM = { constant: 0, packed: 1, rice: 2, riceSigned: 3, runs: 4, symbols: 5 } as const;
type Form = (typeof FORM)[keyof typeof FORM];

/** So many ones before the zero are an escape: 64 bits follow, the number as a double. */
const ESCAPE = 24;
const ESCAPE_BITS = ESCAPE + 64;
/** Widest Rice remainder and widest packed number: with a byte's rest of bits before it, it fits the 32 of one look. */
const MAX_BITS = 24;
/** Runs are tried where fewer than one in so many numbers differs from the one before. */
const RUN_SHARE = 8;

/** Distances from the middle that are symbols: -HALF to HALF - 1. One more symbol is the escape. */
const HALF = 32;
const ESCAPE_SYMBOL = 2 * HALF;
/** Columns below this length do not pay for the code's table. */
const SYMBOLS_FROM = 128;
/** What takes more bits a number has more than a few values. */
const MAX_SYMBOL_BITS = 7;

/** How a column would be written best, and what that costs. */
export interface IntegerPlan {
  readonly form: Form;
  /** What is taken off each number. */
  readonly base: number;
  /** Bits of a packed number or of a Rice remainder. */
  readonly width: number;
  /** Estimated size. */
  readonly bits: number;
  /** Code lengths of the symbols. */
  readonly lengths?: Uint8Array;
}

const escaped = new DataView(new ArrayBuffer(8));

/** Bits of a distance of so many bits (row) written with each Rice parameter (column), about. */
const RICE_COST = Array.from({ length: 33 }, (_, length) =>
  Float64Array.from({ length: MAX_BITS + 1 }, (_unused, width) => {
    const quotient = length === 0 ? 0 : (0.75 * 2 ** length) / 2 ** width;
    return length === 32 || quotient >= ESCAPE ? ESCAPE_BITS : 1 + width + Math.floor(quotient);
  }),
);

/** The cheapest Rice parameter for distances of which `counts[b]` have b bits. */
function bestRice(counts: Uint32Array): { width: number; bits: number } {
  const bits = new Float64Array(MAX_BITS + 1);
  for (const [length, cost] of RICE_COST.entries()) {
    const count = counts[length] ?? 0;
    if (count === 0) continue;
    for (let width = 0; width <= MAX_BITS; width++) bits[width] = (bits[width] ?? 0) + count * (cost[width] ?? 0);
  }
  let width = 0;
  for (let i = 1; i <= MAX_BITS; i++) if ((bits[i] ?? 0) < (bits[width] ?? 0)) width = i;
  return { width, bits: bits[width] ?? 0 };
}

function middleOf(column: Float64Array, n: number): number {
  const step = Math.max(1, Math.floor(n / 31));
  const some: number[] = [];
  for (let i = 0; i < n; i += step) some.push(column[i] ?? 0);
  some.sort((a, b) => a - b);
  return some[some.length >> 1] ?? 0;
}

function bitLength(distance: number): number {
  return distance >= 0x8000_0000 ? 32 : 32 - Math.clz32(distance);
}

function zigzag(distance: number): number {
  return distance < 0 ? -2 * distance - 1 : 2 * distance;
}

/** Numbers that differ from the one before. */
export function countChanges(column: Float64Array, n: number): number {
  let count = 0;
  for (let i = 1; i < n; i++) if (!Object.is(column[i], column[i - 1])) count++;
  return count;
}

/** The cheapest of Rice's codes and of packing. `min` is less than `max`. */
function planDistances(column: Float64Array, n: number, min: number, max: number): IntegerPlan {
  const middle = middleOf(column, n);
  const above = new Uint32Array(33);
  const around = new Uint32Array(33);
  for (let i = 0; i < n; i++) {
    const value = column[i] ?? 0;
    const up = bitLength(value - min);
    above[up] = (above[up] ?? 0) + 1;
    const either = bitLength(zigzag(value - middle));
    around[either] = (around[either] ?? 0) + 1;
  }
  const rice = bestRice(above);
  const signed = bestRice(around);
  const width = bitLength(max - min);
  const packed = width <= MAX_BITS ? width * n : Infinity;
  if (packed <= rice.bits && packed <= signed.bits) return { form: FORM.packed, base: min, width, bits: packed };
  return rice.bits <= signed.bits
    ? { form: FORM.rice, base: min, ...rice }
    : { form: FORM.riceSigned, base: middle, ...signed };
}

/** The best way to write the first `n` numbers one by one. */
export function planIntegers(column: Float64Array, n: number): IntegerPlan {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < n; i++) {
    const value = column[i] ?? 0;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (n === 0 || min === max) return { form: FORM.constant, base: n === 0 ? 0 : min, width: 0, bits: 32 };
  const plain = planDistances(column, n, min, max);
  if (n < SYMBOLS_FROM || plain.bits > n * MAX_SYMBOL_BITS) return plain;
  const symbols = planSymbols(column, n, middleOf(column, n));
  return symbols !== undefined && symbols.bits < plain.bits ? symbols : plain;
}

function symbolOf(distance: number): number {
  return distance >= -HALF && distance < HALF ? distance + HALF : ESCAPE_SYMBOL;
}

function planSymbols(column: Float64Array, n: number, middle: number): IntegerPlan | undefined {
  const counts = new Uint32Array(ESCAPE_SYMBOL + 1);
  for (let i = 0; i < n; i++) {
    const symbol = symbolOf((column[i] ?? 0) - middle);
    counts[symbol] = (counts[symbol] ?? 0) + 1;
  }
  const escapes = counts[ESCAPE_SYMBOL] ?? 0;
  // Too much is far off; and a code needs two symbols.
  if (escapes * 16 > n || counts.some((count) => count === n)) return undefined;
  const lengths = codeLengths(counts);
  let bits = escapes * 64 + 8 * 3 + 4 * (spanOf(lengths).count + 1);
  for (let symbol = 0; symbol <= ESCAPE_SYMBOL; symbol++) bits += (counts[symbol] ?? 0) * (lengths[symbol] ?? 0);
  return { form: FORM.symbols, base: middle, width: 0, bits, lengths };
}

/** First symbol that is used and how many follow up to the last one, the escape left out. */
function spanOf(lengths: Uint8Array): { first: number; count: number } {
  let first = ESCAPE_SYMBOL;
  let last = -1;
  for (let symbol = 0; symbol < ESCAPE_SYMBOL; symbol++)
    if ((lengths[symbol] ?? 0) > 0) {
      first = Math.min(first, symbol);
      last = symbol;
    }
  return { first: Math.min(first, ESCAPE_SYMBOL - 1), count: Math.max(0, last - first + 1) };
}

function writeSymbols(w: ByteWriter, column: Float64Array, n: number, base: number, lengths: Uint8Array): void {
  const { first, count } = spanOf(lengths);
  w.byte(first);
  w.byte(count);
  const bits = new BitWriter(w, n * (CODE_BITS / 8 + 8) + 64);
  for (let symbol = first; symbol < first + count; symbol++) bits.put(lengths[symbol] ?? 0, 4);
  bits.put(lengths[ESCAPE_SYMBOL] ?? 0, 4);
  const codes = codesOf(lengths);
  for (let i = 0; i < n; i++) {
    const value = column[i] ?? 0;
    const symbol = symbolOf(value - base);
    bits.put(codes[symbol] ?? 0, lengths[symbol] ?? 0);
    if (symbol === ESCAPE_SYMBOL) bits.raw(value);
  }
  bits.end();
}

/** Bits, the first one highest, behind what a writer holds. */
class BitWriter {
  readonly #writer: ByteWriter;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  #at: number;
  #held = 0;
  #count = 0;
  /** `room`: most bytes that will come. */
  constructor(writer: ByteWriter, room: number) {
    this.#writer = writer;
    const { bytes, at } = writer.reserve(room);
    this.#bytes = bytes;
    this.#start = at;
    this.#at = at;
  }
  /** At most 24 bits. */
  put(value: number, bits: number): void {
    let held = (this.#held << bits) | value;
    let count = this.#count + bits;
    while (count >= 8) {
      count -= 8;
      this.#bytes[this.#at++] = held >>> count;
    }
    held &= (1 << count) - 1;
    this.#held = held;
    this.#count = count;
  }
  escape(value: number): void {
    this.put(0xff_ffff, ESCAPE);
    this.raw(value);
  }
  /** A double as it is. */
  raw(value: number): void {
    escaped.setFloat64(0, value);
    for (let i = 0; i < 4; i++) this.put(escaped.getUint16(2 * i), 16);
  }
  end(): void {
    if (this.#count > 0) this.put(0, 8 - this.#count);
    this.#writer.advance(this.#at - this.#start);
  }
}

function writeRice(bits: BitWriter, distance: number, width: number, value: number): void {
  const quotient = distance < 0x8000_0000 ? distance >>> width : ESCAPE;
  if (quotient >= ESCAPE) {
    bits.escape(value);
    return;
  }
  bits.put((1 << (quotient + 1)) - 2, quotient + 1);
  if (width > 0) bits.put(distance & ((1 << width) - 1), width);
}

/** Writes the first `n` numbers as planned. */
export function writePlanned(w: ByteWriter, column: Float64Array, n: number, plan: IntegerPlan): void {
  const { form, base, width, lengths } = plan;
  w.byte(form | (width << 3));
  w.integer(base);
  if (form === FORM.constant) return;
  if (lengths !== undefined) {
    writeSymbols(w, column, n, base, lengths);
    return;
  }
  const bits = new BitWriter(w, n * (ESCAPE_BITS / 8 + 1) + 16);
  for (let i = 0; i < n; i++) {
    const value = column[i] ?? 0;
    if (form === FORM.packed) bits.put(value - base, width);
    else writeRice(bits, form === FORM.rice ? value - base : zigzag(value - base), width, value);
  }
  bits.end();
}

/** The lengths of runs of equal numbers and the number of each. */
export function runsOf(column: Float64Array, n: number): { values: Float64Array; lengths: Float64Array } {
  const count = n === 0 ? 0 : countChanges(column, n) + 1;
  const values = new Float64Array(count);
  const lengths = new Float64Array(count);
  let run = -1;
  for (let i = 0; i < n; i++) {
    if (i === 0 || !Object.is(column[i], column[i - 1])) values[++run] = column[i] ?? 0;
    lengths[run] = (lengths[run] ?? 0) + 1;
  }
  return { values, lengths };
}

/** Is a column of which so many numbers differ from the one before shorter as runs? */
export function isRunny(changes: number, n: number): boolean {
  return changes > 0 && changes * RUN_SHARE < n;
}

/** Writes the first `n` numbers the shortest way. */
export function writeIntegers(w: ByteWriter, column: Float64Array, n: number): void {
  if (!isRunny(countChanges(column, n), n)) {
    writePlanned(w, column, n, planIntegers(column, n));
    return;
  }
  const { values, lengths } = runsOf(column, n);
  w.byte(FORM.runs);
  w.integer(values.length);
  writePlanned(w, values, values.length, planIntegers(values, values.length));
  writePlanned(w, lengths, lengths.length, planIntegers(lengths, lengths.length));
}

function readPacked(r: ByteReader, out: Float64Array, n: number, base: number, width: number): void {
  const { view } = r;
  let bit = r.at * 8;
  const drop = 32 - width;
  for (let i = 0; i < n; i++) {
    out[i] = base + ((view.getUint32(bit >>> 3) << (bit & 7)) >>> drop);
    bit += width;
  }
  r.at = (bit + 7) >>> 3;
}

/** The double that begins at this bit. */
function readRaw(view: DataView, bit: number): number {
  for (let i = 0; i < 4; i++) {
    const at = bit + 16 * i;
    escaped.setUint16(2 * i, (view.getUint32(at >>> 3) << (at & 7)) >>> 16);
  }
  return escaped.getFloat64(0);
}

function readRice(
  r: ByteReader,
  out: Float64Array,
  n: number,
  plan: { base: number; width: number; signed: boolean },
): void {
  const { view } = r;
  const { base, width, signed } = plan;
  const drop = 32 - width;
  let bit = r.at * 8;
  for (let i = 0; i < n; i++) {
    const look = view.getUint32(bit >>> 3) << (bit & 7);
    const quotient = Math.clz32(~look);
    if (quotient >= ESCAPE) {
      out[i] = readRaw(view, bit + ESCAPE);
      bit += ESCAPE_BITS;
      continue;
    }
    bit += quotient + 1;
    let distance = quotient;
    if (width > 0) {
      // A look is sure of 25 bits: what the quotient left may not hold the whole remainder.
      const rest = quotient + 1 + width <= 25 ? look << (quotient + 1) : view.getUint32(bit >>> 3) << (bit & 7);
      distance = (quotient << width) | (rest >>> drop);
      bit += width;
    }
    out[i] = base + (signed ? (distance >>> 1) ^ -(distance & 1) : distance);
  }
  r.at = (bit + 7) >>> 3;
}

function readSymbols(r: ByteReader, out: Float64Array, n: number, base: number): void {
  const { view } = r;
  const first = r.byte();
  const count = r.byte();
  let bit = r.at * 8;
  const nibble = (): number => {
    const length = (view.getUint32(bit >>> 3) << (bit & 7)) >>> 28;
    bit += 4;
    return length;
  };
  const lengths = new Uint8Array(ESCAPE_SYMBOL + 1);
  for (let symbol = first; symbol < first + count; symbol++) lengths[symbol] = nibble();
  lengths[ESCAPE_SYMBOL] = nibble();
  const table = decodeTable(lengths);
  const offset = base - HALF;
  for (let i = 0; i < n; i++) {
    const entry = table[(view.getUint32(bit >>> 3) << (bit & 7)) >>> (32 - CODE_BITS)] ?? 0;
    bit += entry & 15;
    const symbol = entry >>> 4;
    if (symbol === ESCAPE_SYMBOL) {
      out[i] = readRaw(view, bit);
      bit += 64;
    } else out[i] = offset + symbol;
  }
  r.at = (bit + 7) >>> 3;
}

function readRuns(r: ByteReader, out: Float64Array, n: number): void {
  const count = r.integer();
  const values = new Float64Array(count);
  const lengths = new Float64Array(count);
  readIntegers(r, values, count);
  readIntegers(r, lengths, count);
  let at = 0;
  for (let run = 0; run < count && at < n; run++) {
    const end = Math.min(n, at + (lengths[run] ?? 0));
    out.fill(values[run] ?? 0, at, end);
    at = end;
  }
}

/** Reads `n` numbers. At least four bytes must follow the column. @throws RangeError for a column that cannot be */
export function readIntegers(r: ByteReader, out: Float64Array, n: number): void {
  const head = r.byte();
  const form = head & 7;
  if (form === FORM.runs) {
    readRuns(r, out, n);
    return;
  }
  const width = head >>> 3;
  const base = r.integer();
  if (form === FORM.constant) out.fill(base, 0, n);
  else if (form === FORM.packed) readPacked(r, out, n, base, width);
  else if (form === FORM.symbols) readSymbols(r, out, n, base);
  else if (form === FORM.rice || form === FORM.riceSigned)
    readRice(r, out, n, { base, width, signed: form === FORM.riceSigned });
  else throw new RangeError(`a column of integers has form ${form}`);
}
