import { type Static, Type } from "typebox";
import { PointState } from "../model/point.ts";
import { Quality } from "../model/quality.ts";
import { Value } from "../model/sample.ts";
import { Time } from "./http.ts";

/** What a point says now, as far as the hub knows. */
export const CurrentValue = Type.Object({
  value: Value,
  quality: Quality,
  reason: Type.Optional(Type.String()),
  sourceTime: Type.Optional(Time),
  observedAt: Type.Union([Time, Type.Null()], { description: "null: never observed." }),
});
export type CurrentValue = Static<typeof CurrentValue>;

/** A point as listed, with what it says now. */
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
