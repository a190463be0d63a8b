import { malformed, Reader, Writer } from "../bytes.ts";
import type { PropertyReference } from "../references.ts";
import {
  atClosing,
  atContext,
  atOpening,
  expectClosing,
  expectContext,
  expectOpening,
  writeClosing,
  writeOpening,
} from "../tags.ts";
import {
  type BacnetValue,
  type ObjectId,
  readObjectId,
  readUnsigned,
  readValue,
  writeContextObjectId,
  writeContextUnsigned,
  writeValue,
} from "../values.ts";
import { type ErrorPair, readErrorPair } from "./error.ts";
import { decodeUsualResults } from "./usual-results.ts";

export type { PropertyReference } from "../references.ts";

/** A property of a given object. */
export interface ObjectProperty extends PropertyReference {
  readonly object: ObjectId;
}

/** What a read gave: values, or the error of this one property. */
export type PropertyResult = PropertyReference &
  ({ readonly values: readonly BacnetValue[] } | { readonly error: ErrorPair });

/** Several properties of one object. */
export interface ReadSpecification {
  readonly object: ObjectId;
  readonly properties: readonly PropertyReference[];
}

/** Results of one object. */
export interface ReadResult {
  readonly object: ObjectId;
  readonly results: readonly PropertyResult[];
}

/** A WriteProperty. `priority` 1-16; absent means 16 for a commandable property. [BACnet 15.9] */
export interface PropertyWrite extends ObjectProperty {
  readonly values: readonly BacnetValue[];
  readonly priority?: number;
}

// Context tags of the four productions that share this shape: object, property, index.
function writeObject(writer: Writer, tag: number, object: ObjectId): void {
  writeContextObjectId(writer, tag, object);
}

function readObject(reader: Reader, tag: number): ObjectId {
  if (expectContext(reader, tag) !== 4) throw malformed("an object identifier has four bytes");
  return readObjectId(reader);
}

function writeReference(writer: Writer, tag: number, reference: PropertyReference): void {
  writeContextUnsigned(writer, tag, reference.property);
  if (reference.index !== undefined) writeContextUnsigned(writer, tag + 1, reference.index);
}

/** Reads a property identifier under context tag `tag` and its optional array index under the next. @throws BACNET_MALFORMED */
export function readReference(reader: Reader, tag: number): PropertyReference {
  const property = readUnsigned(reader, expectContext(reader, tag));
  if (!atContext(reader, tag + 1)) return { property };
  return { property, index: readUnsigned(reader, expectContext(reader, tag + 1)) };
}

/** Writes values between an opening and a closing tag. */
export function writeValueList(writer: Writer, tag: number, values: readonly BacnetValue[]): void {
  writeOpening(writer, tag);
  for (const value of values) writeValue(writer, value);
  writeClosing(writer, tag);
}

/** Reads values between an opening and a closing tag. @throws BACNET_MALFORMED */
export function readValueList(reader: Reader, tag: number): readonly BacnetValue[] {
  expectOpening(reader, tag);
  const values: BacnetValue[] = [];
  while (!atClosing(reader, tag)) values.push(readValue(reader));
  expectClosing(reader, tag);
  return values;
}

function done(reader: Reader): void {
  if (reader.remaining > 0) throw malformed(`${reader.remaining} bytes too many`);
}

/** ReadProperty request. [BACnet 15.5] */
export function encodeReadProperty(request: ObjectProperty): Uint8Array {
  const writer = new Writer();
  writeObject(writer, 0, request.object);
  writeReference(writer, 1, request);
  return writer.done();
}

/** @throws BACNET_MALFORMED */
export function decodeReadProperty(body: Uint8Array): ObjectProperty {
  const reader = new Reader(body);
  const request = { object: readObject(reader, 0), ...readReference(reader, 1) };
  done(reader);
  return request;
}

/** ReadProperty acknowledgement. [BACnet 15.5] */
export function encodeReadPropertyAck(
  answer: ObjectProperty & { readonly values: readonly BacnetValue[] },
): Uint8Array {
  const writer = new Writer();
  writeObject(writer, 0, answer.object);
  writeReference(writer, 1, answer);
  writeValueList(writer, 3, answer.values);
  return writer.done();
}

