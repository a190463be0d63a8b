import { afterEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Value } from "#core/model/sample.ts";
import type { ProtocolDriver, WriteResult } from "#protocols/driver.ts";
import { type ModbusAddress, modbus } from "#protocols/modbus/index.ts";
import { type ModbusFieldServer, type ModbusMapping, modbusMapOf, serveModbus } from "#simulators/servers/modbus.ts";
import { boundDevice, observing, QUICK } from "../fixtures/modbus/field.ts";
import { type SignalDevice, signalDevice } from "../fixtures/modbus/signal-device.ts";
import { type Tap, tap } from "../fixtures/modbus/tap.ts";
import { type ContractField, driverContract, type Recording } from "./driver-contract.ts";

function panel(id = "panel"): SignalDevice {
  return signalDevice(id, {
    "zone-1-alarm": { kind: "boolean", writable: false, value: false },
    "zone-2-alarm": { kind: "boolean", writable: false, value: true },
    siren: { kind: "boolean", writable: true, value: false },
    temperature: { kind: "number", writable: false, value: 21.5 },
    setpoint: { kind: "number", writable: true, min: 10, max: 30, value: 22 },
    mode: { kind: "enum", writable: true, min: 1, max: 4, value: 2 },
  });
}
const PANEL_POINTS: Readonly<Record<string, ModbusAddress>> = {
  "zone-1-alarm": { table: "discreteInput", register: 0, type: "bool" },
  "zone-2-alarm": { table: "discreteInput", register: 1, type: "bool" },
  siren: { table: "coil", register: 0, type: "bool" },
  temperature: { table: "inputRegister", register: 0, type: "float32" },
  setpoint: { table: "holdingRegister", register: 0, type: "float32" },
  mode: { table: "holdingRegister", register: 2, type: "uint16" },
};
const serve = (device: SignalDevice, unitId = 1) =>
  serveModbus([{ unitId, device, map: modbusMapOf(device) }], {}, silentLogger);

async function contractField(): Promise<ContractField> {
  const [first, second] = [await serve(panel()), await serve(panel("other"))];
  const line: Tap = await tap(first.address.port);
  const device = boundDevice("panel", { port: line.port }, PANEL_POINTS);
  const setpoint = device.points.find(({ point }) => point.endsWith("/setpoint"));
  if (setpoint === undefined) throw new Error("the panel has a set point");
  return {
    config: QUICK,
    devices: [device, boundDevice("other", { port: second.address.port }, PANEL_POINTS)],
    writable: { point: setpoint.point, value: 23.5, expectedReadBack: 23.5 },
    silence: () => first.silence(),
    restore: () => first.restore(),
    async garbage() {
      await expect.poll(() => line.inject(Buffer.from("GET / HTTP/1.1\r\n\r\n"))).toBeGreaterThan(0);
    },
    async close() {
      await line.close();
      await Promise.all([first.close(), second.close()]);
    },
  };
}

driverContract(modbus, contractField, { writes: true, garbage: true, startFailure: false });

