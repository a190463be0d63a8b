import { errorCode } from "#core/errors.ts";
import { ERROR_CLASS, ERROR_CODE } from "../codec/enums.ts";
import { encodeBody, type Field } from "../codec/fields.ts";
import { typedList, typedValue } from "../codec/property-values.ts";
import type { ErrorPair } from "../codec/services/error.ts";
import type { BacnetValue } from "../codec/values.ts";
import { arrayOfAll, type ListFailure, listOfAll, type Property, propertyError } from "./object.ts";

/** Where the elements of a list or an array are kept. */
export interface Collection<T> {
  readonly field: Field<T>;
  get(): readonly T[];
  set(elements: readonly T[]): void;
  /** Most elements. */
  readonly most: number;
  /** Error code that refuses an element. */
  check?(element: T): number | undefined;
}

const NO_SPACE: ErrorPair = { errorClass: ERROR_CLASS.resources, errorCode: ERROR_CODE.noSpaceToAddListElement };
const NOT_FOUND: ErrorPair = { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.listElementNotFound };

/** The elements that values stand for, or the error code of what they are instead. */
function elementsOf<T>({ field, check }: Collection<T>, values: readonly BacnetValue[]): readonly T[] | number {
  const elements = guarded(() => typedList(field, values));
  if (typeof elements === "number") return elements;
  for (const element of elements) {
    const refused = check?.(element);
    if (refused !== undefined) return refused;
  }
  return elements;
}

/** What a decoder gives, or the error code for values that are of another type. */
function guarded<T>(decode: () => T): T | number {
  try {
    return decode();
  } catch (error) {
    if (errorCode(error) !== "BACNET_MALFORMED") throw error;
    return ERROR_CODE.invalidDataType;
  }
}

function bytesOf<T>(field: Field<T>, element: T): string {
  return encodeBody(field, element).join(" ");
}

/** A list that clients write whole, or element by element through AddListElement and RemoveListElement. [BACnet 15.1, 15.2] */
export function listProperty<T>(collection: Collection<T>, required: boolean): Property {
  return {
    required,
    read: () => listOfAll(collection.field, collection.get()),
    write({ values }) {
      const elements = elementsOf(collection, values);
      if (typeof elements === "number") return propertyError(elements);
      if (elements.length > collection.most) {
        return { errorClass: ERROR_CLASS.resources, errorCode: ERROR_CODE.noSpaceToWriteProperty };
      }
      collection.set(elements);
      return undefined;
    },
    change: (change, values) => (change === "add" ? add(collection, values) : remove(collection, values)),
  };
}

// [BACnet 15.1.1.3.1] an element that is there already is not added again; none is added when one cannot be
function add<T>(collection: Collection<T>, values: readonly BacnetValue[]): ListFailure | undefined {
  const added = elementsOf(collection, values);
  if (typeof added === "number") return { error: propertyError(added), element: 1 };
  const kept = [...collection.get()];
  const known = new Set(kept.map((element) => bytesOf(collection.field, element)));
  for (const [index, element] of added.entries()) {
    const key = bytesOf(collection.field, element);
    if (known.has(key)) continue;
    if (kept.length >= collection.most) return { error: NO_SPACE, element: index + 1 };
    known.add(key);
    kept.push(element);
  }
  collection.set(kept);
  return undefined;
}

// [BACnet 15.2.1.3.1] none is removed when one is not there
function remove<T>(collection: Collection<T>, values: readonly BacnetValue[]): ListFailure | undefined {
  const removed = elementsOf(collection, values);
  if (typeof removed === "number") return { error: propertyError(removed), element: 1 };
  const kept = new Map(collection.get().map((element) => [bytesOf(collection.field, element), element]));
  for (const [index, element] of removed.entries()) {
    if (!kept.delete(bytesOf(collection.field, element))) return { error: NOT_FOUND, element: index + 1 };
  }
  collection.set([...kept.values()]);
  return undefined;
}

/** An array that clients write whole or by element; `fixed`: its length cannot change. */
export function arrayProperty<T>(collection: Collection<T>, required: boolean, fixed: boolean): Property {
  return {
    required,
    read: () => arrayOfAll(collection.field, collection.get()),
    write({ index, values }) {
      if (index !== undefined) return writeElement(collection, index, values);
      const elements = elementsOf(collection, values);
      if (typeof elements === "number") return propertyError(elements);
      if (elements.length > collection.most || (fixed && elements.length !== collection.get().length)) {
        return propertyError(ERROR_CODE.valueOutOfRange);
      }
      collection.set(elements);
      return undefined;
    },
  };
}

function writeElement<T>(
  collection: Collection<T>,
  index: number,
  values: readonly BacnetValue[],
): ErrorPair | undefined {
  const { field, check } = collection;
  const element = guarded(() => ({ value: typedValue(field, values) }));
  if (typeof element === "number") return propertyError(element);
  const refused = check?.(element.value);
  if (refused !== undefined) return propertyError(refused);
  collection.set(collection.get().map((former, i) => (i === index - 1 ? element.value : former)));
  return undefined;
}
