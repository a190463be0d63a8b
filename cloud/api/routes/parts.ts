import { Type } from "typebox";
import { PageQuery } from "#core/contracts/http.ts";
import { pageById } from "../../paging.ts";
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

/** A page of such a list, by id. */
export function boundedPage<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  query: { limit?: number; cursor?: string; count?: boolean },
): PageResult<T> {
  const sorted = items.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  return pageById(sorted, idOf, { ...pageOf(query), limit: query.limit ?? Math.max(1, sorted.length) });
}

/** The page asked for, with the default size. */
export function pageOf(query: { limit?: number; cursor?: string; count?: boolean }): PageRequest {
  const { limit = 100, cursor, count } = query;
  return { limit, ...(cursor === undefined ? {} : { cursor }), ...(count === undefined ? {} : { count }) };
}