describe("the Modbus driver", () => {
  const open: { stop?(): Promise<void>; close?(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).toReversed()) await (one.stop?.() ?? one.close?.());
  });
  const kept = <T extends (typeof open)[number]>(one: T): T => {
    open.push(one);
    return one;
  };
  async function watch(...args: Parameters<typeof observing>) {
    const all = await observing(...args);
    kept(all.driver);
    return all;
  }
  const allGood = (told: Recording, ...devices: ReturnType<typeof boundDevice>[]) =>
    expect
      .poll(() => devices.flatMap((d) => d.points.map(({ point }) => told.latest(point)?.quality)))
      .toEqual(devices.flatMap((d) => d.points.map(() => "good")));
  const valueIn = (told: Recording, device: ReturnType<typeof boundDevice>, name: string) =>
    told.latest(device.points.find(({ point }) => point.endsWith(`/${name}`))?.point ?? pointId("s/g/no/point"))?.value;
  const write = (
    driver: ProtocolDriver,
    device: ReturnType<typeof boundDevice>,
    name: string,
    value: Value,
    signal?: AbortSignal,
  ): Promise<WriteResult> => {
    const binding = device.points.find(({ point }) => point.endsWith(`/${name}`));
    if (binding === undefined) return expect.unreachable(name);
    return driver.write({ point: binding.point, value, priority: 8 }, signal ?? AbortSignal.timeout(10_000));
  };

  describe("with two units behind one gateway", () => {
    const points = { temperature: PANEL_POINTS["temperature"] } as Record<string, ModbusAddress>;

    it.each(["silent", "exception"] as const)(
      "keeps the one good while the other is dead (%s), on one connection at a time",
      async (unknownUnit) => {
        const device = panel();
        const gateway = kept(
          await serveModbus([{ unitId: 1, device, map: modbusMapOf(device) }], { unknownUnit }, silentLogger),
        );
        const alive = boundDevice("alive", { port: gateway.address.port, unitId: 1 }, points);
        const dead = boundDevice("dead", { port: gateway.address.port, unitId: 9 }, points);
        const { told } = await watch([dead, alive]);
        await expect.poll(() => told.reachability(dead.device)).toEqual([false]);
        await allGood(told, alive);
        const count = () => told.samples.filter((s) => s.point === alive.points[0]?.point).length;
        const before = count();
        await expect.poll(count).toBeGreaterThan(before + 10);
        expect(told.samples.filter((s) => s.point === dead.points[0]?.point)).toMatchObject([{ reason: "commLost" }]);
        expect(told.reachability(alive.device)).toEqual([true]);
        expect(told.reachability(dead.device)).toEqual([false]);
      },
    );

    it("reads both over one connection", async () => {
      const [one, two] = [panel("one"), panel("two")];
      two.values.set("temperature", 5);
      const units = [one, two].map((device, index) => ({ unitId: index + 1, device, map: modbusMapOf(device) }));
      const gateway = kept(await serveModbus(units, {}, silentLogger));
      const devices = [1, 2].map((unitId) =>
        boundDevice(`unit-${unitId}`, { port: gateway.address.port, unitId }, points),
      );
      const { told } = await watch(devices);
      await allGood(told, ...devices);
      expect(devices.map((device) => valueIn(told, device, "temperature"))).toEqual([21.5, 5]);
      expect(gateway.counters().connections).toBe(1);
    });
  });

  it("comes back after the device's power cycle and counts the reconnection", async () => {
    const server: ModbusFieldServer = kept(await serve(panel()));
    const device = boundDevice("panel", { port: server.address.port }, PANEL_POINTS);
    const { driver, told } = await watch([device]);
    await allGood(told, device);
    const down = server.reboot(600);
    await expect.poll(() => told.reachability(device.device)).toEqual([true, false]);
    expect(told.latest(pointId(`${device.device}/siren`))).toMatchObject({ quality: "bad", reason: "commLost" });
    await down;
    await expect.poll(() => told.reachability(device.device)).toEqual([true, false, true]);
    await allGood(told, device);
    expect(driver.counters()["reconnects"]).toBeGreaterThan(0);
  });

  it("tells a device that refuses connections, and finds it once it listens", async () => {
    const server = kept(await serve(panel()));
    const { port } = server.address;
    await server.close();
    const device = boundDevice("panel", { port }, PANEL_POINTS);
    const { told } = await watch([device]);
    await expect
      .poll(() => told.states)
      .toMatchObject([{ online: false, reason: expect.stringMatching(/ECONNREFUSED/) }]);
    const map = modbusMapOf(panel());
    kept(await serveModbus([{ unitId: 1, device: panel(), map }], { port }, silentLogger));
    await allGood(told, device);
  });

  it("splits a block the device refuses, keeps what exists and remembers what does not", async () => {
    const signals = signalDevice("gappy", {
      a: { kind: "number", writable: false, value: 1 },
      b: { kind: "number", writable: false, value: 2 },
    });
    const map: ModbusMapping[] = [
      { signal: "a", table: "inputRegister", register: 0, type: "uint16" },
      { signal: "b", table: "inputRegister", register: 6, type: "uint16" },
    ];
    const server = kept(await serveModbus([{ unitId: 1, device: signals, map, holes: "illegal" }], {}, silentLogger));
    const device = boundDevice(
      "gappy",
      { port: server.address.port },
      {
        a: { table: "inputRegister", register: 0, type: "uint16" },
        missing: { table: "inputRegister", register: 3, type: "uint16" },
        b: { table: "inputRegister", register: 6, type: "uint16" },
        impossible: { table: "coil", register: 0, type: "float32" },
      },
    );
    const { driver, told } = await watch([device]);
    const qualities = () => device.points.map(({ point }) => told.latest(point)?.reason ?? told.latest(point)?.quality);
    await expect.poll(qualities).toEqual(["good", "configError", "good", "configError"]);
    expect([valueIn(told, device, "a"), valueIn(told, device, "b")]).toEqual([1, 2]);
    const exceptions = driver.counters()["exceptions"];
    const heard = told.samples.length;
    await expect.poll(() => told.samples.length).toBeGreaterThan(heard + 20);
    expect(driver.counters()["exceptions"]).toBe(exceptions);
    expect(qualities()).toEqual(["good", "configError", "good", "configError"]);
    expect(told.reachability(device.device)).toEqual([true]);
  });

  describe("writes", () => {
    const bits: ModbusMapping[] = [0, 1, 7, 8, 15].map((bit) => ({
      signal: `bit-${bit}`,
      table: "holdingRegister",
      register: 100,
      type: "bool",
      bit,
    }));
    const types = ["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"] as const;
    const orders = ["ABCD", "CDAB", "BADC", "DCBA"] as const;
    const numbers: ModbusMapping[] = types.flatMap((type, t) =>
      orders.map((wordOrder, o) => ({
        signal: `${type}-${wordOrder}`,
        table: "holdingRegister",
        register: (t * orders.length + o) * 4 + 200,
        type,
        wordOrder,
      })),
    );

    async function registers() {
      const signals = signalDevice("registers", {
        ...Object.fromEntries(bits.map(({ signal }) => [signal, { kind: "boolean", writable: true, value: true }])),
        ...Object.fromEntries(numbers.map(({ signal }) => [signal, { kind: "number", writable: true, value: 0 }])),
        flag: { kind: "boolean", writable: true, value: false },
        siren: { kind: "boolean", writable: true, value: false },
        reading: { kind: "number", writable: false, value: 3 },
      });
      const map: ModbusMapping[] = [
        ...bits,
        ...numbers,
        { signal: "flag", table: "holdingRegister", register: 101, type: "bool" },
        { signal: "siren", table: "coil", register: 5, type: "bool" },
        { signal: "reading", table: "inputRegister", register: 0, type: "uint16" },
      ];
      const server = kept(await serveModbus([{ unitId: 1, device: signals, map }], {}, silentLogger));
      const points = Object.fromEntries(map.map(({ signal, scale: _, ...address }) => [signal, address]));
      const device = boundDevice("registers", { port: server.address.port }, points);
      const { driver, told } = await watch([device]);
      await allGood(told, device);
      return { signals, server, device, driver, told };
    }

    it("every type in every order, and the device holds what was written", async () => {
      const { signals, device, driver } = await registers();
      for (const { signal, type } of numbers) {
        const value = type.startsWith("u") ? 40_000 : type.startsWith("int") ? -1234 : -0.5;
        expect(await write(driver, device, signal, value), signal).toEqual({ status: "done", readBack: value });
        expect(signals.values.get(signal), signal).toBe(value);
      }
    });

    it("a bit of a register without touching its other bits", async () => {
      const { signals, device, driver } = await registers();
      for (const { signal } of bits) {
        expect(await write(driver, device, signal, false)).toEqual({ status: "done", readBack: false });
        const others = bits.filter((bit) => bit.signal !== signal);
        expect(others.map((bit) => signals.values.get(bit.signal))).toEqual(others.map(() => true));
        expect(signals.values.get(signal)).toBe(false);
        await write(driver, device, signal, true);
      }
    });

    it("many bits of one register at once, each with its effect", async () => {
      const { signals, device, driver } = await registers();
      const results = await Promise.all(bits.map(({ signal }) => write(driver, device, signal, false)));
      expect(results.map(({ status }) => status)).toEqual(bits.map(() => "done"));
      expect(bits.map(({ signal }) => signals.values.get(signal))).toEqual(bits.map(() => false));
    });

    it("coils and whole registers as booleans, given as true and false or 1 and 0", async () => {
      const { signals, device, driver } = await registers();
      expect(await write(driver, device, "siren", true)).toEqual({ status: "done", readBack: true });
      expect(await write(driver, device, "flag", 1)).toEqual({ status: "done", readBack: true });
      expect([signals.values.get("siren"), signals.values.get("flag")]).toEqual([true, true]);
      expect(await write(driver, device, "siren", 0)).toEqual({ status: "done", readBack: false });
    });

    it("the nearest whole number where the register holds whole numbers", async () => {
      const { device, driver } = await registers();
      expect(await write(driver, device, "int16-ABCD", 213.7)).toEqual({ status: "done", readBack: 214 });
    });

    it.each<[string, Value, string]>([
      ["uint16-ABCD", 65_536, "MODBUS_VALUE_RANGE"],
      ["uint16-ABCD", -1, "MODBUS_VALUE_RANGE"],
      ["int16-ABCD", 32_768, "MODBUS_VALUE_RANGE"],
      ["uint64-ABCD", 2 ** 53, "MODBUS_VALUE_RANGE"],
      ["float32-ABCD", 1e39, "MODBUS_VALUE_RANGE"],
      ["float64-ABCD", Number.NaN, "MODBUS_VALUE_RANGE"],
      ["siren", 2, "MODBUS_VALUE_RANGE"],
      ["siren", "on", "MODBUS_VALUE_TYPE"],
      ["uint16-ABCD", "7", "MODBUS_VALUE_TYPE"],
      ["uint16-ABCD", null, "MODBUS_NO_RELINQUISH"],
      ["reading", 1, "MODBUS_READ_ONLY"],
    ])("to %s of %s are rejected with %s, and nothing is sent", async (name, value, code) => {
      const { signals, device, driver } = await registers();
      const before = signals.values.get(name);
      expect(await write(driver, device, name, value)).toMatchObject({ status: "rejected", code });
      expect(signals.values.get(name)).toBe(before);
    });

    it("that were aborted before their turn are not sent", async () => {
      const { signals, device, driver } = await registers();
      const result = await write(driver, device, "siren", true, AbortSignal.abort());
      expect(result).toMatchObject({ status: "rejected", code: "MODBUS_NOT_SENT" });
      expect(signals.values.get("siren")).toBe(false);
    });

    it("the device refuses are told with its exception", async () => {
      const server = kept(await serve(panel()));
      const device = boundDevice("panel", { port: server.address.port }, PANEL_POINTS);
      const { driver } = await watch([device]);
      expect(await write(driver, device, "setpoint", 99)).toEqual({
        status: "failed",
        code: "MODBUS_EXCEPTION",
        message: "write: exception 3",
      });
    });

    it("to an end point that cannot be reached are rejected", async () => {
      const server = kept(await serve(panel()));
      const device = boundDevice("panel", { port: server.address.port }, PANEL_POINTS);
      await server.close();
      const { driver, told } = await watch([device]);
      await expect.poll(() => told.reachability(device.device)).toEqual([false]);
      expect(await write(driver, device, "setpoint", 20)).toMatchObject({
        status: "rejected",
        code: "MODBUS_UNREACHABLE",
      });
    });
  });

  it("keeps its connection when it is bound again", async () => {
    const server = kept(await serve(panel()));
    const device = boundDevice("panel", { port: server.address.port }, PANEL_POINTS);
    const { driver, told } = await watch([device]);
    await allGood(told, device);
    await driver.bind([{ ...device, points: device.points.slice(0, 2) }]);
    await expect.poll(() => told.reachability(device.device)).toEqual([true, true]);
    expect(server.counters().connections).toBe(1);
  });
});
