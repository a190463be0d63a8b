import { Type } from "typebox";
import { PageQuery } from "#core/contracts/http.ts";
import type { PageRequest } from "../../ports.ts";

/** A closed object: unknown names are refused. */
export const closed = { additionalProperties: false } as const;

/** Path parameter `:id`. Ids may hold slashes and are percent-encoded in the path. */
export const IdParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 300 }) }, closed);

/** Query of a plain list. */
export const ListQuery = Type.Object(PageQuery, closed);

/** The page asked for, with the default size. */
export function pageOf(query: { limit?: number; cursor?: string; count?: boolean }): PageRequest {
  const { limit = 100, cursor, count } = query;
  return { limit, ...(cursor === undefined ? {} : { cursor }), ...(count === undefined ? {} : { count }) };
}
