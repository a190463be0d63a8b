import { malformed, Reader, Writer } from "./bytes.ts";
import { readTag, TAG_BOOLEAN, type Tag, takeConstructed, writeClosing, writeOpening, writeTag } from "./tags.ts";

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

/** Character sets this codec reads and writes: 0, 4 and 5 of the standard. [BACnet 20.2.9] */
export type Charset = "utf-8" | "ucs-2" | "iso-8859-1";

/**
 * One value as encoded. The 13 application types, and `raw` for what this codec does not interpret (context-tagged and
 * constructed values, other character sets, integers beyond 2^53): kept byte for byte, so that one odd property loses no other.
 */
export type BacnetValue =
  | { readonly type: "null" }
  | { readonly type: "boolean"; readonly value: boolean }
  | { readonly type: "unsigned" | "signed" | "real" | "double" | "enumerated"; readonly value: number }
  | { readonly type: "octetString"; readonly value: Uint8Array }
  | { readonly type: "characterString"; readonly value: string; readonly charset?: Charset }
  | { readonly type: "bitString"; readonly value: readonly boolean[] }
  | { readonly type: "date"; readonly value: BacnetDate }
  | { readonly type: "time"; readonly value: BacnetTime }
  | { readonly type: "objectId"; readonly value: ObjectId }
  | {
      readonly type: "raw";
      readonly tag: number;
      readonly context: boolean;
      readonly constructed: boolean;
      readonly value: Uint8Array;
    };

const CHARSETS: readonly (readonly [number, Charset])[] = [
  [0, "utf-8"],
  [4, "ucs-2"],
  [5, "iso-8859-1"],
];
const MAX_INSTANCE = 0x3f_ffff;
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads one value, whatever its tag. @throws BACNET_MALFORMED */
export function readValue(reader: Reader): BacnetValue {
  const tag = readTag(reader);
  if (tag.closing) throw malformed(`closing tag ${tag.number} where a value was expected`);
  if (tag.opening) {
    return {
      type: "raw",
      tag: tag.number,
      context: true,
      constructed: true,
      value: takeConstructed(reader, tag.number),
    };
  }
  if (tag.context) {
    return { type: "raw", tag: tag.number, context: true, constructed: false, value: reader.take(tag.length) };
  }
  return readApplication(reader, tag);
}

function readApplication(reader: Reader, tag: Tag): BacnetValue {
  switch (tag.number) {
    case 0:
      expectLength(tag, 0);
      return { type: "null" };
    case TAG_BOOLEAN:
      if (tag.length > 1) throw malformed("a Boolean is 0 or 1");
      return { type: "boolean", value: tag.length === 1 };
    case 2:
      return readInteger(reader, tag, "unsigned");
    case 3:
      return readInteger(reader, tag, "signed");
    case 4:
      expectLength(tag, 4);
      return { type: "real", value: reader.f32() };
    case 5:
      expectLength(tag, 8);
      return { type: "double", value: reader.f64() };
    case 6:
      return { type: "octetString", value: reader.take(tag.length) };
    case 7:
      return readCharacterString(reader.take(tag.length));
    case 8:
      return { type: "bitString", value: readBits(reader.take(tag.length)) };
    case 9:
      return readInteger(reader, tag, "enumerated");
    case 10:
      return { type: "date", value: readDate(reader, tag) };
    case 11:
      return { type: "time", value: readTime(reader, tag) };
    case 12:
      expectLength(tag, 4);
      return { type: "objectId", value: readObjectId(reader) };
    default:
      return { type: "raw", tag: tag.number, context: false, constructed: false, value: reader.take(tag.length) };
  }
}

function expectLength(tag: Tag, length: number): void {
  if (tag.length !== length) throw malformed(`application tag ${tag.number} has ${tag.length} bytes, not ${length}`);
}

function readInteger(reader: Reader, tag: Tag, type: "unsigned" | "signed" | "enumerated"): BacnetValue {
  const bytes = reader.take(tag.length);
  const value = type === "signed" ? signedOf(bytes) : unsignedOf(bytes);
  if (value === undefined) return { type: "raw", tag: tag.number, context: false, constructed: false, value: bytes };
  return { type, value };
}

/** Value of big-endian bytes, undefined beyond 2^53. @throws BACNET_MALFORMED when empty */
function unsignedOf(bytes: Uint8Array): number | undefined {
  if (bytes.length === 0) throw malformed("an integer has no bytes");
  let value = 0;
  for (const byte of bytes) value = value * 256 + byte;
  return Number.isSafeInteger(value) ? value : undefined;
}

