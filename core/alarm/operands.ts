import type { AlarmCondition } from "../model/alarm.ts";

/** The points that a condition looks at; none where a device tells it. */
export function pointsOf(condition: AlarmCondition): readonly string[] {
  switch (condition.type) {
    case "event":
    case "field":
      return [];
    case "expression":
      return Object.values(condition.points);
    case "deviation":
      return typeof condition.reference === "number" ? [condition.point] : [condition.point, condition.reference];
    case "equals":
    case "oneOf":
    case "noneOf":
    case "above":
    case "below":
    case "outside":
    case "inside":
    case "rate":
      return [condition.point];
    default:
      return condition satisfies never;
  }
}

/** The point at which an alarm of the condition is shown and whose value it tells; undefined where a device tells it. */
export function mainPoint(condition: AlarmCondition): string | undefined {
  return pointsOf(condition)[0];
}

/** Where an alarm of the condition comes from: its main point, else its device. */
export function sourceOf(condition: AlarmCondition): string {
  if (condition.type === "event" || condition.type === "field") return condition.device;
  return mainPoint(condition) ?? "";
}

/** The condition with every point as `map` says. The device of an event or a field condition stays. */
export function withPoints(
  condition: AlarmCondition,
  map: (point: string, path: readonly string[]) => string,
): AlarmCondition {
  if (condition.type === "event" || condition.type === "field") return condition;
  if (condition.type === "expression") {
    const points = Object.entries(condition.points).map(([name, point]) => [name, map(point, ["points", name])]);
    return { ...condition, points: Object.fromEntries(points) };
  }
  const point = map(condition.point, ["point"]);
  if (condition.type !== "deviation" || typeof condition.reference === "number") return { ...condition, point };
  return { ...condition, point, reference: map(condition.reference, ["reference"]) };
}
