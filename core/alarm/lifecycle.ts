import type { Alarm, AlarmTransition, Suppression } from "../model/alarm.ts";
import type { Value } from "../model/sample.ts";
import { sha256Hex } from "../sha256.ts";
import { isLatching, LAW_RULES, MAX_SHELVE_MS, mayLeaveService, operatorMayShelve } from "./law.ts";

/**
 * What can happen to an alarm. `at` is when a person acted (Unix ms), the same at both sides of a cut; `sourceTime` is the
 * device's own time. `shelve` and `outOfService` need a reason. The acts of people name the occurrence they saw; where it is
 * optional, a timer or the logic acts without one. `suppress` and `unsuppress` name the rule that does it; an alarm is suppressed by
 * design while any does. [AL-01 to AL-16]
 */
export type AlarmEvent =
  | {
      readonly type: "activate";
      readonly value?: Value;
      readonly sourceTime?: number;
      /** When the driver saw it; the context's `now` when absent. */
      readonly observedAt?: number;
      /** Is it the first of its group, or which alarm was? */
      readonly firstOut?: boolean;
      readonly cause?: string;
      /** What suppresses it by design from the beginning; looked at when an episode opens. */
      readonly suppressedBy?: readonly string[];
    }
  | { readonly type: "clear"; readonly sourceTime?: number }
  | {
      readonly type: "acknowledge" | "reset";
      readonly occurrence: number;
      readonly by: string;
      readonly at: number;
    }
  | {
      readonly type: "shelve";
      readonly until: number;
      readonly reason: string;
      readonly occurrence?: number;
      /** Ends also when the condition next ceases to hold: see `shelvedNoMore`. */
      readonly once?: boolean;
    }
  | { readonly type: "outOfService"; readonly reason: string; readonly occurrence?: number }
  | { readonly type: "unshelve" | "returnToService"; readonly occurrence?: number }
  | { readonly type: "suppress" | "unsuppress"; readonly rule: string }
  | { readonly type: "stale" | "fresh" | "reAlarm" };

/** Who applies the event. */
export interface LifecycleContext {
  /** Unix ms. */
  readonly now: number;
  /**
   * `minting`: the side that minted the alarm and sees its condition. `mirror`: the other side, which holds a copy. A mirror may
   * acknowledge and reset; it leaves `version` alone, which counts the minting side's transitions only (see merge.ts). All that
   * hides an alarm is decided where it was minted: a mirror asks for it with an AlarmCommand and waits for the transition.
   */
  readonly side: "minting" | "mirror";
}

/** Why an event was refused. Stable codes. */
export type AlarmRefusal =
  | "ALARM_OCCURRENCE_STALE"
  | "ALARM_OCCURRENCE_UNKNOWN"
  | "ALARM_STILL_ACTIVE"
  | "ALARM_NOT_ACKNOWLEDGED"
  | "ALARM_NOT_LATCHING"
  | "ALARM_SHELVE_FORBIDDEN"
  | "ALARM_SHELVE_UNTIL_INVALID"
  | "ALARM_SUPPRESSION_FORBIDDEN"
  | "ALARM_OUT_OF_SERVICE_FORBIDDEN"
  | "ALARM_REASON_MISSING"
  | "ALARM_CLOSED"
  | "ALARM_NOT_MINTED_HERE";

/** The alarm after the event. Without `transition` nothing changed: the event was already true (idempotent). */
export interface AlarmApplied {
  readonly alarm: Alarm;
  readonly transition?: AlarmTransition;
}
/** The event is not allowed; the alarm is as it was. */
export interface AlarmRefused {
  readonly refused: AlarmRefusal;
  readonly message: string;
}
export type AlarmResult = AlarmApplied | AlarmRefused;

/** What identifies and describes an alarm before it is raised for the first time. */
export type AlarmSeed = Pick<
  Alarm,
  "id" | "origin" | "definition" | "law" | "category" | "priority" | "source" | "message" | "messageEn"
> &
  Pick<Partial<Alarm>, "point" | "device" | "zone" | "area" | "latching" | "autoAcknowledge">;

/** Who acknowledged an alarm that needs nobody's acknowledgement. [AL-07] */
export const AUTO_ACTOR = "auto";

/**
 * The identity of one episode of one alarm: the first 32 hex digits of the SHA-256 of its parts. The parts are written as a
 * JSON array, so that no two different lists of parts give the same text.
 */
export function alarmId(parts: { origin: string; definition: string; epoch: string; episode: number }): string {
  return sha256Hex(JSON.stringify([parts.origin, parts.definition, parts.epoch, parts.episode])).slice(0, 32);
}