function signedOf(bytes: Uint8Array): number | undefined {
  const value = unsignedOf(bytes);
  const negative = ((bytes[0] ?? 0) & 0x80) !== 0;
  if (value === undefined || bytes.length > 6) return undefined;
  return negative ? value - 2 ** (8 * bytes.length) : value;
}

function readCharacterString(bytes: Uint8Array): BacnetValue {
  const charset = CHARSETS.find(([code]) => code === bytes[0])?.[1];
  if (bytes.length === 0) throw malformed("a character string has no character set");
  if (charset === undefined) return { type: "raw", tag: 7, context: false, constructed: false, value: bytes };
  const text = bytes.subarray(1);
  switch (charset) {
    case "utf-8":
      return { type: "characterString", value: utf8.decode(text) };
    case "ucs-2":
      if (text.length % 2 !== 0) throw malformed("a UCS-2 string has an odd length");
      return { type: "characterString", value: fromUnits(text, 2), charset };
    case "iso-8859-1":
      return { type: "characterString", value: fromUnits(text, 1), charset };
    default:
      charset satisfies never;
      throw malformed("unknown character set");
  }
}

function fromUnits(bytes: Uint8Array, width: 1 | 2): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += width) {
    const unit = width === 1 ? (bytes[i] ?? 0) : (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
    text += String.fromCharCode(unit);
  }
  return text;
}

