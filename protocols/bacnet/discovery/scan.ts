import type { Clock } from "#core/clock.ts";
import { Abilities, type Learned } from "../client/abilities.ts";
import type { Contact } from "../client/contact.ts";
import { readObjectList } from "../client/object-list.ts";
import { type Ask, PropertyReader } from "../client/polling.ts";
import { OBJECT_TYPES, SEGMENTATION } from "../codec/enums.ts";
import { type ObjectId, objectIdWord } from "../codec/values.ts";
import type { Counters } from "../counters.ts";
import type { PeerLimits, Station } from "../station/ports.ts";
import { DEVICE_PROPERTIES, type DeviceFacts, factsOf } from "./device-facts.ts";
import { detailsOf, type FoundObject, objectOf } from "./object-details.ts";
import { objectText } from "./object-text.ts";
import { peerText } from "./peer-text.ts";
import { type ReadingDeps, readWanted } from "./reading.ts";
import { byObject } from "./results.ts";
import type { FoundDevice } from "./search.ts";

/** What a scan found, as plain data: it can be written to a file, read again and compared. */
export interface DeviceScan {
  /** Unix ms. */
  readonly at: number;
  readonly instance: number;
  /** Where it was, as `peerText` writes it. */
  readonly address: string;
  /** Other addresses that claim the same instance. */
  readonly alsoAt: readonly string[];
  readonly maxApdu: number;
  /** SEGMENTATION. */
  readonly segmentation: number;
  readonly vendorId: number;
  readonly facts: DeviceFacts;
  readonly objects: readonly FoundObject[];
  /** False when the device fell silent or the scan was given up: objects may be missing. */
  readonly complete: boolean;
  /** Objects, as words, that stand here as an earlier Database_Revision had them: they have not been read again since. */
  readonly outdated?: readonly number[];
  /** What could not be asked, and why. */
  readonly problems: readonly string[];
}

/** What a scan needs. */
export interface ScanDeps {
  readonly station: Station;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly signal: AbortSignal;
  /** What is known of the device's abilities from before. */
  readonly learned?: Learned;
  /** An earlier scan: taken over where the device's Database_Revision is still the same, and completed where it was given up. */
  readonly earlier?: DeviceScan;
  readonly progress?: (done: number, of: number) => void;
}

/** Frames of MS/TP hold no more. [BACnet 6.1, Table 6-1] */
const ROUTED_MAX_APDU = 480;
/** As many as `readObjectList` gives. */
const MOST_OBJECTS = 10_000;
const MOST_PROBLEMS = 100;

/** Bytes and segments that a device found takes on its way. */
export function limitsOf({ peer, maxApdu, segmentation }: FoundDevice): PeerLimits {
  const takesSegments = segmentation === SEGMENTATION.both || segmentation === SEGMENTATION.receive;
  return { maxApdu: peer.station === undefined ? maxApdu : Math.min(maxApdu, ROUTED_MAX_APDU), takesSegments };
}

/** A reader for a device that was found and has no session. */
export function readerOf(device: FoundDevice, deps: Omit<ScanDeps, "earlier">): ReadingDeps & Contact {
  const { station, clock, counters, signal, learned, progress } = deps;
  const limits = limitsOf(device);
  const { peer, vendorId } = device;
  const ask: Ask = (service, body) => station.request({ peer, service, body, signal, limits });
  // a scan takes over what is known and adds nothing to it: its answers are longer than those of points
  const abilities = new Abilities({ vendorId, maxApdu: limits.maxApdu }, learned, { clock, save: () => {} });
  const reader = new PropertyReader(ask, abilities, counters);
  const startedAt = (): undefined => undefined;
  return { peer, ask, reader, abilities, signal, startedAt, ...(progress === undefined ? {} : { progress }) };
}

/** Reads what a device is: the given properties of its Device object. Undefined when it does not answer. */
export async function readFacts(
  device: FoundDevice,
  deps: ScanDeps,
  properties: readonly number[] = DEVICE_PROPERTIES,
): Promise<DeviceFacts | undefined> {
  const object = { type: OBJECT_TYPES.device, instance: device.instance };
  const { progress: _, ...quiet } = readerOf(device, deps);
  const wanted = [{ object, properties: properties.map((property) => ({ property })) }];
  const { answers, complete } = await readWanted(wanted, quiet);
  return complete ? factsOf(byObject(answers).get(objectIdWord(object)) ?? new Map()) : undefined;
}

