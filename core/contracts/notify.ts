import { type Static, Type } from "typebox";
import { AlarmCategory, AlarmPriority, Law } from "../model/alarm.ts";
import { IdPart } from "../model/site.ts";
import { NotifyChannel } from "./notify-channel.ts";

/*
 * Who is told of alarms, when and how. Every object is kept in versions; the API answers it with `Kept` around it.
 */

const closed = { additionalProperties: false } as const;
const Id = Type.String({ ...IdPart });
const Name = Type.String({ minLength: 1, maxLength: 100 });
const Ids = (maxItems: number, description: string) =>
  Type.Array(Type.String({ ...IdPart }), { maxItems, uniqueItems: true, description });

/** Language of a message. */
export const NotifyLanguage = Type.Enum(["zh-CN", "en"]);
export type NotifyLanguage = Static<typeof NotifyLanguage>;

/** Longest time that an alarm may stay unacknowledged before it is told further, minutes. */
export const MOST_ESCALATE_MINUTES = 1440;
const EscalateMinutes = Type.Optional(Type.Integer({ minimum: 0, maximum: MOST_ESCALATE_MINUTES }));

/** After how many minutes an unacknowledged alarm of a priority is told further. */
export const PositionEscalation = Type.Object(
  { urgent: EscalateMinutes, high: EscalateMinutes, medium: EscalateMinutes, low: EscalateMinutes },
  {
    ...closed,
    description:
      "By priority; a priority that is not named has the time of the hub (urgent 3, high 10, medium 60, low never). 0: never; " +
      "under the security law it counts as not named. Of several positions that look after an alarm the shortest time holds.",
  },
);
export type PositionEscalation = Static<typeof PositionEscalation>;

/** An operator position: who sits there looks after these alarms. */
export const NotifyPosition = Type.Object(
  {
    name: Name,
    nameEn: Name,
    areas: Ids(200, "Spaces with all that lies below them; none: the whole site."),
    categories: Type.Array(AlarmCategory, { maxItems: 10, uniqueItems: true, description: "None: all." }),
    escalateMinutes: Type.Optional(PositionEscalation),
  },
  closed,
);
export type NotifyPosition = Static<typeof NotifyPosition>;

/** Somebody who can be told. */
export const NotifyContact = Type.Object(
  {
    name: Name,
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "Name of the hub's user, if one." })),
    language: NotifyLanguage,
    email: Type.Optional(Type.String({ maxLength: 254, pattern: '^[^\\s@<>,;:"]+@[^\\s@<>,;:"]+$' })),
    phone: Type.Optional(Type.String({ pattern: "^\\+?[0-9][0-9 -]{2,30}$", maxLength: 32 })),
    chatIds: Type.Optional(
      Type.Object(
        {
          wecom: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
          dingtalk: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
          feishu: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
        },
        { ...closed, description: "Names in enterprise chats, to be mentioned there." },
      ),
    ),
    groups: Ids(20, "Groups that the contact belongs to; a rule may name a group."),
  },
  closed,
);
export type NotifyContact = Static<typeof NotifyContact>;

const WallTime = Type.String({ pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$", description: "hh:mm by the site's clock." });
const Weekdays = Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
  minItems: 1,
  maxItems: 7,
  uniqueItems: true,
  description: "1 is Monday. [ISO 8601]",
});
const WallMoment = Type.String({
  pattern: "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]$",
  description: "yyyy-mm-ddThh:mm by the site's clock.",
});

/** A time of day on some days of the week; with `to` not after `from` it ends on the next day. */
export const WeeklyTime = Type.Object({ days: Weekdays, from: WallTime, to: WallTime }, closed);
export type WeeklyTime = Static<typeof WeeklyTime>;

/** Who is on call for a position: the rota of the position with the same id. */
export const NotifyRota = Type.Object(
  {
    slots: Type.Array(
      Type.Object(
        { days: Weekdays, from: WallTime, to: WallTime, contacts: Ids(10, "All of them are on call.") },
        closed,
      ),
      { maxItems: 100 },
    ),
    overrides: Type.Array(
      Type.Object(
        {
          from: WallMoment,
          to: WallMoment,
          contacts: Ids(10, "In place of the week's; none: nobody."),
          reason: Type.Optional(Type.String({ maxLength: 200 })),
        },
        closed,
      ),
      { maxItems: 200, description: "For dates. The last one that holds wins." },
    ),
    otherwise: Ids(10, "Who is on call when no slot holds."),
  },
  closed,
);
export type NotifyRota = Static<typeof NotifyRota>;

/** What of an alarm is told. `raised` includes its return from suppression while it holds, and its being alarmed anew. */
export const NotifyOn = Type.Enum(["raised", "escalated", "cleared", "acknowledged", "permitDigest"]);
export type NotifyOn = Static<typeof NotifyOn>;

/** Who is told. */
export const NotifyTarget = Type.Union([
  Type.Object({ type: Type.Literal("onCall"), position: Id }, closed),
  Type.Object({ type: Type.Literal("contact"), contact: Id }, closed),
  Type.Object({ type: Type.Literal("group"), group: Id }, closed),
]);
export type NotifyTarget = Static<typeof NotifyTarget>;

