import { describe, expect, it } from "vitest";
import type { ModbusAddress } from "#protocols/modbus/index.ts";
import { compileDecoder, mapValue } from "#protocols/modbus/map.ts";

const register = (type: ModbusAddress["type"], more: Partial<ModbusAddress> = {}): ModbusAddress => ({
  table: "holdingRegister",
  register: 10,
  type,
  ...more,
});
const map = (address: ModbusAddress, hex: string) => mapValue(address, new Uint8Array(Buffer.from(hex, "hex")), 10);

it("gives a value its place in a block", () => {
  const data = new Uint8Array(Buffer.from("000041ac0000", "hex"));
  expect(mapValue(register("float32"), data, 9)).toEqual({ value: 21.5, quality: "good" });
});

it("takes NaN for no value and infinity for out of range", () => {
  expect(map(register("float32"), "7fc00000")).toEqual({ value: null, quality: "bad", reason: "noValue" });
  expect(map(register("float32"), "7f800000")).toEqual({ value: null, quality: "bad", reason: "outOfRange" });
});

it("gives 64-bit integers exactly up to 2^53 and as uncertain beyond", () => {
  expect(map(register("uint64"), "001fffffffffffff")).toEqual({ value: Number.MAX_SAFE_INTEGER, quality: "good" });
  expect(map(register("uint64"), "0020000000000001")).toEqual({
    value: 2 ** 53,
    quality: "uncertain",
    reason: "precisionLost",
  });
});

it("gives a bit of a register, the whole register and a coil as booleans", () => {
  expect(map(register("bool", { bit: 15 }), "8000").value).toBe(true);
  expect(map(register("bool", { bit: 0 }), "8000").value).toBe(false);
  expect(map(register("bool", { bit: 8, wordOrder: "BADC" }), "0001").value).toBe(true);
  expect(map(register("bool"), "0100").value).toBe(true);
  expect(map(register("bool"), "0000").value).toBe(false);
  expect(mapValue({ table: "coil", register: 19, type: "bool" }, Uint8Array.of(0, 2), 10).value).toBe(true);
});

it("takes decimal digits above 9 for no value", () => {
  expect(map(register("bcd32"), "00012345")).toEqual({ value: 12_345, quality: "good" });
  expect(map(register("bcd16"), "ffff")).toEqual({ value: null, quality: "bad", reason: "noValue" });
});

it("cuts a bit field out of its word, moved to the mask's lowest bit or as far as it is told", () => {
  expect(map(register("uint16", { mask: 0x0300 }), "fe7f").value).toBe(2);
  expect(map(register("uint16", { mask: 0x0300, wordOrder: "BADC" }), "7ffe").value).toBe(2);
  expect(map(register("uint16", { mask: 0x0f00, shift: 4 }), "0a00").value).toBe(0xa0);
  expect(map(register("uint32", { mask: 0xff00_0000 }), "ab000001").value).toBe(0xab);
  expect(map(register("uint32", { mask: 0x8000_0000 }), "ffffffff").value).toBe(1);
});

describe("a text", () => {
  const text = (length: number, more: Partial<ModbusAddress> = {}) => register("string", { length, ...more });
  const hex = (of: string): string => Buffer.from(of).toString("hex");

  it.each<[string, ModbusAddress, string, string]>([
    ["ends at a NUL", text(3), hex("AB1\0xx"), "AB1"],
    ["leaves out the blanks behind it", text(3), hex("AB1   "), "AB1"],
    ["may fill its registers", text(3), hex("ABCDEF"), "ABCDEF"],
    ["may have its bytes swapped", text(2, { wordOrder: "BADC" }), hex("BADC"), "ABCD"],
    ["may be UTF-8", text(3, { encoding: "utf8" }), hex("水表"), "水表"],
    ["may be empty", text(2), "00000000", ""],
  ])("%s", (_, address, data, value) => {
    expect(map(address, data)).toEqual({ value, quality: "good" });
  });

  it("that is none of its encoding is no value", () => {
    const none = { value: null, quality: "bad", reason: "noValue" };
    expect(map(text(1), "e6b0")).toEqual(none);
    expect(map(text(1), "0741")).toEqual(none);
    expect(map(text(1, { encoding: "utf8" }), "e6b0")).toEqual(none);
  });
});

describe("the loop of a detector with end-of-line resistors", () => {
  const loop = register("uint16", {
    bands: [{ below: 1000, value: 4 }, { below: 2390, value: 1 }, { below: 3400, value: 2 }, { value: 3 }],
    hysteresis: 40,
  });
  const reader = () => {
    const decode = compileDecoder(loop);
    return (level: number) => decode(new DataView(Uint8Array.of(level >> 8, level & 0xff).buffer), 0);
  };

  it("is short, normal, alarm or open by its level", () => {
    for (const [level, state] of [
      [0, 4],
      [999, 4],
      [1000, 1],
      [2048, 1],
      [2730, 2],
      [3400, 3],
      [4095, 3],
    ] as const) {
      expect(reader()(level), `level ${level}`).toBe(state);
    }
  });

  it("changes its state only once the level has passed the edge by the hysteresis", () => {
    const read = reader();
    expect([2048, 2395, 2429, 2430, 2400, 2351, 2350, 2349].map(read)).toEqual([1, 1, 1, 2, 2, 2, 2, 1]);
    expect([4095, 0, 1030, 1040].map(read), "jumps over several bands count at once").toEqual([3, 4, 4, 1]);
  });
});
