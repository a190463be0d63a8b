import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConfigError } from "#core/errors.ts";
import type { FoundObject } from "#protocols/bacnet/discovery/object-details.ts";
import { objectOfText } from "#protocols/bacnet/discovery/object-text.ts";
import { pointsOf } from "#protocols/bacnet/discovery/point-list.ts";
import type { DeviceScan } from "#protocols/bacnet/discovery/scan.ts";
import { csvText, parseCsv, separatorOf } from "#protocols/bacnet/explorer/ede/csv.ts";
import { decodeText, encodingOf } from "#protocols/bacnet/explorer/ede/encoding.ts";
import { edeFilesOf } from "#protocols/bacnet/explorer/ede/export.ts";
import { readEde } from "#protocols/bacnet/explorer/ede/import.ts";
import { gbkBytes } from "#simulators/servers/bacnet/gbk.ts";

const file = (text: string, name = "plant.csv") => ({ file: name, text });
const HEAD = [
  "# Some tool",
  "PROJECT_NAME;Plant 1",
  "VERSION_OF_REFERENCEFILE;3",
  "TIMESTAMP_OF_LAST_CHANGE;2005-12-19",
  "AUTHOR_OF_LAST_CHANGE;G. Sampler",
  "VERSION_OF_LAYOUT;2.3",
].join("\n");
const TITLES =
  "# keyname;device obj.-instance;object-name;object-type;object-instance;description;present-value-default;min-present-value;max-present-value;settable;supports COV;hi-limit;low-limit;state-text-reference;unit-code;vendor-specific-address;notification-class";

const object = (text: string, name: string, more: Partial<FoundObject> = {}): FoundObject => ({
  object: objectOfText(text),
  name,
  commandable: false,
  ...more,
});
const OBJECTS: readonly FoundObject[] = [
  object("ai:1", "T;1", {
    description: '送风温度 "A"',
    units: 62,
    min: -40,
    max: 120.5,
    highLimit: 30,
    lowLimit: 5,
    notificationClass: 3,
  }),
  object("av:7", "SP", { description: "two\nlines", units: 62, commandable: true }),
  object("bi:1", "Run", { states: ["停止", "运行"] }),
  object("bo:1", "Cmd", { states: ["停止", "运行"], commandable: true }),
  object("msv:2", "Mode", { states: ["关", "制冷", "制热"], commandable: true }),
  object("130:4", "Vendor thing"),
];
const SCAN: DeviceScan = {
  at: 0,
  instance: 1001,
  address: "10.0.0.1:47808",
  alsoAt: [],
  maxApdu: 480,
  segmentation: 3,
  vendorId: 260,
  facts: { name: "DDC-1", services: [], objectTypes: [] },
  objects: OBJECTS,
  complete: true,
  problems: [],
};
const EXPORT = { project: "Plant, 1", author: "Li", at: Date.UTC(2026, 4, 1) } as const;

