import { decodedOr } from "../client/contact.ts";
import { OBJECT_TYPES, PROPERTIES } from "../codec/enums.ts";
import { typedList, typedValue } from "../codec/property-values.ts";
import {
  type DeviceObjectPropertyReference,
  deviceObjectPropertyReference,
  deviceObjectReference,
  nameValue,
} from "../codec/references.ts";
import type { PropertyReference } from "../codec/services/property.ts";
import type { BacnetValue, ObjectId } from "../codec/values.ts";

import { numberOf, type Results, textOf, valuesOf } from "./results.ts";

/** A member of a Structured View. [BACnet 12.29] */
export interface ViewMember {
  /** Instance of another device that the object is in. */
  readonly device?: number;
  readonly object: ObjectId;
  readonly annotation?: string;
}

/** One object as its device describes it; what it does not say is absent. */
export interface FoundObject {
  readonly object: ObjectId;
  /** Empty where the device does not tell it. */
  readonly name: string;
  readonly description?: string;
  /** BACnetEngineeringUnits. */
  readonly units?: number;
  /** Texts of states 1..n of a multi-state object; of inactive and active of a binary one. */
  readonly states?: readonly string[];
  readonly numberOfStates?: number;
  readonly covIncrement?: number;
  /** Has a Priority_Array. */
  readonly commandable: boolean;
  readonly notificationClass?: number;
  readonly min?: number;
  readonly max?: number;
  readonly highLimit?: number;
  readonly lowLimit?: number;
  readonly profileName?: string;
  /** Semantic tags; a tag without a value is true. [BACnet 12.1, Tags] */
  readonly tags?: Readonly<Record<string, string | number | boolean>>;
  /** NODE_TYPE of a Structured View. */
  readonly nodeType?: number;
  readonly nodeSubtype?: string;
  readonly members?: readonly ViewMember[];
  /** What a Trend Log keeps. */
  readonly logs?: DeviceObjectPropertyReference;
}

const P = PROPERTIES;
const T = OBJECT_TYPES;
const NO_INSTANCE = 4_194_303;
const MOST_STATES = 1000;
const MOST_MEMBERS = 5000;
const MOST_TAGS = 100;

/** What object types have in common here. */
type Family = "analog" | "count" | "binary" | "multi-state" | "text" | "loop" | "view" | "log";

const FAMILIES: ReadonlyMap<number, Family> = new Map([
  [T["analog-input"], "analog"],
  [T["analog-output"], "analog"],
  [T["analog-value"], "analog"],
  [T["large-analog-value"], "analog"],
  [T["integer-value"], "analog"],
  [T["positive-integer-value"], "analog"],
  [T["pulse-converter"], "analog"],
  [T.accumulator, "count"],
  [T.loop, "loop"],
  [T["binary-input"], "binary"],
  [T["binary-output"], "binary"],
  [T["binary-value"], "binary"],
  [T["multi-state-input"], "multi-state"],
  [T["multi-state-output"], "multi-state"],
  [T["multi-state-value"], "multi-state"],
  [T["characterstring-value"], "text"],
  [T["structured-view"], "view"],
  [T["trend-log"], "log"],
]);
/** Types that have a Priority_Array in any case. [BACnet 19.2] */
const ALWAYS_COMMANDABLE: readonly number[] = [T["analog-output"], T["binary-output"], T["multi-state-output"]];
/** Types that may have one. */
const MAYBE_COMMANDABLE: readonly number[] = [
  T["analog-value"],
  T["binary-value"],
  T["multi-state-value"],
  T["large-analog-value"],
  T["integer-value"],
  T["positive-integer-value"],
  T["characterstring-value"],
];

const OF_FAMILY: Readonly<Record<Family, readonly number[]>> = {
  analog: [P.units, P.covIncrement, P.minPresValue, P.maxPresValue, P.highLimit, P.lowLimit, P.notificationClass],
  count: [P.units, P.maxPresValue, P.highLimit, P.lowLimit, P.notificationClass],
  loop: [P.outputUnits, P.covIncrement, P.notificationClass],
  binary: [P.inactiveText, P.activeText, P.notificationClass],
  "multi-state": [P.numberOfStates, P.stateText, P.notificationClass],
  text: [P.notificationClass],
  view: [P.nodeType, P.nodeSubtype, P.subordinateList, P.subordinateAnnotations],
  log: [P.logDeviceObjectProperty],
};
/** Properties that came with later revisions, asked only where the device can have them. */
const LATER_PROPERTIES = [P.tags];
const REVISION_OF_TAGS = 20;

