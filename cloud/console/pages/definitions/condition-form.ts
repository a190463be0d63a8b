import type { AlarmCondition } from "#core/model/alarm.ts";
import type { Value } from "#core/model/sample.ts";

export type ConditionType = AlarmCondition["type"];

/** One input of a condition. `seconds` is kept in ms; `value` is read as true, false, a number or else a text. */
export interface ConditionPart {
  readonly name: ConditionPartName;
  readonly input:
    | "point"
    | "device"
    | "number"
    | "seconds"
    | "value"
    | "values"
    | "reference"
    | "per"
    | "text"
    | "points";
  readonly optional?: true;
}
export type ConditionPartName =
  | "point"
  | "device"
  | "value"
  | "values"
  | "limit"
  | "low"
  | "high"
  | "deadband"
  | "reference"
  | "over"
  | "under"
  | "rise"
  | "fall"
  | "per"
  | "windowMs"
  | "expression"
  | "points"
  | "kind"
  | "condition";

const point = { name: "point", input: "point" } as const;
const device = { name: "device", input: "device" } as const;
const deadband = { name: "deadband", input: "number" } as const;
const values = { name: "values", input: "values" } as const;
const limit = { name: "limit", input: "number" } as const;
const band = [
  point,
  { name: "low", input: "number" },
  { name: "high", input: "number" },
  deadband,
] as const satisfies readonly ConditionPart[];

/** What is asked for each kind of condition, in this order. */
export const CONDITION_PARTS: Readonly<Record<ConditionType, readonly ConditionPart[]>> = {
  equals: [point, { name: "value", input: "value" }],
  above: [point, limit, deadband],
  below: [point, limit, deadband],
  outside: band,
  inside: band,
  oneOf: [point, values],
  noneOf: [point, values],
  deviation: [
    point,
    { name: "reference", input: "reference" },
    { name: "over", input: "number", optional: true },
    { name: "under", input: "number", optional: true },
    deadband,
  ],
  rate: [
    point,
    { name: "rise", input: "number", optional: true },
    { name: "fall", input: "number", optional: true },
    { name: "per", input: "per" },
    { name: "windowMs", input: "seconds" },
    deadband,
  ],
  expression: [
    { name: "expression", input: "text" },
    { name: "points", input: "points" },
  ],
  event: [device, { name: "kind", input: "text" }],
  field: [device, { name: "condition", input: "text" }],
};
export const CONDITION_TYPES = Object.keys(CONDITION_PARTS) as readonly ConditionType[];

/** A condition while it is edited: every input as its text. */
export interface ConditionForm {
  readonly type: ConditionType;
  readonly texts: Readonly<Record<string, string>>;
}

const NUMBERS: ReadonlySet<ConditionPart["input"]> = new Set(["number", "seconds"]);

function textOf(value: unknown, input: ConditionPart["input"]): string {
  if (value === undefined) return "";
  if (input === "seconds") return String(Number(value) / 1000);
  if (input === "values") return (value as readonly Value[]).map(String).join(", ");
  if (input === "points")
    return Object.entries(value as Record<string, string>)
      .map(([name, id]) => `${name} = ${id}`)
      .join("\n");
  return String(value);
}

/** The texts of a condition. */
export function formOf(condition: AlarmCondition): ConditionForm {
  const known: Readonly<Record<string, unknown>> = condition;
  const parts = CONDITION_PARTS[condition.type];
  return {
    type: condition.type,
    texts: Object.fromEntries(parts.map(({ name, input }) => [name, textOf(known[name], input)])),
  };
}

function typedValue(text: string): Value {
  if (text === "true" || text === "false") return text === "true";
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

function pointsOf(text: string): Record<string, string> {
  const pairs = text.split("\n").flatMap((line): [string, string][] => {
    const [name = "", ...rest] = line.split("=");
    const id = rest.join("=").trim();
    return name.trim() === "" || id === "" ? [] : [[name.trim(), id]];
  });
  return Object.fromEntries(pairs);
}

function read(text: string, input: ConditionPart["input"]): unknown {
  switch (input) {
    case "number":
      return Number(text);
    case "seconds":
      return Math.round(Number(text) * 1000);
    case "value":
      return typedValue(text);
    case "values":
      return text
        .split(/[,，]/)
        .map((one) => one.trim())
        .filter((one) => one !== "")
        .map(typedValue);
    case "reference":
      return Number.isFinite(Number(text)) ? Number(text) : text;
    case "points":
      return pointsOf(text);
    case "point":
    case "device":
    case "per":
    case "text":
      return text;
    default:
      return input satisfies never;
  }
}

/** The condition that was typed, or the names of the inputs that are missing or no numbers. */
export function conditionOf({
  type,
  texts,
}: ConditionForm):
  | { readonly condition: AlarmCondition; readonly missing?: undefined }
  | { readonly missing: readonly ConditionPartName[]; readonly condition?: undefined } {
  const parts = CONDITION_PARTS[type].map((part) => ({ ...part, text: (texts[part.name] ?? "").trim() }));
  const missing = parts
    .filter(({ optional, text, input }) =>
      text === "" ? optional !== true : NUMBERS.has(input) && !Number.isFinite(Number(text)),
    )
    .map(({ name }) => name);
  if (missing.length > 0) return { missing };
  const given = parts
    .filter(({ text }) => text !== "")
    .map(({ name, text, input }) => [name, read(text, input)] as const);
  // every kind asks for exactly what its schema names; the cloud checks it once more
  return { condition: { type, ...Object.fromEntries(given) } as AlarmCondition };
}
