import { type Static, Type } from "typebox";
import { AlarmCategory, AlarmPriority, Law } from "../model/alarm.ts";
import { Time } from "./http.ts";

const closed = { additionalProperties: false } as const;
const Count = Type.Integer({ minimum: 0 });
const Percent = Type.Number({ minimum: 0, maximum: 100, description: "0 to 100." });
const Name = Type.String({ maxLength: 300 });

/** What the key figures are split by. */
export const KpiSplit = Type.Enum(["hour", "shift", "day", "month", "area", "law", "category", "priority", "position"]);
export type KpiSplit = Static<typeof KpiSplit>;

/** How long it took until somebody acknowledged. */
export const AcknowledgeTimes = Type.Object({
  count: Count,
  medianMs: Type.Union([Type.Number(), Type.Null()], { description: "null: nothing was acknowledged." }),
  p95Ms: Type.Union([Type.Number(), Type.Null()]),
});
export type AcknowledgeTimes = Static<typeof AcknowledgeTimes>;

const perPriority = <T extends Parameters<typeof Type.Object>[0][string]>(schema: T) =>
  Type.Object({ urgent: schema, high: schema, medium: schema, low: schema });

/**
 * Key figures of one period and one part of the alarms. Suppressed and shelved alarms and what only goes into the journal do
 * not count. Names follow AlarmMetricsType where it has them. @see OPC 10000-9 4.8, ISA-18.2 clause 16
 */
export const KpiFigures = Type.Object({
  alarmCount: Type.Integer({ minimum: 0, description: "Annunciated alarms [AlarmCount]." }),
  averageAlarmRate: Type.Number({ description: "Annunciated alarms in ten minutes, mean [AverageAlarmRate]." }),
  maximumAlarmRate: Type.Integer({ description: "Most in one period of ten minutes by the clock [MaximumAlarmRate]." }),
  perHour: Type.Number(),
  perDay: Type.Number(),
  bucketsOver10Percent: Percent,
  hoursOver30Percent: Percent,
  floodPercent: Percent,
  floodCount: Count,
  top10Percent: Type.Number({ description: "Share of the ten most frequent alarms in the load, 0 to 100." }),
  chatteringCount: Type.Integer({ minimum: 0, description: "Alarms that came three times within one minute." }),
  fleetingCount: Type.Integer({ minimum: 0, description: "Occurrences that were gone within one minute." }),
  staleCount: Type.Integer({ minimum: 0, description: "Most alarms active for more than 24 h on any one day." }),
  priority: perPriority(Count),
  acknowledge: AcknowledgeTimes,
  acknowledgeByPriority: perPriority(AcknowledgeTimes),
  shelvedCount: Type.Integer({ minimum: 0, description: "Alarms that were shelved in the period." }),
  shelvedOldestMs: Type.Union([Type.Number(), Type.Null()], {
    description: "Age of the oldest shelving that lasts at the end; null when none.",
  }),
  unauthorisedCount: Type.Integer({ minimum: 0, description: "Shelved or out of service and nobody is named for it." }),
  maximumActiveStateMs: Type.Number({ description: "Longest time active [MaximumActiveState]." }),
  maximumUnAckMs: Type.Number({ description: "Longest time unacknowledged [MaximumUnAck]." }),
  maximumReAlarmCount: Type.Integer({
    minimum: 0,
    description: "Most re-alarms of one occurrence [MaximumReAlarmCount].",
  }),
});
export type KpiFigures = Static<typeof KpiFigures>;

/** What a figure should be, and who says so. */
export const KpiTarget = Type.Object({
  figure: Type.String({ description: "Name in KpiFigures; `priority.low` for a part of it." }),
  target: Type.Number({ description: "Good up to here; for `atLeast` from here." }),
  limit: Type.Optional(Type.Number({ description: "Bad beyond here; beyond the target when absent." })),
  sense: Type.Enum(["atMost", "below", "atLeast"]),
  unit: Type.Enum(["count", "percent"]),
  source: Type.String(),
});
export type KpiTarget = Static<typeof KpiTarget>;

/** One part of the split. */
export const KpiGroup = Type.Object({
  key: Type.String({ description: "Beginning of the period in ISO 8601, or the id of the part; empty: in no space." }),
  from: Time,
  to: Time,
  figures: KpiFigures,
});
export type KpiGroup = Static<typeof KpiGroup>;

