import type { AlarmView } from "#core/contracts/http.ts";
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

/** How many are open, and how many of them unacknowledged, of each priority. */
export type AlarmCounts = Readonly<Record<AlarmPriority, { readonly open: number; readonly unacknowledged: number }>>;

/** Of each list once, whoever asks: with ten thousand rows several parts of the page want the same counts of every change. */
const counted = new WeakMap<readonly AlarmView[], AlarmCounts>();

/** Counts what is not suppressed. A list that was counted must not be changed any more. */
export function countAlarms(alarms: readonly AlarmView[]): AlarmCounts {
  const before = counted.get(alarms);
  if (before !== undefined) return before;
  const counts = countsOf(alarms);
  counted.set(alarms, counts);
  return counts;
}

/** How many ask for somebody's attention. */
export function countAttention(alarms: readonly AlarmView[]): number {
  const counts = countAlarms(alarms);
  return PRIORITIES.reduce((sum, priority) => sum + counts[priority].unacknowledged, 0);
}

function countsOf(alarms: readonly AlarmView[]): AlarmCounts {
  const counts = {
    urgent: { open: 0, unacknowledged: 0 },
    high: { open: 0, unacknowledged: 0 },
    medium: { open: 0, unacknowledged: 0 },
    low: { open: 0, unacknowledged: 0 },
  };
  for (const alarm of alarms) {
    if (alarm.suppression.length > 0) continue;
    const count = counts[alarm.priority];
    count.open += 1;
    if (!alarm.acknowledged) count.unacknowledged += 1;
  }
  return counts;
}
