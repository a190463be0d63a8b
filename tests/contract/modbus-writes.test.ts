import { afterEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Value } from "#core/model/sample.ts";
import type { ModbusAddress, ModbusDevice } from "#protocols/modbus/index.ts";
import { type ModbusMapping, serveModbus } from "#simulators/servers/modbus.ts";
import { boundDevice, observing, QUICK } from "../fixtures/modbus/field.ts";
import { frame, honest, misbehavingServer } from "../fixtures/modbus/misbehaving-server.ts";
import { type SignalDevice, signalDevice } from "../fixtures/modbus/signal-device.ts";
import { tap } from "../fixtures/modbus/tap.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const holding = (signal: string, register: number, type: ModbusMapping["type"], more: Partial<ModbusMapping> = {}) =>
  ({ signal, table: "holdingRegister", register, type, ...more }) as const;
const MAP: readonly ModbusMapping[] = [
  ...[0, 3, 8, 15].map((bit) => holding(`bit-${bit}`, 10, "bool", { bit })),
  holding("swapped-bit", 11, "bool", { bit: 9, wordOrder: "BADC" }),
  holding("word", 12, "uint16"),
  holding("wide", 14, "uint32", { wordOrder: "CDAB" }),
  holding("digits", 16, "bcd32"),
  holding("text", 20, "string", { length: 4 }),
  { signal: "siren", table: "coil", register: 2, type: "bool" },
];
const POINTS: Readonly<Record<string, ModbusAddress>> = {
  ...Object.fromEntries(MAP.map(({ signal, scale: _, rollover: __, ...address }) => [signal, address])),
  field: { table: "holdingRegister", register: 12, type: "uint16", mask: 0x0ff0 },
  "wide-field": { table: "holdingRegister", register: 14, type: "uint32", wordOrder: "CDAB", mask: 0x00ff_ff00 },
};

function panel(): SignalDevice {
  const off = { kind: "boolean", writable: true, value: false } as const;
  const zero = { kind: "number", writable: true, value: 0 } as const;
  return signalDevice("panel", {
    ...Object.fromEntries([0, 3, 8, 15].map((bit) => [`bit-${bit}`, { ...off, value: bit === 15 }])),
    "swapped-bit": off,
    word: { ...zero, value: 0xf00f },
    wide: { ...zero, value: 0xaa00_00bb },
    digits: zero,
    text: { kind: "string", writable: true, value: "PARK" },
    siren: off,
  });
}

async function bound(config: Omit<ModbusDevice, "host"> = {}) {
  const signals = panel();
  const server = await serveModbus([{ unitId: 1, device: signals, map: MAP }], {}, silentLogger);
  const line = await tap(server.address.port);
  const device = boundDevice("panel", { port: line.port, ...config }, POINTS);
  const { driver, told } = await observing([device]);
  cleanups.push(
    () => server.close(),
    () => line.close(),
    () => driver.stop(),
  );
  await expect
    .poll(() => device.points.map(({ point }) => told.latest(point)?.quality))
    .toEqual(device.points.map(() => "good"));
  const write = (name: string, value: Value) =>
    driver.write({ point: pointId(`s/g/panel/${name}`), value, priority: 8 }, AbortSignal.timeout(10_000));
  /** Function codes of the writes that went over the line. */
  const codes = (): readonly number[] =>
    line.passed
      .filter(({ fromClient }) => fromClient)
      .map(({ bytes }) => bytes[7] ?? 0)
      .filter((code) => code > 4);
  return { signals, write, codes };
}

