import { type Static, Type } from "typebox";
import { Value } from "./sample.ts";
import { IdPart } from "./site.ts";

const closed = { additionalProperties: false } as const;

/** Facility alarms follow ISA-18.2 and may clear by themselves; security alarms are latched until a person resets them (GB 50394 §5.2). */
export const Law = Type.Enum(["facility", "security"]);
export type Law = Static<typeof Law>;

export const AlarmCategory = Type.Enum([
  "comfort",
  "energy",
  "equipment",
  "communication",
  "access",
  "intrusion",
  "panic",
  "tamper",
  "fire",
  "system",
]);
export type AlarmCategory = Static<typeof AlarmCategory>;

/** In order: urgent first. */
export const AlarmPriority = Type.Enum(["urgent", "high", "medium", "low"]);
export type AlarmPriority = Static<typeof AlarmPriority>;

export const AlarmConditionState = Type.Enum(["inactive", "active", "latched"]);
export type AlarmConditionState = Static<typeof AlarmConditionState>;

export const Suppression = Type.Enum(["shelved", "byDesign", "outOfService"]);
export type Suppression = Static<typeof Suppression>;

/**
 * When is it an alarm? `equals`: the point has this value. `above`/`below`: limits with a deadband. `event`: a device event of this
 * kind. `field`: a condition that the device keeps itself and tells (FieldCondition).
 */
export const AlarmCondition = Type.Union([
  Type.Object({ type: Type.Literal("equals"), point: Type.String(), value: Value }, closed),
  Type.Object(
    {
      type: Type.Enum(["above", "below"]),
      point: Type.String(),
      limit: Type.Number(),
      deadband: Type.Number({ minimum: 0, description: "Hysteresis in the point's unit." }),
    },
    closed,
  ),
  Type.Object({ type: Type.Literal("event"), device: Type.String(), kind: Type.String() }, closed),
  Type.Object(
    {
      type: Type.Literal("field"),
      device: Type.String(),
      condition: Type.String({ minLength: 1, maxLength: 200, description: "Name of the condition in its device." }),
    },
    closed,
  ),
]);
export type AlarmCondition = Static<typeof AlarmCondition>;

/** One alarm as configured. Its law follows from its category, never from a switch. */
export const AlarmDefinition = Type.Object(
  {
    id: IdPart,
    category: AlarmCategory,
    priority: AlarmPriority,
    condition: AlarmCondition,
    onDelayMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: "Must hold so long before it is an alarm, ms; 0 when absent. Never with panic or fire.",
      }),
    ),
    offDelayMs: Type.Optional(
      Type.Integer({ minimum: 0, description: "Must be gone so long before it clears, ms; 0 when absent." }),
    ),
    zone: Type.Optional(Type.String({ description: "Zone the alarm stands for." })),
    space: Type.Optional(Type.String({ description: "Space it is shown at; that of the point or zone when absent." })),
    message: Type.String({ minLength: 1 }),
    messageEn: Type.String({ minLength: 1 }),
    response: Type.Optional(Type.String({ description: "What the operator shall do, in the site's first language." })),
    responseEn: Type.Optional(Type.String()),
  },
  closed,
);
export type AlarmDefinition = Static<typeof AlarmDefinition>;

/** An alarm: identity, three regions (condition x acknowledgement x suppression) and facts. Times are Unix ms. */
export const Alarm = Type.Object({
  id: Type.String({ description: "hash(origin, definition, minting epoch, episode)." }),
  occurrence: Type.Integer({ minimum: 1, description: "Counts activations inside the episode." }),
  origin: Type.String({ description: "Who minted it: <site>/<gateway>, or <site> for the cloud." }),
  definition: Type.String({
    description: "AlarmDefinition id; `comm:<device>` and `gateway:<id>` for the built-in ones.",
  }),
  law: Law,
  category: AlarmCategory,
  priority: AlarmPriority,
  condition: AlarmConditionState,
  live: Type.Boolean({
    description: "Does the condition hold right now? A latched alarm can be reset only when it does not.",
  }),
  acknowledged: Type.Boolean(),
  suppression: Type.Array(Suppression),
  stale: Type.Optional(Type.Boolean({ description: "The source is silent: this is its last known state." })),
  source: Type.String({ description: "Point or device id that raised it." }),
  point: Type.Optional(Type.String()),
  device: Type.Optional(Type.String()),
  zone: Type.Optional(Type.String()),
  area: Type.Optional(Type.String({ description: "Space id." })),
  message: Type.String(),
  messageEn: Type.String(),
  value: Type.Optional(Value),
  raisedAt: Type.Integer({
    description: "Start of this occurrence: source time if there is one, else when the gateway saw it.",
  }),
  receivedAt: Type.Integer({ description: "When the minting process saw it." }),
  clearedAt: Type.Optional(Type.Integer()),
  acknowledgedAt: Type.Optional(Type.Integer()),
  acknowledgedBy: Type.Optional(Type.String()),
  resetAt: Type.Optional(Type.Integer()),
  resetBy: Type.Optional(Type.String()),
  shelvedUntil: Type.Optional(Type.Integer()),
  version: Type.Integer({
    minimum: 1,
    description: "Grows with every transition of the side that minted it; a mirror never changes it.",
  }),
});
export type Alarm = Static<typeof Alarm>;

/** What happened to an alarm. */
export const AlarmTransition = Type.Enum([
  "raised",
  "cleared",
  "acknowledged",
  "reset",
  "shelved",
  "unshelved",
  "suppressed",
  "unsuppressed",
  "outOfService",
  "returnedToService",
  "stale",
  "fresh",
  "reAlarmed",
  "assigned",
  "escalated",
  "commented",
]);
export type AlarmTransition = Static<typeof AlarmTransition>;
