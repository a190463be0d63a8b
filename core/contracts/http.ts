import { type Static, type TSchema, Type } from "typebox";
import { RuleOutcome, RunStepStatus } from "../linkage/rule.ts";
import {
  AlarmCategory,
  AlarmConditionState,
  AlarmPriority,
  AlarmTransition,
  Law,
  Suppression,
} from "../model/alarm.ts";
import { DoorOperation } from "../model/door.ts";
import { PointState } from "../model/point.ts";
import { Quality } from "../model/quality.ts";
import { Value } from "../model/sample.ts";

/** ISO 8601 UTC, milliseconds. */
export const Time = Type.String({ format: "date-time", description: "ISO 8601, UTC." });

/** RFC 9457 problem document with our stable code. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.Optional(Type.String()),
  code: Type.String(),
  errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
});
export type Problem = Static<typeof Problem>;

/** One page of a list. `nextCursor` is opaque and absent on the last page; `total` only with `count=true`. */
export const Page = <T extends TSchema>(item: T) =>
  Type.Object({
    items: Type.Array(item),
    nextCursor: Type.Optional(Type.String()),
    total: Type.Optional(Type.Integer()),
  });

export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  cursor: Type.Optional(Type.String({ maxLength: 500 })),
  count: Type.Optional(Type.Boolean()),
};

export const CurrentValue = Type.Object({
  value: Value,
  quality: Quality,
  reason: Type.Optional(Type.String()),
  sourceTime: Type.Optional(Time),
  observedAt: Type.Union([Time, Type.Null()], { description: "null: never observed." }),
});
export type CurrentValue = Static<typeof CurrentValue>;

export const PointView = Type.Object({
  id: Type.String(),
  device: Type.String(),
  gateway: Type.String(),
  protocol: Type.String(),
  name: Type.String(),
  nameEn: Type.String(),
  kind: Type.Enum(["number", "boolean", "enum", "string"]),
  unit: Type.Union([Type.String(), Type.Null()]),
  states: Type.Optional(Type.Array(PointState)),
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
  precision: Type.Optional(Type.Integer()),
  space: Type.String(),
  equip: Type.Optional(Type.String()),
  tags: Type.Array(Type.String()),
  writable: Type.Boolean(),
  confirm: Type.Optional(Type.Boolean()),
  revision: Type.Integer(),
  current: CurrentValue,
});
export type PointView = Static<typeof PointView>;

export const DeviceView = Type.Object({
  id: Type.String(),
  gateway: Type.String(),
  protocol: Type.String(),
  kind: Type.String(),
  name: Type.String(),
  nameEn: Type.String(),
  space: Type.String(),
  online: Type.Boolean(),
  reason: Type.Optional(Type.String()),
  since: Type.Optional(Time),
  points: Type.Integer({ description: "How many points it has." }),
});
export type DeviceView = Static<typeof DeviceView>;

/** A video clip kept with an alarm. Times are the gateway's. */
export const ClipView = Type.Object({
  url: Type.String(),
  state: Type.Enum(["coming", "here", "expired"], {
    description:
      "coming: the gateway has yet to bring its bytes; expired: its bytes were removed by the retention rules.",
  }),
  sha256: Type.String(),
  bytes: Type.Integer(),
  camera: Type.String(),
  startedAt: Time,
  endedAt: Time,
  triggerAt: Time,
  timeBase: Type.Enum(["rtcp", "arrival"]),
  width: Type.Integer(),
  height: Type.Integer(),
  frames: Type.Integer(),
  missing: Type.Optional(Type.String()),
});
export type ClipView = Static<typeof ClipView>;

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

export const AlarmDetail = Type.Intersect([AlarmView, Type.Object({ journal: Type.Array(JournalEntry) })]);
export type AlarmDetail = Static<typeof AlarmDetail>;

