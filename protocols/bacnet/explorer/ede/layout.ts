/** A column of an EDE file. */
export type EdeColumn =
  | "keyname"
  | "device"
  | "name"
  | "type"
  | "instance"
  | "description"
  | "default"
  | "min"
  | "max"
  | "settable"
  | "cov"
  | "high"
  | "low"
  | "states"
  | "unit"
  | "address"
  | "class";

interface Layout {
  readonly column: EdeColumn;
  readonly title: string;
  readonly mandatory: boolean;
  /** Other titles, letters and digits only, in lower case. */
  readonly also: readonly string[];
}

/** The columns in the order of layout 2.3; layout 2 has all but the last. */
export const EDE_LAYOUT: readonly Layout[] = [
  { column: "keyname", title: "keyname", mandatory: true, also: ["key"] },
  {
    column: "device",
    title: "device obj.-instance",
    mandatory: true,
    also: ["deviceobjectinstance", "deviceinstance", "deviceid"],
  },
  { column: "name", title: "object-name", mandatory: true, also: [] },
  { column: "type", title: "object-type", mandatory: true, also: [] },
  { column: "instance", title: "object-instance", mandatory: true, also: [] },
  { column: "description", title: "description", mandatory: false, also: [] },
  { column: "default", title: "present-value-default", mandatory: false, also: ["defaultvalue", "default"] },
  { column: "min", title: "min-present-value", mandatory: false, also: ["minvalue", "min"] },
  { column: "max", title: "max-present-value", mandatory: false, also: ["maxvalue", "max"] },
  { column: "settable", title: "settable", mandatory: false, also: ["commandable", "writable", "writeable"] },
  { column: "cov", title: "supports COV", mandatory: false, also: ["cov"] },
  { column: "high", title: "hi-limit", mandatory: false, also: ["highlimit"] },
  { column: "low", title: "low-limit", mandatory: false, also: ["lolimit"] },
  { column: "states", title: "state-text-reference", mandatory: false, also: ["statetext"] },
  { column: "unit", title: "unit-code", mandatory: false, also: ["units", "unit"] },
  {
    column: "address",
    title: "vendor-specific-address",
    mandatory: false,
    also: ["vendorspecificaddres", "vendoraddress"],
  },
  { column: "class", title: "notification-class", mandatory: false, also: [] },
];

/** A title with what tools write differently taken out. */
export function plainTitle(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

const BY_TITLE: ReadonlyMap<string, EdeColumn> = new Map(
  EDE_LAYOUT.flatMap(({ column, title, also }) =>
    [plainTitle(title), ...also].map((name): readonly [string, EdeColumn] => [name, column]),
  ),
);

/** The column of a title; undefined for one of a tool's own. */
export function columnOf(title: string): EdeColumn | undefined {
  return BY_TITLE.get(plainTitle(title));
}

/** Names of the files that belong to an EDE file `<base>_EDE.csv`. */
export const COMPANIONS = {
  states: { suffix: "_StateTexts.csv", also: ["statetexts", "statetext"] },
  units: { suffix: "_Units.csv", also: ["units", "unittexts", "unittext"] },
  types: { suffix: "_ObjTypes.csv", also: ["objtypes", "objecttypes", "objecttypetexts"] },
} as const;
export type Companion = keyof typeof COMPANIONS;

/** Path without `.csv` and `_EDE`. */
export function baseOf(file: string): string {
  return file.replace(/\.(?:csv|txt)$/i, "").replace(/[_-]?ede$/i, "");
}
