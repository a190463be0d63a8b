import { type Static, Type } from "typebox";
import { Run } from "../linkage/rule.ts";
import { Alarm, AlarmTransition } from "../model/alarm.ts";
import { FieldCertificate } from "../model/certificate.ts";
import { CommandResult } from "../model/command.ts";
import { DeviceEvent } from "../model/event.ts";

/** Store-and-forward lanes. `events` is never trimmed unacked; `telemetry` drops its oldest at the cap and says so; `ledger` is droppable with a gap. */
export const Lane = Type.Enum(["events", "telemetry", "ledger"]);
export type Lane = Static<typeof Lane>;

const offset = Type.Integer({ minimum: 0, description: "Position in the lane, per gateway and epoch." });
const at = Type.Integer({ description: "When it was written into the lane, Unix ms." });

export const AlarmItem = Type.Object({
  offset,
  at,
  kind: Type.Literal("alarm"),
  transition: AlarmTransition,
  alarm: Alarm,
  actor: Type.Optional(Type.String()),
  comment: Type.Optional(Type.String()),
});
export type AlarmItem = Static<typeof AlarmItem>;

/** The alarms that are open at the gateway when its process begins or its records were put back: those and no others. */
export const OpenAlarmsItem = Type.Object({
  offset,
  at,
  kind: Type.Literal("openAlarms"),
  alarms: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 10_000 }),
});
export type OpenAlarmsItem = Static<typeof OpenAlarmsItem>;

export const DeviceEventItem = Type.Object({ offset, at, kind: Type.Literal("deviceEvent"), event: DeviceEvent });
export type DeviceEventItem = Static<typeof DeviceEventItem>;

export const CommandResultItem = Type.Object({
  offset,
  at,
  kind: Type.Literal("commandResult"),
  result: CommandResult,
});
export type CommandResultItem = Static<typeof CommandResultItem>;

export const RunItem = Type.Object({ offset, at, kind: Type.Literal("run"), run: Run });
export type RunItem = Static<typeof RunItem>;

/** A picture that belongs to an alarm. The bytes follow by HTTP (blobs); this says that they exist. */
export const SnapshotItem = Type.Object({
  offset,
  at,
  kind: Type.Literal("snapshot"),
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  bytes: Type.Integer({ minimum: 1 }),
  contentType: Type.String(),
  camera: Type.String(),
  takenAt: Type.Integer(),
  alarm: Type.Optional(Type.String()),
  occurrence: Type.Optional(Type.Integer()),
  run: Type.Optional(Type.String()),
});
export type SnapshotItem = Static<typeof SnapshotItem>;

/**
 * A video clip around an alarm, H.264 in MP4. The bytes follow by HTTP (blobs). Written when the clip is finished; its picture at
 * `triggerAt` is what was to be kept.
 */
export const ClipItem = Type.Object({
  offset,
  at,
  kind: Type.Literal("clip"),
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  bytes: Type.Integer({ minimum: 1 }),
  contentType: Type.String(),
  camera: Type.String(),
  startedAt: Type.Integer({ description: "Time of the first picture, Unix ms by the gateway's clock." }),
  endedAt: Type.Integer({ description: "Time of the last picture, Unix ms." }),
  triggerAt: Type.Integer({ description: "When it was asked for, Unix ms." }),
  timeBase: Type.Enum(["rtcp", "arrival"], {
    description: "rtcp: times follow the camera's sender reports; arrival: when the gateway received the picture.",
  }),
  width: Type.Integer(),
  height: Type.Integer(),
  frames: Type.Integer({ minimum: 1 }),
  missing: Type.Optional(Type.String({ description: "What of the wanted time is not in it, and why." })),
  alarm: Type.Optional(Type.String()),
  occurrence: Type.Optional(Type.Integer()),
  run: Type.Optional(Type.String()),
});
export type ClipItem = Static<typeof ClipItem>;

/** The certificates that a channel knows; replaces what was known of it. */
export const CertificatesItem = Type.Object({
  offset,
  at,
  kind: Type.Literal("certificates"),
  channel: Type.String(),
  certificates: Type.Array(FieldCertificate),
});
export type CertificatesItem = Static<typeof CertificatesItem>;

/** Something of a lane will never come: dropped at the cap, or lost with a broken file. */
export const GapItem = Type.Object({
  offset,
  at,
  kind: Type.Literal("gap"),
  lane: Lane,
  epoch: Type.String(),
  from: Type.Integer(),
  to: Type.Integer(),
  reason: Type.String({ description: "cap, diskFull, corrupt, restored ..." }),
});
export type GapItem = Static<typeof GapItem>;

export const ConfigAppliedItem = Type.Object({
  offset,
  at,
  kind: Type.Literal("configApplied"),
  version: Type.Integer(),
  errors: Type.Array(Type.String()),
});
export type ConfigAppliedItem = Static<typeof ConfigAppliedItem>;

/** A linkage action for the console that a gateway planned: a popup, a text. */
export const NotifyItem = Type.Object({
  offset,
  at,
  kind: Type.Literal("notify"),
  text: Type.String(),
  textEn: Type.String(),
  popup: Type.Boolean(),
  camera: Type.Optional(Type.String()),
  alarm: Type.Optional(Type.String()),
  rule: Type.Optional(Type.String()),
});
export type NotifyItem = Static<typeof NotifyItem>;

/** Every kind a lane may carry today. A gateway that is newer may send others: they are quarantined one by one. */
export const LaneItem = Type.Union([
  AlarmItem,
  OpenAlarmsItem,
  DeviceEventItem,
  CommandResultItem,
  RunItem,
  SnapshotItem,
  ClipItem,
  CertificatesItem,
  GapItem,
  ConfigAppliedItem,
  NotifyItem,
]);
export type LaneItem = Static<typeof LaneItem>;

/** What a writer hands to a lane: the outbox adds `offset` and `at`. */
export type LaneRecord = LaneItem extends infer I ? (I extends LaneItem ? Omit<I, "offset" | "at"> : never) : never;

/** An event batch on `parkhub/v1/<site>/<gateway>/events`. Items are checked one by one: unknown fields are kept and ignored. */
export const EventBatch = Type.Object({
  v: Type.Literal(1),
  lane: Type.Enum(["events", "ledger"]),
  epoch: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  firstOffset: offset,
  lastOffset: offset,
  items: Type.Array(Type.Object({ offset, at, kind: Type.String() })),
});
export type EventBatch = Static<typeof EventBatch>;

/** The cloud's cumulative acknowledgement on `parkhub/v1/<site>/<gateway>/ack`: everything up to and with `upTo` is stored. */
export const Ack = Type.Object({
  lane: Lane,
  epoch: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  upTo: Type.Integer({ minimum: 0 }),
  hello: Type.Optional(
    Type.Boolean({
      description:
        "The answer to a birth, before anything of this connection was looked at: what the cloud had before it. " +
        "Beyond what the outbox has published, it tells of another copy of it.",
    }),
  ),
});
export type Ack = Static<typeof Ack>;

/** Retained on `parkhub/v1/<site>/<gateway>/config`: which bundle the gateway shall run. */
export const ConfigNotice = Type.Object({
  version: Type.Integer({ minimum: 1 }),
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  url: Type.String({
    description: "Path of the bundle below the cloud's HTTP address; fetched with the gateway's credential.",
  }),
});
export type ConfigNotice = Static<typeof ConfigNotice>;