describe("a write", () => {
  it("goes by FC5, FC6 and FC16 where the device declares nothing", async () => {
    const { signals, write, codes } = await bound();
    for (const [name, value] of [
      ["siren", true],
      ["word", 7],
      ["wide", 70_000],
      ["digits", 1_234_567],
      ["text", "GATE-3"],
    ] as const) {
      expect(await write(name, value), name).toEqual({ status: "done", readBack: value });
      expect(signals.values.get(name)).toBe(value);
    }
    expect(codes()).toEqual([5, 6, 16, 16, 16]);
  });

  it("goes by FC15 and FC16 to a device that has no single writes", async () => {
    const { signals, write, codes } = await bound({ multipleOnly: true });
    expect(await write("siren", true)).toEqual({ status: "done", readBack: true });
    expect(await write("word", 7)).toEqual({ status: "done", readBack: 7 });
    expect([signals.values.get("siren"), signals.values.get("word")]).toEqual([true, 7]);
    expect(codes()).toEqual([15, 16]);
  });

  it("goes by FC23 to a device that writes and reads back in one", async () => {
    const { signals, write, codes } = await bound({ writeRead: true });
    expect(await write("wide", 70_000)).toEqual({ status: "done", readBack: 70_000 });
    expect(await write("word", 7)).toEqual({ status: "done", readBack: 7 });
    expect(signals.values.get("wide")).toBe(70_000);
    expect(codes()).toEqual([23, 23]);
  });

  it.each([
    [false, 6],
    [true, 22],
  ])("of a bit changes no other one (FC22 declared: %s)", async (maskWrite, code) => {
    const { signals, write, codes } = await bound({ maskWrite });
    for (const name of ["bit-3", "bit-8", "swapped-bit"]) {
      expect(await write(name, true)).toEqual({ status: "done", readBack: true });
    }
    expect(await write("bit-15", false)).toEqual({ status: "done", readBack: false });
    const held = ["bit-0", "bit-3", "bit-8", "bit-15", "swapped-bit"].map((name) => signals.values.get(name));
    expect(held).toEqual([false, true, true, false, true]);
    expect(codes()).toEqual([code, code, code, code]);
  });

  it.each([
    [false, 6],
    [true, 22],
  ])("of a bit field changes nothing beside it (FC22 declared: %s)", async (maskWrite, code) => {
    const { signals, write, codes } = await bound({ maskWrite });
    expect(await write("field", 0xab)).toEqual({ status: "done", readBack: 0xab });
    expect(signals.values.get("word")).toBe(0xfabf);
    expect(await write("wide-field", 0x1234)).toEqual({ status: "done", readBack: 0x1234 });
    expect(signals.values.get("wide")).toBe(0xaa12_34bb);
    expect(codes(), "FC22 changes one register only").toEqual([code, 16]);
  });

  it.each<[string, Value, string]>([
    ["field", 256, "MODBUS_VALUE_RANGE"],
    ["field", -1, "MODBUS_VALUE_RANGE"],
    ["digits", 100_000_000, "MODBUS_VALUE_RANGE"],
    ["text", "LONGER THAN 8", "MODBUS_VALUE_RANGE"],
    ["text", "门", "MODBUS_VALUE_RANGE"],
    ["text", 5, "MODBUS_VALUE_TYPE"],
  ])("to %s of %s is rejected with %s, and nothing is sent", async (name, value, code) => {
    const { write, codes } = await bound({ maskWrite: true });
    expect(await write(name, value)).toMatchObject({ status: "rejected", code });
    expect(codes()).toEqual([]);
  });

  it("of a text longer than one request can write is rejected; FC23 is left to what fits in it", async () => {
    const text = (length: number) => ({ table: "holdingRegister", register: 0, type: "string", length }) as const;
    const server = await misbehavingServer();
    cleanups.push(() => server.close());
    const codes: (number | undefined)[] = [];
    server.onRequest = (arrival) => {
      codes.push(arrival.pdu[0]);
      const pdu = [...arrival.pdu.subarray(0, 5)];
      arrival.socket.write((arrival.pdu[0] ?? 0) > 4 ? frame({ ...arrival, pdu }) : honest(arrival));
    };
    const device = boundDevice("panel", { port: server.port, writeRead: true }, { long: text(124), fits: text(122) });
    const { driver } = await observing([device], { ...QUICK, pollMs: 50_000 });
    cleanups.push(() => driver.stop());
    const write = (index: number) => {
      const point = device.points[index]?.point ?? expect.unreachable();
      return driver.write({ point, value: "PARK", priority: 8 }, AbortSignal.timeout(10_000));
    };
    expect(await write(0)).toMatchObject({ status: "rejected", code: "MODBUS_ADDRESS_INVALID" });
    expect(codes.filter((code) => (code ?? 0) > 4)).toEqual([]);
    await write(1);
    expect(codes.filter((code) => (code ?? 0) > 4)).toEqual([16]);
  });

  it("that is over before its second step is not sent: a register that was read is not written late", async () => {
    const server = await misbehavingServer();
    cleanups.push(() => server.close());
    const device = boundDevice(
      "panel",
      { port: server.port },
      { bit: { table: "holdingRegister", register: 10, type: "bool", bit: 3 } },
    );
    const { driver, told } = await observing([device], { ...QUICK, pollMs: 50_000 });
    cleanups.push(() => driver.stop());
    const [{ point } = expect.unreachable()] = device.points;
    await expect.poll(() => told.latest(point)?.quality).toBe("good");
    const ending = new AbortController();
    const codes: (number | undefined)[] = [];
    server.onRequest = (arrival) => {
      codes.push(arrival.pdu[0]);
      ending.abort();
      arrival.socket.write(honest(arrival));
    };
    const result = await driver.write({ point, value: true, priority: 8 }, ending.signal);
    expect(result).toMatchObject({ status: "rejected", code: "MODBUS_NOT_SENT" });
    expect(codes).toEqual([3]);
  });
});
