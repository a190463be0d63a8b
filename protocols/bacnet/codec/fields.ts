import { errorCode } from "#core/errors.ts";
import { malformed, Reader, Writer } from "./bytes.ts";
import type { BacnetDate, BacnetTime, ObjectId } from "./content.ts";
import {
  atApplication,
  atApplicationTag,
  atClosing,
  atOpening,
  expectClosing,
  expectOpening,
  writeClosing,
  writeOpening,
} from "./tags.ts";
import { showCharacters } from "./text.ts";
import { type BacnetValue, readValue, writeValue } from "./values.ts";

// [BACnet 20.2.1.4]
const APPLICATION_TAG = {
  boolean: 1,
  unsigned: 2,
  signed: 3,
  real: 4,
  double: 5,
  octetString: 6,
  bitString: 8,
  enumerated: 9,
  date: 10,
  time: 11,
  objectId: 12,
} as const;
const TAG_TEXT = 7;

/** A production of the standard, both ways. */
export interface Field<T> {
  /** Does it come next? Consumes nothing. */
  at(reader: Reader): boolean;
  /** @throws BACNET_MALFORMED */
  read(reader: Reader): T;
  /** @throws BACNET_MALFORMED when the value does not fit its type */
  write(writer: Writer, value: T): void;
}

/** A field that may be left out of its sequence. */
export interface OptionalField<T> extends Field<T> {
  readonly optional: true;
}

/** Marks a field that may be left out. */
export function optional<T>(field: Field<T>): OptionalField<T> {
  return {
    optional: true,
    at: (reader) => field.at(reader),
    read: (reader) => field.read(reader),
    write: (writer, value) => field.write(writer, value),
  };
}

/** The fields of a sequence: each property of `T` in the order of the wire, the optional ones marked. */
export type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? OptionalField<Exclude<T[K], undefined>> : Field<T[K]>;
};

type AnyField = Field<unknown> & { readonly optional?: true };

/** A SEQUENCE: its fields in a row. */
export function sequence<T extends object>(fields: Fields<T>): Field<T> {
  const rows = Object.entries(fields) as readonly (readonly [string, AnyField])[];
  return {
    at(reader) {
      for (const [, field] of rows) {
        if (field.at(reader)) return true;
        if (field.optional !== true) return false;
      }
      return false;
    },
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const [name, field] of rows) {
        if (field.optional !== true || field.at(reader)) value[name] = field.read(reader);
      }
      // each property was read by the field that its type demands
      return value as T;
    },
    write(writer, value) {
      const values = value as Readonly<Record<string, unknown>>;
      for (const [name, field] of rows) {
        if (field.optional !== true || values[name] !== undefined) field.write(writer, values[name]);
      }
    },
  };
}

/** The alternatives of a CHOICE by the name in `type`. */
export type Alternatives<T extends { readonly type: string; readonly value: unknown }> = {
  readonly [K in T["type"]]: Field<Extract<T, { readonly type: K }>["value"]>;
};

/** A CHOICE as `{type, value}`: the first alternative that comes next. */
export function choice<T extends { readonly type: string; readonly value: unknown }>(
  what: string,
  alternatives: Alternatives<T>,
): Field<T> {
  const rows = Object.entries(alternatives) as readonly (readonly [string, Field<unknown>])[];
  return {
    at: (reader) => rows.some(([, field]) => field.at(reader)),
    read(reader) {
      const found = rows.find(([, field]) => field.at(reader));
      if (found === undefined) throw malformed(`no alternative of ${what}`);
      // the alternative was read by the field that its type demands
      return { type: found[0], value: found[1].read(reader) } as unknown as T;
    },
    write(writer, { type, value }) {
      const found = rows.find(([name]) => name === type);
      if (found === undefined) throw malformed(`${what} has no alternative "${type}"`);
      found[1].write(writer, value);
    },
  };
}

/** What stands where a CHOICE was expected and is none of its alternatives, or breaks the one it is. */
export interface RawChoice {
  readonly type: "raw";
  readonly value: BacnetValue;
}

/** A CHOICE of which an unknown or broken alternative is kept raw, so that it costs no value but itself. */
export function orRaw<T extends { readonly type: string }>(field: Field<T>): Field<T | RawChoice> {
  return {
    at: (reader) => reader.remaining > 0,
    read(reader) {
      const start = reader.offset;
      try {
        return field.read(reader);
      } catch (error) {
        if (errorCode(error) !== "BACNET_MALFORMED") throw error;
        reader.rewind(start);
        return { type: "raw", value: readValue(reader) };
      }
    },
    write(writer, value) {
      if (isRaw(value)) writeValue(writer, value.value);
      else field.write(writer, value);
    },
  };
}