/** One step of a rule. */
export const NotifyStep = Type.Object(
  {
    afterMinutes: Type.Integer({ minimum: 0, maximum: 1440, description: "After the alarm; from the step before on." }),
    to: Type.Array(NotifyTarget, {
      maxItems: 20,
      description: "Channels without a recipient (chat groups, webhooks) need none; whoever is named is mentioned.",
    }),
    channels: Type.Array(Type.String({ ...IdPart }), {
      minItems: 1,
      maxItems: 5,
      uniqueItems: true,
      description: "The first by which the recipient can be reached; the next ones only when it has failed.",
    }),
  },
  closed,
);
export type NotifyStep = Static<typeof NotifyStep>;

/** Which alarms of a position are told to whom, and until when. */
export const NotifyRule = Type.Object(
  {
    name: Name,
    position: Id,
    enabled: Type.Boolean(),
    on: Type.Array(NotifyOn, { minItems: 1, maxItems: 5, uniqueItems: true }),
    laws: Type.Array(Law, { maxItems: 2, uniqueItems: true, description: "None: both." }),
    categories: Type.Array(AlarmCategory, {
      maxItems: 10,
      uniqueItems: true,
      description: "None: all of the position.",
    }),
    priorities: Type.Array(AlarmPriority, { maxItems: 4, uniqueItems: true, description: "None: all." }),
    steps: Type.Array(NotifyStep, {
      minItems: 1,
      maxItems: 10,
      description: "In order of their times. Those after 0 minutes are taken until the alarm is acknowledged.",
    }),
    quietHours: Type.Array(WeeklyTime, {
      maxItems: 20,
      description: "Waits until they are over. Never for alarms of the security law, never for urgent ones.",
    }),
    groupSeconds: Type.Integer({
      minimum: 0,
      maximum: 3600,
      description:
        "After a message the next alarms wait so long and go as one; 0: each by itself. At most 60 for the security law, whose first alarm never waits.",
    }),
    tooLateMinutes: Type.Integer({
      minimum: 1,
      maximum: 10080,
      description: "An alarm that becomes known later is not told any more; at least a day for the security law.",
    }),
    stopWhenCleared: Type.Boolean({
      description: "No further steps once a facility alarm has cleared. Security alarms are told until acknowledged.",
    }),
  },
  closed,
);
export type NotifyRule = Static<typeof NotifyRule>;

/** What is kept in versions. */
export const NotifyKind = Type.Enum(["positions", "contacts", "rotas", "channels", "rules"]);
export type NotifyKind = Static<typeof NotifyKind>;

/** The schema of each kind. */
export const NOTIFY_SCHEMAS = {
  positions: NotifyPosition,
  contacts: NotifyContact,
  rotas: NotifyRota,
  channels: NotifyChannel,
  rules: NotifyRule,
} as const;

/** The object of each kind. */
export interface NotifyObjects {
  readonly positions: NotifyPosition;
  readonly contacts: NotifyContact;
  readonly rotas: NotifyRota;
  readonly channels: NotifyChannel;
  readonly rules: NotifyRule;
}

/** One version of an object as it was written. */
export const NotifyVersion = Type.Object({
  kind: NotifyKind,
  id: Type.String(),
  version: Type.Integer(),
  document: Type.Union([Type.Unknown(), Type.Null()], { description: "null: it was removed." }),
  by: Type.String(),
  why: Type.Optional(Type.String()),
  at: Type.String({ format: "date-time" }),
});
export type NotifyVersion = Static<typeof NotifyVersion>;

/** Who is on call at a position at a moment. */
export const OnCallView = Type.Object({
  position: Type.String(),
  name: Type.String(),
  nameEn: Type.String(),
  contacts: Type.Array(Type.Object({ id: Type.String(), name: Type.String() })),
  until: Type.Optional(
    Type.String({ format: "date-time", description: "When it changes; absent: not within 8 days." }),
  ),
});
export type OnCallView = Static<typeof OnCallView>;

/** How a delivery stands. `tooLate`: was known too late and never sent. `skipped`: nobody could be reached by it. */
export const DeliveryStatus = Type.Enum(["queued", "sent", "givenUp", "tooLate", "skipped"]);
export type DeliveryStatus = Static<typeof DeliveryStatus>;

/** One message of the ledger. */
export const DeliveryView = Type.Object({
  id: Type.String(),
  status: DeliveryStatus,
  transition: Type.String({ description: "NotifyOn, or `test`." }),
  step: Type.Integer(),
  rule: Type.Optional(Type.String()),
  channel: Type.Optional(Type.String()),
  recipient: Type.String({ description: "Contact id, or `channel:<id>` for a chat group or webhook." }),
  title: Type.String(),
  text: Type.String(),
  alarms: Type.Integer({ description: "How many alarms the message tells of." }),
  alarm: Type.Optional(Type.String({ description: "The first of them." })),
  attempts: Type.Integer(),
  reason: Type.Optional(Type.String({ description: "Code and text of the last failure." })),
  createdAt: Type.String({ format: "date-time" }),
  finishedAt: Type.Optional(Type.String({ format: "date-time" })),
});
export type DeliveryView = Static<typeof DeliveryView>;

/** How a test message went. */
export const NotifyTestResult = Type.Object({
  delivery: Type.String(),
  sent: Type.Boolean(),
  reason: Type.Optional(Type.String()),
});
export type NotifyTestResult = Static<typeof NotifyTestResult>;
