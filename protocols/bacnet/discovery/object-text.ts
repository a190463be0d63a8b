import { InvalidInputError } from "#core/errors.ts";
import { OBJECT_TYPES, type ObjectTypeName, objectTypeName } from "../codec/enums.ts";
import type { ObjectId } from "../codec/values.ts";

/** Short names that engineers use. */
const SHORT: Readonly<Record<string, number>> = {
  ai: OBJECT_TYPES["analog-input"],
  ao: OBJECT_TYPES["analog-output"],
  av: OBJECT_TYPES["analog-value"],
  bi: OBJECT_TYPES["binary-input"],
  bo: OBJECT_TYPES["binary-output"],
  bv: OBJECT_TYPES["binary-value"],
  mi: OBJECT_TYPES["multi-state-input"],
  mo: OBJECT_TYPES["multi-state-output"],
  mv: OBJECT_TYPES["multi-state-value"],
  msi: OBJECT_TYPES["multi-state-input"],
  mso: OBJECT_TYPES["multi-state-output"],
  msv: OBJECT_TYPES["multi-state-value"],
  nc: OBJECT_TYPES["notification-class"],
  tl: OBJECT_TYPES["trend-log"],
  tlm: OBJECT_TYPES["trend-log-multiple"],
  sv: OBJECT_TYPES["structured-view"],
};
const HIGHEST_TYPE = 1023;
const HIGHEST_OBJECT = 4_194_303;

/** An object as people write it, `analog-input:3`; `proprietary-<n>:3` for a type that the standard has not. */
export function objectText({ type, instance }: ObjectId): string {
  return `${objectTypeName(type)}:${instance}`;
}

/** Object type of a name (`analog-input`), short name (`ai`), `proprietary-<n>` or number; undefined for any other text. */
export function objectTypeOfText(text: string): number | undefined {
  const name = text.trim().toLowerCase().replaceAll(/[ _]+/g, "-");
  const digits = /^(?:proprietary-)?(\d{1,4})$/.exec(name)?.[1];
  const known: Readonly<Record<string, number>> = OBJECT_TYPES;
  if (digits === undefined) return Object.hasOwn(known, name) ? known[name as ObjectTypeName] : shortOf(name);
  return Number(digits) <= HIGHEST_TYPE ? Number(digits) : undefined;
}

function shortOf(name: string): number | undefined {
  return Object.hasOwn(SHORT, name) ? SHORT[name] : undefined;
}

/** The object of a text `<type>:<instance>`, e.g. `analog-input:3` or `ai:3`. @throws BACNET_OBJECT_INVALID */
export function objectOfText(text: string): ObjectId {
  const [, typeText = "", instanceText = ""] = /^(.+)[:,](\d{1,7})$/.exec(text.trim()) ?? [];
  const type = objectTypeOfText(typeText);
  const instance = Number(instanceText);
  if (type === undefined || instanceText === "" || instance > HIGHEST_OBJECT) {
    const expected = "an object as <type>:<instance>, e.g. analog-input:3, ai:3 or 130:1";
    throw new InvalidInputError("BACNET_OBJECT_INVALID", `expected ${expected}, got "${text}"`);
  }
  return { type, instance };
}

/** Prefix for the id of a point of a type: `ai`, `msv`; `t<n>` where engineers have no short name. */
export function shortTypeName(type: number): string {
  const short = Object.entries(SHORT).find(([name, number]) => number === type && name.length <= 2)?.[0];
  return short ?? `t${type}`;
}
