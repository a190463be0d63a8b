import { BitWriter } from "./bit-writer.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import {
  ESCAPE,
  ESCAPE_BITS,
  ESCAPE_SYMBOL,
  FORM,
  HALF,
  type IntegerPlan,
  planBetween,
  planIntegers,
  spanOf,
  symbolOf,
} from "./integer-plan.ts";
import { CODE_BITS, codesOf, decodeTable } from "./prefix-code.ts";

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
/** Runs are tried where fewer than one in so many numbers differs from the one before. */
const RUN_SHARE = 8;

const escaped = new DataView(new ArrayBuffer(8));

/** Numbers that differ from the one before. */
export function countChanges(column: Float64Array, n: number): number {
  let count = 0;
  for (let i = 1; i < n; i++) if (!Object.is(column[i], column[i - 1])) count++;
  return count;
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

/** Writes one number that all of a column are. */
export function writeConstant(w: ByteWriter, value: number): void {
  w.byte(FORM.constant);
  w.integer(value);
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
  if (form === FORM.packed) bits.packed(column, n, base, width);
  else bits.rice(column, n, base, width, form === FORM.riceSigned);
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
  let before = column[0] ?? 0;
  let min = before;
  let max = before;
  let changes = 0;
  for (let i = 1; i < n; i++) {
    const value = column[i] ?? 0;
    if (value === before) continue;
    changes++;
    before = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (n === 0 || changes === 0) {
    writeConstant(w, n === 0 ? 0 : before);
    return;
  }
  if (!isRunny(changes, n)) {
    writePlanned(w, column, n, planBetween(column, n, min, max));
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
