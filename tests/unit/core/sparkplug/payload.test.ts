import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HubError } from "#core/errors.ts";
import {
  DataType,
  decodePayload,
  encodePayload,
  interpret,
  MalformedPayloadError,
  type MetricValue,
} from "#core/sparkplug/payload.ts";
import { bytesOf, GOLDEN_PAYLOADS, hexOf, UNREAD_KINDS } from "#tests/fixtures/sparkplug/golden-payloads.ts";
import { metricArbitrary, VALUES } from "./metric-arbitrary.ts";

const FUZZ_SEED = 424_242;

function decodeHex(hex: string): ReturnType<typeof decodePayload> {
  return decodePayload(bytesOf(hex));
}

describe("the Sparkplug payload codec", () => {
  test.each(GOLDEN_PAYLOADS)("writes and reads the golden bytes: $title", (golden) => {
    expect(hexOf(encodePayload(golden.payload, golden.options))).toBe(hexOf(bytesOf(golden.hex)));
    expect(decodeHex(golden.hex)).toEqual(golden.decoded ?? golden.payload);
  });

  test("gives back every payload it wrote, over all scalar kinds", () => {
    const payloads = fc.record({
      timestamp: fc.option(fc.maxSafeNat(), { nil: undefined }),
      metrics: fc.array(metricArbitrary, { maxLength: 8 }),
      seq: fc.option(fc.nat(255), { nil: undefined }),
      uuid: fc.option(fc.uuid(), { nil: undefined }),
    });
    fc.assert(
      fc.property(payloads, (payload) => {
        expect(decodePayload(encodePayload(payload))).toEqual({ ...payload, body: undefined });
      }),
      { numRuns: 500 },
    );
  });

  test("gives back every value by alias without datatype, once the birth's datatype is known", () => {
    for (const [datatype, values] of VALUES) {
      fc.assert(
        fc.property(values, fc.nat(), (value, alias) => {
          const bytes = encodePayload({ metrics: [{ alias, datatype, value }] }, { omitDatatype: true });
          const [metric] = decodePayload(bytes).metrics;
          expect(metric?.datatype).toBeUndefined();
          expect(interpret({ value: metric?.value }, datatype)).toEqual(value);
        }),
        { numRuns: 100 },
      );
    }
  });

  test("keeps payloads apart that were written one after the other, across memory chunks", () => {
    const written = Array.from({ length: 3000 }, (_, i) => {
      const metrics = [{ alias: i, datatype: DataType.String, value: `value ${i} `.repeat(i % 40) }];
      return { i, bytes: encodePayload({ timestamp: 1_700_000_000_000 + i * 100_000_000, metrics, seq: i % 256 }) };
    });
    for (const { i, bytes } of written) {
      const { timestamp, seq, metrics } = decodePayload(bytes);
      expect([timestamp, seq, metrics[0]?.alias]).toEqual([1_700_000_000_000 + i * 100_000_000, i % 256, i]);
      expect(metrics[0]?.value).toBe(`value ${i} `.repeat(i % 40));
    }
  });

  test("writes time stamps of any year, also where the number of bytes changes within a payload", () => {
    const edges = [0, 2 ** 28, 2 ** 35, 1_700_000_000_000, 2 ** 42, 2 ** 49, Number.MAX_SAFE_INTEGER - 1];
    const times = edges.flatMap((edge) => [edge, edge + 1, Math.max(0, edge - 1), edge]);
    const metrics = times.map((timestamp, alias) => ({ alias, timestamp, value: true }));
    expect(decodePayload(encodePayload({ metrics })).metrics.map(({ timestamp }) => timestamp)).toEqual(times);
  });

  test("writes metrics and texts far larger than its first chunk of memory", () => {
    const value = "长文本 ".repeat(100_000);
    const properties = { note: { type: DataType.Text, value } };
    const metrics = [{ name: "long", datatype: DataType.Text, properties, value }];
    expect(decodePayload(encodePayload({ metrics })).metrics).toMatchObject(metrics);
  });

  test("after a refused value the next payload is whole", () => {
    const bad = [
      { name: "fine", datatype: DataType.Double, value: 1 },
      { name: "bad", datatype: DataType.Int8, value: 128 },
    ];
    expect(() => encodePayload({ metrics: bad })).toThrow(
      expect.objectContaining({ code: "SPARKPLUG_VALUE_INVALID", message: expect.stringContaining("metric bad") }),
    );
    expect(decodePayload(encodePayload({ metrics: [{ alias: 1, value: true }] })).metrics).toMatchObject([
      { alias: 1, value: true },
    ]);
  });

  test.each<[string, DataType, MetricValue]>([
    ["a fraction in an integer", DataType.Int32, 1.5],
    ["an integer out of range", DataType.UInt8, 256],
    ["a negative unsigned integer", DataType.UInt32, -1],
    ["an unsafe number in Int64", DataType.Int64, 2 ** 60],
    ["a bigint beyond Int64", DataType.Int64, 2n ** 63n],
    ["a bigint beyond UInt32", DataType.UInt32, 2n ** 32n],
    ["a number beyond UInt32", DataType.UInt32, 2 ** 32],
    ["a text in a Double", DataType.Double, "21"],
    ["a number in a Boolean", DataType.Boolean, 1],
    ["a number in a String", DataType.String, 1],
    ["a text in Bytes", DataType.Bytes, "x"],
    ["a DataSet", DataType.DataSet, 1],
    ["an array type", DataType.Int32Array, 1],
  ])("refuses %s", (_, datatype, value) => {
    expect(() => encodePayload({ metrics: [{ alias: 1, datatype, value }] })).toThrow(
      expect.objectContaining({ code: "SPARKPLUG_VALUE_INVALID" }),
    );
  });

  test.each([-1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])("refuses %d as alias or time stamp", (number) => {
    const refusal = expect.objectContaining({ code: "SPARKPLUG_VALUE_INVALID" });
    expect(() => encodePayload({ metrics: [{ alias: number, value: 1 }] })).toThrow(refusal);
    expect(() => encodePayload({ metrics: [{ alias: 1, timestamp: number, value: 1 }] })).toThrow(refusal);
  });

  test("passes over DataSet, Template, arrays, unknown datatypes and nested property sets and marks them", () => {
    const { metrics, seq } = decodeHex(UNREAD_KINDS.hex);
    expect(seq).toBe(3);
    expect(metrics.map(({ name, skipped, value }) => [name, skipped, value])).toEqual([
      ["set", true, undefined],
      ["udt", true, undefined],
      ["array", true, undefined],
      ["new kind", true, undefined],
      ["file", undefined, Uint8Array.of(0x5a)],
      ["props", undefined, 2],
    ]);
    expect(metrics[5]?.properties).toEqual({
      list: { type: DataType.PropertySetList, value: undefined, skipped: true },
      set: { type: DataType.PropertySet, value: undefined, skipped: true },
      Quality: { type: DataType.Int32, value: 192 },
    });
  });

  test("ignores unknown fields of every wire type in payload, metric and property", () => {
    const unknown = "a006ff01 a1060102030405060708 a20603616263 a50601020304"; // fields 100: varint, fixed64, bytes, fixed32
    const property = `0803 1805 ${unknown}`;
    const set = `0a0151 12${(property.replaceAll(" ", "").length / 2).toString(16).padStart(2, "0")} ${property}`;
    const size = (hex: string): string => (hex.replaceAll(" ", "").length / 2).toString(16).padStart(2, "0");
    const metric = `1007 ${unknown} 4a${size(set)} ${set} 7001`;
    expect(decodeHex(`${unknown} 12${size(metric)} ${metric} 1801`)).toEqual({
      metrics: [{ alias: 7, properties: { Q: { type: DataType.Int32, value: 5 } }, value: true }],
      seq: 1,
    });
  });

  test("understands a negative Int32 that was sign-extended to 64 bits, in int_value and in long_value", () => {
    const negative = "fbffffffffffffffff01";
    for (const tag of ["50", "58"]) {
      expect(decodeHex(`120d 2003 ${tag}${negative}`).metrics[0]?.value).toBe(-5);
    }
  });

  test("understands an Int8 that was not sign-extended", () => {
    expect(decodeHex("1205 2001 50fb01").metrics[0]?.value).toBe(-5);
  });

  test("reads a value that contradicts its datatype as skipped, never as another value", () => {
    expect(decodeHex("1207 200a 7a03616263").metrics[0]).toMatchObject({ skipped: true, value: undefined });
  });

  test("null wins over a value that is also there", () => {
    expect(decodeHex("120b 3801 690000000000803540").metrics[0]).toMatchObject({ isNull: true, value: null });
  });

  test("a property named __proto__ is a property like any other", () => {
    const properties = Object.fromEntries([["__proto__", { type: DataType.Boolean, value: true }]]);
    const [metric] = decodePayload(encodePayload({ metrics: [{ alias: 1, properties, value: 1 }] })).metrics;
    expect(Object.keys(metric?.properties ?? {})).toEqual(["__proto__"]);
  });

  test("what it gives shares no memory with the message", () => {
    const bytes = Buffer.from(encodePayload({ metrics: [{ alias: 1, value: Uint8Array.of(1, 2, 3) }] }));
    const { metrics } = decodePayload(bytes);
    bytes.fill(0xff);
    expect(metrics[0]?.value).toEqual(Uint8Array.of(1, 2, 3));
  });

  test.each([
    ["a length beyond the end", "12ff01 0a00", 1],
    ["a length of 2^63", "12ffffffffffffffff7f", 1],
    ["a text beyond its metric", "1203 0a05 61 6162636465", 3],
    ["an end inside a number", "0880", 1],
    ["a number of eleven bytes", "08808080808080808080808001", 1],
    ["a double cut short", "1205 69 00000000", 3],
    ["a float cut short", "1203 65 0000", 3],
    ["field number 0", "0001", 1],
    ["a group", "1b 1c", 1],
    ["a seq above 255", "188002", 3],
    ["a time stamp above 2^53", "0880808080808080808001", 1],
    ["an alias above 2^53", "120a 10ffffffffffffffff7f", 3],
    ["more property keys than values", "1205 4a03 0a0151", 7],
  ])("refuses %s and says where", (_, hex, offset) => {
    expect(() => decodeHex(hex)).toThrow(
      expect.objectContaining({
        code: "SPARKPLUG_MALFORMED",
        offset,
        message: expect.stringContaining(`byte ${offset}`),
      }),
    );
  });

  test("refuses more bytes, metrics or properties than the limits allow", () => {
    const limits = { maxBytes: 64, maxMetrics: 3, maxPropertiesPerMetric: 2 };
    const refusal = expect.objectContaining({ code: "SPARKPLUG_MALFORMED" });
    expect(() => decodePayload(new Uint8Array(65), limits)).toThrow(refusal);
    expect(decodePayload(bytesOf("1200".repeat(3)), limits).metrics).toHaveLength(3);
    expect(() => decodePayload(bytesOf("1200".repeat(4)), limits)).toThrow(refusal);
    expect(() => decodePayload(bytesOf(`1211 4a0f ${"0a0161".repeat(5)}`), limits)).toThrow(refusal);
  });

  test("mutated, cut and random bytes give a payload or SPARKPLUG_MALFORMED, nothing else", () => {
    const seeds = [...GOLDEN_PAYLOADS.map(({ hex }) => bytesOf(hex)), bytesOf(UNREAD_KINDS.hex)];
    const mutated = fc
      .tuple(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.option(fc.nat()),
      )
      .map(([seed, changes, cut]) => {
        const bytes = new Uint8Array(seed);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        return cut === null ? bytes : bytes.subarray(0, cut % bytes.length);
      });
    const refused: unknown[] = [];
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        try {
          decodePayload(bytes);
        } catch (error) {
          refused.push(error);
        }
      }),
      { numRuns: 5000, seed: FUZZ_SEED },
    );
    expect(refused.length).toBeGreaterThan(500);
    expect(refused.filter((error) => !(error instanceof MalformedPayloadError && error instanceof HubError))).toEqual(
      [],
    );
  });

  test("every cut of a payload gives fewer metrics or SPARKPLUG_MALFORMED", () => {
    for (const { hex } of GOLDEN_PAYLOADS) {
      const whole = bytesOf(hex);
      for (let length = 0; length < whole.length; length++) {
        try {
          expect(decodePayload(whole.subarray(0, length))).not.toEqual(decodePayload(whole));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedPayloadError);
        }
      }
    }
  });
});

describe("interpret", () => {
  test.each<[string, MetricValue, DataType, MetricValue]>([
    ["int_value as Int8", 0xff_ff_ff_80, DataType.Int8, -128],
    ["int_value as Int16", 0xff_ff_80_00, DataType.Int16, -32_768],
    ["int_value as Int32", 0xff_ff_ff_ff, DataType.Int32, -1],
    ["long_value as Int64", 2n ** 64n - 5n, DataType.Int64, -5],
    ["a wide long_value as Int64", 2n ** 63n, DataType.Int64, -(2n ** 63n)],
    ["long_value as UInt64", 2n ** 64n - 1n, DataType.UInt64, 2n ** 64n - 1n],
    ["int_value as Boolean", 1, DataType.Boolean, true],
    ["int_value as Double", 3, DataType.Double, 3],
    ["null", null, DataType.Double, null],
    ["a text as Boolean", "true", DataType.Boolean, undefined],
    ["a fraction as Int32", 0.5, DataType.Int32, undefined],
    ["bytes as an array type", Uint8Array.of(1), DataType.Int8Array, undefined],
  ])("%s", (_, value, datatype, expected) => {
    expect(interpret({ value }, datatype)).toEqual(expected);
  });
});
