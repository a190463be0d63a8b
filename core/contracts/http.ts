import { type Static, type TSchema, Type } from "typebox";

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

/** What every list may be asked with. */
export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  cursor: Type.Optional(Type.String({ maxLength: 500 })),
  count: Type.Optional(Type.Boolean()),
};
