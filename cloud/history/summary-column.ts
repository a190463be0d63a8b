import type { ByteReader, ByteWriter } from "./bytes.ts";

/*
 * One column of the hourly summaries: numbers in the form that takes the least room without loss, aligned so that a typed array
 * may lie over them.
 */

/** How the numbers of a column lie in the file. `scaled`: whole numbers and what they are divided by. */
const FORM = { constant: 0, uint8: 1, uint16: 2, uint32: 3, float32: 4, float64: 5, scaled: 6 } as const;
type Form = (typeof FORM)[keyof typeof FORM];
const SCALES = [1, 10, 100, 1000] as const;

interface ColumnView {
  readonly form: Form;
  /** What the numbers are divided by. */
  readonly scale: number;
  readonly numbers: Float64Array | Float32Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;
}

/** Is every one of the first `n` a multiple of 1 / scale that 32 bits hold? */
function isScaled(column: Float64Array, n: number, scale: number): boolean {
  for (let i = 0; i < n; i++) {
    const value = column[i] ?? 0;
    const scaled = Math.round(value * scale);
    // Neither NaN nor a zero below zero comes back from a whole number.
    const isWhole = Math.abs(scaled) < 0x7fff_ffff && !Object.is(scaled, -0);
    if (!isWhole || !Object.is(scaled / scale, value)) return false;
  }
  return true;
}

function isSame(column: Float64Array, n: number): boolean {
  const first = column[0];
  for (let i = 1; i < n; i++) if (!Object.is(column[i], first)) return false;
  return true;
}

function isFloat32(column: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) if (!Object.is(Math.fround(column[i] ?? 0), column[i])) return false;
  return true;
}

/** The greatest of numbers that are all whole, from 0 on, and fit 32 bits; -1 where one is not. */
function greatestWhole(column: Float64Array, n: number): number {
  let greatest = 0;
  for (let i = 0; i < n; i++) {
    const value = column[i] ?? 0;
    if (!Object.is(value >>> 0, value)) return -1;
    if (value > greatest) greatest = value;
  }
  return greatest;
}

/** In what form the numbers of a column take the least room without loss. `scaled` is only sought where nothing else fits. */
function formOf(column: Float64Array, n: number): { readonly form: Form; readonly scale: number } {
  if (isSame(column, n)) return { form: FORM.constant, scale: 0 };
  const greatest = greatestWhole(column, n);
  if (greatest >= 0)
    return { form: greatest <= 0xff ? FORM.uint8 : greatest <= 0xffff ? FORM.uint16 : FORM.uint32, scale: 0 };
  if (isFloat32(column, n)) return { form: FORM.float32, scale: 0 };
  const scale = SCALES.findIndex((power) => isScaled(column, n, power));
  return scale < 0 ? { form: FORM.float64, scale: 0 } : { form: FORM.scaled, scale };
}

/** A typed array of what comes next in the writer, aligned to 8 bytes. */
function room<T>(w: ByteWriter, bytes: number, make: (buffer: ArrayBuffer, at: number) => T): T {
  const place = w.reserve(bytes);
  w.advance(bytes);
  return make(place.bytes.buffer as ArrayBuffer, place.at);
}

/** Writes the first `n` numbers of a column. */
export function writeColumn(w: ByteWriter, column: Float64Array, n: number): void {
  const { form, scale } = formOf(column, n);
  w.byte(form);
  w.byte(scale);
  w.align();
  const values = column.subarray(0, n);
  if (form === FORM.constant) w.double(column[0] ?? 0);
  else if (form === FORM.uint8) room(w, n, (b, at) => new Uint8Array(b, at, n)).set(values);
  else if (form === FORM.uint16) room(w, 2 * n, (b, at) => new Uint16Array(b, at, n)).set(values);
  else if (form === FORM.uint32) room(w, 4 * n, (b, at) => new Uint32Array(b, at, n)).set(values);
  else if (form === FORM.float32) room(w, 4 * n, (b, at) => new Float32Array(b, at, n)).set(values);
  else if (form === FORM.float64) room(w, 8 * n, (b, at) => new Float64Array(b, at, n)).set(values);
  else {
    const power = SCALES[scale] ?? 1;
    const scaled = room(w, 4 * n, (b, at) => new Int32Array(b, at, n));
    for (let i = 0; i < n; i++) scaled[i] = Math.round((column[i] ?? 0) * power);
  }
  w.align();
}

