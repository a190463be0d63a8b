import { type Static, Type } from "typebox";
import { AlarmCategory, AlarmPriority } from "../model/alarm.ts";
import { Value } from "../model/sample.ts";
import { IdPart, Name, NameEn } from "../model/site.ts";

const closed = { additionalProperties: false } as const;

/** What starts a rule. All named filters must match; an absent filter matches everything. */
export const RuleTrigger = Type.Union([
  Type.Object(
    {
      type: Type.Enum(["alarmRaised", "alarmCleared", "alarmAcknowledged", "alarmReset"]),
      category: Type.Optional(AlarmCategory),
      priority: Type.Optional(AlarmPriority),
      definition: Type.Optional(Type.String()),
      zoneKind: Type.Optional(Type.Enum(["perimeter", "interior", "panic", "fire"])),
      partition: Type.Optional(Type.String()),
      zone: Type.Optional(Type.String()),
    },
    closed,
  ),
  Type.Object({ type: Type.Literal("deviceEvent"), kind: Type.String(), device: Type.Optional(Type.String()) }, closed),
  Type.Object(
    {
      type: Type.Literal("point"),
      point: Type.String(),
      operator: Type.Enum(["=", "!=", ">", ">=", "<", "<="]),
      value: Value,
    },
    closed,
  ),
]);
export type RuleTrigger = Static<typeof RuleTrigger>;

/** One test on a fact. A point that is not good makes it false with the reason `inputStale`. */
export const RuleTest = Type.Union([
  Type.Object(
    {
      type: Type.Literal("point"),
      point: Type.String(),
      operator: Type.Enum(["=", "!=", ">", ">=", "<", "<="]),
      value: Value,
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal("time"),
      from: Type.String({ pattern: "^[0-2][0-9]:[0-5][0-9]$", description: "Local time of the site, HH:MM." }),
      to: Type.String({
        pattern: "^[0-2][0-9]:[0-5][0-9]$",
        description: "Local time of the site, HH:MM; before `from` = past midnight.",
      }),
    },
    closed,
  ),
]);
export type RuleTest = Static<typeof RuleTest>;

/** A group of tests: all, any or none must hold. */
export const RuleGroup = Type.Object({ match: Type.Enum(["all", "any", "none"]), tests: Type.Array(RuleTest) }, closed);
export type RuleGroup = Static<typeof RuleGroup>;

/** A parameter that is taken from the zone of the trigger instead of being written down: its camera, preset or light. */
export const FromZone = Type.Object({ from: Type.Enum(["zone.camera", "zone.preset", "zone.light"]) }, closed);
export type FromZone = Static<typeof FromZone>;

/** One step. `action` names a linkage action (core/linkage/actions); `params` is checked by that action's schema. */
export const RuleStep = Type.Object(
  {
    action: Type.String(),
    params: Type.Record(Type.String(), Type.Union([Value, FromZone])),
    /** Steps with the same group number run together; groups run in rising order. */
    group: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: "Steps of one group run together; groups follow each other. 0 when absent.",
      }),
    ),
    onFailure: Type.Optional(Type.Enum(["continue", "stop"], { description: "continue when absent." })),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 60000, description: "5000 when absent." })),
  },
  closed,
);
export type RuleStep = Static<typeof RuleStep>;

/** A linkage rule: when, if, then. */
export const Rule = Type.Object(
  {
    id: IdPart,
    name: Name,
    nameEn: NameEn,
    enabled: Type.Boolean(),
    when: RuleTrigger,
    if: Type.Optional(Type.Array(RuleGroup, { description: "All groups must hold." })),
    then: Type.Array(RuleStep, { minItems: 1 }),
    cooldownMs: Type.Optional(
      Type.Integer({ minimum: 0, description: "Not again for the same zone (or trigger source) within, ms." }),
    ),
    maxPerMinute: Type.Optional(Type.Integer({ minimum: 1, description: "Rate breaker; 60 when absent." })),
  },
  closed,
);
export type Rule = Static<typeof Rule>;

export const RunStepStatus = Type.Enum(["done", "failed", "timeout", "refused", "skipped"]);
export type RunStepStatus = Static<typeof RunStepStatus>;

/** Why an evaluation ended as it did. Everything but `fired` caused nothing. */
export const RuleOutcome = Type.Enum([
  "fired",
  "conditionFalse",
  "cooldown",
  "rateLimited",
  "disabled",
  "outsideSchedule",
  "inputStale",
  "suppressed",
  "actionRefused",
  "actionFailed",
]);
export type RuleOutcome = Static<typeof RuleOutcome>;

/** One run of a rule: the record that says what was done, where and with what result. */
export const Run = Type.Object({
  id: Type.String(),
  rule: Type.String(),
  alarm: Type.Optional(Type.String()),
  occurrence: Type.Optional(Type.Integer()),
  zone: Type.Optional(Type.String()),
  ranOn: Type.String({ description: "Gateway id, or `cloud`." }),
  outcome: RuleOutcome,
  reason: Type.Optional(
    Type.String({ description: "Which operand, which value, how old; or which action failed and why." }),
  ),
  startedAt: Type.Integer(),
  finishedAt: Type.Integer(),
  steps: Type.Array(
    Type.Object({
      action: Type.String(),
      target: Type.Optional(Type.String({ description: "Point or device acted on." })),
      status: RunStepStatus,
      startedAt: Type.Integer(),
      finishedAt: Type.Integer(),
      detail: Type.Optional(Type.String()),
      blob: Type.Optional(Type.String({ description: "SHA-256 of what the step produced, e.g. a snapshot." })),
    }),
  ),
});
export type Run = Static<typeof Run>;