/** Opens an episode: occurrence 1, active and unacknowledged. [AL-01] */
export function raise(seed: AlarmSeed, event: Activation, now: number): Alarm {
  const rules = LAW_RULES[seed.law].suppressByDesign ? (event.suppressedBy ?? []) : [];
  return {
    ...seed,
    occurrence: 1,
    condition: "active",
    live: true,
    acknowledged: false,
    suppression: rules.length === 0 ? [] : ["byDesign"],
    ...(rules.length === 0 ? {} : { suppressedBy: [...rules], unannounced: true }),
    ...marksOf(event),
    raisedAt: event.sourceTime ?? event.observedAt ?? now,
    receivedAt: now,
    version: 1,
  };
}

type Activation = Extract<AlarmEvent, { type: "activate" }>;

function marksOf({ value, firstOut, cause }: Activation): Partial<Alarm> {
  return {
    ...(value === undefined ? {} : { value }),
    ...(firstOut === true ? { firstOut } : {}),
    ...(cause === undefined ? {} : { cause }),
  };
}

/** The episode is over: normal, acknowledged and not suppressed (ISA letter A). A new activation opens a new episode. */
export function isClosed(alarm: Alarm): boolean {
  return letter(alarm) === "A";
}

/**
 * The state as ISA-18.2 names it: A normal, B unacknowledged, C acknowledged, D returned to normal unacknowledged, E shelved,
 * F suppressed by design, G out of service; `latched` for a security alarm whose condition is gone but that nobody has reset.
 * A suppression covers what lies below it: G before F before E before the rest.
 */
export function letter(alarm: Alarm): "A" | "B" | "C" | "D" | "E" | "F" | "G" | "latched" {
  if (alarm.suppression.includes("outOfService")) return "G";
  if (alarm.suppression.includes("byDesign")) return "F";
  if (alarm.suppression.includes("shelved")) return "E";
  if (alarm.condition === "latched") return "latched";
  if (alarm.condition === "active") return alarm.acknowledged ? "C" : "B";
  return alarm.acknowledged ? "A" : "D";
}

/** Applies one event to an alarm. Pure; the alarm given is never changed. */
export function apply(alarm: Alarm, event: AlarmEvent, context: LifecycleContext): AlarmResult {
  return refusal(alarm, event, context) ?? transition(alarm, event, context);
}

/** What is wrong before the event itself is looked at: the wrong side, or an occurrence that is not the present one. */
function refusal(alarm: Alarm, event: AlarmEvent, context: LifecycleContext): AlarmRefused | undefined {
  if (context.side === "mirror" && event.type !== "acknowledge" && event.type !== "reset")
    return refuse("ALARM_NOT_MINTED_HERE", `${event.type} is for the side that minted the alarm`);
  const named = "occurrence" in event ? event.occurrence : undefined;
  if (named === undefined || named === alarm.occurrence) return undefined;
  const message = `occurrence ${named} was named, the alarm is at ${alarm.occurrence}`;
  return refuse(named < alarm.occurrence ? "ALARM_OCCURRENCE_STALE" : "ALARM_OCCURRENCE_UNKNOWN", message);
}

function transition(alarm: Alarm, event: AlarmEvent, context: LifecycleContext): AlarmResult {
  switch (event.type) {
    case "activate":
      return activate(alarm, event, context);
    case "clear":
      return clear(alarm, event, context);
    case "acknowledge":
      return acknowledge(alarm, event, context);
    case "reset":
      return reset(alarm, event, context);
    case "shelve":
      return shelve(alarm, event, context);
    case "unshelve":
      return lift(alarm, "shelved", context);
    case "outOfService":
      return takeOutOfService(alarm, event, context);
    case "returnToService":
      return lift(alarm, "outOfService", context);
    case "suppress":
      return suppress(alarm, event.rule, context);
    case "unsuppress":
      return unsuppress(alarm, event.rule, context);
    case "reAlarm":
      return reAlarm(alarm, context);
    case "stale":
    case "fresh":
      return freshness(alarm, event.type, context);
    default:
      return event satisfies never;
  }
}

function refuse(refused: AlarmRefusal, message: string): AlarmRefused {
  return { refused, message };
}

function changed(alarm: Alarm, transition: AlarmTransition, context: LifecycleContext): AlarmApplied {
  const version = context.side === "mirror" ? alarm.version : alarm.version + 1;
  return { alarm: { ...alarm, version }, transition };
}

/** The facts that belong to one occurrence go when the next one begins. */
function nextOccurrence(alarm: Alarm): Alarm {
  const { clearedAt: _c, acknowledgedAt: _a, acknowledgedBy: _b, resetAt: _r, resetBy: _s, value: _v, ...rest } = alarm;
  return { ...rest, occurrence: alarm.occurrence + 1, acknowledged: false };
}