/** @throws BACNET_MALFORMED */
export function decodeReadPropertyAck(body: Uint8Array): ObjectProperty & { readonly values: readonly BacnetValue[] } {
  const reader = new Reader(body);
  const answer = { object: readObject(reader, 0), ...readReference(reader, 1), values: readValueList(reader, 3) };
  done(reader);
  return answer;
}

/** ReadPropertyMultiple request. [BACnet 15.7] */
export function encodeReadPropertyMultiple(specifications: readonly ReadSpecification[]): Uint8Array {
  const writer = new Writer();
  for (const { object, properties } of specifications) {
    writeObject(writer, 0, object);
    writeOpening(writer, 1);
    for (const reference of properties) writeReference(writer, 0, reference);
    writeClosing(writer, 1);
  }
  return writer.done();
}

/** @throws BACNET_MALFORMED */
export function decodeReadPropertyMultiple(body: Uint8Array): readonly ReadSpecification[] {
  const reader = new Reader(body);
  const specifications: ReadSpecification[] = [];
  while (reader.remaining > 0) {
    const object = readObject(reader, 0);
    expectOpening(reader, 1);
    const properties: PropertyReference[] = [];
    while (!atClosing(reader, 1)) properties.push(readReference(reader, 0));
    expectClosing(reader, 1);
    specifications.push({ object, properties });
  }
  return specifications;
}

/** ReadPropertyMultiple acknowledgement. [BACnet 15.7] */
export function encodeReadPropertyMultipleAck(results: readonly ReadResult[]): Uint8Array {
  const writer = new Writer();
  for (const { object, results: properties } of results) {
    writeObject(writer, 0, object);
    writeOpening(writer, 1);
    for (const result of properties) {
      writeReference(writer, 2, result);
      if ("values" in result) writeValueList(writer, 4, result.values);
      else {
        const { errorClass, errorCode } = result.error;
        writeValueList(writer, 5, [
          { type: "enumerated", value: errorClass },
          { type: "enumerated", value: errorCode },
        ]);
      }
    }
    writeClosing(writer, 1);
  }
  return writer.done();
}

/** An error of one property stays with it; the others keep their values. @throws BACNET_MALFORMED */
export function decodeReadPropertyMultipleAck(body: Uint8Array): readonly ReadResult[] {
  return decodeUsualResults(body) ?? decodeAnyResults(body);
}

/** The same, whatever the answer holds. @throws BACNET_MALFORMED */
export function decodeAnyResults(body: Uint8Array): readonly ReadResult[] {
  const reader = new Reader(body);
  const answers: ReadResult[] = [];
  while (reader.remaining > 0) {
    const object = readObject(reader, 0);
    expectOpening(reader, 1);
    const results: PropertyResult[] = [];
    while (!atClosing(reader, 1)) results.push(readPropertyResult(reader));
    expectClosing(reader, 1);
    answers.push({ object, results });
  }
  return answers;
}

function readPropertyResult(reader: Reader): PropertyResult {
  const reference = readReference(reader, 2);
  if (!atOpening(reader, 5)) return { ...reference, values: readValueList(reader, 4) };
  expectOpening(reader, 5);
  const error = readErrorPair(reader);
  expectClosing(reader, 5);
  return { ...reference, error };
}

/** WriteProperty request. [BACnet 15.9] */
export function encodeWriteProperty(request: PropertyWrite): Uint8Array {
  const writer = new Writer();
  writeObject(writer, 0, request.object);
  writeReference(writer, 1, request);
  writeValueList(writer, 3, request.values);
  if (request.priority !== undefined) writeContextUnsigned(writer, 4, request.priority);
  return writer.done();
}

/** @throws BACNET_MALFORMED */
export function decodeWriteProperty(body: Uint8Array): PropertyWrite {
  const reader = new Reader(body);
  const request = { object: readObject(reader, 0), ...readReference(reader, 1), values: readValueList(reader, 3) };
  const priority = atContext(reader, 4) ? { priority: readUnsigned(reader, expectContext(reader, 4)) } : {};
  done(reader);
  return { ...request, ...priority };
}