/** Key figures of a period. */
export const KpiView = Type.Object({
  from: Time,
  to: Time,
  timeZone: Type.String(),
  by: KpiSplit,
  total: KpiFigures,
  groups: Type.Array(KpiGroup),
  targets: Type.Array(KpiTarget),
  rates: Type.Object(
    {
      bucketMs: Type.Integer(),
      buckets: Type.Array(Type.Object({ t: Time, count: Count })),
      floods: Type.Array(Type.Object({ from: Time, to: Type.Union([Time, Type.Null()]), count: Count, peak: Count })),
    },
    { description: "Annunciated alarms by the clock; only buckets with any. Floods of the chosen part." },
  ),
});
export type KpiView = Static<typeof KpiView>;

/** What may be asked of one definition to make it quieter. */
export const ProposalKind = Type.Enum(["onDelay", "offDelay", "deadband"]);
export type ProposalKind = Static<typeof ProposalKind>;

/** A change that would quieten a bad actor. */
export const Proposal = Type.Object({
  kind: ProposalKind,
  value: Type.Number({ description: "Milliseconds for delays, the point's unit for a deadband." }),
  because: Type.Enum(["chattering", "fleeting"]),
  basis: Type.Object({ samples: Count, p90Ms: Type.Number() }, { description: "What it was derived from." }),
});
export type Proposal = Static<typeof Proposal>;

/** What somebody decided about a proposal. */
export const ProposalDecision = Type.Object({
  definition: Type.String(),
  kind: ProposalKind,
  value: Type.Number(),
  decision: Type.Enum(["accepted", "dismissed"]),
  reason: Type.String(),
  by: Type.String(),
  at: Time,
  pending: Type.Optional(Type.Boolean({ description: "The change waits for a second person." })),
});
export type ProposalDecision = Static<typeof ProposalDecision>;

/** An alarm that loads the operators more than it should. */
export const BadActor = Type.Object({
  definition: Type.String(),
  source: Type.String(),
  law: Law,
  category: AlarmCategory,
  priority: AlarmPriority,
  area: Type.Optional(Type.String()),
  message: Type.String(),
  messageEn: Type.String(),
  count: Count,
  percent: Percent,
  chattering: Type.Integer({ minimum: 0, description: "Bursts of three raises in one minute." }),
  fleeting: Count,
  stale: Type.Integer({ minimum: 0, description: "Occurrences active for more than 24 h." }),
  proposal: Type.Optional(Proposal),
  noProposal: Type.Optional(
    Type.Enum(["lawForbids", "checkDetector"], { description: "Why a noisy alarm gets no proposal." }),
  ),
  decision: Type.Optional(ProposalDecision),
});
export type BadActor = Static<typeof BadActor>;

/** The alarms that load most, the loudest first. */
export const BadActorsView = Type.Object({ from: Time, to: Time, items: Type.Array(BadActor) });
export type BadActorsView = Static<typeof BadActorsView>;

/** Accepts a proposal as it was seen. */
export const ProposalAccept = Type.Object(
  {
    kind: ProposalKind,
    value: Type.Number({ minimum: 0, maximum: 86_400_000 }),
    reason: Type.String({ minLength: 1, maxLength: 500 }),
  },
  closed,
);
export type ProposalAccept = Static<typeof ProposalAccept>;

/** The load of one operator position, or of the whole site (`id` `site`), right now. */
export const LoadNow = Type.Object({
  id: Name,
  name: Name,
  nameEn: Name,
  count: Type.Integer({ minimum: 0, description: "Annunciated in the last ten minutes." }),
  flood: Type.Boolean(),
  since: Type.Optional(Time),
  floodCount: Type.Optional(Type.Integer({ description: "Annunciated since the flood began." })),
});
export type LoadNow = Static<typeof LoadNow>;

/** Open alarms of one cause. */
export const CauseGroup = Type.Object({
  cause: Type.String({ description: "`gateway:<id>`, `device:<id>`, `alarm:<id>`, `fire:<space>`." }),
  count: Count,
  first: Type.Object({ id: Type.String(), message: Type.String(), messageEn: Type.String(), raisedAt: Time }),
});
export type CauseGroup = Static<typeof CauseGroup>;

/** How loaded the operators are now. */
export const QualityNow = Type.Object({
  at: Time,
  loads: Type.Array(LoadNow),
  groups: Type.Array(CauseGroup, { description: "Largest first; only causes with more than one open alarm." }),
});
export type QualityNow = Static<typeof QualityNow>;
