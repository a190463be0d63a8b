import type { AlarmCondition } from "../model/alarm.ts";
import type { Sample, Value } from "../model/sample.ts";

/** A condition that the present value of one point decides. */
export type PointCondition = Extract<
  AlarmCondition,
  { type: "equals" | "oneOf" | "noneOf" | "above" | "below" | "outside" | "inside" }
>;

/**
 * Does the condition hold for this sample? `live` is whether it held before: inside the deadband nothing changes. Undefined when
 * the sample says nothing: its quality is not good, or a limit is asked of what is no number. An unknown value is neither alarm
 * nor normal. [AL-03, AL-16, BACnet 13.3.6]
 */
export function holds(condition: PointCondition, sample: Sample, live: boolean): boolean | undefined {
  if (sample.quality !== "good") return undefined;
  const { value } = sample;
  switch (condition.type) {
    case "equals":
      return value === condition.value;
    case "oneOf":
      return condition.values.includes(value);
    case "noneOf":
      return !condition.values.includes(value);
    default:
      return isNumber(value) ? beyond(condition, value, live ? condition.deadband : 0, live) : undefined;
  }
}

/** Is it a number with which limits can be compared? */
export function isNumber(value: Value): value is number {
  return typeof value === "number" && !Number.isNaN(value);
}

type LimitCondition = Exclude<PointCondition, { type: "equals" | "oneOf" | "noneOf" }>;

function beyond(condition: LimitCondition, value: number, deadband: number, live: boolean): boolean {
  switch (condition.type) {
    case "above":
      return above(value, condition.limit, deadband, live);
    case "below":
      return above(-value, -condition.limit, deadband, live);
    case "outside":
      return above(value, condition.high, deadband, live) || above(-value, -condition.low, deadband, live);
    case "inside": {
      const { low, high } = condition;
      return (value >= low && value <= high) || (live && value > low - deadband && value < high + deadband);
    }
    default:
      return condition satisfies never;
  }
}

/** Is the value above the limit, or was it and is still within the deadband? A limit without deadband ends at the limit itself. */
export function above(value: number, limit: number, deadband: number, live: boolean): boolean {
  return value > limit || (live && value > limit - deadband);
}
