import { OBJECT_TYPES, PROPERTIES } from "../codec/enums.ts";
import type { BacnetValue, ObjectId } from "../codec/values.ts";
import type { Contact } from "./contact.ts";

/** Objects of one device that are looked at. */
const MOST_OBJECTS = 10_000;
/** Bytes of one element of the list in an answer. */
const ELEMENT_BYTES = 12;

function objectsIn(values: readonly BacnetValue[]): readonly ObjectId[] {
  return values.flatMap((value) => (value.type === "objectId" ? [value.value] : []));
}

/**
 * Reads a device's Object_List: at once, or element by element where the device cannot send it so; at most 10,000 objects. Undefined
 * when the device fell silent. [BACnet 12.11.12]
 */
export async function readObjectList(
  { reader, abilities }: Pick<Contact, "reader" | "abilities">,
  instance: number,
): Promise<readonly ObjectId[] | undefined> {
  const device = { type: OBJECT_TYPES.device, instance };
  const { objectList: property } = PROPERTIES;
  const whole = await reader.readOne({ object: device, property });
  if (whole === undefined) return undefined;
  if ("values" in whole) return objectsIn(whole.values).slice(0, MOST_OBJECTS);
  const length = await reader.readOne({ object: device, property, index: 0 });
  if (length === undefined) return undefined;
  const [count] = "values" in length ? length.values : [];
  const last = count?.type === "unsigned" ? Math.min(count.value, MOST_OBJECTS) : 0;
  const objects: ObjectId[] = [];
  for (let from = 1; from <= last; ) {
    const some = Math.min(last - from + 1, Math.max(1, Math.floor(abilities.budget / ELEMENT_BYTES) - 1));
    const properties = Array.from({ length: some }, (_, at) => ({ property, index: from + at }));
    const answers = await reader.read([{ object: device, properties }]);
    if (answers === undefined) return undefined;
    for (const { results } of answers)
      for (const result of results) if ("values" in result) objects.push(...objectsIn(result.values));
    from += some;
  }
  return objects;
}
