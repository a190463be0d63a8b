import { InvalidInputError } from "#core/errors.ts";
import type { Value } from "#core/model/sample.ts";
import { unitByBacnet } from "#core/units.ts";
import { decodedOr } from "../client/contact.ts";
import {
  eventStateName,
  OBJECT_TYPES,
  objectTypeName,
  PROPERTIES,
  propertyName,
  reliabilityName,
} from "../codec/enums.ts";
import { type RawTree, treeOf } from "../codec/raw-tree.ts";
import type { BacnetDateTime } from "../codec/timestamp.ts";
import type { BacnetDate, BacnetTime, BacnetValue, ObjectId } from "../codec/values.ts";
import { objectText } from "../discovery/object-text.ts";

const P = PROPERTIES;
const BINARY: readonly number[] = [
  OBJECT_TYPES["binary-input"],
  OBJECT_TYPES["binary-output"],
  OBJECT_TYPES["binary-value"],
];
const BINARY_PROPERTIES: readonly number[] = [
  P.presentValue,
  P.relinquishDefault,
  P.priorityArray,
  P.alarmValue,
  P.feedbackValue,
];
const STATUS_FLAGS = ["inAlarm", "fault", "overridden", "outOfService"];
const UNSPECIFIED = 255;

/** Which property a value is of. */
export interface PropertyPlace {
  readonly object: ObjectId;
  readonly property: number;
}

const two = (part: number): string => (part === UNSPECIFIED ? "**" : String(part).padStart(2, "0"));

/** A date; wildcards as stars. [BACnet 20.2.12] */
export function dateText({ year, month, day }: BacnetDate): string {
  return `${year === UNSPECIFIED ? "****" : 1900 + year}-${two(month)}-${two(day)}`;
}

/** A time of day; wildcards as stars. [BACnet 20.2.13] */
export function timeText({ hour, minute, second, hundredths }: BacnetTime): string {
  return `${two(hour)}:${two(minute)}:${two(second)}.${two(hundredths)}`;
}

/** A date and a time of day, in the device's local time. */
export function dateTimeText({ date, time }: BacnetDateTime): string {
  return `${dateText(date)} ${timeText(time)}`;
}

/** One value as plain JSON: numbers as numbers, what is not interpreted as a tree of its bytes. */
export function plainValue(place: PropertyPlace, value: BacnetValue): unknown {
  switch (value.type) {
    case "null":
      return null;
    case "enumerated":
      return isBinaryState(place) && value.value <= 1 ? value.value === 1 : value.value;
    case "real":
    case "double":
      // JSON has neither: null would be a value that was never given
      return Number.isFinite(value.value) ? value.value : String(value.value);
    case "boolean":
    case "unsigned":
    case "signed":
    case "characterString":
      return value.value;
    case "bitString":
      return flagsOf(place, value.value) ?? value.value.map((bit) => (bit ? "1" : "0")).join("");
    case "octetString":
      return hexOf(value.value);
    case "objectId":
      return objectText(value.value);
    case "date":
      return dateText(value.value);
    case "time":
      return timeText(value.value);
    case "raw":
      return rawPlain(place, value);
    default:
      return value satisfies never;
  }
}

/** One value for a person: with the names of enumerations where the property has some. */
export function valueText(place: PropertyPlace, value: BacnetValue): string {
  if (value.type === "enumerated") return enumeratedText(place, value.value);
  if (value.type === "real") return String(Number(value.value.toPrecision(7)));
  const plain = plainValue(place, value);
  if (Array.isArray(plain)) return plain.length === 0 ? "-" : plain.join(", ");
  return typeof plain === "string" ? plain : JSON.stringify(plain);
}

/** All values of a property for a person. */
export function valuesText(place: PropertyPlace, values: readonly BacnetValue[]): string {
  const texts = values.map((value) => valueText(place, value));
  return values.length === 1 ? (texts[0] ?? "") : `{${texts.join(", ")}}`;
}

function rawPlain(place: PropertyPlace, value: BacnetValue & { readonly type: "raw" }): unknown {
  const tree = decodedOr(() => treeOf(value));
  // an application value that breaks the rules of its type, or a tree too deep to show: its bytes
  if (tree === undefined || tree.kind === "value") return { tag: value.tag, hex: hexOf(value.value) };
  return treePlain(place, tree);
}

function treePlain(place: PropertyPlace, tree: RawTree): unknown {
  switch (tree.kind) {
    case "value":
      return tree.value.type === "raw"
        ? { tag: tree.value.tag, hex: hexOf(tree.value.value) }
        : plainValue(place, tree.value);
    case "context":
      return { tag: tree.tag, hex: hexOf(tree.bytes) };
    case "constructed":
      return { tag: tree.tag, values: tree.children.map((child) => treePlain(place, child)) };
    default:
      return tree satisfies never;
  }
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function isBinaryState({ object, property }: PropertyPlace): boolean {
  return BINARY.includes(object.type) && BINARY_PROPERTIES.includes(property);
}

function flagsOf({ property }: PropertyPlace, bits: readonly boolean[]): readonly string[] | undefined {
  if (property !== P.statusFlags) return undefined;
  return bits.flatMap((set, at) => (set ? [STATUS_FLAGS[at] ?? String(at)] : []));
}

function enumeratedText(place: PropertyPlace, value: number): string {
  if (isBinaryState(place) && value <= 1) return value === 1 ? "active" : "inactive";
  switch (place.property) {
    case P.units:
    case P.outputUnits:
      return `${unitByBacnet(value).id} (${value})`;
    case P.objectType:
      return objectTypeName(value);
    case P.eventState:
      return eventStateName(value);
    case P.reliability:
      return reliabilityName(value);
    default:
      return String(value);
  }
}

const TRUE = ["true", "active", "on", "1"];
const FALSE = ["false", "inactive", "off", "0"];

/**
 * What a person typed, as a value for a property that held `current` last: `null` relinquishes; binary values also as
 * active/inactive, on/off, true/false. @throws BACNET_VALUE_INVALID
 */
export function valueOfText(place: PropertyPlace, text: string, current: BacnetValue | undefined): Value {
  if (text === "null") return null;
  const word = text.toLowerCase();
  const isText = current?.type === "characterString" || place.object.type === OBJECT_TYPES["characterstring-value"];
  if (isText) return text;
  if (isBinaryState(place) || current?.type === "boolean") {
    if (TRUE.includes(word)) return true;
    if (FALSE.includes(word)) return false;
    throw invalid(place, text, "active or inactive (also on/off, true/false, 1/0), or null to relinquish");
  }
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(number)) throw invalid(place, text, "a number, or null to relinquish");
  return number;
}

function invalid({ object, property }: PropertyPlace, text: string, expected: string): InvalidInputError {
  const where = `${objectText(object)} ${propertyName(property)}`;
  return new InvalidInputError("BACNET_VALUE_INVALID", `${where}: expected ${expected}, got "${text}"`);
}
