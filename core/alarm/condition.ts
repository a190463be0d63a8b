import type { AlarmCondition } from "../model/alarm.ts";
import type { Sample } from "../model/sample.ts";

/** A condition on the value of a point. */
export type PointCondition = Extract<AlarmCondition, { point: string }>;

/**
 * Does the condition hold for this sample? `live` is whether it held before: inside the deadband nothing changes. Undefined when
 * the sample says nothing: its quality is not good, or a limit is asked of what is no number. An unknown value is neither alarm
 * nor normal. [AL-03, AL-16, BACnet 13.3.6]
 */
export function holds(condition: PointCondition, sample: Sample, live: boolean): boolean | undefined {
  if (sample.quality !== "good") return undefined;
  const { value } = sample;
  if (condition.type === "equals") return value === condition.value;
  if (typeof value !== "number" || Number.isNaN(value)) return undefined;
  const { limit, deadband } = condition;
  if (condition.type === "above") return value > limit || (live && value > limit - deadband);
  return value < limit || (live && value < limit + deadband);
}
