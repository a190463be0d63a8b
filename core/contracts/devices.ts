import { type Static, Type } from "typebox";
import { Time } from "./http.ts";

/** A device as listed, with whether it answers. */
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
