import { malformed, Reader, Writer } from "./bytes.ts";
import {
  type BacnetDate,
  type BacnetTime,
  bitBytes,
  dateBytes,
  isBitString,
  type ObjectId,
  objectIdWord,
  readBits,
  readDate,
  readObjectId,
  readTime,
  signedBytes,
  signedOf,
  timeBytes,
  unsignedLength,
} from "./content.ts";
import { readTag, TAG_BOOLEAN, type Tag, takeConstructed, writeClosing, writeOpening, writeTag } from "./tags.ts";
import { type Charset, characterBytes, readCharacters } from "./text.ts";

export type { BacnetDate, BacnetTime, ObjectId } from "./content.ts";
export { objectIdWord, readObjectId, readUnsigned } from "./content.ts";
export type { Charset } from "./text.ts";

/**
 * One value as encoded. The 13 application types, and `raw` for what this codec does not interpret (context-tagged and
 * constructed values, other character sets, integers beyond 2^53, content that breaks the rules of its type): kept byte for byte, so that one odd property loses no other.
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

// content bytes of the types that have a fixed number of them [BACnet 20.2]
const FIXED_LENGTHS: readonly (number | undefined)[] = [
  0,
  undefined,
  undefined,
  undefined,
  4,
  8,
  undefined,
  undefined,
  undefined,
  undefined,
  4,
  4,
  4,
];

// a content that breaks the rules of its type is kept raw: its length is known, so it costs no value but itself
function readApplication(reader: Reader, tag: Tag): BacnetValue {
  const fixed = FIXED_LENGTHS[tag.number];
  if (fixed !== undefined && fixed !== tag.length) return rawApplication(reader, tag);
  switch (tag.number) {
    case 0:
      return { type: "null" };
    case TAG_BOOLEAN:
      if (tag.length > 1) throw malformed("a Boolean is 0 or 1");
      return { type: "boolean", value: tag.length === 1 };
    case 2:
      return readInteger(reader, tag, "unsigned");
    case 3:
      return readInteger(reader, tag, "signed");
    case 4:
      return { type: "real", value: reader.f32() };
    case 5:
      return { type: "double", value: reader.f64() };
    case 6:
      return { type: "octetString", value: reader.take(tag.length) };
    case 7:
      return readText(reader.take(tag.length));
    case 8:
      return readBitString(reader, tag);
    case 9:
      return readInteger(reader, tag, "enumerated");
    case 10:
      return { type: "date", value: readDate(reader) };
    case 11:
      return { type: "time", value: readTime(reader) };
    case 12:
      return { type: "objectId", value: readObjectId(reader) };
    default:
      return rawApplication(reader, tag);
  }
}

// Status_Flags come with nearly every value: the sixteen that there are, by their bits
const FLAGS: readonly BacnetValue[] = Array.from({ length: 16 }, (_, bits) => ({
  type: "bitString",
  value: [8, 4, 2, 1].map((bit) => (bits & bit) !== 0),
}));

function readBitString(reader: Reader, tag: Tag): BacnetValue {
  if (!isBitString(reader, tag.length)) return rawApplication(reader, tag);
  const flags = tag.length === 2 && reader.peek() === 4 ? FLAGS[(reader.peekSecond() ?? 0) >> 4] : undefined;
  if (flags === undefined) return { type: "bitString", value: readBits(reader, tag.length) };
  reader.u16();
  return flags;
}

function rawApplication(reader: Reader, tag: Tag): BacnetValue {
  return { type: "raw", tag: tag.number, context: false, constructed: false, value: reader.take(tag.length) };
}

function readInteger(reader: Reader, tag: Tag, type: "unsigned" | "signed" | "enumerated"): BacnetValue {
  if (tag.length === 0) return rawApplication(reader, tag);
  const start = reader.offset;
  const value = type === "signed" ? signedOf(reader.take(tag.length)) : reader.unsigned(tag.length);
  if (value !== undefined) return { type, value };
  reader.rewind(start);
  return rawApplication(reader, tag);
}

function readText(bytes: Uint8Array): BacnetValue {
  const read = readCharacters(bytes);
  if (read === undefined) return { type: "raw", tag: 7, context: false, constructed: false, value: bytes };
  const { value, charset } = read;
  return charset === "utf-8" ? { type: "characterString", value } : { type: "characterString", value, charset };
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

function writeUnsigned(writer: Writer, tag: number, context: boolean, value: number): void {
  const length = unsignedLength(value);
  writeTag(writer, tag, context, length);
  writer.unsigned(value, length);
}

type Primitive = Extract<
  BacnetValue,
  { type: "octetString" } | { type: "characterString" } | { type: "bitString" } | { type: "date" } | { type: "time" }
>;

// tag number and content bytes [BACnet 20.2.8-20.2.13]
function primitive(value: Primitive): readonly [number, Uint8Array] {
  switch (value.type) {
    case "octetString":
      return [6, value.value];
    case "characterString":
      return [7, characterBytes(value.value, value.charset)];
    case "bitString":
      return [8, bitBytes(value.value)];
    case "date":
      return [10, dateBytes(value.value)];
    case "time":
      return [11, timeBytes(value.value)];
    default:
      value satisfies never;
      throw malformed("unknown application type");
  }
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
    // the types that make up nearly all values are written without an array of their content
    case "unsigned":
      writeUnsigned(writer, 2, false, value.value);
      break;
    case "signed":
      writeContent(writer, 3, signedBytes(value.value));
      break;
    case "real":
      writeTag(writer, 4, false, 4);
      writer.f32(value.value);
      break;
    case "double":
      writeTag(writer, 5, false, 8);
      writer.f64(value.value);
      break;
    case "enumerated":
      writeUnsigned(writer, 9, false, value.value);
      break;
    case "objectId":
      writeTag(writer, 12, false, 4);
      writer.u32(objectIdWord(value.value));
      break;
    default:
      writeContent(writer, ...primitive(value));
  }
}

/** Writes an unsigned or enumerated under a context tag. */
export function writeContextUnsigned(writer: Writer, tag: number, value: number): void {
  writeUnsigned(writer, tag, true, value);
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
