import type { Alarm, AlarmTransition } from "../model/alarm.ts";
import type { DeviceEvent } from "../model/event.ts";
import type { Sample, Value } from "../model/sample.ts";
import type { Zone } from "../model/site.ts";
import type { Rule, RuleTrigger } from "./rule.ts";

/** What has just happened. A point's `previous` sample tells whether its condition began to hold only now. */
export type Trigger =
  | { readonly type: "alarm"; readonly transition: AlarmTransition; readonly alarm: Alarm }
  | { readonly type: "deviceEvent"; readonly event: DeviceEvent }
  | { readonly type: "point"; readonly sample: Sample; readonly previous?: Sample };

export type Operator = Extract<RuleTrigger, { type: "point" }>["operator"];
type AlarmFilter = Exclude<RuleTrigger, { type: "deviceEvent" } | { type: "point" }>;

const TRANSITIONS = {
  alarmRaised: "raised",
  alarmCleared: "cleared",
  alarmAcknowledged: "acknowledged",
  alarmReset: "reset",
} as const satisfies Record<AlarmFilter["type"], AlarmTransition>;

/**
 * Does the rule listen to this trigger? A device event with an end fires at its beginning only; a point condition fires when it
 * begins to hold (a previous value that is unknown or not good counts as not holding), and only on a good value.
 */
export function matches(rule: Rule, trigger: Trigger, zone: (id: string) => Zone | undefined): boolean {
  const { when } = rule;
  switch (when.type) {
    case "deviceEvent":
      return trigger.type === "deviceEvent" && matchesEvent(when, trigger.event);
    case "point":
      return trigger.type === "point" && matchesPoint(when, trigger);
    case "alarmRaised":
    case "alarmCleared":
    case "alarmAcknowledged":
    case "alarmReset":
      return trigger.type === "alarm" && matchesAlarm(when, trigger, zone);
    default:
      return when satisfies never;
  }
}

/** The zone of the trigger, where it has one. */
export function zoneOf(trigger: Trigger): string | undefined {
  return trigger.type === "alarm" ? trigger.alarm.zone : undefined;
}

/** What a cooldown counts by: the zone of the trigger, else the alarm's source, the device or the point. */
export function sourceOf(trigger: Trigger): string {
  switch (trigger.type) {
    case "alarm":
      return trigger.alarm.zone ?? trigger.alarm.source;
    case "deviceEvent":
      return trigger.event.device;
    case "point":
      return trigger.sample.point;
    default:
      return trigger satisfies never;
  }
}

/** The trigger in words, for the ledger. */
export function describeTrigger(trigger: Trigger): string {
  switch (trigger.type) {
    case "alarm": {
      const { definition, occurrence, zone } = trigger.alarm;
      return `alarm ${definition} ${trigger.transition}, occurrence ${occurrence}${zone === undefined ? "" : `, zone ${zone}`}`;
    }
    case "deviceEvent":
      return `event ${trigger.event.kind} of ${trigger.event.device}`;
    case "point":
      return `point ${trigger.sample.point} = ${JSON.stringify(trigger.sample.value)}`;
    default:
      return trigger satisfies never;
  }
}

/** Compares two values. Order is defined for numbers only; equality never converts. */
export function compare(value: Value, operator: Operator, expected: Value): boolean {
  if (operator === "=") return value === expected;
  if (operator === "!=") return value !== expected;
  if (typeof value !== "number" || typeof expected !== "number") return false;
  switch (operator) {
    case ">":
      return value > expected;
    case ">=":
      return value >= expected;
    case "<":
      return value < expected;
    case "<=":
      return value <= expected;
    default:
      return operator satisfies never;
  }
}

function matchesEvent(when: Extract<RuleTrigger, { type: "deviceEvent" }>, event: DeviceEvent): boolean {
  return (
    event.kind === when.kind && event.state !== false && (when.device === undefined || when.device === event.device)
  );
}

function matchesPoint(
  when: Extract<RuleTrigger, { type: "point" }>,
  { sample, previous }: Extract<Trigger, { type: "point" }>,
): boolean {
  const held = (one: Sample | undefined): boolean =>
    one?.quality === "good" && compare(one.value, when.operator, when.value);
  return sample.point === when.point && held(sample) && !held(previous);
}

function matchesAlarm(
  when: AlarmFilter,
  { transition, alarm }: Extract<Trigger, { type: "alarm" }>,
  zoneById: (id: string) => Zone | undefined,
): boolean {
  const zone = alarm.zone === undefined ? undefined : zoneById(alarm.zone);
  const filters = [
    [when.category, alarm.category],
    [when.priority, alarm.priority],
    [when.definition, alarm.definition],
    [when.zone, alarm.zone],
    [when.zoneKind, zone?.kind],
    [when.partition, zone?.partition],
  ] as const;
  return (
    transition === TRANSITIONS[when.type] && filters.every(([wanted, is]) => wanted === undefined || wanted === is)
  );
}
