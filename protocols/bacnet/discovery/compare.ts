import { objectIdWord } from "../codec/values.ts";
import type { FoundObject } from "./object-details.ts";
import { objectText } from "./object-text.ts";
import { type DeviceScan, isSame } from "./scan.ts";

/** An object whose meaning is another one now. */
export interface ObjectChange {
  /** As `objectText` writes it. */
  readonly object: string;
  readonly before: string;
  readonly after: string;
}

/** How a device's objects differ from an earlier scan. Nothing follows from it by itself: points are never deleted. */
export interface ScanChanges {
  /** Unix ms of the scan that is compared with. */
  readonly since: number;
  readonly added: readonly string[];
  /** Empty where the new scan is not complete: what was not read is not gone. */
  readonly missing: readonly string[];
  readonly renamed: readonly ObjectChange[];
  /** Units or state texts are others: values mean something else. */
  readonly changed: readonly ObjectChange[];
}

const meaning = ({ units, states, commandable }: FoundObject): string =>
  [
    ...(units === undefined ? [] : [`units ${units}`]),
    ...(states === undefined ? [] : [`states ${states.join("/")}`]),
    ...(commandable ? ["commandable"] : []),
  ].join(", ");

/** Compares a scan with an earlier one of the same device. */
export function compareScans(earlier: DeviceScan, now: DeviceScan): ScanChanges {
  const before = new Map(earlier.objects.map((found) => [objectIdWord(found.object), found]));
  const after = new Map(now.objects.map((found) => [objectIdWord(found.object), found]));
  const added: string[] = [];
  const renamed: ObjectChange[] = [];
  const changed: ObjectChange[] = [];
  for (const [word, found] of after) {
    const object = objectText(found.object);
    const former = before.get(word);
    if (former === undefined) {
      added.push(object);
      continue;
    }
    if (former.name !== found.name) renamed.push({ object, before: former.name, after: found.name });
    if (meaning(former) !== meaning(found)) changed.push({ object, before: meaning(former), after: meaning(found) });
  }
  const missing = now.complete
    ? earlier.objects.filter(({ object }) => !after.has(objectIdWord(object))).map(({ object }) => objectText(object))
    : [];
  return { since: earlier.at, added, missing, renamed, changed };
}

/** What is kept for the next comparison: the new scan, and of an incomplete one the objects that were not read. */
export function mergedScan(earlier: DeviceScan | undefined, now: DeviceScan): DeviceScan {
  if (earlier === undefined || now.complete) return now;
  const read = new Set(now.objects.map(({ object }) => objectIdWord(object)));
  const unread = earlier.objects.filter(({ object }) => !read.has(objectIdWord(object)));
  const words = unread.map(({ object }) => objectIdWord(object));
  const before = new Set(isSame(earlier, now.vendorId, now.facts) ? earlier.outdated : words);
  const outdated = words.filter((word) => before.has(word));
  return { ...now, objects: [...now.objects, ...unread], ...(outdated.length === 0 ? {} : { outdated }) };
}