/** What is read of an object. `revision` is the device's Protocol_Revision, 0 where it is unknown. */
export function detailsOf(object: ObjectId, revision: number): readonly PropertyReference[] {
  const family = FAMILIES.get(object.type);
  const properties: PropertyReference[] = [
    P.objectName,
    P.description,
    ...(family === undefined ? [] : OF_FAMILY[family]),
  ].map((property) => ({ property }));
  // [BACnet 12.1.2.1] element 0 of the array is its size: enough to know that it is there
  if (MAYBE_COMMANDABLE.includes(object.type)) properties.push({ property: P.priorityArray, index: 0 });
  if (family !== undefined) properties.push({ property: P.profileName });
  if (family !== undefined && revision >= REVISION_OF_TAGS) {
    properties.push(...LATER_PROPERTIES.map((property) => ({ property })));
  }
  return properties;
}

/** The object in what was read of it. */
export function objectOf(object: ObjectId, results: Results): FoundObject {
  const family = FAMILIES.get(object.type);
  const optional: Partial<Record<keyof FoundObject, unknown>> = {
    description: textOf(results, P.description),
    units: numberOf(results, P.units) ?? numberOf(results, P.outputUnits),
    states: family === "binary" ? binaryStates(results) : stateTexts(results),
    numberOfStates: numberOf(results, P.numberOfStates),
    covIncrement: numberOf(results, P.covIncrement),
    notificationClass: classOf(results),
    min: numberOf(results, P.minPresValue),
    max: numberOf(results, P.maxPresValue),
    highLimit: numberOf(results, P.highLimit),
    lowLimit: numberOf(results, P.lowLimit),
    profileName: textOf(results, P.profileName),
    tags: tagsOf(results),
    nodeType: numberOf(results, P.nodeType),
    nodeSubtype: textOf(results, P.nodeSubtype),
    members: family === "view" ? membersOf(results) : undefined,
    logs: logsOf(results),
  };
  const told = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  return {
    object,
    name: textOf(results, P.objectName) ?? "",
    commandable: ALWAYS_COMMANDABLE.includes(object.type) || hasPriorityArray(results),
    ...told,
  };
}

// the highest instance stands for none
function classOf(results: Results): number | undefined {
  const notificationClass = numberOf(results, P.notificationClass);
  return notificationClass === undefined || notificationClass >= NO_INSTANCE ? undefined : notificationClass;
}

function hasPriorityArray(results: Results): boolean {
  const size = numberOf(results, P.priorityArray);
  return size !== undefined && size > 0;
}

const textsIn = (values: readonly BacnetValue[]): readonly string[] =>
  values.map((value) => (value.type === "characterString" ? value.value.trim() : ""));

function binaryStates(results: Results): readonly string[] | undefined {
  const inactive = textOf(results, P.inactiveText);
  const active = textOf(results, P.activeText);
  return inactive === undefined && active === undefined ? undefined : [inactive ?? "", active ?? ""];
}

function stateTexts(results: Results): readonly string[] | undefined {
  const texts = textsIn(valuesOf(results, P.stateText)).slice(0, MOST_STATES);
  return texts.every((text) => text === "") ? undefined : texts;
}

function tagsOf(results: Results): FoundObject["tags"] {
  const list = decodedOr(() => typedList(nameValue, valuesOf(results, P.tags)))?.slice(0, MOST_TAGS) ?? [];
  if (list.length === 0) return undefined;
  return Object.fromEntries(
    list.map(({ name, values: [value] }) => {
      switch (value?.type) {
        case "characterString":
        case "boolean":
        case "real":
        case "double":
        case "unsigned":
        case "signed":
        case "enumerated":
          return [name, value.value];
        default:
          return [name, true];
      }
    }),
  );
}

function membersOf(results: Results): readonly ViewMember[] {
  const list = decodedOr(() => typedList(deviceObjectReference, valuesOf(results, P.subordinateList))) ?? [];
  const annotations = textsIn(valuesOf(results, P.subordinateAnnotations));
  return list.slice(0, MOST_MEMBERS).map(({ device, object }, at) => {
    const annotation = annotations[at] ?? "";
    return {
      object,
      ...(device === undefined ? {} : { device: device.instance }),
      ...(annotation === "" ? {} : { annotation }),
    };
  });
}

function logsOf(results: Results): DeviceObjectPropertyReference | undefined {
  const values = valuesOf(results, P.logDeviceObjectProperty);
  return values.length === 0 ? undefined : decodedOr(() => typedValue(deviceObjectPropertyReference, values));
}
