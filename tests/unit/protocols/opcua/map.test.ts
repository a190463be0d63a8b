import {
  coerceNodeId,
  DataType,
  DataValue,
  LocalizedText,
  type StatusCode,
  StatusCodes,
  Variant,
  VariantArrayType,
} from "node-opcua";
import { describe, expect, it } from "vitest";
import { UNITS } from "#core/units.ts";
import { unitIdOf, unitOfEuInformation } from "#protocols/opcua/codec/units.ts";
import { masked, priorityOf } from "#protocols/opcua/conditions.ts";
import { hasOverflown, readingOf } from "#protocols/opcua/map.ts";
import { nodeText, resolvedNodeId } from "#protocols/opcua/node-ids.ts";
import { variantOf } from "#protocols/opcua/variants.ts";

const scalar = (dataType: DataType, value: unknown, statusCode: StatusCode = StatusCodes.Good): DataValue =>
  new DataValue({ statusCode, value: new Variant({ dataType, arrayType: VariantArrayType.Scalar, value }) });

describe("a value of an OPC UA server", () => {
  it.each([
    ["a negative 64-bit integer", scalar(DataType.Int64, [0xffff_ffff, 0xffff_fffe]), { value: -2, quality: "good" }],
    ["infinity", scalar(DataType.Double, Number.POSITIVE_INFINITY), { value: null, reason: "outOfRange" }],
    ["no number", scalar(DataType.Float, Number.NaN), { value: null, quality: "bad", reason: "outOfRange" }],
    ["no date", scalar(DataType.DateTime, new Date("1601-01-01T00:00:00Z")), { value: null, reason: "noValue" }],
    ["no text", scalar(DataType.String, null), { value: null, quality: "bad", reason: "noValue" }],
    ["a byte string", scalar(DataType.ByteString, Buffer.from([1, 2])), { value: "AQI=", quality: "good" }],
    ["a node id", scalar(DataType.NodeId, coerceNodeId("ns=3;i=7")), { value: "ns=3;i=7", quality: "good" }],
    ["a status", scalar(DataType.StatusCode, StatusCodes.BadTimeout), { value: "BadTimeout", quality: "good" }],
    ["nothing with a good status", new DataValue({}), { value: null, quality: "bad", reason: "noValue" }],
  ])("that is %s", (_, data, expected) => {
    expect(readingOf(data, false)).toMatchObject(expected);
  });

  it("keeps what it was, with a bad status", () => {
    const reading = readingOf(scalar(DataType.Double, 7, StatusCodes.BadNoCommunication), false);
    expect(reading).toEqual({ value: 7, quality: "bad", reason: "commLost" });
  });

  it("that is an array is no value of a point, and one element of it is", () => {
    const list = (values: readonly number[]): DataValue =>
      new DataValue({
        value: new Variant({ dataType: DataType.Double, arrayType: VariantArrayType.Array, value: values }),
      });
    expect(readingOf(list([4]), true)).toEqual({ value: 4, quality: "good" });
    expect(readingOf(list([4]), false)).toMatchObject({ quality: "bad", reason: "configError" });
    expect(readingOf(list([4, 5]), true)).toMatchObject({ quality: "bad", reason: "configError" });
  });

  it("with the overflow bit is marked as uncertain (UA-03)", () => {
    const data = scalar(DataType.Double, 1, StatusCodes.GoodWithOverflowBit);
    expect(hasOverflown(data.statusCode)).toBe(true);
    expect(readingOf(data, false)).toEqual({ value: 1, quality: "uncertain", reason: "overflow" });
    expect(hasOverflown(StatusCodes.Good)).toBe(false);
  });
});