const closed = { additionalProperties: false } as const;
/** A request to act on an alarm. An older occurrence is refused with 409 ALARM_OCCURRENCE_STALE. */
export const AlarmAct = Type.Object(
  {
    occurrence: Type.Integer({ minimum: 1 }),
    comment: Type.Optional(Type.String({ maxLength: 500 })),
    idempotencyKey: Type.Optional(Type.String({ maxLength: 64 })),
    minutes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1440,
        description: "For shelve: how long; 60 when absent, with `once` at the latest, 1440 when absent.",
      }),
    ),
    once: Type.Optional(Type.Boolean({ description: "For shelve: until it next returns to normal. [AL-10]" })),
    station: Type.Optional(Type.String({ maxLength: 64, description: "The workplace it is done at. [AL-02]" })),
  },
  closed,
);
export type AlarmAct = Static<typeof AlarmAct>;

export const CommandRequest = Type.Union([
  Type.Object(
    {
      point: Type.String(),
      value: Value,
      priority: Type.Optional(Type.Integer({ minimum: 1, maximum: 16 })),
      reason: Type.Optional(Type.String({ maxLength: 500 })),
      expiresInMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000, description: "30000 when absent." })),
      idempotencyKey: Type.Optional(
        Type.String({ minLength: 1, maxLength: 64, description: "The same key acts once." }),
      ),
    },
    closed,
  ),
  Type.Object(
    {
      device: Type.String(),
      action: Type.String(),
      params: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]))),
      reason: Type.Optional(Type.String({ maxLength: 500 })),
      expiresInMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
      idempotencyKey: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    },
    closed,
  ),
]);
export type CommandRequest = Static<typeof CommandRequest>;

export const CommandView = Type.Object({
  id: Type.String(),
  status: Type.Enum(["pending", "sent", "done", "rejected", "expired", "timeout", "failed"]),
  point: Type.Optional(Type.String()),
  device: Type.Optional(Type.String()),
  action: Type.Optional(Type.String()),
  value: Type.Optional(Value),
  priority: Type.Optional(Type.Integer()),
  code: Type.Optional(Type.String()),
  message: Type.Optional(Type.String()),
  readBack: Type.Optional(Value),
  blob: Type.Optional(Type.String({ description: "URL of what the action produced, e.g. a discovery." })),
  reason: Type.Optional(Type.String()),
  requestedBy: Type.String(),
  createdAt: Time,
  expiresAt: Time,
  finishedAt: Type.Optional(Time),
});
export type CommandView = Static<typeof CommandView>;

export const RunView = Type.Object({
  id: Type.String(),
  rule: Type.String(),
  alarm: Type.Optional(Type.String()),
  ranOn: Type.String(),
  outcome: RuleOutcome,
  reason: Type.Optional(Type.String()),
  startedAt: Time,
  finishedAt: Time,
  steps: Type.Array(
    Type.Object({
      action: Type.String(),
      target: Type.Optional(Type.String()),
      status: RunStepStatus,
      startedAt: Time,
      finishedAt: Time,
      detail: Type.Optional(Type.String()),
      snapshot: Type.Optional(Type.String({ description: "URL of what the step produced." })),
      clip: Type.Optional(ClipView),
    }),
  ),
});
export type RunView = Static<typeof RunView>;

