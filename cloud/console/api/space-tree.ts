import type { Space } from "#core/model/site.ts";

/** Places below a place, by its id; those of the top under the empty text. A place whose parent is not visible stands at the top. */
export function spacesByParent(spaces: ReadonlyMap<string, Space>): ReadonlyMap<string, readonly Space[]> {
  return Map.groupBy(spaces.values(), ({ parent }) => (parent !== undefined && spaces.has(parent) ? parent : ""));
}

/** All places in the order of the tree, each with how deep it lies. */
export function spacesInOrder(spaces: ReadonlyMap<string, Space>): readonly { space: Space; depth: number }[] {
  const below = spacesByParent(spaces);
  const walk = (parent: string, depth: number): { space: Space; depth: number }[] =>
    (below.get(parent) ?? []).flatMap((space) => [{ space, depth }, ...walk(space.id, depth + 1)]);
  return walk("", 0);
}
