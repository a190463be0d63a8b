import { ERROR_CLASS, ERROR_CODE, PROPERTIES } from "../codec/enums.ts";
import type { Field } from "../codec/fields.ts";
import { rawValue } from "../codec/property-values.ts";
import type { ErrorPair } from "../codec/services/error.ts";
import type { PropertyReference, PropertyResult, PropertyWrite } from "../codec/services/property.ts";
import type { BacnetValue, ObjectId } from "../codec/values.ts";
import type { Ranged } from "./trends/range.ts";

/** One element of an array or a list; several values where the element is a production of several fields. */
export type Element = readonly BacnetValue[];

/** Content of a property. Arrays are read by element, lists by ReadRange, what is single only whole. [BACnet 12] */
export type PropertyContent =
  | { readonly kind: "single"; readonly values: readonly BacnetValue[] }
  | { readonly kind: "array" | "list"; readonly elements: readonly Element[] };

/** Undefined when written, else why not. */
export type Written = ErrorPair | undefined;

/** Why a list was not changed. */
export interface ListFailure {
  readonly error: ErrorPair;
  /** The first element that failed, counted from 1; 0 when it was none of them. */
  readonly element: number;
}

/** Items that ReadRange reads, oldest first. */
export interface RangedItems extends Ranged {
  /** An item as encoded. */
  item(index: number): Uint8Array;
}

/** A property of an object: how it is read, and what a client may do to it. */
export interface Property {
  /** The object type demands it (ReadPropertyMultiple REQUIRED). */
  readonly required: boolean;
  /** Content now, or why it cannot be read by ReadProperty. */
  read(): PropertyContent | ErrorPair;
  /** Absent: read only. An array index is given only where the content is an array. */
  write?(request: PropertyWrite): Written;
  /** Adds to or removes from a list. Absent: the list is changed by nobody but a whole write. [BACnet 15.1, 15.2] */
  change?(change: "add" | "remove", values: readonly BacnetValue[]): ListFailure | undefined;
  /** The records of a log buffer, which only ReadRange reads. Lists and arrays are ranged by their elements. */
  range?(): RangedItems;
}

/** A BACnet object as the services see it. */
export interface ServedObject {
  readonly id: ObjectId;
  /** Object_Name, unique in the device. */
  readonly name: string;
  /** Properties by number, without Property_List. */
  readonly properties: ReadonlyMap<number, Property>;
}

/** A property table under construction. */
export type PropertyEntry = readonly [property: number, value: Property];

/** One value, or one production, that is no array. */
export function single(...values: readonly BacnetValue[]): PropertyContent {
  return { kind: "single", values };
}

/** An array with one value an element. */
export function arrayOf(values: readonly BacnetValue[]): PropertyContent {
  return { kind: "array", elements: values.map((value) => [value]) };
}

/** A list with one value an element. */
export function listOf(values: readonly BacnetValue[]): PropertyContent {
  return { kind: "list", elements: values.map((value) => [value]) };
}

/** An array of productions. @throws BACNET_MALFORMED when one does not fit its type */
export function arrayOfAll<T>(field: Field<T>, list: readonly T[]): PropertyContent {
  return { kind: "array", elements: list.map((value) => rawValue(field, value)) };
}

/** A list of productions. @throws BACNET_MALFORMED when one does not fit its type */
export function listOfAll<T>(field: Field<T>, list: readonly T[]): PropertyContent {
  return { kind: "list", elements: list.map((value) => rawValue(field, value)) };
}

/** One production. @throws BACNET_MALFORMED when it does not fit its type */
export function singleOf<T>(field: Field<T>, value: T): PropertyContent {
  return single(...rawValue(field, value));
}

/** A UTF-8 character string. */
export function text(value: string): BacnetValue {
  return { type: "characterString", value };
}

/** An enumerated value. */
export function enumerated(value: number): BacnetValue {
  return { type: "enumerated", value };
}

/** An unsigned value. */
export function unsigned(value: number): BacnetValue {
  return { type: "unsigned", value };
}

/** A single-precision number. */
export function real(value: number): BacnetValue {
  return { type: "real", value };
}

/** A Boolean. */
export function boolean(value: boolean): BacnetValue {
  return { type: "boolean", value };
}

/** A bit string. */
export function bits(value: readonly boolean[]): BacnetValue {
  return { type: "bitString", value };
}

