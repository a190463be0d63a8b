import { type Static, Type } from "typebox";
import { IdPart, Name, NameEn } from "./site.ts";

const closed = { additionalProperties: false } as const;

/** One named state of an enum or boolean point: what value 1 means. Booleans use 0 and 1. */
export const PointState = Type.Object({ value: Type.Integer(), name: Name, nameEn: NameEn }, closed);
export type PointState = Static<typeof PointState>;

/** One point as configured. What the driver needs is in `address`, opaque to core and checked by the protocol's `address` schema. */
export const Point = Type.Object(
  {
    id: Type.String({ description: "Point id <site>/<gateway>/<device>/<point>." }),
    name: Name,
    nameEn: NameEn,
    kind: Type.Enum(["number", "boolean", "enum", "string"], {
      description: "Kind of value. An enum's value is an integer.",
    }),
    unit: Type.Optional(
      Type.String({ description: "Canonical unit id of core/units.ts; absent for a value without unit." }),
    ),
    states: Type.Optional(Type.Array(PointState, { description: "Names of the states of an enum or boolean." })),
    min: Type.Optional(Type.Number({ description: "Smallest value that may be written or believed." })),
    max: Type.Optional(Type.Number({ description: "Largest value that may be written or believed." })),
    precision: Type.Optional(Type.Integer({ minimum: 0, maximum: 9, description: "Decimals to show." })),
    space: IdPart,
    equip: Type.Optional(Type.String({ description: "Equipment the point belongs to, as the site names it." })),
    tags: Type.Array(Type.String(), { description: "Haystack marker tags." }),
    writable: Type.Boolean({ description: "May commands write it?" }),
    confirm: Type.Optional(Type.Boolean({ description: "Ask the operator a second time before a write." })),
    priority: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 16, description: "Command priority when none is given; 8 otherwise." }),
    ),
    scale: Type.Optional(Type.Number({ description: "value = raw * scale + offset; 1 when absent." })),
    offset: Type.Optional(Type.Number({ description: "value = raw * scale + offset; 0 when absent." })),
    deadband: Type.Optional(
      Type.Number({ minimum: 0, description: "Changes smaller than this are not reported; 0 when absent." }),
    ),
    staleAfterMs: Type.Optional(
      Type.Integer({ minimum: 1000, description: "Uncertain (stale) when nothing was heard for so long, ms." }),
    ),
    revision: Type.Integer({
      minimum: 1,
      description: "Grows when unit or scale change; history of different revisions is never mixed.",
    }),
    address: Type.Unknown({
      description: "Where the value is in the device; checked by the protocol's `address` schema.",
    }),
  },
  closed,
);
export type Point = Static<typeof Point>;
