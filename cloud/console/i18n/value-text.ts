import type { PointView } from "#core/contracts/points.ts";
import type { Value } from "#core/model/sample.ts";
import { unitById } from "#core/units.ts";
import { type Language, named } from "./language.ts";

/** What of a point tells how its values are shown. */
export type ValueShape = Pick<PointView, "kind" | "unit"> & Partial<Pick<PointView, "states" | "precision">>;

/** Decimals of a number whose point names none: enough for four significant digits, no trailing zeros. */
function plainNumber(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const decimals = Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value))));
  return String(Number(value.toFixed(Math.min(decimals, 6))));
}

/** A value as text without its unit: named states, decimals by precision, an en dash for no value. */
export function valueText(value: Value, shape: ValueShape, language: Language): string {
  if (value === null) return "–";
  if (typeof value === "string") return value;
  const state = shape.states?.find((one) => one.value === Number(value));
  if (state) return named(state, language);
  if (typeof value === "boolean") {
    if (language === "en") return value ? "On" : "Off";
    return value ? "开" : "关";
  }
  if (!Number.isFinite(value)) return "–";
  return shape.precision === undefined ? plainNumber(value) : value.toFixed(shape.precision);
}

/** The unit's symbol to stand behind a number; empty for states, text and values without unit. */
export function unitText(shape: ValueShape): string {
  if (shape.kind !== "number" || shape.unit === null) return "";
  return unitById(shape.unit)?.symbol ?? shape.unit;
}

/** Value and unit as one text. */
export function valueWithUnit(value: Value, shape: ValueShape, language: Language): string {
  const unit = value === null ? "" : unitText(shape);
  return `${valueText(value, shape, language)}${unit === "" ? "" : ` ${unit}`}`;
}