function isRaw(value: { readonly type: string }): value is RawChoice {
  return value.type === "raw";
}

/** A field between an opening and a closing tag. */
export function wrapped<T>(tag: number, field: Field<T>): Field<T> {
  return {
    at: (reader) => atOpening(reader, tag),
    read(reader) {
      expectOpening(reader, tag);
      const value = field.read(reader);
      expectClosing(reader, tag);
      return value;
    },
    write(writer, value) {
      writeOpening(writer, tag);
      field.write(writer, value);
      writeClosing(writer, tag);
    },
  };
}

// an element that consumes nothing would never end
function readElement<T>(reader: Reader, field: Field<T>): T {
  const start = reader.offset;
  const value = field.read(reader);
  if (reader.offset === start) throw malformed("an element of a list is empty");
  return value;
}

/** A SEQUENCE OF between an opening and a closing tag. */
export function listOf<T>(tag: number, field: Field<T>): Field<readonly T[]> {
  return {
    at: (reader) => atOpening(reader, tag),
    read(reader) {
      expectOpening(reader, tag);
      const values: T[] = [];
      while (!atClosing(reader, tag)) values.push(readElement(reader, field));
      expectClosing(reader, tag);
      return values;
    },
    write(writer, values) {
      writeOpening(writer, tag);
      for (const value of values) field.write(writer, value);
      writeClosing(writer, tag);
    },
  };
}

/** A SEQUENCE OF without tags of its own: to the end of the bytes. */
export function rowsOf<T>(field: Field<T>): Field<readonly T[]> {
  return {
    at: (reader) => reader.remaining > 0,
    read(reader) {
      const values: T[] = [];
      while (reader.remaining > 0) values.push(readElement(reader, field));
      return values;
    },
    write(writer, values) {
      for (const value of values) field.write(writer, value);
    },
  };
}

/** Any values (ABSTRACT-SYNTAX) between an opening and a closing tag. */
export function anyValues(tag: number): Field<readonly BacnetValue[]> {
  return listOf(tag, { at: (reader) => reader.remaining > 0, read: readValue, write: writeValue });
}

/** What the application types hold. */
interface Applied {
  readonly boolean: boolean;
  readonly unsigned: number;
  readonly signed: number;
  readonly real: number;
  readonly double: number;
  readonly octetString: Uint8Array;
  readonly bitString: readonly boolean[];
  readonly enumerated: number;
  readonly date: BacnetDate;
  readonly time: BacnetTime;
  readonly objectId: ObjectId;
}

/** A value under its application tag. */
export function application<K extends keyof Applied>(type: K): Field<Applied[K]> {
  return {
    at: (reader) => atApplicationTag(reader, APPLICATION_TAG[type]),
    read(reader) {
      const value = readValue(reader);
      if (value.type !== type) throw malformed(`${type} expected, got ${value.type}`);
      // its type was compared
      return value.value as Applied[K];
    },
    write(writer, value) {
      // the signature holds type and value together
      writeValue(writer, { type, value } as BacnetValue);
    },
  };
}

/** CharacterString under its application tag: written as UTF-8, read so that it always shows something. */
export const applicationText: Field<string> = {
  at: (reader) => atApplicationTag(reader, TAG_TEXT),
  read(reader) {
    const value = readValue(reader);
    if (value.type === "characterString") return value.value;
    // a character set that is not read
    if (value.type === "raw" && !value.context && value.tag === TAG_TEXT) return showCharacters(value.value);
    throw malformed(`characterString expected, got ${value.type}`);
  },
  write: (writer, value) => writeValue(writer, { type: "characterString", value }),
};

/** Any one value under an application tag. */
export const anyPrimitive: Field<BacnetValue> = {
  at: atApplication,
  read(reader) {
    if (!atApplication(reader)) throw malformed("application tag expected");
    return readValue(reader);
  },
  write: writeValue,
};

/** Reads a whole body. @throws BACNET_MALFORMED, also for bytes that are left */
export function decodeBody<T>(field: Field<T>, body: Uint8Array): T {
  const reader = new Reader(body);
  const value = field.read(reader);
  if (reader.remaining > 0) throw malformed(`${reader.remaining} bytes too many`);
  return value;
}

/** Bytes of a body. @throws BACNET_MALFORMED when a value does not fit its type */
export function encodeBody<T>(field: Field<T>, value: T): Uint8Array {
  const writer = new Writer();
  field.write(writer, value);
  return writer.done();
}
