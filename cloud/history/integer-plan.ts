import { codeLengths } from "./prefix-code.ts";

/** How a column of whole numbers may lie; see integer-codec.ts. */
export const FORM = { constant: 0, packed: 1, rice: 2, riceSigned: 3, runs: 4, symbols: 5 } as const;
type Form = (typeof FORM)[keyof typeof FORM];

/** So many ones before the zero are an escape: 64 bits follow, the number as a double. */
export const ESCAPE = 24;
export const ESCAPE_BITS = ESCAPE + 64;
/** Widest Rice remainder and widest packed number: with a byte's rest of bits before it, it fits the 32 of one look. */
const MAX_BITS = 24;
const WIDTHS = MAX_BITS + 1;

/** Distances from the middle that are symbols: -HALF to HALF - 1. One more symbol is the escape. */
export const HALF = 32;
export const ESCAPE_SYMBOL = 2 * HALF;
/** Columns below this length do not pay for the code's table, nor for the time it takes: their chunk is joined to others. */
const SYMBOLS_FROM = 320;
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

function costOf(length: number, width: number): number {
  const quotient = length === 0 ? 0 : (0.75 * 2 ** length) / 2 ** width;
  return length === 32 || quotient >= ESCAPE ? ESCAPE_BITS : 1 + width + Math.floor(quotient);
}

/** Bits of a distance of so many bits (row) written with each Rice parameter (column), about; row by row. */
const RICE_COST = Float64Array.from({ length: 33 * WIDTHS }, (_, i) => costOf(Math.floor(i / WIDTHS), i % WIDTHS));
const riceBits = new Float64Array(WIDTHS);

/** The cheapest Rice parameter for distances of which `counts[b]` have b bits. */
function bestRice(counts: Uint32Array): { readonly width: number; readonly bits: number } {
  const bits = riceBits;
  bits.fill(0);
  for (let length = 0; length < 33; length++) {
    const count = counts[length] ?? 0;
    if (count === 0) continue;
    const row = length * WIDTHS;
    for (let width = 0; width < WIDTHS; width++)
      bits[width] = (bits[width] ?? 0) + count * (RICE_COST[row + width] ?? 0);
  }
  let width = 0;
  for (let i = 1; i < WIDTHS; i++) if ((bits[i] ?? 0) < (bits[width] ?? 0)) width = i;
  return { width, bits: bits[width] ?? 0 };
}

const some = new Float64Array(64);

/** The median of some of the numbers, evenly spread over the column. n > 0. */
export function middleOf(column: Float64Array, n: number): number {
  const step = Math.max(1, Math.floor(n / 31));
  let count = 0;
  for (let i = 0; i < n; i += step) {
    const value = column[i] ?? 0;
    let at = count++;
    for (; at > 0 && (some[at - 1] ?? 0) > value; at--) some[at] = some[at - 1] ?? 0;
    some[at] = value;
  }
  return some[count >> 1] ?? 0;
}

function bitLength(distance: number): number {
  return distance >= 0x8000_0000 ? 32 : 32 - Math.clz32(distance);
}

/** Distances to either side as one number. */
export function zigzag(distance: number): number {
  return distance < 0 ? -2 * distance - 1 : 2 * distance;
}

const above = new Uint32Array(33);
const around = new Uint32Array(33);

/** The cheapest of Rice's codes and of packing. `min` is less than `max`. */
function planDistances(column: Float64Array, n: number, min: number, max: number, middle: number): IntegerPlan {
  above.fill(0);
  around.fill(0);
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
  return planBetween(column, n, min, max);
}

/** As `planIntegers`, where the least and the greatest number are known and differ. */
export function planBetween(column: Float64Array, n: number, min: number, max: number): IntegerPlan {
  const middle = middleOf(column, n);
  const plain = planDistances(column, n, min, max, middle);
  if (n < SYMBOLS_FROM || plain.bits > n * MAX_SYMBOL_BITS) return plain;
  const symbols = planSymbols(column, n, middle, plain.bits);
  return symbols !== undefined && symbols.bits < plain.bits ? symbols : plain;
}

/** The symbol of a distance from the middle. */
export function symbolOf(distance: number): number {
  return distance >= -HALF && distance < HALF ? distance + HALF : ESCAPE_SYMBOL;
}

const counts = new Uint32Array(ESCAPE_SYMBOL + 1);

/** Undefined where it cannot be shorter than `plainBits`. */
function planSymbols(column: Float64Array, n: number, middle: number, plainBits: number): IntegerPlan | undefined {
  counts.fill(0);
  for (let i = 0; i < n; i++) {
    const symbol = symbolOf((column[i] ?? 0) - middle);
    counts[symbol] = (counts[symbol] ?? 0) + 1;
  }
  const escapes = counts[ESCAPE_SYMBOL] ?? 0;
  let least = escapes * 64;
  for (let symbol = 0; symbol <= ESCAPE_SYMBOL; symbol++) {
    const count = counts[symbol] ?? 0;
    // A code needs two symbols.
    if (count === n) return undefined;
    if (count > 0) least += count * Math.log2(n / count);
  }
  // Too much is far off; and no code is shorter than the entropy.
  if (escapes * 16 > n || least >= plainBits) return undefined;
  const lengths = codeLengths(counts);
  let bits = escapes * 64 + 8 * 3 + 4 * (spanOf(lengths).count + 1);
  for (let symbol = 0; symbol <= ESCAPE_SYMBOL; symbol++) bits += (counts[symbol] ?? 0) * (lengths[symbol] ?? 0);
  return { form: FORM.symbols, base: middle, width: 0, bits, lengths };
}

/** First symbol that is used and how many follow up to the last one, the escape left out. */
export function spanOf(lengths: Uint8Array): { readonly first: number; readonly count: number } {
  let first = ESCAPE_SYMBOL;
  let last = -1;
  for (let symbol = 0; symbol < ESCAPE_SYMBOL; symbol++)
    if ((lengths[symbol] ?? 0) > 0) {
      first = Math.min(first, symbol);
      last = symbol;
    }
  return { first: Math.min(first, ESCAPE_SYMBOL - 1), count: Math.max(0, last - first + 1) };
}
