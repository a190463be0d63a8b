import type { Abilities } from "../client/abilities.ts";
import type { PropertyReader } from "../client/polling.ts";
import { PROPERTIES } from "../codec/enums.ts";
import type { PropertyReference, ReadResult, ReadSpecification } from "../codec/services/property.ts";
import type { ObjectId } from "../codec/values.ts";

/** What is to be read of one object. */
export interface Wanted {
  readonly object: ObjectId;
  readonly properties: readonly PropertyReference[];
}

/** What a reading needs of its device. */
export interface ReadingDeps {
  readonly reader: PropertyReader;
  readonly abilities: Abilities;
  readonly signal: AbortSignal;
  /** Told how many of the objects are done. */
  readonly progress?: (done: number, of: number) => void;
}

/** Requests in flight to one device: a scan is never urgent. */
const WINDOW = 2;
const ACK_HEADER_BYTES = 3;
const OBJECT_BYTES = 7;
const REFERENCE_BYTES = 9;
/** Bytes that values take which are no numbers, as they are met in buildings: Chinese names take three a character. */
const VALUE_BYTES = new Map<number, number>([
  [PROPERTIES.objectName, 40],
  [PROPERTIES.description, 60],
  [PROPERTIES.profileName, 20],
  [PROPERTIES.vendorName, 30],
  [PROPERTIES.modelName, 30],
  [PROPERTIES.location, 40],
  [PROPERTIES.firmwareRevision, 20],
  [PROPERTIES.applicationSoftwareVersion, 20],
  [PROPERTIES.activeText, 16],
  [PROPERTIES.inactiveText, 16],
  [PROPERTIES.stateText, 120],
  [PROPERTIES.tags, 60],
  [PROPERTIES.subordinateList, 300],
  [PROPERTIES.subordinateAnnotations, 300],
]);

function bytesOf({ property }: PropertyReference): number {
  return REFERENCE_BYTES + (VALUE_BYTES.get(property) ?? 5);
}

/** Splits what is wanted so that each answer should fit `budget` bytes; an object that is too large for one is split as well. */
export function planReading(wanted: readonly Wanted[], budget: number): readonly (readonly ReadSpecification[])[] {
  const batches: ReadSpecification[][] = [];
  let batch: ReadSpecification[] = [];
  let bytes = ACK_HEADER_BYTES;
  const close = (): void => {
    if (batch.length > 0) batches.push(batch);
    batch = [];
    bytes = ACK_HEADER_BYTES;
  };
  for (const { object, properties } of wanted) {
    const all = OBJECT_BYTES + properties.reduce((sum, reference) => sum + bytesOf(reference), 0);
    if (bytes + all > budget) close();
    let some: PropertyReference[] = [];
    bytes += OBJECT_BYTES;
    for (const reference of properties) {
      const more = bytesOf(reference);
      if (some.length > 0 && bytes + more > budget) {
        batch.push({ object, properties: some });
        close();
        some = [];
        bytes += OBJECT_BYTES;
      }
      some.push(reference);
      bytes += more;
    }
    if (some.length > 0) batch.push({ object, properties: some });
  }
  close();
  return batches;
}

/** What was read, and whether the device answered to the end. */
export interface Reading {
  readonly answers: readonly ReadResult[];
  readonly complete: boolean;
}

/** Reads two requests at a time, each planned by what the device has proved able to answer until then. */
export async function readWanted(wanted: readonly Wanted[], deps: ReadingDeps): Promise<Reading> {
  const { reader, abilities, signal, progress } = deps;
  const answers: ReadResult[] = [];
  let silent = false;
  let next = 0;
  let done = 0;
  // a chunk is planned only when its turn comes: what the device refused before makes it smaller
  const work = async (): Promise<void> => {
    while (next < wanted.length && !silent && !signal.aborted) {
      const chunk = chunkOf(wanted, next, abilities.budget);
      next += chunk.length;
      for (const batch of planReading(chunk, abilities.budget)) {
        const results = await reader.read(batch);
        if (results === undefined) silent = true;
        if (results === undefined || silent) return;
        answers.push(...results);
      }
      done += chunk.length;
      progress?.(done, wanted.length);
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, work));
  // nothing of what was learned waits to be kept
  abilities.flush();
  return { answers, complete: !silent && done === wanted.length };
}

/** Objects from `from` on whose answers should fit one request; at least one. */
function chunkOf(wanted: readonly Wanted[], from: number, budget: number): readonly Wanted[] {
  let bytes = ACK_HEADER_BYTES;
  let to = from;
  for (; to < wanted.length; to++) {
    const properties = wanted[to]?.properties ?? [];
    bytes += OBJECT_BYTES + properties.reduce((sum, reference) => sum + bytesOf(reference), 0);
    if (to > from && bytes > budget) break;
  }
  return wanted.slice(from, to);
}
