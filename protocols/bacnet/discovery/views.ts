import { objectIdWord } from "../codec/values.ts";
import type { FoundObject } from "./object-details.ts";

/** Views in views that are followed; a device may list one in itself. */
const DEEPEST = 8;

/** Names of the Structured Views that an object is in, outermost first, by object word. [BACnet 12.29] */
export function pathsOf(objects: readonly FoundObject[], instance: number): ReadonlyMap<number, readonly string[]> {
  const parents = new Map<number, FoundObject>();
  for (const view of objects) {
    for (const { device, object } of view.members ?? []) {
      const word = objectIdWord(object);
      const inside = device === undefined || device === instance;
      if (inside && !parents.has(word) && word !== objectIdWord(view.object)) parents.set(word, view);
    }
  }
  const paths = new Map<number, readonly string[]>();
  for (const [word] of parents) {
    const path: string[] = [];
    let parent = parents.get(word);
    while (parent !== undefined && path.length < DEEPEST) {
      path.unshift(parent.description ?? parent.name);
      parent = parents.get(objectIdWord(parent.object));
    }
    paths.set(word, path);
  }
  return paths;
}
