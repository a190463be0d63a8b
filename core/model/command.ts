import { type Static, Type } from "typebox";
import { Value } from "./sample.ts";

const base = {
  id: Type.String({ minLength: 1, maxLength: 64, description: "Unique id; the same id is executed at most once." }),
  requestedBy: Type.String({ description: "User name, `token:<name>` or `rule:<id>`." }),
  reason: Type.Optional(Type.String({ maxLength: 500 })),
  fence: Type.Integer({
    minimum: 0,
    description: "Grows with each leader; a gateway refuses a lower one than it has seen.",
  }),
  createdAt: Type.Integer({ description: "Unix ms." }),
  expiresAt: Type.Integer({ description: "Unix ms. Never executed after it." }),
  cause: Type.Optional(
    Type.Object(
      {
        alarm: Type.Optional(Type.String({ description: "Alarm id." })),
        occurrence: Type.Optional(Type.Integer({ description: "Occurrence of that alarm." })),
        run: Type.Optional(Type.String({ description: "Run id." })),
        rule: Type.Optional(Type.String({ description: "Rule id." })),
      },
      {
        description: "For what a rule of the cloud asks this; what it produces, a picture for instance, belongs there.",
      },
    ),
  ),
};

/** A request to change one point. `null` relinquishes (BACnet 19.2). */
export const WriteCommand = Type.Object({
  ...base,
  kind: Type.Literal("write"),
  point: Type.String(),
  value: Value,
  priority: Type.Integer({ minimum: 1, maximum: 16, description: "BACnet command priority, 1 (life safety) to 16." }),
  leaseMs: Type.Optional(
    Type.Integer({ minimum: 1, description: "The gateway gives the value back by itself after so long, ms." }),
  ),
});
export type WriteCommand = Static<typeof WriteCommand>;

/**
 * A request to do something with a device that is not the writing of a point: ptzPreset, snapshot, doorControl. `device` may name a
 * channel instead, `<site>/<gateway>/<channel>`, for an action on the channel as a whole: discover, trustCertificate.
 */
export const ActionCommand = Type.Object({
  ...base,
  kind: Type.Literal("action"),
  device: Type.String(),
  action: Type.String(),
  params: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
});
export type ActionCommand = Static<typeof ActionCommand>;

/** An operator's act on an alarm that a gateway minted; mirrored there, because the episode lives there. */
export const AlarmCommand = Type.Object({
  ...base,
  kind: Type.Literal("alarm"),
  alarm: Type.String(),
  occurrence: Type.Integer({ minimum: 1 }),
  action: Type.Enum(["acknowledge", "reset", "shelve", "unshelve", "outOfService", "returnToService"]),
  until: Type.Optional(Type.Integer({ description: "Unix ms; end of a shelving." })),
  once: Type.Optional(Type.Boolean({ description: "A shelving that ends when the alarm next returns to normal." })),
  station: Type.Optional(Type.String({ description: "The workplace it was done at; for the cloud's own journal." })),
});
export type AlarmCommand = Static<typeof AlarmCommand>;

/** What the cloud sends on `parkhub/v1/<site>/<gateway>/commands`. */
export const Command = Type.Union([WriteCommand, ActionCommand, AlarmCommand]);
export type Command = Static<typeof Command>;

/** How a command ended. `rejected`: refused before anything was written. `timeout`: no result before expiresAt. */
export const CommandResult = Type.Object({
  id: Type.String(),
  status: Type.Enum(["done", "rejected", "expired", "timeout", "failed"]),
  code: Type.Optional(Type.String({ description: "Stable error code when not done." })),
  message: Type.Optional(Type.String()),
  readBack: Type.Optional(Value),
  blob: Type.Optional(
    Type.String({ pattern: "^[0-9a-f]{64}$", description: "SHA-256 of what it produced; the bytes follow by HTTP." }),
  ),
  finishedAt: Type.Integer({ description: "Unix ms." }),
});
export type CommandResult = Static<typeof CommandResult>;
