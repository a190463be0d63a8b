import type { Space } from "#core/model/site.ts";

/** A space and all that lies below it. A space whose parents form a ring lies below none of them twice. */
export function withDescendants(spaces: readonly Space[], root: string): ReadonlySet<string> {
  const children = Map.groupBy(spaces, (space) => space.parent ?? "");
  const found = new Set([root]);
  for (const id of found) for (const child of children.get(id) ?? []) found.add(child.id);
  return found;
}
