import type { Alarm, AlarmCategory, AlarmPriority, Law } from "../model/alarm.ts";

/** Which law an alarm obeys. The category decides, never a switch. */
export const LAW_OF_CATEGORY = {
  comfort: "facility",
  energy: "facility",
  equipment: "facility",
  communication: "facility",
  system: "facility",
  access: "security",
  intrusion: "security",
  panic: "security",
  tamper: "security",
  fire: "security",
} as const satisfies Record<AlarmCategory, Law>;

/** What a law allows. */
export interface LawRules {
  /** Goes back to inactive by itself when the condition is gone. */
  readonly autoClear: boolean;
  /** Is held after the condition is gone until a person resets it. [GB 50394 5.2.3] */
  readonly latch: boolean;
  /** May be shelved: with a reason and for a limited time. [ISA-18.2 shelve] */
  readonly shelve: boolean;
  /** May be suppressed by configured logic. [ISA-18.2 suppress by design] */
  readonly suppressByDesign: boolean;
  /** May be taken out of service for maintenance (a bypassed zone). [ISA-18.2 out of service] */
  readonly outOfService: boolean;
}

/** The two laws as data. @see ISA-18.2, IEC 62682 for facility, GB 50394-2007 5.2.2 to 5.2.4 for security */
export const LAW_RULES = {
  facility: { autoClear: true, latch: false, shelve: true, suppressByDesign: true, outOfService: true },
  security: { autoClear: false, latch: true, shelve: false, suppressByDesign: false, outOfService: true },
} as const satisfies Record<Law, LawRules>;

/** Inputs that are on 24 hours a day: they cannot be disarmed and so not be taken out of service either. [GB 50394 5.2.4, IN-03] */
const ALWAYS_IN_SERVICE: ReadonlySet<AlarmCategory> = new Set(["panic"]);

/** Alarms that must not wait for a delay. */
const NEVER_DELAYED: ReadonlySet<AlarmCategory> = new Set(["panic", "fire"]);

/** Longest time an alarm may be shelved, ms: one day. [AL-10 maxTimeShelved] */
export const MAX_SHELVE_MS = 24 * 60 * 60 * 1000;

/** The law of a category. */
export function lawOf(category: AlarmCategory): Law {
  return LAW_OF_CATEGORY[category];
}

/** May an alarm of this category be taken out of service? */
export function mayLeaveService(category: AlarmCategory): boolean {
  return LAW_RULES[lawOf(category)].outOfService && !ALWAYS_IN_SERVICE.has(category);
}

/** May an on-delay or off-delay be put before an alarm of this category? */
export function mayBeDelayed(category: AlarmCategory): boolean {
  return !NEVER_DELAYED.has(category);
}

/** Priorities of which an alarm may end without anybody's acknowledgement. [AL-07] */
const AUTO_ACKNOWLEDGED: ReadonlySet<AlarmPriority> = new Set(["medium", "low"]);

/** May an alarm be over when its condition is, without anybody's acknowledgement? Never under the security law. [AL-07] */
export function mayAutoAcknowledge(of: {
  readonly category: AlarmCategory;
  readonly priority: AlarmPriority;
}): boolean {
  return LAW_RULES[lawOf(of.category)].autoClear && AUTO_ACKNOWLEDGED.has(of.priority);
}

/** Must it be reset after its condition is gone: by its law, or because it was configured so? [AL-08] */
export function isLatching(alarm: Pick<Alarm, "law" | "latching">): boolean {
  return LAW_RULES[alarm.law].latch || alarm.latching === true;
}

/** May it be shelved? The law must allow it and it must not be of the highest priority; more is a matter of roles. [AL-10] */
export function operatorMayShelve(alarm: Pick<Alarm, "law" | "priority">): boolean {
  return LAW_RULES[alarm.law].shelve && alarm.priority !== "urgent";
}