describe("EDE files", () => {
  it.each([";", ","] as const)(
    "give the same objects and points after being written and read, separated by %s",
    (separator) => {
      const files = edeFilesOf([SCAN], { ...EXPORT, separator });
      const read = readEde({
        ede: file(files.ede),
        states: file(files.states),
        units: file(files.units),
        types: file(files.types),
      });
      expect(read.warnings).toEqual([]);
      expect(read.head).toMatchObject({
        PROJECT_NAME: "Plant, 1",
        VERSION_OF_LAYOUT: "2.3",
        AUTHOR_OF_LAST_CHANGE: "Li",
      });
      expect(read.devices).toEqual([{ instance: 1001, name: "DDC-1", objects: OBJECTS }]);
      expect(pointsOf({ instance: 1001, objects: read.devices[0]?.objects ?? [] })).toEqual(pointsOf(SCAN));
    },
  );

  it("has the head, the titles and one reference for the same state texts", () => {
    const { ede, states, units, types } = edeFilesOf([SCAN], { ...EXPORT, separator: ";" });
    const lines = ede.split("\r\n");
    expect(lines[0]).toBe("#Engineering-Data-Exchange - B.I.G.-EU");
    expect(lines).toContain("TIMESTAMP_OF_LAST_CHANGE;2026-05-01");
    expect(lines[7]).toBe(TITLES.replace("# ", "#"));
    expect(lines[9]).toBe('1001_ai_1;1001;"T;1";0;1;"送风温度 ""A""";;-40;120.5;N;Y;30;5;;62;;3');
    expect(states.split("\r\n").slice(2)).toEqual(["1;停止;运行", "2;关;制冷;制热", ""]);
    expect(units.split("\r\n").slice(2)).toEqual(["62;degC", ""]);
    expect(types).toContain("19;multi-state-value\r\n");
  });

  it("of other tools are read: other titles and order, text for types and units, decimal commas", () => {
    const rows = [
      HEAD,
      "mandatory;mandatory",
      "# keyname;object-type;object-instance;Device Object Instance;object name;commandable;hi limit;unit-code;extra",
      "k1;Analog Input;1;12;Temperature;N;21,5;Degrees Celsius;x",
      "k2;14;3;12;Stage;;;;",
    ];
    const units = file("#Code;Unit Text\n62;degrees Celsius\n", "units.csv");
    const { devices, warnings } = readEde({ ede: file(rows.slice(0, 1).concat(rows.slice(2)).join("\n")), units });
    expect(warnings).toEqual([]);
    expect(devices).toEqual([
      {
        instance: 12,
        objects: [
          object("ai:1", "Temperature", { highLimit: 21.5, units: 62 }),
          object("mo:3", "Stage", { commandable: true }),
        ],
      },
    ]);
  });

  it("without titles have the columns of the layout", () => {
    const { devices } = readEde({ ede: file(`${HEAD}\nk;7;Name;2;9;what it is;;0;100;Y;N;;;;98;;`) });
    expect(devices).toEqual([
      {
        instance: 7,
        objects: [
          object("av:9", "Name", { description: "what it is", min: 0, max: 100, units: 98, commandable: true }),
        ],
      },
    ]);
  });

  it("tell every fault at once with its file, line and column", () => {
    const text = `${HEAD}\n${TITLES}\nk;one;N;0;1\nk;1;N;teapot;1\nk;1;N;0;9999999\n`;
    let thrown: unknown;
    try {
      readEde({ ede: file(text) });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "BACNET_EDE_INVALID" });
    expect((thrown as ConfigError).problems).toEqual([
      'plant.csv:8:3 device expected a whole number up to 4194302, got "one"',
      'plant.csv:9:7 type expected an object type by number or name, got "teapot"',
      'plant.csv:10:9 instance expected a whole number up to 4194303, got "9999999"',
    ]);
  });

  it("warn of what can be left out: an unknown unit, a missing state text, an object twice", () => {
    const row = "k;1;N;19;1;;;;;maybe;;;;9;furlongs;;x";
    const { devices, warnings } = readEde({
      ede: file(`${HEAD}\n${TITLES}\n${row}\n${row}\n`),
      states: file("1;a;b\n"),
    });
    expect(devices[0]?.objects).toEqual([object("msv:1", "N")]);
    expect(warnings.slice(0, 4)).toEqual([
      'plant.csv:8:16 settable expected Y or N, got "maybe"',
      'plant.csv:8:37 class expected a number, got "x"',
      'plant.csv:8:27 unit expected a code of BACnetEngineeringUnits, got "furlongs"',
      'plant.csv:8:25 states expected a reference of the state text file, got "9"',
    ]);
    expect(warnings.at(-1)).toContain("stands in the file twice");
  });

  it("that hold no rows are refused", () => {
    expect(() => readEde({ ede: file(HEAD) })).toThrow(expect.objectContaining({ code: "BACNET_EDE_INVALID" }));
  });
});

