import type { AlarmCondition } from "#core/model/alarm.ts";
import type { Value } from "#core/model/sample.ts";

/** A point or device without its site and gateway, which are the same for nearly all. */
export function shortRef(id: string): string {
  const parts = id.split("/");
  return parts.length > 2 ? parts.slice(2).join("/") : id;
}

const shown = (value: Value): string => (value === null ? "–" : String(value));
const PER = { second: "s", minute: "min", hour: "h" } as const;

function limits(pairs: readonly (readonly [string, number | undefined])[]): string {
  return pairs.flatMap(([sign, limit]) => (limit === undefined ? [] : [`${sign} ${limit}`])).join(", ");
}

/** A condition as a formula, which needs no language. */
export function conditionText(condition: AlarmCondition): string {
  switch (condition.type) {
    case "equals":
      return `${shortRef(condition.point)} = ${shown(condition.value)}`;
    case "above":
    case "below":
      return `${shortRef(condition.point)} ${condition.type === "above" ? ">" : "<"} ${condition.limit} (±${condition.deadband})`;
    case "oneOf":
    case "noneOf":
      return `${shortRef(condition.point)} ${condition.type === "oneOf" ? "∈" : "∉"} {${condition.values.map(shown).join(", ")}}`;
    case "outside":
    case "inside":
      return `${shortRef(condition.point)} ${condition.type === "inside" ? "∈" : "∉"} [${condition.low}, ${condition.high}] (±${condition.deadband})`;
    case "deviation": {
      const { point, reference, over, under } = condition;
      const from = typeof reference === "string" ? shortRef(reference) : String(reference);
      return `${shortRef(point)} − ${from}: ${limits([
        [">", over],
        ["< −", under],
      ])}`;
    }
    case "rate": {
      const { point, rise, fall, per } = condition;
      return `Δ ${shortRef(point)} / ${PER[per]}: ${limits([
        [">", rise],
        ["< −", fall],
      ])}`;
    }
    case "expression":
      return condition.expression;
    case "event":
      return `${shortRef(condition.device)}: ${condition.kind}`;
    case "field":
      return `${shortRef(condition.device)}: ${condition.condition}`;
    default:
      return condition satisfies never;
  }
}

/** Any field of a definition, for the list of what changed; undefined is told by a dash. */
export function fieldText(field: string, value: unknown): string {
  if (value === undefined || value === null) return "–";
  if (field === "condition") return conditionText(value as AlarmCondition);
  if (typeof value === "object") return JSON.stringify(value);
  return field.endsWith("Ms") ? `${Number(value) / 1000} s` : String(value);
}
