import { unitByBacnet } from "#core/units.ts";
import { OBJECT_TYPES, objectTypeName } from "../../codec/enums.ts";
import type { FoundObject } from "../../discovery/object-details.ts";
import { shortTypeName } from "../../discovery/object-text.ts";
import type { DeviceScan } from "../../discovery/scan.ts";
import { csvText } from "./csv.ts";
import { EDE_LAYOUT, type EdeColumn } from "./layout.ts";

/** What stands in the head of an EDE file. */
export interface EdeHead {
  readonly project: string;
  readonly author: string;
  /** Unix ms. */
  readonly at: number;
  readonly separator: ";" | ",";
}

/** The texts of an EDE file and of those that belong to it. */
export interface EdeFiles {
  readonly ede: string;
  readonly states: string;
  readonly units: string;
  readonly types: string;
}

const LAYOUT = "2.3";
/** Titles of the columns that binary objects use as well. */
const FIRST_STATES = ["Text 1 or Inactive-Text", "Text 2 or Active-Text"];
const T = OBJECT_TYPES;
/** Types whose objects report changes by COV. [BACnet 13.1, Table 13-1] */
const COV_TYPES: readonly number[] = [
  T["analog-input"],
  T["analog-output"],
  T["analog-value"],
  T["binary-input"],
  T["binary-output"],
  T["binary-value"],
  T["multi-state-input"],
  T["multi-state-output"],
  T["multi-state-value"],
  T["characterstring-value"],
  T["integer-value"],
  T["positive-integer-value"],
  T["large-analog-value"],
  T.loop,
  T["pulse-converter"],
];

/** State texts by number: objects with the same texts share one. */
class StateTexts {
  readonly #references = new Map<string, number>();
  readonly rows: (readonly string[])[] = [];

  referenceOf(states: readonly string[]): string {
    const key = JSON.stringify(states);
    const known = this.#references.get(key);
    if (known !== undefined) return String(known);
    const reference = this.rows.length + 1;
    this.#references.set(key, reference);
    this.rows.push([String(reference), ...states]);
    return String(reference);
  }
}

const text = (value: number | undefined): string => (value === undefined ? "" : String(value));

/** Scans as EDE files, layout 2.3. */
export function edeFilesOf(scans: readonly DeviceScan[], head: EdeHead): EdeFiles {
  const states = new StateTexts();
  const objects = scans.flatMap((scan) => [deviceObject(scan), ...scan.objects].map((found) => ({ scan, found })));
  const rows = objects.map(({ scan, found }) => {
    const cells = cellsOf(scan.instance, found, states);
    return EDE_LAYOUT.map(({ column }) => cells[column]);
  });
  const units = new Set(objects.flatMap(({ found: { units: code } }) => code ?? []));
  const types = new Set(objects.map(({ found }) => found.object.type));
  const table = (comments: readonly (readonly string[])[], body: readonly (readonly string[])[]): string =>
    csvText([...comments, ...body], head.separator);
  const longest = states.rows.reduce((most, row) => Math.max(most, row.length - 1), 2);
  const stateTitles = Array.from({ length: longest }, (_, at) => FIRST_STATES[at] ?? `Text ${at + 1}`);
  return {
    ede: table(headRows(head), rows),
    states: table([["#State Text Reference"], ["#Reference Number", ...stateTitles]], states.rows),
    units: table(
      [["#Encoding of BACnet Engineering Units"], ["#Code", "Unit Text"]],
      [...units].sort((a, b) => a - b).map((code) => [String(code), unitByBacnet(code).id]),
    ),
    types: table(
      [["#Encoding of BACnet Object Types"], ["#Code", "Object Type"]],
      [...types].sort((a, b) => a - b).map((type) => [String(type), objectTypeName(type)]),
    ),
  };
}

function headRows({ project, author, at }: EdeHead): readonly (readonly string[])[] {
  return [
    ["#Engineering-Data-Exchange - B.I.G.-EU"],
    ["PROJECT_NAME", project],
    ["VERSION_OF_REFERENCEFILE", "1"],
    ["TIMESTAMP_OF_LAST_CHANGE", new Date(at).toISOString().slice(0, 10)],
    ["AUTHOR_OF_LAST_CHANGE", author],
    ["VERSION_OF_LAYOUT", LAYOUT],
    EDE_LAYOUT.map(({ mandatory }, index) => `${index === 0 ? "#" : ""}${mandatory ? "mandatory" : "optional"}`),
    EDE_LAYOUT.map(({ title }, index) => (index === 0 ? `#${title}` : title)),
  ];
}

/** The Device object has its row too: importers name the device by it. */
function deviceObject({ instance, facts }: DeviceScan): FoundObject {
  const { name = "", description } = facts;
  const object = { type: T.device, instance };
  return { object, name, commandable: false, ...(description === undefined ? {} : { description }) };
}

function cellsOf(device: number, found: FoundObject, states: StateTexts): Readonly<Record<EdeColumn, string>> {
  const {
    object,
    name,
    description = "",
    min,
    max,
    highLimit,
    lowLimit,
    units,
    commandable,
    notificationClass,
  } = found;
  return {
    keyname: `${device}_${shortTypeName(object.type)}_${object.instance}`,
    device: String(device),
    name,
    type: String(object.type),
    instance: String(object.instance),
    description,
    default: "",
    min: text(min),
    max: text(max),
    settable: commandable ? "Y" : "N",
    cov: COV_TYPES.includes(object.type) ? "Y" : "N",
    high: text(highLimit),
    low: text(lowLimit),
    states: found.states === undefined ? "" : states.referenceOf(found.states),
    unit: text(units),
    address: "",
    class: text(notificationClass),
  };
}