function readBits(bytes: Uint8Array): readonly boolean[] {
  const unused = bytes[0];
  if (unused === undefined || unused > 7 || (bytes.length === 1 && unused !== 0)) {
    throw malformed("a bit string has a wrong count of unused bits");
  }
  const count = (bytes.length - 1) * 8 - unused;
  return Array.from({ length: count }, (_, bit) => ((bytes[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

function readDate(reader: Reader, tag: Tag): BacnetDate {
  expectLength(tag, 4);
  return { year: reader.u8(), month: reader.u8(), day: reader.u8(), weekday: reader.u8() };
}

function readTime(reader: Reader, tag: Tag): BacnetTime {
  expectLength(tag, 4);
  return { hour: reader.u8(), minute: reader.u8(), second: reader.u8(), hundredths: reader.u8() };
}

/** The four content bytes of an object identifier. */
export function readObjectId(reader: Reader): ObjectId {
  const word = reader.u32();
  return { type: word >>> 22, instance: word & MAX_INSTANCE };
}

/** An unsigned or enumerated content of `length` bytes. @throws BACNET_MALFORMED beyond 2^53 */
export function readUnsigned(reader: Reader, length: number): number {
  const value = unsignedOf(reader.take(length));
  if (value === undefined) throw malformed("an integer is too large");
  return value;
}

/** Content bytes of an unsigned, the shortest form. [BACnet 20.2.4] */
export function unsignedBytes(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw malformed(`${value} is no unsigned integer`);
  const bytes: number[] = [];
  for (let rest = value; rest > 0 || bytes.length === 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from(bytes);
}

// [BACnet 20.2.5] two's complement, the shortest form
function signedBytes(value: number): Uint8Array {
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 47)
    throw malformed(`${value} is no signed integer of 48 bits`);
  let length = 1;
  while (value < -(2 ** (8 * length - 1)) || value >= 2 ** (8 * length - 1)) length++;
  const wrapped = value < 0 ? value + 2 ** (8 * length) : value;
  return Uint8Array.from({ length }, (_, i) => Math.floor(wrapped / 2 ** (8 * (length - 1 - i))) % 256);
}

// the first byte names the character set [BACnet 20.2.9]
function textBytes(text: string, charset: Charset): Uint8Array {
  const writer = new Writer().u8(CHARSETS.find(([, name]) => name === charset)?.[0] ?? 0);
  if (charset === "utf-8") return writer.raw(new TextEncoder().encode(text)).done();
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (charset === "ucs-2") writer.u16(unit);
    else if (unit <= 0xff) writer.u8(unit);
    else throw malformed(`"${text}" has a character that ISO 8859-1 has not`);
  }
  return writer.done();
}

function bitBytes(bits: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(1 + Math.ceil(bits.length / 8));
  bytes[0] = (8 - (bits.length % 8)) % 8;
  for (const [bit, set] of bits.entries())
    if (set) bytes[1 + (bit >> 3)] = (bytes[1 + (bit >> 3)] ?? 0) | (0x80 >> (bit & 7));
  return bytes;
}

/** The 32 bits of an object identifier. @throws BACNET_MALFORMED when type or instance is out of range */
export function objectIdWord(id: ObjectId): number {
  if (!Number.isInteger(id.type) || id.type < 0 || id.type > 1023 || id.instance < 0 || id.instance > MAX_INSTANCE) {
    throw malformed(`object ${id.type}:${id.instance} is out of range`);
  }
  return ((id.type << 22) | id.instance) >>> 0;
}

function writeContent(writer: Writer, tag: number, bytes: Uint8Array, context = false): void {
  writeTag(writer, tag, context, bytes.length);
  writer.raw(bytes);
}

function writeRaw(writer: Writer, value: Extract<BacnetValue, { type: "raw" }>): void {
  if (!value.constructed) {
    writeContent(writer, value.tag, value.value, value.context);
    return;
  }
  writeOpening(writer, value.tag);
  writer.raw(value.value);
  writeClosing(writer, value.tag);
}

type Primitive = Exclude<BacnetValue, { type: "null" | "boolean" | "raw" }>;

// tag number and content of the types whose value is in content bytes [BACnet 20.2.4-20.2.14]
function primitive(value: Primitive): readonly [number, Uint8Array] {
  switch (value.type) {
    case "unsigned":
      return [2, unsignedBytes(value.value)];
    case "signed":
      return [3, signedBytes(value.value)];
    case "real":
      return [4, numberBytes(4, (view) => view.setFloat32(0, value.value))];
    case "double":
      return [5, numberBytes(8, (view) => view.setFloat64(0, value.value))];
    case "octetString":
      return [6, value.value];
    case "characterString":
      return [7, textBytes(value.value, value.charset ?? "utf-8")];
    case "bitString":
      return [8, bitBytes(value.value)];
    case "enumerated":
      return [9, unsignedBytes(value.value)];
    case "date":
      return [10, Uint8Array.of(value.value.year, value.value.month, value.value.day, value.value.weekday)];
    case "time":
      return [11, Uint8Array.of(value.value.hour, value.value.minute, value.value.second, value.value.hundredths)];
    case "objectId":
      return [12, numberBytes(4, (view) => view.setUint32(0, objectIdWord(value.value)))];
    default:
      value satisfies never;
      throw malformed("unknown application type");
  }
}

function numberBytes(length: number, set: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  set(new DataView(bytes.buffer));
  return bytes;
}

/** Writes one application-tagged (or raw) value. @throws BACNET_MALFORMED when it does not fit its type */
export function writeValue(writer: Writer, value: BacnetValue): void {
  switch (value.type) {
    case "null":
      writeTag(writer, 0, false, 0);
      break;
    case "boolean":
      writeTag(writer, TAG_BOOLEAN, false, value.value ? 1 : 0);
      break;
    case "raw":
      writeRaw(writer, value);
      break;
    default:
      writeContent(writer, ...primitive(value));
  }
}

/** Writes an unsigned or enumerated under a context tag. */
export function writeContextUnsigned(writer: Writer, tag: number, value: number): void {
  writeContent(writer, tag, unsignedBytes(value), true);
}

/** Writes an object identifier under a context tag. */
export function writeContextObjectId(writer: Writer, tag: number, id: ObjectId): void {
  writeTag(writer, tag, true, 4);
  writer.u32(objectIdWord(id));
}

/** Writes a Boolean under a context tag, where it takes a byte of its own. [BACnet 20.2.3] */
export function writeContextBoolean(writer: Writer, tag: number, value: boolean): void {
  writeTag(writer, tag, true, 1);
  writer.u8(value ? 1 : 0);
}

/** Values in a row as bytes. @throws BACNET_MALFORMED */
export function encodeValues(values: readonly BacnetValue[]): Uint8Array {
  const writer = new Writer();
  for (const value of values) writeValue(writer, value);
  return writer.done();
}

/** All values in `bytes`. @throws BACNET_MALFORMED */
export function decodeValues(bytes: Uint8Array): readonly BacnetValue[] {
  const reader = new Reader(bytes);
  const values: BacnetValue[] = [];
  while (reader.remaining > 0) values.push(readValue(reader));
  return values;
}
