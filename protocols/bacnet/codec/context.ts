import { malformed, type Reader } from "./bytes.ts";
import {
  type BacnetDate,
  type BacnetTime,
  bitBytes,
  dateBytes,
  doubleBytes,
  type ObjectId,
  objectIdBytes,
  readBits,
  readDate,
  readObjectId,
  readTime,
  readUnsigned,
  realBytes,
  signedBytes,
  signedOf,
  timeBytes,
  unsignedBytes,
} from "./content.ts";
import type { Field } from "./fields.ts";
import { atContext, expectContext, writeTag } from "./tags.ts";
import { characterBytes, showCharacters } from "./text.ts";

function primitive<T>(
  tag: number,
  read: (reader: Reader, length: number) => T,
  content: (value: T) => Uint8Array,
): Field<T> {
  return {
    at: (reader) => atContext(reader, tag),
    read: (reader) => read(reader, expectContext(reader, tag)),
    write(writer, value) {
      const bytes = content(value);
      writeTag(writer, tag, true, bytes.length);
      writer.raw(bytes);
    },
  };
}

// content of a fixed length
function fixed<T>(
  tag: number,
  length: number,
  read: (reader: Reader) => T,
  content: (value: T) => Uint8Array,
): Field<T> {
  const readFixed = (reader: Reader, got: number): T => {
    if (got !== length) throw malformed(`context tag ${tag} has ${got} bytes, not ${length}`);
    return read(reader);
  };
  return primitive(tag, readFixed, content);
}

/** Unsigned or enumerated under a context tag. */
export function unsigned(tag: number): Field<number> {
  return primitive(tag, readUnsigned, unsignedBytes);
}

/** INTEGER under a context tag, up to 48 bits. */
export function signed(tag: number): Field<number> {
  const read = (reader: Reader, length: number): number => {
    const value = signedOf(reader.take(length));
    if (value === undefined) throw malformed("an integer is too large");
    return value;
  };
  return primitive(tag, read, signedBytes);
}

/** BOOLEAN under a context tag, where it takes a byte of its own. [BACnet 20.2.3] */
export function boolean(tag: number): Field<boolean> {
  return primitive(
    tag,
    (reader, length) => readUnsigned(reader, length) !== 0,
    (value) => Uint8Array.of(value ? 1 : 0),
  );
}

/** NULL under a context tag. */
export function nothing(tag: number): Field<null> {
  return fixed(
    tag,
    0,
    () => null,
    () => new Uint8Array(),
  );
}

/** REAL under a context tag. */
export function real(tag: number): Field<number> {
  return fixed(tag, 4, (reader) => reader.f32(), realBytes);
}

/** Double under a context tag. */
export function double(tag: number): Field<number> {
  return fixed(tag, 8, (reader) => reader.f64(), doubleBytes);
}

/** CharacterString under a context tag: written as UTF-8, read so that it always shows something. */
export function text(tag: number): Field<string> {
  return primitive(
    tag,
    (reader, length) => showCharacters(reader.take(length)),
    (value) => characterBytes(value),
  );
}

/** OCTET STRING under a context tag. */
export function octets(tag: number): Field<Uint8Array> {
  return primitive(
    tag,
    (reader, length) => reader.take(length),
    (value) => value,
  );
}

/** BIT STRING under a context tag. */
export function bits(tag: number): Field<readonly boolean[]> {
  return primitive(tag, readBits, bitBytes);
}

/** Date under a context tag. */
export function date(tag: number): Field<BacnetDate> {
  return fixed(tag, 4, readDate, dateBytes);
}

/** Time under a context tag. */
export function time(tag: number): Field<BacnetTime> {
  return fixed(tag, 4, readTime, timeBytes);
}

/** BACnetObjectIdentifier under a context tag. */
export function objectId(tag: number): Field<ObjectId> {
  return fixed(tag, 4, readObjectId, objectIdBytes);
}
