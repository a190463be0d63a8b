import { malformed, type Reader } from "./bytes.ts";

/** BACnetObjectIdentifier: type 0-1023, instance 0-4194303. [BACnet 20.2.14] */
export interface ObjectId {
  readonly type: number;
  readonly instance: number;
}

/** BACnetDate as on the wire; 255 is "unspecified", `year` counts from 1900, month 13/14 and day 32-34 are patterns. [BACnet 20.2.12] */
export interface BacnetDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
}

/** BACnetTime as on the wire; 255 is "unspecified". [BACnet 20.2.13] */
export interface BacnetTime {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly hundredths: number;
}

const MAX_INSTANCE = 0x3f_ffff;

/** Value of two's complement content, undefined beyond 48 bits. @throws BACNET_MALFORMED when empty */
export function signedOf(bytes: Uint8Array): number | undefined {
  if (bytes.length === 0) throw malformed("an integer has no bytes");
  if (bytes.length > 6) return undefined;
  let value = 0;
  for (const byte of bytes) value = value * 256 + byte;
  const negative = ((bytes[0] ?? 0) & 0x80) !== 0;
  return negative ? value - 2 ** (8 * bytes.length) : value;
}

// far more than any of the standard has; a bit takes a value each
const MAX_BIT_BYTES = 8192;

/** Are the next `length` bytes the content of a bit string of at most 8192 bytes? Consumes nothing. [BACnet 20.2.10] */
export function isBitString(reader: Reader, length: number): boolean {
  if (length === 0 || length > MAX_BIT_BYTES) return false;
  const unused = reader.peek();
  return unused === 0 || (unused <= 7 && length > 1);
}

/** A bit string of `length` content bytes, the count of unused bits first. @throws BACNET_MALFORMED when it is none */
export function readBits(reader: Reader, length: number): readonly boolean[] {
  if (!isBitString(reader, length)) throw malformed(`${length} bytes that are no bit string`);
  const unused = reader.u8();
  const bits: boolean[] = [];
  for (let byte = 1; byte < length; byte++) {
    const octet = reader.u8();
    const last = byte === length - 1 ? unused : 0;
    for (let bit = 7; bit >= last; bit--) bits.push((octet & (1 << bit)) !== 0);
  }
  return bits;
}

/** The four content bytes of a date. @throws BACNET_MALFORMED when they run out */
export function readDate(reader: Reader): BacnetDate {
  return { year: reader.u8(), month: reader.u8(), day: reader.u8(), weekday: reader.u8() };
}

/** The four content bytes of a time. @throws BACNET_MALFORMED when they run out */
export function readTime(reader: Reader): BacnetTime {
  return { hour: reader.u8(), minute: reader.u8(), second: reader.u8(), hundredths: reader.u8() };
}

/** The four content bytes of an object identifier. @throws BACNET_MALFORMED when they run out */
export function readObjectId(reader: Reader): ObjectId {
  const word = reader.u32();
  return { type: word >>> 22, instance: word & MAX_INSTANCE };
}

/** An unsigned or enumerated content of `length` bytes. @throws BACNET_MALFORMED beyond 2^53 */
export function readUnsigned(reader: Reader, length: number): number {
  const value = reader.unsigned(length);
  if (value === undefined) throw malformed("an integer is too large");
  return value;
}

/** Bytes of an unsigned in its shortest form. [BACnet 20.2.4] @throws BACNET_MALFORMED when it is none */
export function unsignedLength(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw malformed(`${value} is no unsigned integer`);
  let length = 1;
  for (let limit = 256; value >= limit; limit *= 256) length++;
  return length;
}

/** Content bytes of an unsigned, the shortest form. @throws BACNET_MALFORMED when it is none */
export function unsignedBytes(value: number): Uint8Array {
  const length = unsignedLength(value);
  return Uint8Array.from({ length }, (_, i) => Math.floor(value / 256 ** (length - 1 - i)) % 256);
}

/** Content bytes of a signed integer: two's complement, the shortest form. [BACnet 20.2.5] @throws BACNET_MALFORMED beyond 48 bits */
export function signedBytes(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < -(2 ** 47) || value >= 2 ** 47)
    throw malformed(`${value} is no signed integer of 48 bits`);
  let length = 1;
  while (value < -(2 ** (8 * length - 1)) || value >= 2 ** (8 * length - 1)) length++;
  const wrapped = value < 0 ? value + 2 ** (8 * length) : value;
  return Uint8Array.from({ length }, (_, i) => Math.floor(wrapped / 2 ** (8 * (length - 1 - i))) % 256);
}

/** Content bytes of a bit string. [BACnet 20.2.10] */
export function bitBytes(bits: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(1 + Math.ceil(bits.length / 8));
  bytes[0] = (8 - (bits.length % 8)) % 8;
  for (const [bit, set] of bits.entries())
    if (set) bytes[1 + (bit >> 3)] = (bytes[1 + (bit >> 3)] ?? 0) | (0x80 >> (bit & 7));
  return bytes;
}

/** Content bytes of a REAL. [BACnet 20.2.6] */
export function realBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value);
  return bytes;
}

/** Content bytes of a Double. [BACnet 20.2.7] */
export function doubleBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}

function octets(...fields: readonly number[]): Uint8Array {
  if (fields.some((field) => !Number.isInteger(field) || field < 0 || field > 255)) {
    throw malformed(`${fields.join(" ")} is no date or time`);
  }
  return Uint8Array.from(fields);
}

/** Content bytes of a date. @throws BACNET_MALFORMED for a field beyond 0-255 */
export function dateBytes({ year, month, day, weekday }: BacnetDate): Uint8Array {
  return octets(year, month, day, weekday);
}

/** Content bytes of a time. @throws BACNET_MALFORMED for a field beyond 0-255 */
export function timeBytes({ hour, minute, second, hundredths }: BacnetTime): Uint8Array {
  return octets(hour, minute, second, hundredths);
}

/** The 32 bits of an object identifier. @throws BACNET_MALFORMED when type or instance is out of range */
export function objectIdWord(id: ObjectId): number {
  if (!Number.isInteger(id.type) || id.type < 0 || id.type > 1023 || id.instance < 0 || id.instance > MAX_INSTANCE) {
    throw malformed(`object ${id.type}:${id.instance} is out of range`);
  }
  return ((id.type << 22) | id.instance) >>> 0;
}

/** Content bytes of an object identifier. @throws BACNET_MALFORMED when type or instance is out of range */
export function objectIdBytes(id: ObjectId): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, objectIdWord(id));
  return bytes;
}
