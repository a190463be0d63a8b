import { Type } from "typebox";
import { PageQuery } from "#core/contracts/http.ts";
import { InvalidInputError } from "#core/errors.ts";
import { decodeCursor, encodeCursor } from "../../paging.ts";
import type { PageRequest, PageResult } from "../../ports.ts";

/** A closed object: unknown names are refused. */
export const closed = { additionalProperties: false } as const;

/** Path parameter `:id`. Ids may hold slashes and are percent-encoded in the path. */
export const IdParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 300 }) }, closed);

/** Query of a plain list. */
export const ListQuery = Type.Object(PageQuery, closed);

/** Query of a list that the configuration bounds: the whole of it unless a limit is given. */
export const BoundedListQuery = Type.Object(
  { ...PageQuery, limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: "All when absent." })) },
  closed,
);

/** A page of such a list, in the order of the configuration. @throws CURSOR_INVALID */
export function boundedPage<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  query: { limit?: number; cursor?: string; count?: boolean },
): PageResult<T> {
  const [after] = decodeCursor(query.cursor, ["string"]) ?? [];
  const from = after === undefined ? 0 : items.findIndex((item) => idOf(item) === after) + 1;
  if (after !== undefined && from === 0)
    throw new InvalidInputError("CURSOR_INVALID", "the list has changed since this cursor was given");
  const page = items.slice(from, query.limit === undefined ? undefined : from + query.limit);
  const last = page.at(-1);
  return {
    items: page,
    ...(last !== undefined && from + page.length < items.length ? { nextCursor: encodeCursor([idOf(last)]) } : {}),
    ...(query.count === true ? { total: items.length } : {}),
  };
}

/** The page asked for, with the default size. */
export function pageOf(query: { limit?: number; cursor?: string; count?: boolean }): PageRequest {
  const { limit = 100, cursor, count } = query;
  return { limit, ...(cursor === undefined ? {} : { cursor }), ...(count === undefined ? {} : { count }) };
}
