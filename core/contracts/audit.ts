import { type Static, Type } from "typebox";
import { Time } from "./http.ts";

/** One entry of the audit log; `hash` covers `prevHash`. */
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
