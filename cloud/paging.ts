import { InvalidInputError } from "#core/errors.ts";
import type { PageRequest, PageResult } from "./ports.ts";

/** An opaque cursor over the sort key of the last item of a page. */
export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** The sort key in a cursor, or undefined without one. @throws CURSOR_INVALID */
export function decodeCursor(
  cursor: string | undefined,
  parts: readonly ("string" | "number")[],
): readonly (string | number)[] | undefined {
  if (cursor === undefined) return undefined;
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (Array.isArray(key) && key.length === parts.length && parts.every((part, i) => typeof key[i] === part))
      return key;
  } catch {
    // Not one of ours: told below.
  }
  throw new InvalidInputError("CURSOR_INVALID", "the cursor is not one that this list has given");
}

/** A page of a list that is in memory and sorted by id. */
export function pageById<T>(sorted: readonly T[], idOf: (item: T) => string, request: PageRequest): PageResult<T> {
  const [after] = decodeCursor(request.cursor, ["string"]) ?? [];
  const from = after === undefined ? 0 : sorted.findIndex((item) => idOf(item) > String(after));
  const items = from < 0 ? [] : sorted.slice(from, from + request.limit);
  const last = items.at(-1);
  const more = last !== undefined && from + items.length < sorted.length;
  return {
    items,
    ...(more ? { nextCursor: encodeCursor([idOf(last)]) } : {}),
    ...(request.count === true ? { total: sorted.length } : {}),
  };
}
