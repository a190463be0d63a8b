import { ERROR_CODE, OBJECT_TYPES } from "../../codec/enums.ts";
import type { BacnetValue } from "../../codec/values.ts";
import { enumerated, real, text, unsigned } from "../object.ts";
import type { PointValue } from "./definition.ts";

/** What the object types of a point have in common. */
export type Family = "analog" | "binary" | "multi-state" | "text" | "accumulator";

const FAMILIES: ReadonlyMap<number, Family> = new Map([
  [OBJECT_TYPES["analog-input"], "analog"],
  [OBJECT_TYPES["analog-output"], "analog"],
  [OBJECT_TYPES["analog-value"], "analog"],
  [OBJECT_TYPES["binary-input"], "binary"],
  [OBJECT_TYPES["binary-output"], "binary"],
  [OBJECT_TYPES["binary-value"], "binary"],
  [OBJECT_TYPES["multi-state-input"], "multi-state"],
  [OBJECT_TYPES["multi-state-output"], "multi-state"],
  [OBJECT_TYPES["multi-state-value"], "multi-state"],
  [OBJECT_TYPES["characterstring-value"], "text"],
  [OBJECT_TYPES.accumulator, "accumulator"],
]);

/** Family of an object type; undefined for one that is no point. */
export function familyOf(objectType: number): Family | undefined {
  return FAMILIES.get(objectType);
}

/** Is it an output, which always has a priority array? */
export function isOutput(objectType: number): boolean {
  const outputs: readonly number[] = [
    OBJECT_TYPES["analog-output"],
    OBJECT_TYPES["binary-output"],
    OBJECT_TYPES["multi-state-output"],
  ];
  return outputs.includes(objectType);
}

/** Range that a written number or state must be in. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** A value as the family shows it on the wire. */
export function encodePoint(family: Family, value: PointValue): BacnetValue {
  switch (family) {
    case "analog":
      return real(Number(value));
    case "binary":
      return enumerated(value === true || value === 1 ? 1 : 0);
    case "multi-state": {
      const state = Number(value);
      return unsigned(Number.isInteger(state) && state > 0 ? state : 1);
    }
    case "accumulator":
      return unsigned(Number(value) > 0 ? Math.floor(Number(value)) : 0);
    case "text":
      return text(String(value));
    default:
      family satisfies never;
      throw new TypeError("unknown family");
  }
}

/** A written value as the source takes it, or the error code that refuses it. */
export function decodePoint(
  family: Family,
  value: BacnetValue,
  { min, max }: Range,
): { readonly value: PointValue } | { readonly refused: number } {
  const ranged = (number: number): { readonly value: PointValue } | { readonly refused: number } =>
    Number.isFinite(number) && number >= min && number <= max
      ? { value: number }
      : { refused: ERROR_CODE.valueOutOfRange };
  if (family === "analog" && value.type === "real") return ranged(value.value);
  if (family === "multi-state" && value.type === "unsigned") return ranged(value.value);
  if (family === "binary" && value.type === "enumerated") {
    return value.value <= 1 ? { value: value.value === 1 } : { refused: ERROR_CODE.valueOutOfRange };
  }
  if (family === "text" && value.type === "characterString") return { value: value.value };
  return { refused: ERROR_CODE.invalidDataType };
}
