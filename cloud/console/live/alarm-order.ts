import type { AlarmView } from "#core/contracts/alarms.ts";
import type { AlarmPriority } from "#core/model/alarm.ts";

/** Priorities in order, urgent first. */
export const PRIORITIES: readonly AlarmPriority[] = ["urgent", "high", "medium", "low"];
const PRIORITY_RANK: Readonly<Record<AlarmPriority, number>> = { urgent: 0, high: 1, medium: 2, low: 3 };

/** How an alarm is named to an operator. */
export type ShownState =
  | "normal"
  | "unacknowledged"
  | "acknowledged"
  | "clearedUnacknowledged"
  | "latchedUnacknowledged"
  | "latched"
  | "shelved"
  | "byDesign"
  | "outOfService";

const BY_LETTER = {
  A: "normal",
  B: "unacknowledged",
  C: "acknowledged",
  D: "clearedUnacknowledged",
  E: "shelved",
  F: "byDesign",
  G: "outOfService",
} as const;

/** The ISA letter in words; a latched alarm with its acknowledgement. [ISA-18.2] */
export function shownState(alarm: Pick<AlarmView, "state" | "acknowledged">): ShownState {
  if (alarm.state === "latched") return alarm.acknowledged ? "latched" : "latchedUnacknowledged";
  return BY_LETTER[alarm.state];
}

/** Does it still ask for somebody's attention? A closed or suppressed one does not. */
export function asksForAttention(alarm: AlarmView): boolean {
  return !alarm.acknowledged && alarm.suppression.length === 0;
}

/** Is the episode over? It then leaves the list. */
export function isOpen(alarm: AlarmView): boolean {
  return alarm.state !== "A";
}

/**
 * Place in the list: what nobody has acknowledged (a security alarm also when its condition is gone: a pulse is an alarm), then
 * what has cleared or waits for a reset, then what is acknowledged, then what is suppressed.
 */
function rank(alarm: AlarmView): number {
  if (alarm.suppression.length > 0) return 3;
  if (alarm.condition === "inactive") return 1;
  if (!alarm.acknowledged) return 0;
  return alarm.condition === "latched" ? 1 : 2;
}

/** The order of the alarm list: state, priority, newest first. Total: ids part what is equal else. */
export function compareAlarms(a: AlarmView, b: AlarmView): number {
  return (
    rank(a) - rank(b) ||
    PRIORITY_RANK[a.priority] - PRIORITY_RANK[b.priority] ||
    (a.raisedAt < b.raisedAt ? 1 : a.raisedAt > b.raisedAt ? -1 : 0) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}
