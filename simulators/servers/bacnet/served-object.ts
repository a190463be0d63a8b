import { ERROR_CLASS, ERROR_CODE, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import type { ErrorPair } from "#protocols/bacnet/codec/services/error.ts";
import type { PropertyReference, PropertyResult, PropertyWrite } from "#protocols/bacnet/codec/services/property.ts";
import type { BacnetValue, ObjectId } from "#protocols/bacnet/codec/values.ts";

/** Content of a property; an array can be read by element. [BACnet 12] */
export interface PropertyContent {
  readonly values: readonly BacnetValue[];
  readonly array: boolean;
}

/** A BACnet object as the services see it. */
export interface ServedObject {
  readonly id: ObjectId;
  /** Properties by number, without Property_List. */
  readonly properties: ReadonlyMap<number, () => PropertyContent>;
  /** Those that the object type demands. */
  readonly required: ReadonlySet<number>;
  /** Undefined when written, else why not. */
  write(request: PropertyWrite): ErrorPair | undefined;
}

/** One value that is no array. */
export function scalar(value: BacnetValue): PropertyContent {
  return { values: [value], array: false };
}

/** A UTF-8 character string. */
export function text(value: string): BacnetValue {
  return { type: "characterString", value };
}

/** An error of class property. */
export function propertyError(errorCode: number): ErrorPair {
  return { errorClass: ERROR_CLASS.property, errorCode };
}

function content(object: ServedObject, property: number): PropertyContent | undefined {
  if (property !== PROPERTIES.propertyList) return object.properties.get(property)?.();
  // [BACnet 12.1.1.4.2] Property_List names neither itself nor the three that every object has
  const implied: readonly number[] = [PROPERTIES.objectIdentifier, PROPERTIES.objectName, PROPERTIES.objectType];
  const listed = [...object.properties.keys()].filter((id) => !implied.includes(id));
  return { array: true, values: listed.map((value) => ({ type: "enumerated", value })) };
}

/** Reads a property or an element of it. [BACnet 15.5.1.3] */
export function readReferenced(object: ServedObject, reference: PropertyReference): PropertyResult {
  const { property, index } = reference;
  const found = content(object, property);
  if (found === undefined) return { ...reference, error: propertyError(ERROR_CODE.unknownProperty) };
  if (index === undefined) return { property, values: found.values };
  if (!found.array) return { ...reference, error: propertyError(ERROR_CODE.propertyIsNotAnArray) };
  if (index === 0) return { ...reference, values: [{ type: "unsigned", value: found.values.length }] };
  const element = found.values[index - 1];
  if (element === undefined) return { ...reference, error: propertyError(ERROR_CODE.invalidArrayIndex) };
  return { ...reference, values: [element] };
}

/** Replaces ALL, REQUIRED and OPTIONAL by what they stand for. [BACnet 15.7.3.1.2] */
export function expandReferences(
  object: ServedObject | undefined,
  references: readonly PropertyReference[],
): readonly PropertyReference[] {
  if (object === undefined) return references;
  const all = [...object.properties.keys()];
  return references.flatMap((reference) => {
    switch (reference.property) {
      case PROPERTIES.all:
        return all.map((property) => ({ property }));
      case PROPERTIES.required:
        return all.filter((id) => object.required.has(id)).map((property) => ({ property }));
      case PROPERTIES.optional:
        return all.filter((id) => !object.required.has(id)).map((property) => ({ property }));
      default:
        return [reference];
    }
  });
}
