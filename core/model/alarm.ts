import { type Static, Type } from "typebox";
import { ID_PART_PATTERN } from "../ids.ts";
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

/** A place among the values at which nothing changes: what is an alarm stays one until it is so far on the good side. */
const Deadband = Type.Number({ minimum: 0, description: "Hysteresis in the point's unit." });
const PointRef = Type.String({ minLength: 1, maxLength: 300, description: "Point id." });

/**
 * When is it an alarm? `equals`, `oneOf`, `noneOf`: the point has this value, one of these, none of these. `above`, `below`,
 * `outside`, `inside`: limits with a deadband. `deviation`: too far from another point or from a constant. `rate`: changes too fast.
 * `expression`: a CEL expression over several points is true. `event`: a device event of this kind. `field`: a condition that the
 * device keeps itself and tells (FieldCondition). All points of one condition belong to one gateway.
 */
export const AlarmCondition = Type.Union([
  Type.Object({ type: Type.Literal("equals"), point: PointRef, value: Value }, closed),
  Type.Object(
    {
      type: Type.Enum(["above", "below"]),
      point: PointRef,
      limit: Type.Number(),
      deadband: Deadband,
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
  Type.Object(
    {
      type: Type.Enum(["oneOf", "noneOf"]),
      point: PointRef,
      values: Type.Array(Value, { minItems: 1, maxItems: 64 }),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Enum(["outside", "inside"]),
      point: PointRef,
      low: Type.Number({ description: "Lower end of the band; itself inside." }),
      high: Type.Number({ description: "Upper end of the band; itself inside." }),
      deadband: Deadband,
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal("deviation"),
      point: PointRef,
      reference: Type.Union([Type.Number(), PointRef], { description: "A constant, or the point to compare with." }),
      over: Type.Optional(
        Type.Number({
          minimum: 0,
          description: "Alarm when more than so far above the reference, in the point's unit.",
        }),
      ),
      under: Type.Optional(
        Type.Number({
          minimum: 0,
          description: "Alarm when more than so far below the reference, in the point's unit.",
        }),
      ),
      deadband: Deadband,
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal("rate"),
      point: PointRef,
      rise: Type.Optional(
        Type.Number({
          exclusiveMinimum: 0,
          description: "Alarm when it rises faster than this, in its unit per `per`.",
        }),
      ),
      fall: Type.Optional(
        Type.Number({
          exclusiveMinimum: 0,
          description: "Alarm when it falls faster than this, in its unit per `per`.",
        }),
      ),
      per: Type.Enum(["second", "minute", "hour"]),
      windowMs: Type.Integer({
        minimum: 1000,
        maximum: 86_400_000,
        description: "The change is measured over so long, ms: what lasts shorter counts for less.",
      }),
      deadband: Type.Number({ minimum: 0, description: "Hysteresis, in the point's unit per `per`." }),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal("expression"),
      expression: Type.String({
        minLength: 1,
        maxLength: 1000,
        description:
          "CEL that gives true or false over the names in `points`, and `live`: did it hold before? Numbers are double, enums int.",
      }),
      points: Type.Record(Type.String({ pattern: "^[a-z][A-Za-z0-9_]{0,31}$" }), PointRef, {
        minProperties: 1,
        maxProperties: 16,
        description: "Point of each name. The alarm is shown at the first.",
      }),
    },
    closed,
  ),
]);
export type AlarmCondition = Static<typeof AlarmCondition>;

/**
 * What suppresses an alarm by design: another alarm of the same gateway that is active (and in service), or a point that has this
 * value (equipment that is off). `rule` names it in the journal. [ISA-18.2 suppress by design, AL-11]
 */
export const AlarmSuppressor = Type.Union([
  Type.Object({ rule: IdPart, definition: Type.String({ minLength: 1, maxLength: 200 }) }, closed),
  Type.Object({ rule: IdPart, point: PointRef, equals: Value }, closed),
]);
export type AlarmSuppressor = Static<typeof AlarmSuppressor>;

/** One alarm as configured. Its law follows from its category, never from a switch. */
export const AlarmDefinition = Type.Object(
  {
    id: IdPart,
    category: AlarmCategory,
    priority: AlarmPriority,
    enabled: Type.Optional(
      Type.Boolean({
        description: "A disabled definition is kept and judged by nobody; true when absent. Never false with panic.",
      }),
    ),
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
    reAlarmMs: Type.Optional(
      Type.Integer({
        minimum: 1000,
        maximum: 2_592_000_000,
        description:
          "Still active so long after it came although acknowledged: announced anew as another occurrence, ms.",
      }),
    ),
    reAlarmLimit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: "How often it is announced anew at most; 3 when absent." }),
    ),
    autoAcknowledge: Type.Optional(
      Type.Boolean({
        description:
          "Is over when its condition is, without anybody's acknowledgement. Facility law, medium and low alone.",
      }),
    ),
    latching: Type.Optional(
      Type.Boolean({
        description:
          "Held after its condition is gone until a person resets it; security alarms always are. Facility law.",
      }),
    ),
    firstOut: Type.Optional(
      Type.String({
        pattern: ID_PART_PATTERN,
        description: "Group of alarms that follow from each other: the first to come is marked, the others name it.",
      }),
    ),
    suppressedBy: Type.Optional(
      Type.Array(AlarmSuppressor, { maxItems: 8, description: "What suppresses it by design. Facility law alone." }),
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
    description: "AlarmDefinition id; `comm:<device>`, `stale:<device>` and `gateway:<id>` for the built-in ones.",
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
  suppressedBy: Type.Optional(
    Type.Array(Type.String(), { description: "Rules and definitions that suppress it by design now." }),
  ),
  unannounced: Type.Optional(
    Type.Boolean({ description: "This occurrence came while suppressed: nobody has been called because of it." }),
  ),
  latching: Type.Optional(Type.Boolean({ description: "Must be reset although it obeys the facility law." })),
  autoAcknowledge: Type.Optional(Type.Boolean({ description: "Is over when its condition is." })),
  firstOut: Type.Optional(Type.Boolean({ description: "The first of its group to come." })),
  cause: Type.Optional(Type.String({ description: "Id of the alarm that came first in its group." })),
  reAlarms: Type.Optional(
    Type.Integer({ minimum: 1, description: "How often it was announced anew since its condition came." }),
  ),
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
  shelvedOnce: Type.Optional(
    Type.Boolean({ description: "Shelved until it next returns to normal, at the latest until `shelvedUntil`." }),
  ),
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
