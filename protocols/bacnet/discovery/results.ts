import type { PropertyResult, ReadResult } from "../codec/services/property.ts";
import { type BacnetValue, type ObjectId, objectIdWord } from "../codec/values.ts";

/** What was read of one object, by property; an array's size (index 0) stands for its property. */
export type Results = ReadonlyMap<number, PropertyResult>;

/** Joins what several answers gave of each object, by object word. */
export function byObject(answers: readonly ReadResult[]): ReadonlyMap<number, Results> {
  const objects = new Map<number, Map<number, PropertyResult>>();
  for (const { object, results } of answers) {
    const word = objectIdWord(object);
    const known = objects.get(word) ?? new Map<number, PropertyResult>();
    for (const result of results) known.set(result.property, result);
    objects.set(word, known);
  }
  return objects;
}

/** Values of a property; none where the device refused it. */
export function valuesOf(results: Results, property: number): readonly BacnetValue[] {
  const result = results.get(property);
  return result !== undefined && "values" in result ? result.values : [];
}

/** A text that says something. */
export function textOf(results: Results, property: number): string | undefined {
  const [value] = valuesOf(results, property);
  const text = value?.type === "characterString" ? value.value.trim() : "";
  return text === "" ? undefined : text;
}

/** A finite number of any numeric type. */
export function numberOf(results: Results, property: number): number | undefined {
  const [value] = valuesOf(results, property);
  switch (value?.type) {
    case "unsigned":
    case "signed":
    case "enumerated":
    case "real":
    case "double":
      return Number.isFinite(value.value) ? value.value : undefined;
    default:
      return undefined;
  }
}

/** Names of the bits that are set; the bit's number where it has no name. */
export function bitsOf(results: Results, property: number, names: ReadonlyMap<number, string>): readonly string[] {
  const [value] = valuesOf(results, property);
  if (value?.type !== "bitString") return [];
  return value.value.flatMap((set, bit) => (set ? [names.get(bit) ?? String(bit)] : []));
}

/** Are both the same object of one device? */
export function sameObject(a: ObjectId, b: ObjectId): boolean {
  return a.type === b.type && a.instance === b.instance;
}
