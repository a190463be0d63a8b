import type { DeviceScan } from "./scan.ts";

const HIGHEST_TYPE = 1023;
const HIGHEST_OBJECT = 0x3f_ffff;

/** Is this what a scan wrote, as far as comparing it needs? */
export function isScan(value: unknown): value is DeviceScan {
  const scan = fields(value);
  const facts = fields(scan["facts"]);
  return (
    Number.isInteger(scan["instance"]) &&
    typeof scan["at"] === "number" &&
    typeof scan["address"] === "string" &&
    typeof scan["complete"] === "boolean" &&
    Array.isArray(scan["problems"]) &&
    Array.isArray(facts["services"]) &&
    isList(scan["outdated"], Number.isInteger) &&
    Array.isArray(scan["objects"]) &&
    scan["objects"].every(isObject)
  );
}

function isObject(value: unknown): boolean {
  const found = fields(value);
  return (
    isObjectId(found["object"]) &&
    typeof found["name"] === "string" &&
    isList(found["states"], (state) => typeof state === "string") &&
    isList(found["members"], (member) => isObjectId(fields(member)["object"]))
  );
}

function isObjectId(value: unknown): boolean {
  const { type, instance } = fields(value);
  return isWithin(type, HIGHEST_TYPE) && isWithin(instance, HIGHEST_OBJECT);
}

function isWithin(value: unknown, highest: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= highest;
}

/** A list, or nothing. */
function isList(value: unknown, isElement: (element: unknown) => boolean): boolean {
  return value === undefined || (Array.isArray(value) && value.every(isElement));
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
