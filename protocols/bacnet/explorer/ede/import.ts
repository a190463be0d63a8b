import { ConfigError } from "#core/errors.ts";
import { UNITS } from "#core/units.ts";
import { OBJECT_TYPES } from "../../codec/enums.ts";
import { objectIdWord } from "../../codec/values.ts";
import type { FoundObject } from "../../discovery/object-details.ts";
import { objectText, objectTypeOfText } from "../../discovery/object-text.ts";
import { HIGHEST_INSTANCE } from "../../discovery/search.ts";
import { type Cell, parseCsv, type Row } from "./csv.ts";
import { columnOf, EDE_LAYOUT, type EdeColumn } from "./layout.ts";

/** A file with its name, for messages. */
export interface NamedText {
  readonly file: string;
  readonly text: string;
}

/** An EDE file and those that belong to it. */
export interface EdeTexts {
  readonly ede: NamedText;
  readonly states?: NamedText;
  readonly units?: NamedText;
  readonly types?: NamedText;
}

/** A device of an EDE file with its objects. */
export interface EdeDevice {
  readonly instance: number;
  /** From the row of its Device object; absent where there is none. */
  readonly name?: string;
  readonly objects: readonly FoundObject[];
}

/** What an EDE file says. */
export interface Ede {
  /** `PROJECT_NAME` and so on, as written. */
  readonly head: Readonly<Record<string, string>>;
  readonly devices: readonly EdeDevice[];
  /** What does not stop the import: an unknown unit, a missing state text. */
  readonly warnings: readonly string[];
}

const HEAD_KEYS: readonly string[] = [
  "PROJECT_NAME",
  "VERSION_OF_REFERENCEFILE",
  "TIMESTAMP_OF_LAST_CHANGE",
  "AUTHOR_OF_LAST_CHANGE",
  "VERSION_OF_LAYOUT",
  "LIMITED_RESOURCES",
];
const MOST_PROBLEMS = 100;
const MOST_ROWS = 500_000;
const HIGHEST_OBJECT = 4_194_303;
const HIGHEST_UNIT = 65_535;
const YES = ["y", "yes", "true", "1", "j", "ja", "x", "w"];
const NO = ["n", "no", "false", "0", "nein", "r", ""];
const ALWAYS_COMMANDABLE: readonly number[] = [
  OBJECT_TYPES["analog-output"],
  OBJECT_TYPES["binary-output"],
  OBJECT_TYPES["multi-state-output"],
];