/** A required property that is only read. */
export function required(property: number, read: Property["read"], write?: Property["write"]): PropertyEntry {
  return [property, { required: true, read, ...(write === undefined ? {} : { write }) }];
}

/** An optional property, writable where `write` is given. */
export function optional(property: number, read: Property["read"], write?: Property["write"]): PropertyEntry {
  return [property, { required: false, read, ...(write === undefined ? {} : { write }) }];
}

/** The three properties that every object begins with. [BACnet 12.1] */
export function identity(id: ObjectId, name: string): readonly PropertyEntry[] {
  return [
    required(PROPERTIES.objectIdentifier, () => single({ type: "objectId", value: id })),
    required(PROPERTIES.objectName, () => single(text(name))),
    required(PROPERTIES.objectType, () => single(enumerated(id.type))),
  ];
}

/** An error of class property. */
export function propertyError(errorCode: number): ErrorPair {
  return { errorClass: ERROR_CLASS.property, errorCode };
}

/** Is it why something failed, not content? */
export function isError(content: PropertyContent | ErrorPair): content is ErrorPair {
  return "errorClass" in content;
}

/** All values of a content in a row. */
export function valuesOf(content: PropertyContent): readonly BacnetValue[] {
  return content.kind === "single" ? content.values : content.elements.flat();
}

/** Content of a property of an object, Property_List included; undefined where it has no such property. */
export function contentOf(object: ServedObject, property: number): PropertyContent | ErrorPair | undefined {
  if (property !== PROPERTIES.propertyList) return object.properties.get(property)?.read();
  // [BACnet 12.1.1.4.2] Property_List names neither itself nor the three that every object has
  const implied: readonly number[] = [PROPERTIES.objectIdentifier, PROPERTIES.objectName, PROPERTIES.objectType];
  return arrayOf([...object.properties.keys()].filter((id) => !implied.includes(id)).map(enumerated));
}

/** Reads a property or an element of it. [BACnet 15.5.1.3] */
export function readReferenced(object: ServedObject, reference: PropertyReference): PropertyResult {
  const { property, index } = reference;
  const found = contentOf(object, property);
  if (found === undefined) return { ...reference, error: propertyError(ERROR_CODE.unknownProperty) };
  if (isError(found)) return { ...reference, error: found };
  if (index === undefined) return { property, values: valuesOf(found) };
  if (found.kind !== "array") return { ...reference, error: propertyError(ERROR_CODE.propertyIsNotAnArray) };
  if (index === 0) return { ...reference, values: [unsigned(found.elements.length)] };
  const element = found.elements[index - 1];
  if (element === undefined) return { ...reference, error: propertyError(ERROR_CODE.invalidArrayIndex) };
  return { ...reference, values: element };
}

/** Writes a property or an element of it; undefined when written. [BACnet 15.9.1.3] */
export function writeReferenced(object: ServedObject, request: PropertyWrite): Written {
  const property = object.properties.get(request.property);
  if (property === undefined) {
    const known = request.property === PROPERTIES.propertyList;
    return propertyError(known ? ERROR_CODE.writeAccessDenied : ERROR_CODE.unknownProperty);
  }
  if (property.write === undefined) return propertyError(ERROR_CODE.writeAccessDenied);
  if (request.index !== undefined) {
    const content = property.read();
    if (isError(content) || content.kind !== "array") return propertyError(ERROR_CODE.propertyIsNotAnArray);
    if (request.index < 1 || request.index > content.elements.length) {
      return propertyError(ERROR_CODE.invalidArrayIndex);
    }
  }
  return property.write(request);
}

const GROUPS: ReadonlySet<number> = new Set([PROPERTIES.all, PROPERTIES.required, PROPERTIES.optional]);

/** Replaces ALL, REQUIRED and OPTIONAL by what they stand for, one by one: a request may name them very often. [BACnet 15.7.3.1.2] */
export function* expandReferences(
  object: ServedObject | undefined,
  references: readonly PropertyReference[],
): Iterable<PropertyReference> {
  for (const reference of references) {
    const wanted = reference.property;
    if (object === undefined || !GROUPS.has(wanted)) yield reference;
    else {
      for (const [property, { required: needed }] of object.properties) {
        if (wanted === PROPERTIES.all || needed === (wanted === PROPERTIES.required)) yield { property };
      }
    }
  }
}
