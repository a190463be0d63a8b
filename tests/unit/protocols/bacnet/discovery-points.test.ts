import { describe, expect, it } from "vitest";
import { OBJECT_TYPES, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import { compareScans, mergedScan } from "#protocols/bacnet/discovery/compare.ts";
import type { FoundObject } from "#protocols/bacnet/discovery/object-details.ts";
import { objectOfText, objectText } from "#protocols/bacnet/discovery/object-text.ts";
import { deviceOf, pointsOf } from "#protocols/bacnet/discovery/point-list.ts";
import { planReading } from "#protocols/bacnet/discovery/reading.ts";
import type { DeviceScan } from "#protocols/bacnet/discovery/scan.ts";
import { isScan } from "#protocols/bacnet/discovery/scan-file.ts";
import { proposedTags } from "#protocols/bacnet/discovery/tag-proposals.ts";

const found = (text: string, name: string, more: Partial<FoundObject> = {}): FoundObject => ({
  object: objectOfText(text),
  name,
  commandable: false,
  ...more,
});

const scanOf = (objects: readonly FoundObject[], more: Partial<DeviceScan> = {}): DeviceScan => ({
  at: 1000,
  instance: 1001,
  address: "10.0.0.1:47809/7:0c",
  alsoAt: [],
  maxApdu: 480,
  segmentation: 3,
  vendorId: 260,
  facts: { name: "DDC-1", services: [], objectTypes: [] },
  objects,
  complete: true,
  problems: [],
  ...more,
});

describe("points of a scan", () => {
  it("have kinds, canonical units, states, writability and addresses", () => {
    const objects = [
      found("ai:1", "T1", { units: 62, description: "送风温度", min: -40, max: 120 }),
      found("av:1", "SP", { units: 62, commandable: true }),
      found("ai:2", "pulses", { units: 95, min: 0, max: 0 }),
      found("ai:3", "odd", { units: 4711 }),
      found("bi:1", "Run", { states: ["停止", "运行"] }),
      found("msv:1", "Mode", { numberOfStates: 2, commandable: true }),
      found("40:1", "Text"),
      found("calendar:1", "Holidays"),
    ];
    expect(pointsOf(scanOf(objects))).toMatchObject([
      { id: "t1", name: "送风温度", nameEn: "T1", kind: "number", unit: "degC", min: -40, max: 120, writable: false },
      { id: "sp", kind: "number", unit: "degC", writable: true, address: { objectType: "analog-value", instance: 1 } },
      { id: "pulses", kind: "number" },
      { id: "odd", kind: "number", unit: "unknown-unit(4711)" },
      {
        id: "run",
        kind: "boolean",
        states: [
          { value: 0, name: "停止" },
          { value: 1, name: "运行" },
        ],
      },
      {
        id: "mode",
        kind: "enum",
        states: [
          { value: 1, name: "1" },
          { value: 2, name: "2" },
        ],
        writable: true,
      },
      { id: "text", kind: "string", address: { objectType: "characterstring-value", instance: 1 } },
    ]);
    expect(pointsOf(scanOf(objects))[2]).not.toHaveProperty("min");
    expect(pointsOf(scanOf(objects))[2]).not.toHaveProperty("unit");
  });

  it("have ids from ASCII names, else from type and instance, and never the same twice", () => {
    const objects = [
      found("ai:1", "AHU-1 / Supply Air Temp"),
      found("ai:2", "回风温度"),
      found("ai:3", "回风温度", { description: "Return air temperature" }),
      found("ai:4", "AHU-1 / Supply Air Temp"),
      found("bi:7", "123"),
      found("ai:5", "x".repeat(300)),
    ];
    const points = pointsOf(scanOf(objects));
    expect(points.map(({ id }) => id)).toEqual([
      "ahu-1-supply-air-temp",
      "ai-2",
      "return-air-temperature",
      "ahu-1-supply-air-temp-ai-4",
      "bi-7",
      "x".repeat(64),
    ]);
    expect(points.every(({ id, name }) => /^[A-Za-z0-9_.-]{1,64}$/.test(id) && name.length <= 200)).toBe(true);
  });

  it("belong to a device that its instance identifies, with its place behind the router", () => {
    expect(deviceOf(scanOf([]))).toEqual({
      identity: "1001",
      name: "DDC-1",
      manufacturer: "BACnet vendor 260",
      config: { instance: 1001, address: { host: "10.0.0.1", port: 47_809 }, network: 7, mac: "0c" },
    });
  });

  it("get tag proposals from unit, type and words in both languages", () => {
    const sure = (object: FoundObject): readonly string[] =>
      proposedTags(object)
        .filter(({ confidence }) => confidence >= 0.7)
        .map(({ tag }) => tag)
        .sort();
    expect(sure(found("ai:1", "送风温度", { units: 62 }))).toEqual(["air", "discharge", "sensor", "temp"]);
    expect(sure(found("ai:2", "AHU1_ReturnAirTemp"))).toEqual(["air", "return", "sensor", "temp"]);
    expect(sure(found("av:1", "Zone temp setpoint", { commandable: true, units: 62 }))).toEqual(["sp", "temp", "zone"]);
    expect(sure(found("bo:1", "冷冻水泵启停", { commandable: true }))).toEqual(["chilled", "cmd", "pump", "water"]);
    expect(sure(found("ai:9", "PT-7"))).toEqual(["sensor"]);
    expect(proposedTags(found("ai:1", "x", { tags: { discharge: true, id: "a" } }))[0]).toEqual({
      tag: "discharge",
      confidence: 1,
    });
  });
});

describe("a later scan", () => {
  const before = scanOf([
    found("ai:1", "T1", { units: 62 }),
    found("ai:2", "T2"),
    found("msv:1", "Mode", { states: ["off", "on"] }),
  ]);

  it("is compared: new, missing, renamed, and objects that mean something else", () => {
    const now = scanOf([
      found("ai:1", "T1", { units: 64 }),
      found("ai:3", "T3"),
      found("msv:1", "Operation", { states: ["off", "on"] }),
    ]);
    expect(compareScans(before, now)).toEqual({
      since: 1000,
      added: ["analog-input:3"],
      missing: ["analog-input:2"],
      renamed: [{ object: "multi-state-value:1", before: "Mode", after: "Operation" }],
      changed: [{ object: "analog-input:1", before: "units 62", after: "units 64" }],
    });
  });

  it("makes nothing missing that was not read, and forgets nothing", () => {
    const partly = scanOf([found("ai:1", "T1", { units: 62 })], { complete: false, at: 2000 });
    expect(compareScans(before, partly).missing).toEqual([]);
    expect(mergedScan(before, partly).objects.map(({ object }) => objectText(object))).toEqual([
      "analog-input:1",
      "analog-input:2",
      "multi-state-value:1",
    ]);
  });

  it("survives being written to a file; what is no scan is refused", () => {
    expect(isScan(JSON.parse(JSON.stringify(before)))).toBe(true);
    for (const wrong of [
      null,
      [],
      {},
      { ...before, objects: [{}] },
      { ...before, facts: 1 },
      ...[{ states: 5 }, { members: [1] }, { object: { type: 1024, instance: 1 } }].map((odd) => ({
        ...before,
        objects: [{ object: { type: 0, instance: 1 }, name: "n", ...odd }],
      })),
    ])
      expect(isScan(wrong)).toBe(false);
  });
});

describe("the plan of a reading", () => {
  const wanted = Array.from({ length: 40 }, (_, instance) => ({
    object: { type: OBJECT_TYPES["analog-input"], instance },
    properties: [PROPERTIES.objectName, PROPERTIES.description, PROPERTIES.units].map((property) => ({ property })),
  }));
  const flat = (budget: number): readonly string[] =>
    planReading(wanted, budget).flatMap((batch) =>
      batch.flatMap(({ object, properties }) => properties.map(({ property }) => `${object.instance}.${property}`)),
    );

  it.each([50, 206, 480, 1476])("asks for everything once, whatever the device takes: %i bytes", (budget) => {
    expect(flat(budget)).toEqual(flat(1_000_000));
    expect(flat(budget)).toHaveLength(120);
  });

  it("puts less into a request to a small device", () => {
    expect(planReading(wanted, 1476)).toHaveLength(4);
    expect(planReading(wanted, 480)).toHaveLength(14);
    // one object does not fit 100 bytes: it is split by its properties
    expect(planReading(wanted, 100).length).toBeGreaterThan(40);
  });
});
