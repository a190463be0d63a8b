import { describe, expect, it } from "vitest";
import { OBJECT_TYPES, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import type { BacnetValue } from "#protocols/bacnet/codec/values.ts";
import { objectOfText, objectText } from "#protocols/bacnet/discovery/object-text.ts";
import { parseCommandLine } from "#protocols/bacnet/explorer/command-line.ts";
import { displayWidth, printable, tableText } from "#protocols/bacnet/explorer/table.ts";
import { targetOfText, targetText } from "#protocols/bacnet/explorer/target-text.ts";
import { COMMAND_HELP, helpText } from "#protocols/bacnet/explorer/usage.ts";
import { plainValue, valueOfText, valuesText } from "#protocols/bacnet/explorer/value-text.ts";

describe("a table of the explorer", () => {
  it("is straight with Chinese names, whose characters take two columns", () => {
    const text = tableText(
      [{ title: "name" }, { title: "n", right: true }],
      [
        ["送风温度", "1"],
        ["fan", "20"],
      ],
    );
    expect(text).toBe("name       n\n--------  --\n送风温度   1\nfan       20\n");
    expect(displayWidth("空调 AHU①é")).toBe(4 + 1 + 3 + 1 + 1);
    expect(displayWidth("e\u0301")).toBe(1);
  });

  it("cuts long cells by their width", () => {
    expect(tableText([{ title: "n", most: 6 }], [["送风温度"], ["abcdefg"], ["abcdef"]])).toBe(
      "n\n------\n送风…\nabcde…\nabcdef\n",
    );
  });

  it("lets no device move the cursor", () => {
    expect(printable("a\u001b[31mb\r\nc")).toBe("a\ufffd[31mb\ufffd\ufffdc");
  });
});

describe("an object or property as text", () => {
  it.each([
    ["ai:3", 0, 3],
    ["analog-input:3", 0, 3],
    ["MSV,12", 19, 12],
    ["130:7", 130, 7],
    ["proprietary-130:7", 130, 7],
    ["trend_log:1", 20, 1],
  ])("%s names one", (text, type, instance) => {
    expect(objectOfText(text)).toEqual({ type, instance });
    expect(objectOfText(objectText({ type, instance }))).toEqual({ type, instance });
  });

  it.each(["", "ai", "ai:", "teapot:1", "ai:4194304", "1024:1", "constructor:1"])("%j names none", (text) => {
    expect(() => objectOfText(text)).toThrow(expect.objectContaining({ code: "BACNET_OBJECT_INVALID" }));
  });

  it("names a property and an element of it", () => {
    expect(targetOfText("ai:1")).toEqual({ object: { type: 0, instance: 1 }, property: 85 });
    expect(targetOfText("bv:2.priority-array[8]")).toEqual({
      object: { type: 5, instance: 2 },
      property: PROPERTIES.priorityArray,
      index: 8,
    });
    expect(targetText(targetOfText("130:1.512"))).toBe("proprietary-130:1.512");
    expect(targetText(targetOfText("av:1[3]"))).toBe("analog-value:1.presentValue[3]");
    for (const wrong of ["ai:1.teapot", "ai:1.", "ai:1.units[x]", "ai:1.4194304"])
      expect(() => targetOfText(wrong)).toThrow();
  });
});

describe("a value as text", () => {
  const of = (text: string) => targetOfText(text);
  const real: BacnetValue = { type: "real", value: 21.5 };

  it("shows the names of states, units, flags and wildcards", () => {
    const show = (text: string, ...values: readonly BacnetValue[]): string => valuesText(of(text), values);
    expect(show("bv:1", { type: "enumerated", value: 1 })).toBe("active");
    expect(show("ai:1.units", { type: "enumerated", value: 62 })).toBe("degC (62)");
    expect(show("ai:1", { type: "real", value: Math.fround(21.3) })).toBe("21.3");
    expect(show("ai:1.statusFlags", { type: "bitString", value: [true, false, false, true] })).toBe(
      "inAlarm, outOfService",
    );
    expect(show("ai:1.statusFlags", { type: "bitString", value: [false, false, false, false] })).toBe("-");
    const date = { year: 255, month: 5, day: 255, weekday: 1 };
    expect(show("device:1.localDate", { type: "date", value: date })).toBe("****-05-**");
    expect(show("av:1.priorityArray", { type: "null" }, real)).toBe("{null, 21.5}");
  });

  it("is plain JSON, also where it is not interpreted", () => {
    expect(plainValue(of("bv:1"), { type: "enumerated", value: 0 })).toBe(false);
    expect(plainValue(of("ai:1"), { type: "real", value: Number.NaN })).toBe("NaN");
    const raw = {
      type: "raw",
      tag: 2,
      context: true,
      constructed: true,
      value: Uint8Array.of(0x21, 0x07, 0x19, 0x03),
    } as const;
    expect(plainValue(of("ai:1"), raw)).toEqual({ tag: 2, values: [7, { tag: 1, hex: "03" }] });
    const broken = { ...raw, value: Uint8Array.of(0x3e) };
    expect(plainValue(of("ai:1"), broken)).toEqual({ tag: 2, hex: "3e" });
  });

  it("is read by the type that the object has", () => {
    expect(valueOfText(of("av:1"), "21.5", real)).toBe(21.5);
    expect(valueOfText(of("av:1"), "null", real)).toBeNull();
    expect(valueOfText(of("bv:1"), "Active", undefined)).toBe(true);
    expect(valueOfText(of("bv:1"), "off", undefined)).toBe(false);
    expect(valueOfText(of("40:1"), "12", undefined)).toBe("12");
    expect(valueOfText(of("ai:1.outOfService"), "true", { type: "boolean", value: false })).toBe(true);
    for (const [target, text] of [
      ["av:1", "warm"],
      ["av:1", ""],
      ["bv:1", "2"],
    ] as const) {
      expect(() => valueOfText(of(target), text, undefined)).toThrow(
        expect.objectContaining({ code: "BACNET_VALUE_INVALID" }),
      );
    }
  });
});

describe("the command line of the explorer", () => {
  it("gives words, options and the network", () => {
    const line = parseCommandLine(
      "write 1001 av:1 21.5 --priority 8 --to 10.0.0.1/7:0c --timeout 500 --port 0 --bbmd 10.0.0.9:47809 --json".split(
        " ",
      ),
    );
    if ("help" in line) throw new Error("expected a command");
    expect(line).toMatchObject({ command: "write", words: ["1001", "av:1", "21.5"], json: true });
    expect(line.number("priority", 1, 16)).toBe(8);
    expect(line.network).toMatchObject({
      interface: "0.0.0.0",
      port: 0,
      bbmd: { host: "10.0.0.9", port: 47_809 },
      to: { host: "10.0.0.1", port: 47_808, station: { net: 7 } },
      timeoutMs: 500,
      retries: 2,
    });
  });

  it("takes negative values after --", () => {
    const line = parseCommandLine(["write", "1001", "av:1", "--priority", "8", "--", "-5"]);
    expect(line).toMatchObject({ words: ["1001", "av:1", "-5"] });
  });

  it.each([
    [
      ["dance"],
      'expected a command, one of whois, scan, read, write, subscribe, alarms, trend, ede-export, ede-import, got "dance"',
    ],
    [["read", "--priority", "8"], "--priority is no option of read"],
    [["whois", "--port", "70000"], '--port: expected a whole number from 0 to 65535, got "70000"'],
    [["whois", "--to", "nowhere"], "--to: expected an IPv4 address"],
    [["whois", "--bbmd", "10.0.0.1/7:0c"], "--bbmd: expected address[:port]"],
    [["whois", "--loud"], "--loud"],
  ])("%j is refused with its reason", (args, reason) => {
    expect(() => parseCommandLine(args)).toThrow(
      expect.objectContaining({ code: "BACNET_USAGE", message: expect.stringContaining(reason) }),
    );
  });

  it("helps with every command", () => {
    expect(parseCommandLine(["trend", "--help"])).toEqual({ help: "trend" });
    expect(parseCommandLine([])).toEqual({ help: undefined });
    for (const command of Object.keys(COMMAND_HELP) as (keyof typeof COMMAND_HELP)[]) {
      expect(helpText(command)).toContain(`npm run bacnet -- ${command}`);
      expect(helpText()).toContain(`  ${command} `);
    }
  });

  it("knows the object types of the codec", () => {
    for (const [name, type] of Object.entries(OBJECT_TYPES)) expect(objectOfText(`${name}:1`).type).toBe(type);
  });
});
