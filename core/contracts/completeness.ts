import { type Static, Type } from "typebox";
import { GapView } from "./gateways.ts";
import { Time } from "./http.ts";

const LaneName = Type.Enum(["events", "telemetry", "ledger"]);
const Count = Type.Integer({ minimum: 0 });
const Span = { from: Type.Integer(), to: Type.Integer() } as const;

/** Proof of completeness: per lane and epoch which offsets are stored. Complete when `missing` and `gaps` are empty. */
export const Completeness = Type.Object({
  gateway: Type.String(),
  lanes: Type.Array(
    Type.Object({
      lane: LaneName,
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

/** What can be noticed about what a gateway sends. */
export const FindingKind = Type.Enum(["gap", "duplicate", "reorder", "replay", "clockJump", "silence", "clone"], {
  description:
    "gap: offsets that will never come; duplicate: offered again and ignored; reorder: came before lower ones; replay: of an epoch that was closed; clockJump: the gateway's clock moved; silence: not heard; clone: two gateways with one identity.",
});
export type FindingKind = Static<typeof FindingKind>;

/** An anomaly of a gateway with its beginning, its end and how much it was. What follows each other closely is one. */
export const FindingView = Type.Object({
  id: Type.String(),
  gateway: Type.String(),
  kind: FindingKind,
  lane: Type.Optional(LaneName),
  epoch: Type.Optional(Type.String()),
  from: Type.Optional(Type.Integer({ description: "Lowest offset." })),
  to: Type.Optional(Type.Integer({ description: "Highest offset." })),
  times: Type.Integer({ description: "How often it was noticed." }),
  count: Type.Integer({ description: "Offsets; milliseconds of a clock jump; 0 for silence." }),
  reason: Type.Optional(Type.String()),
  startedAt: Time,
  endedAt: Type.Union([Time, Type.Null()], { description: "null: goes on." }),
});
export type FindingView = Static<typeof FindingView>;

/** Something of a gateway that can never be stored: put aside with its reason, counted, and in nobody's way. */
export const QuarantineView = Type.Object({
  id: Count,
  at: Time,
  topic: Type.String(),
  lane: Type.Optional(LaneName),
  epoch: Type.Optional(Type.String()),
  offset: Type.Optional(Type.Integer({ description: "Where it stood in its lane, when that could be read." })),
  code: Type.String(),
  reason: Type.Optional(Type.String({ description: "Only for those who see the whole site: it may name any device." })),
  bytes: Type.Integer({ minimum: 0, description: "How much it is; the bytes themselves: /quarantine/{row}." }),
});
export type QuarantineView = Static<typeof QuarantineView>;

/** The account of one lane in one epoch: `numbered` = `stored` + `lost` + `missing`. */
export const LaneAccount = Type.Object({
  lane: LaneName,
  epoch: Type.String(),
  from: Type.Integer({ description: "First offset of this statement." }),
  to: Type.Integer({ description: "Last offset of this statement; from - 1 when there was none." }),
  numbered: Count,
  stored: Type.Integer({ description: "Offsets that are in the store, counted there." }),
  lost: Type.Integer({ description: "Offsets in `gaps`." }),
  missing: Type.Integer({ description: "Offsets that are neither stored nor accounted for: must be 0." }),
  gaps: Type.Array(Type.Object({ ...Span, reason: Type.String() })),
});
export type LaneAccount = Static<typeof LaneAccount>;

/**
 * What a gateway numbered since the statement before, and where it is. Each offset is in exactly one statement. Signed as
 * canonical JSON (keys sorted, no white space) with Ed25519 [RFC 8032]; `previous` chains them.
 */
export const Statement = Type.Object({
  v: Type.Literal(1),
  site: Type.String(),
  gateway: Type.String(),
  day: Type.String({ description: "Local day of the site that it closes, YYYY-MM-DD." }),
  timeZone: Type.String(),
  from: Type.Union([Time, Type.Null()], { description: "When the statement before was made; null for the first." }),
  to: Time,
  provisional: Type.Boolean({ description: "Made on request for a day that is not over; not in the chain." }),
  numbered: Count,
  stored: Count,
  lost: Count,
  missing: Count,
  lanes: Type.Array(LaneAccount),
  findings: Type.Record(Type.String(), Type.Integer(), { description: "How many findings of each kind began in it." }),
  previous: Type.Union([Type.String(), Type.Null()], {
    description: "SHA-256 of the statement before, as it was signed; null for the first.",
  }),
});
export type Statement = Static<typeof Statement>;

/** A statement with its signature. */
export const SignedStatement = Type.Object({
  id: Type.String(),
  statement: Statement,
  sha256: Type.String({ description: "Of the canonical JSON." }),
  key: Type.String({ description: "Id of the key: SHA-256 of the public key (SPKI, DER), its first 16 digits." }),
  signature: Type.String({ description: "Ed25519 over the canonical JSON, base64." }),
});
export type SignedStatement = Static<typeof SignedStatement>;

/** The key that statements are signed with. */
export const StatementKey = Type.Object({
  key: Type.String(),
  algorithm: Type.Literal("Ed25519"),
  publicKey: Type.String({ description: "PEM, SubjectPublicKeyInfo." }),
});
export type StatementKey = Static<typeof StatementKey>;

/** The canonical JSON that is signed: keys sorted at every depth, no white space. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
  return `{${fields.join(",")}}`;
}
