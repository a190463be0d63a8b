import { type Static, Type } from "typebox";
import { Value } from "../model/sample.ts";
import { Time } from "./http.ts";

const closed = { additionalProperties: false } as const;

/** What is asked of a point (a value; null gives it back) or of a device (an action). */
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

/** A command with how far it has come. */
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
