import { InvalidInputError } from "#core/errors.ts";
import { PROPERTIES, propertyName } from "../codec/enums.ts";
import type { ObjectProperty } from "../codec/services/property.ts";
import { objectOfText, objectText } from "../discovery/object-text.ts";

const HIGHEST_PROPERTY = 4_194_303;
const NAMES: ReadonlyMap<string, number> = new Map(
  Object.entries(PROPERTIES).map(([name, number]) => [name.toLowerCase(), number]),
);

/** A property as people write it, `analog-input:3.presentValue[8]`. */
export function targetText({ object, property, index }: ObjectProperty): string {
  return `${objectText(object)}.${propertyName(property)}${index === undefined ? "" : `[${index}]`}`;
}

/**
 * A property of an object: `ai:1`, `ai:1.units`, `binary-value:3.priority-array[8]`, `130:7.512`; Present_Value where none is named.
 * @throws BACNET_OBJECT_INVALID, BACNET_PROPERTY_INVALID
 */
export function targetOfText(text: string): ObjectProperty {
  const [, objectPart = text, propertyPart = "presentValue", index] =
    /^([^.[]+)(?:\.([^.[]+))?(?:\[(\d{1,9})\])?$/.exec(text) ?? [];
  const object = objectOfText(objectPart);
  const property = propertyOfText(propertyPart);
  return { object, property, ...(index === undefined ? {} : { index: Number(index) }) };
}

/** @throws BACNET_PROPERTY_INVALID */
function propertyOfText(text: string): number {
  const number = /^\d{1,7}$/.test(text) ? Number(text) : NAMES.get(text.toLowerCase().replaceAll(/[-_ ]/g, ""));
  if (number !== undefined && number <= HIGHEST_PROPERTY) return number;
  const expected = "the name of a property, e.g. presentValue or priority-array, or its number";
  throw new InvalidInputError("BACNET_PROPERTY_INVALID", `expected ${expected}, got "${text}"`);
}