/** A typed array over the next bytes, which may lie anywhere. */
function view<T>(r: ByteReader, n: number, size: number, make: (buffer: ArrayBuffer, at: number, n: number) => T): T {
  const bytes = r.raw(n * size);
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return make(aligned.buffer as ArrayBuffer, aligned.byteOffset, n);
}

/** A column as it lies in the blob; of a constant one there is one number. */
function viewColumn(r: ByteReader, n: number): ColumnView {
  const form = r.byte() as Form;
  const scale = SCALES[r.byte()] ?? 1;
  r.align();
  const numbers = numbersOf(r, n, form);
  r.align();
  return { form, scale, numbers };
}

function numbersOf(r: ByteReader, n: number, form: Form): ColumnView["numbers"] {
  switch (form) {
    case FORM.constant:
      return Float64Array.of(r.double());
    case FORM.uint8:
      return r.raw(n);
    case FORM.uint16:
      return view(r, n, 2, (b, at, length) => new Uint16Array(b, at, length));
    case FORM.uint32:
      return view(r, n, 4, (b, at, length) => new Uint32Array(b, at, length));
    case FORM.float32:
      return view(r, n, 4, (b, at, length) => new Float32Array(b, at, length));
    case FORM.float64:
      return view(r, n, 8, (b, at, length) => new Float64Array(b, at, length));
    case FORM.scaled:
      return view(r, n, 4, (b, at, length) => new Int32Array(b, at, length));
    default:
      throw new RangeError(`a column of summaries has form ${String(form satisfies never)}`);
  }
}

/** Reads a column whole. `room` is used for the column where its numbers do not lie in the blob as they are; without it new memory. */
export function readColumn(r: ByteReader, n: number, room?: Float64Array): Float64Array {
  const { form, scale, numbers } = viewColumn(r, n);
  if (form === FORM.float64) return numbers as Float64Array;
  const column = room?.subarray(0, n) ?? new Float64Array(n);
  if (form === FORM.constant) column.fill(numbers[0] ?? 0);
  else column.set(numbers);
  if (form === FORM.scaled && scale !== 1) for (let i = 0; i < n; i++) column[i] = (column[i] ?? 0) / scale;
  return column;
}

/** One column of a part of the summaries, left as it lies in the blob. */
export class SummaryColumn {
  readonly #form: Form;
  readonly #scale: number;
  readonly #numbers: ColumnView["numbers"];

  /** Looks at what comes next, of so many rows. @throws RangeError */
  constructor(r: ByteReader, n: number) {
    const { form, scale, numbers } = viewColumn(r, n);
    this.#form = form;
    this.#scale = scale;
    this.#numbers = numbers;
  }

  /** Copies the numbers of rows `from` to `to` (exclusive) to the beginning of a column. */
  copy(from: number, to: number, into: Float64Array | Uint32Array | Uint8Array): void {
    // A loop for each form: one for all of them would have to find out for every number what it reads.
    switch (this.#form) {
      case FORM.constant:
        into.fill(this.#numbers[0] ?? 0, 0, to - from);
        return;
      case FORM.uint8: {
        const column = this.#numbers as Uint8Array;
        for (let i = from, k = 0; i < to; i++, k++) into[k] = column[i] ?? 0;
        return;
      }
      case FORM.uint16: {
        const column = this.#numbers as Uint16Array;
        for (let i = from, k = 0; i < to; i++, k++) into[k] = column[i] ?? 0;
        return;
      }
      case FORM.uint32: {
        const column = this.#numbers as Uint32Array;
        for (let i = from, k = 0; i < to; i++, k++) into[k] = column[i] ?? 0;
        return;
      }
      case FORM.float32: {
        const column = this.#numbers as Float32Array;
        for (let i = from, k = 0; i < to; i++, k++) into[k] = column[i] ?? 0;
        return;
      }
      case FORM.float64: {
        const column = this.#numbers as Float64Array;
        for (let i = from, k = 0; i < to; i++, k++) into[k] = column[i] ?? 0;
        return;
      }
      case FORM.scaled: {
        const column = this.#numbers as Int32Array;
        for (let i = from, k = 0; i < to; i++, k++) into[k] = (column[i] ?? 0) / this.#scale;
        return;
      }
      default:
        this.#form satisfies never;
    }
  }
}