describe("a value for an OPC UA server", () => {
  it.each([
    [DataType.Byte, 255],
    [DataType.SByte, -128],
    [DataType.Int64, -(2 ** 40) - 3],
    [DataType.UInt64, Number.MAX_SAFE_INTEGER],
    [DataType.Boolean, true],
    [DataType.Double, 1.25],
    [DataType.String, "门"],
    [DataType.LocalizedText, "open"],
    [DataType.DateTime, "2026-11-21T08:00:00.000Z"],
  ])("of type %i is what it was when it is read again", (dataType, value) => {
    const variant = variantOf(dataType, value);
    expect(readingOf(new DataValue(variant === undefined ? {} : { value: variant }), false)).toEqual({
      value,
      quality: "good",
    });
  });

  it.each([
    [DataType.Byte, 256],
    [DataType.UInt32, -1],
    [DataType.Int64, 2 ** 60],
    [DataType.Boolean, 2],
    [DataType.Double, Number.NaN],
    [DataType.String, 5],
    [DataType.DateTime, "tomorrow"],
    [DataType.ExtensionObject, "x"],
    [DataType.Double, null],
  ])("is not made to fit type %i: %s", (dataType, value) => {
    expect(variantOf(dataType, value)).toBeUndefined();
  });
});

describe("a NodeId of the configuration", () => {
  const namespaces = ["http://opcfoundation.org/UA/", "urn:server", "urn:panel"];
  it.each([
    ["nsu=urn:panel;s=Zone 1;State", "ns=2;s=Zone 1;State"],
    ["nsu=http://opcfoundation.org/UA/;i=2258", "ns=0;i=2258"],
    ["ns=1;i=5", "ns=1;i=5"],
    ["i=84", "ns=0;i=84"],
  ])("%s is %s at the server", (text, expected) => {
    expect(resolvedNodeId(text, namespaces)?.toString()).toBe(expected);
  });

  it("of a namespace that the server does not have is none", () => {
    expect(resolvedNodeId("nsu=urn:other;i=1", namespaces)).toBeUndefined();
  });

  it("keeps its meaning when the server changes the order of its namespaces", () => {
    const text = nodeText(coerceNodeId("ns=2;s=A"), namespaces);
    expect(text).toBe("nsu=urn:panel;s=A");
    expect(resolvedNodeId(text, ["http://opcfoundation.org/UA/", "urn:panel"])?.toString()).toBe("ns=1;s=A");
  });

  it("that is none is refused", () => {
    expect(() => resolvedNodeId("ns=1;q=5", namespaces)).toThrowError(
      expect.objectContaining({ code: "OPCUA_NODE_ID_INVALID" }),
    );
  });
});

describe("units of OPC UA", () => {
  it("are known by the number that is made of their UNECE code", () => {
    // from UNECE_to_OPCUA.csv of the OPC Foundation
    expect(unitOfEuInformation(4_408_652)).toBe("degC");
    expect(unitOfEuInformation(4_937_544)).toBe("kWh");
    expect(unitOfEuInformation(20_529)).toBe("pct");
    expect(unitOfEuInformation(1)).toBeUndefined();
    expect(unitIdOf("m3/h")).toBe(5_067_080);
    expect(unitIdOf("furlong")).toBeUndefined();
  });

  it("are all canonical units of the hub, and come back the same", () => {
    const known = UNITS.map(({ id }) => id).filter((id) => unitIdOf(id) !== undefined);
    expect(known.length).toBeGreaterThan(60);
    for (const id of known) expect(unitOfEuInformation(unitIdOf(id) ?? 0)).toBe(id);
  });
});

describe("what an OPC UA server tells of an event", () => {
  it("has a priority by its severity", () => {
    expect([1, 333, 334, 600, 601, 800, 801, 1000].map(priorityOf)).toEqual([
      "low",
      "low",
      "medium",
      "medium",
      "high",
      "high",
      "urgent",
      "urgent",
    ]);
  });

  it("loses its long numbers, which may be cards or codes", () => {
    expect(masked("card 12345678 at door 12345")).toBe("card ***78 at door 12345");
  });

  it("keeps the text of a name in any language", () => {
    const text = new LocalizedText({ locale: "zh-CN", text: "火警" });
    expect(readingOf(scalar(DataType.LocalizedText, text), false)).toEqual({ value: "火警", quality: "good" });
  });
});
