import { type Static, Type } from "typebox";
import { KpiFigures } from "./alarm-quality.ts";
import { AlarmView } from "./alarms.ts";
import { DoorView } from "./doors.ts";
import { Time } from "./http.ts";

const closed = { additionalProperties: false } as const;
const Id = Type.String({ minLength: 1, maxLength: 100 });

/** Local time of day, `HH:MM`. */
export const TimeOfDay = Type.String({ pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$", description: "HH:MM, local time." });

/** When shifts begin, in the time zone of the site. */
export const ShiftPlan = Type.Object({
  version: Type.Integer({ minimum: 0, description: "0: nobody has set one, these are the usual times." }),
  starts: Type.Array(TimeOfDay, { minItems: 1, maxItems: 6 }),
  timeZone: Type.String(),
  reason: Type.Optional(Type.String()),
  changedBy: Type.Optional(Type.String()),
  changedAt: Type.Optional(Time),
});
export type ShiftPlan = Static<typeof ShiftPlan>;

/** The shift that is on, and when shifts begin. */
export const ShiftNow = Type.Object({
  plan: Type.Pick(ShiftPlan, ["version", "starts", "timeZone"]),
  shift: Type.Object({ from: Time, to: Time }),
});
export type ShiftNow = Static<typeof ShiftNow>;

/** Other shift times. */
export const ShiftPlanChange = Type.Object(
  {
    version: Type.Integer({ minimum: 0, description: "Version that was looked at." }),
    starts: Type.Array(TimeOfDay, { minItems: 1, maxItems: 6, uniqueItems: true }),
    reason: Type.String({ minLength: 1, maxLength: 500 }),
  },
  closed,
);
export type ShiftPlanChange = Static<typeof ShiftPlanChange>;

const Handed = Type.Pick(AlarmView, [
  "id",
  "occurrence",
  "category",
  "priority",
  "state",
  "source",
  "area",
  "message",
  "messageEn",
  "raisedAt",
  "acknowledgedBy",
  "shelvedUntil",
  "shelvedOnce",
  "assignee",
  "permit",
]);

/** Some alarms of a state: the most pressing ones, and how many there are in all. */
const HandedAlarms = Type.Object({
  total: Type.Integer({ minimum: 0 }),
  items: Type.Array(Handed, { description: "The most urgent first, at most 200." }),
});

/** A permit that holds alarms back, as it is handed over. */
export const HandedPermit = Type.Object({
  id: Type.String(),
  reason: Type.String(),
  from: Time,
  until: Time,
  requestedBy: Type.String(),
});
export type HandedPermit = Static<typeof HandedPermit>;

/** A point that somebody has written and not given back. */
export const HandedOverride = Type.Object({
  point: Type.String(),
  name: Type.String(),
  nameEn: Type.String(),
  value: Type.Union([Type.String(), Type.Number(), Type.Boolean()]),
  by: Type.String(),
  at: Time,
});
export type HandedOverride = Static<typeof HandedOverride>;

/** What one shift leaves to the next. */
export const HandoverContent = Type.Object({
  at: Type.String({ format: "date-time", description: "When it was drawn up." }),
  open: HandedAlarms,
  shelved: HandedAlarms,
  outOfService: HandedAlarms,
  suppressed: HandedAlarms,
  permits: Type.Array(HandedPermit),
  overrides: Type.Array(HandedOverride),
  doors: Type.Array(Type.Pick(DoorView, ["id", "name", "nameEn", "state"]), {
    description: "Doors that are held open, blocked or locked down.",
  }),
  figures: KpiFigures,
});
export type HandoverContent = Static<typeof HandoverContent>;

/** Somebody's signature. */
export const Signature = Type.Object({ by: Type.String(), at: Time });
export type Signature = Static<typeof Signature>;

/** Who gave a draft up, and why. */
export const Discarded = Type.Object({ by: Type.String(), at: Time, reason: Type.String() });
export type Discarded = Static<typeof Discarded>;

/** A handover without what it holds. */
export const HandoverEntry = Type.Object({
  id: Type.String(),
  position: Type.Optional(Type.String({ description: "Operator position; the whole site when absent." })),
  shift: Type.Object({ from: Time, to: Time }),
  status: Type.Enum(["draft", "signed", "closed", "discarded"], {
    description: "signed: by the outgoing; closed: by both, never changed again; discarded: never signed, given up.",
  }),
  revision: Type.Integer(),
  draftedBy: Type.String(),
  createdAt: Time,
  outgoing: Type.Optional(Signature),
  incoming: Type.Optional(Signature),
  sha256: Type.Optional(Type.String({ description: "Over what both have signed." })),
  discarded: Type.Optional(Discarded),
});
export type HandoverEntry = Static<typeof HandoverEntry>;

/** A handover with what it holds. */
export const Handover = Type.Intersect([
  HandoverEntry,
  Type.Object({ notes: Type.String(), content: HandoverContent, whole: Type.Optional(Type.Boolean()) }),
]);
export type Handover = Static<typeof Handover>;

/** Draws up a handover of the shift that ends. */
export const HandoverDraft = Type.Object({ position: Type.Optional(Id) }, closed);
export type HandoverDraft = Static<typeof HandoverDraft>;

/** Other notes; what is open is looked up anew. */
export const HandoverChange = Type.Object(
  { revision: Type.Integer({ minimum: 1 }), notes: Type.String({ maxLength: 10_000 }) },
  closed,
);
export type HandoverChange = Static<typeof HandoverChange>;

/** The outgoing signs what he has seen. */
export const HandoverSign = Type.Object({ revision: Type.Integer({ minimum: 1 }) }, closed);

/** Gives up a draft that nobody has signed, so that its position is free for another. */
export const HandoverDiscard = Type.Object(
  { revision: Type.Integer({ minimum: 1 }), reason: Type.String({ minLength: 1, maxLength: 500 }) },
  closed,
);
export type HandoverDiscard = Static<typeof HandoverDiscard>;

/** The incoming signs: in his own session, or at the outgoing's workplace with name and password. */
export const HandoverConfirm = Type.Object(
  {
    revision: Type.Integer({ minimum: 1 }),
    username: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    password: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  },
  closed,
);
export type HandoverConfirm = Static<typeof HandoverConfirm>;