const position = Type.Object({ epoch: Type.String(), offset: Type.Integer() });
export const GapView = Type.Object({
  lane: Type.Enum(["events", "telemetry", "ledger"]),
  epoch: Type.String(),
  from: Type.Integer(),
  to: Type.Integer(),
  reason: Type.String(),
  at: Type.Optional(Type.String({ format: "date-time", description: "When it was told." })),
});
export const GatewayView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  nameEn: Type.String(),
  online: Type.Boolean(),
  lastSeenAt: Type.Union([Time, Type.Null()]),
  configVersion: Type.Integer(),
  configWanted: Type.Integer(),
  configErrors: Type.Array(Type.String()),
  backlog: Type.Object({ telemetry: Type.Integer(), events: Type.Integer() }),
  drain: Type.Optional(
    Type.Object({
      bytes: Type.Integer({ description: "What waits in the gateway's outbox." }),
      oldestAt: Type.Union([Time, Type.Null()], {
        description: "When the oldest of it was seen; null: nothing waits.",
      }),
      perS: Type.Number({ description: "Values acknowledged a second." }),
      doneInS: Type.Union([Type.Number(), Type.Null()], {
        description: "Seconds until what waited before the connection is here; null when that cannot be said.",
      }),
    }),
  ),
  acked: Type.Object({ telemetry: Type.Union([position, Type.Null()]), events: Type.Union([position, Type.Null()]) }),
  gaps: Type.Array(GapView),
  quarantined: Type.Integer(),
});
export type GatewayView = Static<typeof GatewayView>;

/** Proof of completeness: per lane and epoch which offsets are stored. Complete when `missing` and `gaps` are empty. */
export const Completeness = Type.Object({
  gateway: Type.String(),
  lanes: Type.Array(
    Type.Object({
      lane: Type.Enum(["events", "telemetry", "ledger"]),
      epoch: Type.String(),
      from: Type.Integer(),
      upTo: Type.Integer({ description: "Highest offset seen." }),
      stored: Type.Integer({ description: "Different offsets stored." }),
      duplicates: Type.Integer({ description: "Offered again and ignored." }),
      missing: Type.Array(Type.Object({ from: Type.Integer(), to: Type.Integer() })),
      gaps: Type.Array(GapView),
    }),
  ),
});
export type Completeness = Static<typeof Completeness>;

/** A door and how it stands. `state` is its DoorMode. */
export const DoorView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  nameEn: Type.String(),
  space: Type.String(),
  device: Type.String(),
  escape: Type.Boolean(),
  camera: Type.Optional(Type.String()),
  preset: Type.Optional(Type.String()),
  online: Type.Boolean(),
  state: Type.Union([Type.String(), Type.Null()], { description: "ONVIF DoorMode; null: never heard." }),
  open: Type.Union([Type.Boolean(), Type.Null()], { description: "Is the leaf open? null: unknown." }),
  alarm: Type.Union([Type.String(), Type.Null()], { description: "ONVIF DoorAlarmState; null: unknown." }),
  quality: Quality,
  since: Type.Optional(Time),
});
export type DoorView = Static<typeof DoorView>;

/** What is asked of a door. */
export const DoorRequest = Type.Object(
  {
    operation: DoorOperation,
    reason: Type.Optional(Type.String({ maxLength: 500 })),
    idempotencyKey: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  },
  closed,
);
export type DoorRequest = Static<typeof DoorRequest>;

/** A device event as listed: card read, motion, panel event. */
export const DeviceEventView = Type.Object({
  id: Type.String(),
  device: Type.String(),
  kind: Type.String(),
  state: Type.Optional(Type.Boolean()),
  sourceTime: Type.Optional(Time),
  observedAt: Time,
  data: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]))),
});
export type DeviceEventView = Static<typeof DeviceEventView>;

/** A certificate that a gateway's channel knows. */
export const CertificateView = Type.Object({
  gateway: Type.String(),
  channel: Type.String(),
  thumbprint: Type.String(),
  subject: Type.String(),
  issuer: Type.String(),
  applicationUri: Type.Optional(Type.String()),
  notBefore: Time,
  notAfter: Time,
  trust: Type.Enum(["own", "trusted", "rejected"]),
});
export type CertificateView = Static<typeof CertificateView>;

export const AuditEntry = Type.Object({
  seq: Type.Integer(),
  at: Time,
  actor: Type.String(),
  action: Type.String(),
  target: Type.Optional(Type.String()),
  result: Type.Enum(["ok", "refused", "failed"]),
  detail: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  ip: Type.Optional(Type.String()),
  prevHash: Type.String(),
  hash: Type.String(),
});
export type AuditEntry = Static<typeof AuditEntry>;
