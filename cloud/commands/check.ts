import { InvalidInputError } from "#core/errors.ts";
import type { Point } from "#core/model/point.ts";
import type { Value } from "#core/model/sample.ts";

const KIND_OF_VALUE = {
  number: "a number",
  boolean: "true or false",
  enum: "a whole number",
  string: "a text",
} as const satisfies Record<Point["kind"], string>;

function isOfKind(kind: Point["kind"], value: Value): boolean {
  switch (kind) {
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "boolean":
      return typeof value === "boolean";
    case "enum":
      return Number.isInteger(value);
    case "string":
      return typeof value === "string";
    default:
      return kind satisfies never;
  }
}

function rangeProblem({ kind, states, min, max }: Point, value: Value): string | undefined {
  if (typeof value !== "number") return undefined;
  if (kind === "enum" && states !== undefined && !states.some((state) => state.value === value))
    return `one of ${states.map((state) => state.value).join(", ")}`;
  if ((min !== undefined && value < min) || (max !== undefined && value > max))
    return [min === undefined ? [] : [`at least ${min}`], max === undefined ? [] : [`at most ${max}`]]
      .flat()
      .join(", ");
  return undefined;
}

/**
 * Checks that a value may be written to a point. `null` gives the point back to lower priorities and fits every kind;
 * whether the device can do that is the driver's to say. [BACnet 19.2]
 * @throws POINT_NOT_WRITABLE, VALUE_KIND, VALUE_OUT_OF_RANGE
 */
export function checkWrite(point: Point, value: Value): void {
  if (!point.writable) throw new InvalidInputError("POINT_NOT_WRITABLE", `point ${point.id} is not writable`);
  if (value === null) return;
  const got = JSON.stringify(value);
  if (!isOfKind(point.kind, value))
    throw new InvalidInputError("VALUE_KIND", `point ${point.id}: expected ${KIND_OF_VALUE[point.kind]}, got ${got}`);
  const range = rangeProblem(point, value);
  if (range !== undefined)
    throw new InvalidInputError("VALUE_OUT_OF_RANGE", `point ${point.id}: expected ${range}, got ${got}`);
}
