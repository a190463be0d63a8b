import { type Static, Type } from "typebox";
import {
  AlarmCategory,
  AlarmConditionState,
  AlarmPriority,
  AlarmTransition,
  Law,
  Suppression,
} from "../model/alarm.ts";
import { Value } from "../model/sample.ts";
import { ClipView } from "./clips.ts";
import { Time } from "./http.ts";

/** An alarm as listed. `state` is the state of ISA-18.2; `raisedAt` is the time where it was seen, `receivedAt` the time at which it was minted. */
export const AlarmView = Type.Object({
  id: Type.String(),
  occurrence: Type.Integer(),
  law: Law,
  category: AlarmCategory,
  priority: AlarmPriority,
  condition: AlarmConditionState,
  live: Type.Boolean(),
  acknowledged: Type.Boolean(),
  suppression: Type.Array(Suppression),
  state: Type.Enum(["A", "B", "C", "D", "E", "F", "G", "latched"]),
  stale: Type.Boolean(),
  definition: Type.String(),
  gateway: Type.Optional(Type.String()),
  source: Type.String(),
  point: Type.Optional(Type.String()),
  device: Type.Optional(Type.String()),
  zone: Type.Optional(Type.String()),
  area: Type.Optional(Type.String()),
  message: Type.String(),
  messageEn: Type.String(),
  response: Type.Optional(Type.String()),
  responseEn: Type.Optional(Type.String()),
  value: Type.Optional(Value),
  raisedAt: Time,
  receivedAt: Time,
  clearedAt: Type.Optional(Time),
  acknowledgedAt: Type.Optional(Time),
  acknowledgedBy: Type.Optional(Type.String()),
  resetAt: Type.Optional(Time),
  resetBy: Type.Optional(Type.String()),
  shelvedUntil: Type.Optional(Time),
  shelvedOnce: Type.Optional(
    Type.Boolean({ description: "Shelved until it next returns to normal, at the latest until `shelvedUntil`." }),
  ),
  assignee: Type.Optional(Type.String({ description: "User who looks after it." })),
  escalatedAt: Type.Optional(Type.String({ format: "date-time", description: "Nobody acknowledged it in time." })),
  cause: Type.Optional(Type.String({ description: "Id of the alarm that it comes from." })),
  permit: Type.Optional(Type.String({ description: "Id of the maintenance permit that holds it back." })),
  latching: Type.Optional(Type.Boolean({ description: "Must be reset although it obeys the facility law." })),
  firstOut: Type.Optional(Type.Boolean({ description: "The first of its group to come." })),
  suppressedBy: Type.Optional(Type.Array(Type.String(), { description: "Rules that suppress it by design now." })),
  reAlarms: Type.Optional(Type.Integer({ description: "How often it was announced anew while active." })),
  snapshots: Type.Array(Type.String(), { description: "URLs of pictures kept with the alarm." }),
  clips: Type.Array(ClipView, { description: "Video kept with the alarm." }),
  runs: Type.Array(Type.String(), { description: "Ids of the linkage runs it started." }),
});
export type AlarmView = Static<typeof AlarmView>;

/** One transition of an alarm, as its detail shows it. */
export const JournalEntry = Type.Object({
  id: Type.String(),
  alarm: Type.String(),
  occurrence: Type.Integer(),
  transition: AlarmTransition,
  at: Time,
  receivedAt: Time,
  actor: Type.Optional(Type.String()),
  station: Type.Optional(Type.String({ description: "Workplace at which somebody acted." })),
  comment: Type.Optional(Type.String()),
});
export type JournalEntry = Static<typeof JournalEntry>;

/** An alarm with all that happened to it. */
export const AlarmDetail = Type.Intersect([AlarmView, Type.Object({ journal: Type.Array(JournalEntry) })]);
export type AlarmDetail = Static<typeof AlarmDetail>;
