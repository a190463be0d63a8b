/** How a number lies in registers. bcd: four decimal digits a register, the first in the highest four bits. */
export const NUMBER_TYPES = [
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "float32",
  "float64",
  "bcd16",
  "bcd32",
] as const;
export type NumberType = (typeof NUMBER_TYPES)[number];

/**
 * Order of the bytes of a value of more than one register; A is the most significant. CDAB: registers swapped, BADC: bytes
 * of each register swapped, DCBA: both. 64-bit values go by the same two swaps (CDAB = GHEFCDAB). The byte swap of BADC
 * and DCBA also holds for 16-bit values. The specification fixes only the order inside a register (AB).
 * @see Modbus Application Protocol V1.1b3 4.2
 */
export const WORD_ORDERS = ["ABCD", "CDAB", "BADC", "DCBA"] as const;
export type WordOrder = (typeof WORD_ORDERS)[number];

/** Reads a number whose first byte is at `at`. */
export type NumberReader = (view: DataView, at: number) => number;

const REGISTERS: Readonly<Record<NumberType, number>> = {
  int16: 1,
  uint16: 1,
  int32: 2,
  uint32: 2,
  float32: 2,
  int64: 4,
  uint64: 4,
  float64: 4,
  bcd16: 1,
  bcd32: 2,
};

/** Readers and writers of the ABCD form. */
const READ: Readonly<Record<NumberType, NumberReader>> = {
  int16: (view, at) => view.getInt16(at),
  uint16: (view, at) => view.getUint16(at),
  int32: (view, at) => view.getInt32(at),
  uint32: (view, at) => view.getUint32(at),
  int64: (view, at) => Number(view.getBigInt64(at)),
  uint64: (view, at) => Number(view.getBigUint64(at)),
  float32: (view, at) => view.getFloat32(at),
  float64: (view, at) => view.getFloat64(at),
  bcd16: (view, at) => fromDigits(view.getUint16(at)),
  bcd32: (view, at) => fromDigits(view.getUint16(at)) * 10_000 + fromDigits(view.getUint16(at + 2)),
};
const WRITE: Readonly<Record<NumberType, (view: DataView, value: number) => void>> = {
  int16: (view, value) => view.setInt16(0, value),
  uint16: (view, value) => view.setUint16(0, value),
  int32: (view, value) => view.setInt32(0, value),
  uint32: (view, value) => view.setUint32(0, value),
  int64: (view, value) => view.setBigInt64(0, BigInt(value)),
  uint64: (view, value) => view.setBigUint64(0, BigInt(value)),
  float32: (view, value) => view.setFloat32(0, value),
  float64: (view, value) => view.setFloat64(0, value),
  bcd16: (view, value) => view.setUint16(0, toDigits(value)),
  bcd32: (view, value) => {
    view.setUint16(0, toDigits(Math.floor(value / 10_000)));
    view.setUint16(2, toDigits(value % 10_000));
  },
};

const FLOAT32_MAX = 3.4028234663852886e38;
const RANGE: Readonly<Record<NumberType, readonly [number, number]>> = {
  int16: [-0x8000, 0x7fff],
  uint16: [0, 0xffff],
  int32: [-0x8000_0000, 0x7fff_ffff],
  uint32: [0, 0xffff_ffff],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint64: [0, Number.MAX_SAFE_INTEGER],
  float32: [-FLOAT32_MAX, FLOAT32_MAX],
  float64: [-Number.MAX_VALUE, Number.MAX_VALUE],
  bcd16: [0, 9999],
  bcd32: [0, 99_999_999],
};

/** Registers a value of this type takes: 1, 2 or 4. */
export function registerCount(type: NumberType): number {
  return REGISTERS[type];
}

/** Smallest and largest number that can be written without loss of integers (64-bit types: the safe integers). */
export function rangeOf(type: NumberType): readonly [number, number] {
  return RANGE[type];
}

/** True for the types that hold whole numbers only. */
export function isIntegerType(type: NumberType): boolean {
  return type !== "float32" && type !== "float64";
}

/** Does this order swap the two bytes of each register? */
export function swapsBytes(order: WordOrder): boolean {
  return order === "BADC" || order === "DCBA";
}

/**
 * A reader of numbers of one form. A 64-bit integer beyond 2^53 comes as the nearest number, a decimal digit above 9 as NaN. The
 * reader throws a RangeError when the bytes end before the value does.
 */
export function numberReader(type: NumberType, order: WordOrder): NumberReader {
  const read = READ[type];
  if (order === "ABCD") return read;
  const length = REGISTERS[type] * 2;
  // one value at a time: a reader's own eight bytes are enough
  const straight = new DataView(new ArrayBuffer(8));
  const from = Uint8Array.from({ length }, (_, index) => sourceByte(index, length, order));
  return (view, at) => {
    for (let index = 0; index < length; index++) straight.setUint8(index, view.getUint8(at + (from[index] ?? 0)));
    return read(straight, 0);
  };
}

/** The number at byte `at` of register bytes; see `numberReader`. */
export function decodeNumber(bytes: Uint8Array, at: number, type: NumberType, order: WordOrder): number {
  return numberReader(type, order)(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at);
}

/**
 * The register bytes of a number. Whole-number types take the nearest integer inside `rangeOf`, and 0 for NaN; floating
 * types keep NaN and infinity.
 */
export function encodeNumber(value: number, type: NumberType, order: WordOrder): Uint8Array {
  const bytes = new Uint8Array(REGISTERS[type] * 2);
  WRITE[type](new DataView(bytes.buffer), isIntegerType(type) ? nearestInteger(value, type) : value);
  // each order is its own inverse
  return order === "ABCD" ? bytes : bytes.map((_, index) => bytes[sourceByte(index, bytes.length, order)] ?? 0);
}

function nearestInteger(value: number, type: NumberType): number {
  const [min, max] = RANGE[type];
  return Number.isNaN(value) ? 0 : Math.min(Math.max(Math.round(value), min), max);
}

/** Which byte of the wire is byte `index` of the ABCD form. */
function sourceByte(index: number, length: number, order: WordOrder): number {
  const swapWords = order === "CDAB" || order === "DCBA";
  const fromWord = swapWords ? (length - 1 - index) ^ 1 : index;
  return swapsBytes(order) ? fromWord ^ 1 : fromWord;
}

/** The decimal number of four digits; NaN where one is above 9. */
function fromDigits(word: number): number {
  let value = 0;
  for (let shift = 12; shift >= 0; shift -= 4) {
    const digit = (word >> shift) & 0xf;
    if (digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

function toDigits(value: number): number {
  let word = 0;
  let rest = value;
  for (let shift = 0; shift < 16; shift += 4) {
    word |= (rest % 10) << shift;
    rest = Math.floor(rest / 10);
  }
  return word;
}