/** As `nextOccurrence` where the condition went on: what belongs to its coming stays. */
function sameAgain(alarm: Alarm, context: LifecycleContext): Alarm {
  const { unannounced: _u, ...rest } = nextOccurrence(alarm);
  return {
    ...rest,
    ...(alarm.value === undefined ? {} : { value: alarm.value }),
    raisedAt: context.now,
    receivedAt: context.now,
  };
}

function activate(alarm: Alarm, event: Activation, context: LifecycleContext): AlarmResult {
  if (alarm.live) return { alarm };
  if (isClosed(alarm)) return refuse("ALARM_CLOSED", `the episode of ${alarm.id} is over: a new one must be minted`);
  const { firstOut: _f, cause: _c, reAlarms: _r, unannounced: _u, ...before } = nextOccurrence(alarm);
  return changed(
    {
      ...before,
      condition: "active",
      live: true,
      ...(before.suppression.length > 0 ? { unannounced: true } : {}),
      ...marksOf(event),
      raisedAt: event.sourceTime ?? event.observedAt ?? context.now,
      receivedAt: context.now,
    },
    "raised",
    context,
  );
}

function clear(alarm: Alarm, event: Extract<AlarmEvent, { type: "clear" }>, context: LifecycleContext): AlarmResult {
  if (!alarm.live) return { alarm };
  const clearedAt = event.sourceTime ?? context.now;
  if (isLatching(alarm)) return changed({ ...alarm, live: false, condition: "latched", clearedAt }, "cleared", context);
  // suppressed, it has called nobody: it waits for the end of that, and is over with it
  const over = alarm.autoAcknowledge === true && !alarm.acknowledged && alarm.suppression.length === 0;
  const acknowledgement = { acknowledged: true, acknowledgedAt: context.now, acknowledgedBy: AUTO_ACTOR };
  return changed(
    { ...alarm, live: false, condition: "inactive", clearedAt, ...(over ? acknowledgement : {}) },
    "cleared",
    context,
  );
}

/** Active for too long although acknowledged: as if it had just occurred. [AL-09, OPC 10000-9 §5.8.2 ReAlarmTime] */
function reAlarm(alarm: Alarm, context: LifecycleContext): AlarmResult {
  if (!alarm.live || !alarm.acknowledged || alarm.suppression.length > 0) return { alarm };
  return changed({ ...sameAgain(alarm, context), reAlarms: (alarm.reAlarms ?? 0) + 1 }, "reAlarmed", context);
}

function acknowledge(alarm: Alarm, act: { by: string; at: number }, context: LifecycleContext): AlarmResult {
  if (alarm.acknowledged) return { alarm };
  return changed(
    { ...alarm, acknowledged: true, acknowledgedAt: act.at, acknowledgedBy: act.by },
    "acknowledged",
    context,
  );
}

function reset(alarm: Alarm, act: { by: string; at: number }, context: LifecycleContext): AlarmResult {
  if (!isLatching(alarm))
    return refuse("ALARM_NOT_LATCHING", "a facility alarm returns to normal by itself; there is nothing to reset");
  if (alarm.condition === "inactive") return { alarm };
  if (alarm.live) return refuse("ALARM_STILL_ACTIVE", "the condition still holds");
  if (!alarm.acknowledged) return refuse("ALARM_NOT_ACKNOWLEDGED", "acknowledge it before the reset");
  return changed({ ...alarm, condition: "inactive", resetAt: act.at, resetBy: act.by }, "reset", context);
}

function withSuppression(alarm: Alarm, suppression: Suppression): Suppression[] {
  const order: readonly Suppression[] = ["shelved", "byDesign", "outOfService"];
  return order.filter((one) => one === suppression || alarm.suppression.includes(one));
}

function shelve(alarm: Alarm, act: Extract<AlarmEvent, { type: "shelve" }>, context: LifecycleContext): AlarmResult {
  if (!LAW_RULES[alarm.law].shelve)
    return refuse("ALARM_SHELVE_FORBIDDEN", "a security alarm is held until a person resets it [GB 50394 5.2.3]");
  if (!operatorMayShelve(alarm))
    return refuse("ALARM_SHELVE_FORBIDDEN", "an alarm of the highest priority is never shelved [ISA-18.2]");
  if (act.reason.trim() === "") return refuse("ALARM_REASON_MISSING", "shelving needs a reason");
  if (act.until <= context.now || act.until - context.now > MAX_SHELVE_MS)
    return refuse("ALARM_SHELVE_UNTIL_INVALID", `until must be in the future and at most ${MAX_SHELVE_MS} ms away`);
  if (isClosed(alarm)) return refuse("ALARM_CLOSED", "the episode is over");
  const { until, once = false } = act;
  const { shelvedOnce = false, ...before } = alarm;
  if (alarm.shelvedUntil === until && shelvedOnce === once && alarm.suppression.includes("shelved")) return { alarm };
  const shelving = { shelvedUntil: until, ...(once ? { shelvedOnce: once } : {}) };
  return changed({ ...before, suppression: withSuppression(alarm, "shelved"), ...shelving }, "shelved", context);
}