/**
 * Reads everything that a device says of its objects: its Device object, its Object_List, then of each object what a point needs.
 * Two requests at a time. Never throws for what the device does: what is missing is among the problems.
 */
export async function scanDevice(device: FoundDevice, deps: ScanDeps): Promise<DeviceScan> {
  const { clock, earlier } = deps;
  const { instance, peer, alsoAt, maxApdu, segmentation, vendorId } = device;
  const places = { address: peerText(peer), alsoAt: alsoAt.map(peerText) };
  const base = { at: clock.now(), instance, ...places, maxApdu, segmentation, vendorId };
  const duplicates = places.alsoAt.map(
    (other) => `device ${instance} answers at ${places.address} and at ${other}: two devices have the same instance`,
  );
  const facts = await readFacts(device, deps);
  if (facts === undefined) {
    const silent = `device ${instance} at ${places.address} does not answer`;
    return {
      ...base,
      facts: { services: [], objectTypes: [] },
      objects: [],
      complete: false,
      problems: [...duplicates, silent],
    };
  }
  const same = earlier !== undefined && isSame(earlier, vendorId, facts) ? earlier : undefined;
  if (same?.complete) {
    return { ...base, facts, objects: same.objects, complete: true, problems: [...duplicates, ...same.problems] };
  }
  const reading = readerOf(device, deps);
  const list = await readObjectList(reading, instance);
  if (list === undefined) {
    const silent = `device ${instance} fell silent before it had told its objects`;
    return { ...base, facts, objects: [], complete: false, problems: [...duplicates, silent] };
  }
  const outdated = new Set(same?.outdated);
  const known = same?.objects.filter(({ object }) => !outdated.has(objectIdWord(object))) ?? [];
  const found = await readObjects(uniqueOf(list), facts, reading, known);
  const cut =
    list.length >= MOST_OBJECTS
      ? [`device ${instance} has ${MOST_OBJECTS} objects or more: the rest was left out`]
      : [];
  const silent = found.complete
    ? []
    : [`device ${instance} fell silent, or the scan was given up, before all objects were read`];
  const problems = [...duplicates, ...cut, ...silent, ...found.problems];
  return { ...base, facts, objects: found.objects, complete: found.complete, problems };
}

/** Since an earlier scan nothing came, went or was renamed, and it is the same device. [BACnet 12.11.35] */
export function isSame(earlier: Pick<DeviceScan, "vendorId" | "facts">, vendorId: number, facts: DeviceFacts): boolean {
  const { databaseRevision, modelName, firmwareRevision } = facts;
  return (
    databaseRevision !== undefined &&
    earlier.vendorId === vendorId &&
    earlier.facts.databaseRevision === databaseRevision &&
    earlier.facts.modelName === modelName &&
    earlier.facts.firmwareRevision === firmwareRevision
  );
}

function uniqueOf(list: readonly ObjectId[]): readonly ObjectId[] {
  return [...new Map(list.map((object) => [objectIdWord(object), object])).values()];
}

async function readObjects(
  list: readonly ObjectId[],
  { protocolRevision = 0 }: DeviceFacts,
  reading: ReadingDeps,
  known: readonly FoundObject[],
): Promise<Pick<DeviceScan, "objects" | "complete" | "problems">> {
  const objects = list.filter(({ type }) => type !== OBJECT_TYPES.device);
  const before = new Map(known.map((found) => [objectIdWord(found.object), found]));
  const wanted = objects
    .filter((object) => !before.has(objectIdWord(object)))
    .map((object) => ({ object, properties: detailsOf(object, protocolRevision) }));
  const { answers, complete } = await readWanted(wanted, reading);
  const results = byObject(answers);
  const problems: string[] = [];
  const found = objects.flatMap((object): FoundObject[] => {
    const read = results.get(objectIdWord(object));
    const described = read === undefined ? before.get(objectIdWord(object)) : objectOf(object, read);
    if (described === undefined) return [];
    if (described.name === "" && problems.length < MOST_PROBLEMS) problems.push(`${objectText(object)} tells no name`);
    return [described];
  });
  return { objects: found, complete, problems };
}