/** Problems of a file, each with its place. */
class Problems {
  readonly list: string[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  add({ line, column }: Pick<Cell, "line" | "column">, text: string): void {
    if (this.list.length < MOST_PROBLEMS) this.list.push(`${this.#file}:${line}:${column} ${text}`);
  }
}

/** Reads an EDE file of any layout. @throws BACNET_EDE_INVALID (ConfigError) with every problem as `file:line:column` */
export function readEde(texts: EdeTexts): Ede {
  const problems = new Problems(texts.ede.file);
  const warnings = new Problems(texts.ede.file);
  const context: Context = {
    problems,
    warnings,
    states: statesOf(texts.states),
    units: codesOf(texts.units),
    types: codesOf(texts.types),
  };
  const head: Record<string, string> = {};
  let columns = columnsOf(EDE_LAYOUT.map(({ title }) => title));
  const devices = new Map<number, Collected>();
  const rows = parseCsv(texts.ede.text);
  if (rows.length > MOST_ROWS) problems.add({ line: MOST_ROWS, column: 1 }, `expected at most ${MOST_ROWS} rows`);
  for (const row of rows.slice(0, MOST_ROWS)) {
    const kind = kindOf(row);
    if (kind === "head") head[row[0]?.text ?? ""] = row[1]?.text ?? "";
    else if (kind === "titles") columns = columnsOf(row.map(({ text }) => text));
    else if (kind === "object") take(row, columns, devices, context);
  }
  if (devices.size === 0 && problems.list.length === 0) {
    problems.add({ line: 1, column: 1 }, "expected rows of objects under the titles of an EDE file, got none");
  }
  if (problems.list.length > 0) throw new ConfigError("BACNET_EDE_INVALID", problems.list);
  return {
    head,
    devices: [...devices].map(([instance, { name, objects }]) => ({
      instance,
      ...(name === undefined ? {} : { name }),
      objects: [...objects.values()],
    })),
    warnings: warnings.list,
  };
}

interface Collected {
  name?: string;
  readonly objects: Map<number, FoundObject>;
}

interface Context {
  readonly problems: Problems;
  readonly warnings: Problems;
  /** State texts by reference. */
  readonly states: ReadonlyMap<string, readonly string[]> | undefined;
  /** Codes by text in lower case. */
  readonly units: ReadonlyMap<string, number>;
  readonly types: ReadonlyMap<string, number>;
}

type Columns = ReadonlyMap<EdeColumn, number>;

function kindOf(row: Row): "head" | "titles" | "object" | "none" {
  const first = row[0]?.text ?? "";
  if (row.every(({ text }) => text === "")) return "none";
  const titles = row.map(({ text }) => columnOf(text));
  if (titles.includes("type") && titles.includes("instance")) return "titles";
  if (first.startsWith("#") || /^sep=/i.test(first)) return "none";
  return HEAD_KEYS.includes(first.toUpperCase()) ? "head" : "object";
}

function columnsOf(titles: readonly string[]): Columns {
  const columns = new Map<EdeColumn, number>();
  for (const [at, title] of titles.entries()) {
    const column = columnOf(title);
    if (column !== undefined && !columns.has(column)) columns.set(column, at);
  }
  return columns;
}

function take(row: Row, columns: Columns, devices: Map<number, Collected>, context: Context): void {
  const before = context.problems.list.length;
  const cell = (column: EdeColumn): Cell => {
    const { line = 1, column: place = 1 } = row.at(-1) ?? {};
    return row[columns.get(column) ?? row.length] ?? { text: "", line, column: place };
  };
  const whole = (column: EdeColumn, highest: number): number => {
    const found = cell(column);
    const number = /^\d{1,10}$/.test(found.text) ? Number(found.text) : Number.NaN;
    if (number <= highest) return number;
    context.problems.add(found, `${column} expected a whole number up to ${highest}, got "${found.text}"`);
    return Number.NaN;
  };
  const device = whole("device", HIGHEST_INSTANCE);
  const instance = whole("instance", HIGHEST_OBJECT);
  const type = typeOf(cell("type"), context);
  if (type === undefined || context.problems.list.length > before) return;
  const object = { type, instance };
  const collected = devices.get(device) ?? { objects: new Map<number, FoundObject>() };
  devices.set(device, collected);
  const found: FoundObject = {
    object,
    name: cell("name").text,
    commandable: isCommandable(type, cell("settable"), context),
    ...optionalOf(cell, context),
  };
  if (type === OBJECT_TYPES.device) {
    if (found.name !== "") collected.name = found.name;
    return;
  }
  const word = objectIdWord(object);
  if (collected.objects.has(word)) {
    const text = `${objectText(object)} of device ${device} stands in the file twice: the first row is taken`;
    context.warnings.add(cell("instance"), text);
    return;
  }
  collected.objects.set(word, found);
}

function typeOf(cell: Cell, { types, problems }: Context): number | undefined {
  const type = objectTypeOfText(cell.text) ?? types.get(cell.text.toLowerCase());
  if (type === undefined) problems.add(cell, `type expected an object type by number or name, got "${cell.text}"`);
  return type;
}

function isCommandable(type: number, cell: Cell, { warnings }: Context): boolean {
  const word = cell.text.toLowerCase();
  if (!YES.includes(word) && !NO.includes(word)) warnings.add(cell, `settable expected Y or N, got "${cell.text}"`);
  return YES.includes(word) || (word === "" && ALWAYS_COMMANDABLE.includes(type));
}

/** What need not be given; a cell that is not understood is told and left out. */
function optionalOf(cell: (column: EdeColumn) => Cell, context: Context): Partial<FoundObject> {
  const number = (column: EdeColumn): number | undefined => {
    const { text, ...place } = cell(column);
    if (text === "") return undefined;
    // tools of several countries write a decimal comma
    const value = Number(text.replace(/^(-?\d+),(\d+)$/, "$1.$2"));
    if (Number.isFinite(value)) return value;
    context.warnings.add(place, `${column} expected a number, got "${text}"`);
    return undefined;
  };
  const description = cell("description").text;
  const fields = {
    description: description === "" ? undefined : description,
    min: number("min"),
    max: number("max"),
    highLimit: number("high"),
    lowLimit: number("low"),
    notificationClass: number("class"),
    units: unitOf(cell("unit"), context),
    states: stateTextsOf(cell("states"), context),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function unitOf(cell: Cell, { units, warnings }: Context): number | undefined {
  const { text } = cell;
  if (text === "") return undefined;
  const number = /^\d{1,5}$/.test(text) ? Number(text) : units.get(text.toLowerCase());
  if (number !== undefined && number <= HIGHEST_UNIT) return number;
  const canonical = UNITS.find(({ id, symbol }) => id === text || (symbol !== "" && symbol === text))?.bacnet[0];
  if (canonical === undefined) warnings.add(cell, `unit expected a code of BACnetEngineeringUnits, got "${text}"`);
  return canonical;
}

function stateTextsOf(cell: Cell, { states, warnings }: Context): readonly string[] | undefined {
  const { text } = cell;
  if (text === "" || states === undefined) return undefined;
  const found = states.get(text);
  if (found === undefined) warnings.add(cell, `states expected a reference of the state text file, got "${text}"`);
  return found;
}

/** Rows of `reference;text 1;text 2...`. */
function statesOf(file: NamedText | undefined): ReadonlyMap<string, readonly string[]> | undefined {
  if (file === undefined) return undefined;
  const states = new Map<string, readonly string[]>();
  for (const row of parseCsv(file.text)) {
    const [reference = "", ...texts] = row.map(({ text }) => text);
    if (reference === "" || reference.startsWith("#")) continue;
    const last = texts.findLastIndex((text) => text !== "");
    if (last >= 0) states.set(reference, texts.slice(0, last + 1));
  }
  return states;
}

/** Rows of `code;text`. */
function codesOf(file: NamedText | undefined): ReadonlyMap<string, number> {
  const codes = new Map<string, number>();
  for (const [code, name] of file === undefined ? [] : parseCsv(file.text)) {
    if (code === undefined || name === undefined || !/^\d{1,5}$/.test(code.text) || name.text === "") continue;
    codes.set(name.text.toLowerCase(), Number(code.text));
  }
  return codes;
}