function takeOutOfService(
  alarm: Alarm,
  act: Extract<AlarmEvent, { type: "outOfService" }>,
  context: LifecycleContext,
): AlarmResult {
  if (!mayLeaveService(alarm.category))
    return refuse("ALARM_OUT_OF_SERVICE_FORBIDDEN", `an alarm of category ${alarm.category} is always in service`);
  if (act.reason.trim() === "") return refuse("ALARM_REASON_MISSING", "taking out of service needs a reason");
  if (isClosed(alarm)) return refuse("ALARM_CLOSED", "the episode is over");
  if (alarm.suppression.includes("outOfService")) return { alarm };
  return changed({ ...alarm, suppression: withSuppression(alarm, "outOfService") }, "outOfService", context);
}

function suppress(alarm: Alarm, rule: string, context: LifecycleContext): AlarmResult {
  if (!LAW_RULES[alarm.law].suppressByDesign)
    return refuse("ALARM_SUPPRESSION_FORBIDDEN", "an alarm of the security law is never suppressed by logic");
  if (isClosed(alarm)) return { alarm };
  const rules = alarm.suppressedBy ?? [];
  if (rules.includes(rule)) return { alarm };
  // every rule that comes or goes is in the journal, and the state changes with the first and the last [AL-11]
  const transition = alarm.suppression.includes("byDesign") ? "commented" : "suppressed";
  return changed(
    { ...alarm, suppression: withSuppression(alarm, "byDesign"), suppressedBy: [...rules, rule] },
    transition,
    context,
  );
}

function unsuppress(alarm: Alarm, rule: string, context: LifecycleContext): AlarmResult {
  // a record of an older version names no rules: any ends it
  if (alarm.suppressedBy === undefined) return lift(alarm, "byDesign", context);
  const left = alarm.suppressedBy.filter((one) => one !== rule);
  if (left.length === alarm.suppressedBy.length) return { alarm };
  if (left.length > 0) return changed({ ...alarm, suppressedBy: left }, "commented", context);
  const { suppressedBy: _, ...rest } = alarm;
  return lift(rest, "byDesign", context);
}

/** Has this transition ended a shelving for once? Then whoever made it lets `unshelve` follow, in one with it. [AL-10] */
export function shelvedNoMore({ alarm, transition }: AlarmApplied): boolean {
  return transition === "cleared" && alarm.shelvedOnce === true;
}

/** What the end of a suppression is called. */
export const LIFTED = {
  shelved: "unshelved",
  byDesign: "unsuppressed",
  outOfService: "returnedToService",
} as const satisfies Record<Suppression, AlarmTransition>;

function lift(alarm: Alarm, which: Suppression, context: LifecycleContext): AlarmResult {
  if (!alarm.suppression.includes(which)) return { alarm };
  const { shelvedUntil: _until, shelvedOnce: _once, ...rest } = alarm;
  const kept = which === "shelved" ? rest : alarm;
  const lifted: Alarm = { ...kept, suppression: alarm.suppression.filter((one) => one !== which) };
  return changed(announcedAgain(lifted, context), LIFTED[which], context);
}

/**
 * An alarm that leaves the last suppression while active goes to B and sounds again [AL-13]. If it had been acknowledged this is
 * a new occurrence, so that the acknowledgement of the old one, perhaps still on its way, cannot silence it. One that came and went
 * meanwhile, or that nobody needs to acknowledge, is over: nobody has been called because of it.
 */
function announcedAgain(alarm: Alarm, context: LifecycleContext): Alarm {
  if (alarm.suppression.length > 0) return alarm;
  if (alarm.condition === "active" && alarm.acknowledged) return sameAgain(alarm, context);
  const { unannounced = false, ...rest } = alarm;
  const over = alarm.condition === "inactive" && (unannounced || alarm.autoAcknowledge === true);
  return over && !alarm.acknowledged
    ? { ...rest, acknowledged: true, acknowledgedBy: AUTO_ACTOR, acknowledgedAt: context.now }
    : rest;
}

function freshness(alarm: Alarm, type: "stale" | "fresh", context: LifecycleContext): AlarmResult {
  if ((alarm.stale === true) === (type === "stale") || isClosed(alarm)) return { alarm };
  const { stale: _, ...rest } = alarm;
  return changed(type === "stale" ? { ...rest, stale: true } : rest, type, context);
}
