import type { DiscoveredDevice, DiscoveredPoint } from "#core/contracts/discovery.ts";
import { unitByBacnet } from "#core/units.ts";
import { OBJECT_TYPES, objectTypeName } from "../codec/enums.ts";
import { objectIdWord } from "../codec/values.ts";
import type { BacnetAddress, BacnetDevice } from "../config.ts";
import { BACNET_PORT } from "../settings.ts";
import type { FoundObject } from "./object-details.ts";
import { objectText, shortTypeName } from "./object-text.ts";
import { peerOfText } from "./peer-text.ts";
import type { DeviceScan } from "./scan.ts";
import { proposedTags } from "./tag-proposals.ts";
import { pathsOf } from "./views.ts";

type Kind = DiscoveredPoint["kind"];

const T = OBJECT_TYPES;
const NO_UNITS = 95;
const LONGEST_ID = 64;
const LONGEST_NAME = 200;
const CJK = /[\u3400-\u9fff]/;
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/** Kind of the present value, by object type; objects of other types are no points. */
const KINDS: ReadonlyMap<number, Kind> = new Map([
  [T["analog-input"], "number"],
  [T["analog-output"], "number"],
  [T["analog-value"], "number"],
  [T["large-analog-value"], "number"],
  [T["integer-value"], "number"],
  [T["positive-integer-value"], "number"],
  [T.accumulator, "number"],
  [T["pulse-converter"], "number"],
  [T.loop, "number"],
  [T["binary-input"], "boolean"],
  [T["binary-output"], "boolean"],
  [T["binary-value"], "boolean"],
  [T["multi-state-input"], "enum"],
  [T["multi-state-output"], "enum"],
  [T["multi-state-value"], "enum"],
  [T["characterstring-value"], "string"],
]);

/** The device of a scan as an entry of the site's files. */
export function deviceOf({ instance, address, facts, vendorId }: DeviceScan): DiscoveredDevice {
  const { host, port, station } = peerOfText(address);
  const mac = Array.from(station?.mac ?? [], (byte) => byte.toString(16).padStart(2, "0")).join("");
  const config: BacnetDevice = {
    instance,
    address: { host, ...(port === BACNET_PORT ? {} : { port }) },
    ...(station === undefined ? {} : { network: station.net }),
    ...(mac === "" ? {} : { mac }),
  };
  return {
    identity: String(instance),
    name: facts.name ?? `BACnet ${instance}`,
    ...(facts.modelName === undefined ? {} : { model: facts.modelName }),
    manufacturer: facts.vendorName ?? `BACnet vendor ${vendorId}`,
    config,
  };
}

/** The objects of a scan that are points, with canonical units and ids that are unique in the device. */
export function pointsOf({ instance, objects }: Pick<DeviceScan, "instance" | "objects">): readonly DiscoveredPoint[] {
  const paths = pathsOf(objects, instance);
  const ids = new Set<string>();
  return objects.flatMap((found) => {
    const kind = KINDS.get(found.object.type);
    return kind === undefined ? [] : [pointOf(found, kind, ids, paths.get(objectIdWord(found.object)))];
  });
}

function pointOf(
  found: FoundObject,
  kind: Kind,
  ids: Set<string>,
  path: readonly string[] | undefined,
): DiscoveredPoint {
  const { units, commandable, min, max } = found;
  const { name, nameEn } = namesOf(found);
  const states = statesOf(found, kind);
  const tags = proposedTags(found);
  return {
    id: idOf(found, nameEn, ids),
    name,
    nameEn,
    kind,
    ...(kind === "number" && units !== undefined && units !== NO_UNITS ? { unit: unitByBacnet(units).id } : {}),
    ...(states.length === 0 ? {} : { states: [...states] }),
    writable: commandable,
    address: addressOf(found),
    ...(kind === "number" && isRange(min, max)
      ? { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }
      : {}),
    ...(tags.length === 0 ? {} : { tags: [...tags] }),
    ...(path === undefined ? {} : { path: [...path] }),
  };
}

// devices without a range say 0 to 0, or that of the number's type
function isRange(min: number | undefined, max: number | undefined): boolean {
  if (min !== undefined && max !== undefined && min >= max) return false;
  return Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0)) < 1e30;
}

function addressOf({ object: { type, instance } }: FoundObject): BacnetAddress {
  const name = objectTypeName(type);
  return { objectType: Object.hasOwn(OBJECT_TYPES, name) ? (name as keyof typeof OBJECT_TYPES) : type, instance };
}

/** Chinese and English name: engineers put the one into the name and the other into the description. */
function namesOf({ object, name, description = "" }: FoundObject): { readonly name: string; readonly nameEn: string } {
  const given = [name, description].filter((text) => text !== "");
  const local = given.find((text) => CJK.test(text)) ?? given[0] ?? objectText(object);
  const english = given.find((text) => PRINTABLE_ASCII.test(text)) ?? local;
  return { name: local.slice(0, LONGEST_NAME), nameEn: english.slice(0, LONGEST_NAME) };
}

function statesOf({ states, numberOfStates }: FoundObject, kind: Kind): NonNullable<DiscoveredPoint["states"]> {
  const first = kind === "boolean" ? 0 : 1;
  if (kind !== "boolean" && kind !== "enum") return [];
  const texts = states ?? Array.from({ length: kind === "enum" ? Math.min(numberOfStates ?? 0, 1000) : 0 }, () => "");
  return texts.map((text, at) => {
    const shown = text === "" ? String(first + at) : text.slice(0, LONGEST_NAME);
    return { value: first + at, name: shown, nameEn: shown };
  });
}

/** A slug of the name where it is ASCII, else type and instance: both stay the same from scan to scan. */
function idOf({ object, name }: FoundObject, nameEn: string, ids: Set<string>): string {
  const text = PRINTABLE_ASCII.test(name) ? name : nameEn;
  const slug = PRINTABLE_ASCII.test(text)
    ? text
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, "-")
        .replaceAll(/^-+|-+$/g, "")
    : "";
  const short = `${shortTypeName(object.type)}-${object.instance}`;
  const base = /[a-z]/.test(slug) ? slug.slice(0, LONGEST_ID).replace(/-+$/, "") : short;
  if (!ids.has(base)) {
    ids.add(base);
    return base;
  }
  // names may be the same in sloppy devices, objects never are
  const unique = `${base.slice(0, LONGEST_ID - short.length - 1)}-${short}`;
  let id = unique;
  for (let n = 2; ids.has(id); n++) id = `${unique.slice(0, LONGEST_ID - 6)}-${n}`;
  ids.add(id);
  return id;
}
