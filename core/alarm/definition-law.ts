import type { AlarmDefinition } from "../model/alarm.ts";
import { lawOf, mayBeDelayed } from "./law.ts";

/** Why a definition may not be so. */
export interface DefinitionFault {
  readonly field: string;
  readonly message: string;
}

const PRIORITIES = ["urgent", "high", "medium", "low"] as const;

/**
 * All that a panic alarm may have. Whatever else a definition can be given (a delay, a suppression, a switch) could hold a panic
 * alarm back, so what is not here is refused, also what this list does not know yet. [GB 50394 5.2.4, IN-03]
 */
const OF_PANIC: ReadonlySet<string> = new Set([
  "id",
  "category",
  "priority",
  "condition",
  "zone",
  "space",
  "message",
  "messageEn",
  "response",
  "responseEn",
]);

/** All of a panic alarm that may be changed once it stands: what it hangs on is settled with the wiring. */
const OF_PANIC_CHANGEABLE: ReadonlySet<string> = new Set([
  "priority",
  "zone",
  "space",
  "message",
  "messageEn",
  "response",
  "responseEn",
]);

/** What of a definition is words alone: it holds no alarm back. */
const WORDS: ReadonlySet<string> = new Set(["message", "messageEn", "response", "responseEn"]);

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, ordered(inner)]),
  );
}

/** Do two parts of a definition say the same, in whatever order? */
export function saysTheSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(ordered(one)) === JSON.stringify(ordered(other));
}

/** Names of the fields in which two definitions differ. One that is not there differs in all that the other has. */
export function changedFields(
  before: AlarmDefinition | undefined,
  after: AlarmDefinition | undefined,
): readonly string[] {
  const old: Readonly<Record<string, unknown>> = before ?? {};
  const now: Readonly<Record<string, unknown>> = after ?? {};
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  return [...names].filter((name) => !saysTheSame(old[name], now[name]));
}

function panicFaults(before: AlarmDefinition | undefined, after: AlarmDefinition | undefined): DefinitionFault[] {
  if (before?.category === "panic" && after === undefined)
    return [{ field: "id", message: "a panic alarm cannot be retired" }];
  const held =
    before?.category === "panic"
      ? changedFields(before, after)
          .filter((field) => !OF_PANIC_CHANGEABLE.has(field))
          .map((field) => ({ field, message: `the ${field} of a panic alarm cannot be changed` }))
      : [];
  if (after?.category !== "panic") return held;
  const given = Object.entries(after)
    .filter(([field, value]) => value !== undefined && !OF_PANIC.has(field) && !(field === "enabled" && value === true))
    .map(([field]) => ({ field, message: `a panic alarm has no ${field}` }));
  return [...held, ...given.filter(({ field }) => !held.some((fault) => fault.field === field))];
}

/**
 * What the law forbids of a definition that is added (`before` undefined), changed, or retired (`after` undefined): by nobody and
 * by no route. Nothing may delay panic or fire; nothing may hold a panic alarm back. [GB 50394 5.2.4, GB 50116, IN-03]
 */
export function definitionFaults(
  before: AlarmDefinition | undefined,
  after: AlarmDefinition | undefined,
): readonly DefinitionFault[] {
  const panic = panicFaults(before, after);
  if (after === undefined || after.category === "panic") return panic;
  return [...panic, ...delayFaults(after), ...announcementFaults(after)];
}

function delayFaults(definition: AlarmDefinition): DefinitionFault[] {
  if (mayBeDelayed(definition.category)) return [];
  return (["onDelayMs", "offDelayMs"] as const)
    .filter((field) => (definition[field] ?? 0) > 0)
    .map((field) => ({ field, message: `a ${definition.category} alarm is never delayed` }));
}

/** What would keep a security alarm from people, or end it without one. [GB 50394 5.2.3] */
function announcementFaults(definition: AlarmDefinition): DefinitionFault[] {
  const { category, priority, suppressedBy = [], autoAcknowledge, latching } = definition;
  const security = lawOf(category) === "security";
  const quiet = security || priority === "urgent" || priority === "high";
  return [
    ...(security && suppressedBy.length > 0
      ? [{ field: "suppressedBy", message: "a security alarm is never suppressed by design" }]
      : []),
    ...(security && latching === false
      ? [{ field: "latching", message: "a security alarm is held until a person resets it" }]
      : []),
    ...(quiet && autoAcknowledge === true
      ? [{ field: "autoAcknowledge", message: "only facility alarms of medium and low priority end unseen" }]
      : []),
  ];
}

/**
 * Needs the change a second person? Under the security law whatever could hold an alarm back or hide it does: to disable or retire
 * it, and every change but of words, to a higher priority, to shorter delays, or to being switched on again.
 */
export function needsSecondPerson(before: AlarmDefinition | undefined, after: AlarmDefinition | undefined): boolean {
  if (before === undefined || lawOf(before.category) !== "security") return false;
  if (after === undefined) return true;
  return changedFields(before, after).some((field) => !WORDS.has(field) && !strengthens(field, before, after));
}

function strengthens(field: string, before: AlarmDefinition, after: AlarmDefinition): boolean {
  switch (field) {
    case "enabled":
      return after.enabled !== false;
    case "priority":
      return PRIORITIES.indexOf(after.priority) < PRIORITIES.indexOf(before.priority);
    case "onDelayMs":
    case "offDelayMs":
      // a longer hold before it clears hides nothing, but a latched alarm can then not be reset for so long
      return (after[field] ?? 0) < (before[field] ?? 0);
    default:
      return false;
  }
}
