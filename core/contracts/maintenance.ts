import { type Static, Type } from "typebox";
import { AlarmCategory, AlarmPriority } from "../model/alarm.ts";
import { Time } from "./http.ts";

const closed = { additionalProperties: false } as const;

/** Longest time of a maintenance permit, ms: seven days. */
export const LONGEST_PERMIT_MS = 7 * 24 * 60 * 60 * 1000;
/** Alarms that a digest names; beyond it they are counted only. */
export const DIGEST_ALARMS = 200;

const Areas = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  minItems: 1,
  maxItems: 50,
  description: "Space ids, each with all that lies below it.",
});
const Categories = Type.Array(AlarmCategory, { maxItems: 10, description: "Classes of alarms it is about." });
const Definitions = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  maxItems: 200,
  description: "Alarm definitions it is about.",
});

/** Asks for a maintenance permit. At least one class or one definition must be named; a panic alarm is never part of it. */
export const PermitRequest = Type.Object(
  {
    areas: Areas,
    categories: Type.Optional(Categories),
    definitions: Type.Optional(Definitions),
    from: Type.Optional(Type.String({ format: "date-time", maxLength: 40, description: "ISO 8601; now when absent." })),
    until: Type.String({
      format: "date-time",
      maxLength: 40,
      description: "ISO 8601; at most seven days after `from`.",
    }),
    reason: Type.String({ minLength: 1, maxLength: 500 }),
    workOrder: Type.Optional(Type.String({ maxLength: 100, description: "Number of the work order." })),
  },
  closed,
);
export type PermitRequest = Static<typeof PermitRequest>;

/** A decision about a permit. */
export const PermitDecision = Type.Object({ comment: Type.Optional(Type.String({ maxLength: 500 })) }, closed);
export type PermitDecision = Static<typeof PermitDecision>;

/** requested -> approved -> active -> ended; rejected, withdrawn and lapsed (nobody approved it in time) are ends before that. */
export const PermitStatus = Type.Enum(["requested", "approved", "active", "ended", "rejected", "withdrawn", "lapsed"]);
export type PermitStatus = Static<typeof PermitStatus>;

/** An alarm that a permit held back. */
export const HeldAlarm = Type.Object({
  alarm: Type.String(),
  occurrence: Type.Integer(),
  category: AlarmCategory,
  priority: AlarmPriority,
  area: Type.Optional(Type.String()),
  message: Type.String(),
  messageEn: Type.String(),
  raised: Type.Integer({ description: "How often it was raised meanwhile." }),
  active: Type.Boolean({ description: "Does its condition hold?" }),
});
export type HeldAlarm = Static<typeof HeldAlarm>;

/** What a permit holds or held back. */
export const PermitDigest = Type.Object({
  alarms: Type.Integer({ description: "How many different alarms." }),
  raised: Type.Integer({ description: "How often they were raised meanwhile." }),
  active: Type.Integer({ description: "How many of them still hold." }),
  items: Type.Array(HeldAlarm, { description: "Those that still hold first; of the others the newest." }),
});
export type PermitDigest = Static<typeof PermitDigest>;

/** A maintenance permit. */
export const PermitView = Type.Object({
  id: Type.String(),
  status: PermitStatus,
  areas: Type.Array(Type.String()),
  categories: Type.Array(AlarmCategory),
  definitions: Type.Array(Type.String()),
  from: Time,
  until: Time,
  reason: Type.String(),
  workOrder: Type.Optional(Type.String()),
  requestedBy: Type.String(),
  requestedAt: Time,
  decidedBy: Type.Optional(Type.String()),
  decidedAt: Type.Optional(Time),
  decision: Type.Optional(Type.String({ description: "What was said with the decision." })),
  startedAt: Type.Optional(Time),
  endedAt: Type.Optional(Time),
  endedBy: Type.Optional(Type.String({ description: "Absent: its time was over." })),
  digest: Type.Optional(PermitDigest),
});
export type PermitView = Static<typeof PermitView>;
