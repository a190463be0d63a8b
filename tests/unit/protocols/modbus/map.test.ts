import { expect, it } from "vitest";
import type { ModbusAddress } from "#protocols/modbus/index.ts";
import { mapValue } from "#protocols/modbus/map.ts";

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