describe("any file at all", () => {
  const pieces = [
    "\n",
    "\r\n",
    ";",
    ",",
    '"',
    '""',
    "#",
    "keyname",
    "object-type",
    "object-instance",
    "0",
    "1",
    "-1",
    "99999999999",
    "ai",
    "送风",
    "PROJECT_NAME",
  ];
  const text = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 4 })), { maxLength: 60 });

  it("is an EDE file or refused with reasons, and never more", () => {
    fc.assert(
      fc.property(text, text, (ede, other) => {
        const named = file(other.join(""), "other.csv");
        try {
          readEde({ ede: file(ede.join("")), states: named, units: named, types: named });
        } catch (error) {
          expect(error).toMatchObject({ code: "BACNET_EDE_INVALID" });
          expect((error as ConfigError).problems.every((problem) => /^plant\.csv:\d+:\d+ /.test(problem))).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("keeps its cells through writing and reading", () => {
    const cells = fc.array(
      fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 8 })), { minLength: 2, maxLength: 5 }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(cells, fc.constantFrom(";", ",", "\t"), (rows, separator) => {
        const read = parseCsv(csvText(rows, separator), separator).map((row) => row.map((cell) => cell.text));
        expect(read).toEqual(rows.map((row) => row.map((cell) => cell.trim())));
      }),
      { numRuns: 500 },
    );
  });
});

describe("separated text", () => {
  it("may be quoted, and hold separators, quotes and line ends", () => {
    const rows = [
      ["a", "b;c", 'd "e"', "f\ng"],
      ["", " h ", "", "i"],
    ];
    const read = parseCsv(csvText(rows, ";"), ";");
    expect(read.map((row) => row.map(({ text }) => text))).toEqual([rows[0], ["", "h", "", "i"]]);
    expect(read[1]?.[0]).toMatchObject({ line: 3, column: 1 });
  });

  it("may have another separator and other line ends, and need not end with one", () => {
    for (const [separator, text] of [
      [",", "a,b\rc,d"],
      ["\t", "a\tb\n\nc\td\n"],
      [";", 'a;"1,2,3,4,5,6"\r\nc;d\r\n'],
    ] as const) {
      expect(separatorOf(text)).toBe(separator);
      const cells = parseCsv(text).map((row) => row.map((cell) => cell.text));
      expect(cells.filter((row) => row.length > 1).flat()).toHaveLength(4);
    }
  });

  it("ends also where a quote is not closed", () => {
    expect(
      parseCsv('a;"b;c\nd', ";")
        .flat()
        .map(({ text }) => text),
    ).toEqual(["a", "b;c\nd"]);
    expect(parseCsv("", ";")).toEqual([[{ text: "", line: 1, column: 1 }]]);
  });
});

describe("the encoding of a file", () => {
  const text = "PROJECT_NAME;园区空调系统;送风温度\n";
  const utf16 = (big: boolean): Uint8Array => {
    const bytes = Buffer.from(text, "utf16le");
    return big ? bytes.swap16() : bytes;
  };

  it("is found for UTF-8 and UTF-16, with and without a mark, and for GBK", () => {
    for (const [encoding, bytes] of [
      ["utf-8", Buffer.from(text)],
      ["utf-8", Buffer.from(`\ufeff${text}`)],
      ["utf-16le", utf16(false)],
      ["utf-16be", utf16(true)],
      ["utf-16le", Buffer.concat([Buffer.from([0xff, 0xfe]), utf16(false)])],
      ["utf-16be", Buffer.concat([Buffer.from([0xfe, 0xff]), utf16(true)])],
      ["gbk", gbkBytes(text)],
    ] as const) {
      expect(encodingOf(bytes)).toBe(encoding);
      expect(decodeText(bytes)).toBe(text);
    }
  });

  it("is Windows-1252 for the letters of western languages", () => {
    const bytes = Buffer.from("Lüftung;Außentemperatur;Kühlung", "latin1");
    expect(encodingOf(bytes)).toBe("windows-1252");
    expect(decodeText(bytes)).toBe("Lüftung;Außentemperatur;Kühlung");
  });
});
