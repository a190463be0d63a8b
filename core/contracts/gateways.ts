import { type Static, Type } from "typebox";
import { Time } from "./http.ts";

const position = Type.Object({ epoch: Type.String(), offset: Type.Integer() });

/** Offsets of a lane that a gateway has lost for good, and why. */
export const GapView = Type.Object({
  lane: Type.Enum(["events", "telemetry", "ledger"]),
  epoch: Type.String(),
  from: Type.Integer(),
  to: Type.Integer(),
  reason: Type.String(),
  at: Type.Optional(Type.String({ format: "date-time", description: "When it was told." })),
});
export type GapView = Static<typeof GapView>;

/** A gateway as listed: presence, configuration, what waits and what is acknowledged. */
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
