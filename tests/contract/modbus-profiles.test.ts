import { readdirSync } from "node:fs";
import path from "node:path";
import { Value as Schema } from "typebox/value";
import { afterEach, describe, expect, it } from "vitest";
import { ProfileFile } from "#config/schema/site.ts";
import { YamlFile } from "#config/yaml-file.ts";
import { silentLogger } from "#core/logger.ts";
import type { Value } from "#core/model/sample.ts";
import { unitById } from "#core/units.ts";
import { ModbusAddress } from "#protocols/modbus/index.ts";
import { addressFault } from "#protocols/modbus/planning.ts";
import { createWaterMeters } from "#simulators/devices/water-meter.ts";
import { type ModbusMapping, serveModbus, waterMeterMapOf } from "#simulators/servers/modbus.ts";
import { boundDevice, observing, QUICK } from "../fixtures/modbus/field.ts";
import { signalDevice } from "../fixtures/modbus/signal-device.ts";

const folder = path.resolve(import.meta.dirname, "../../config/profiles");
const profiles: readonly ProfileFile[] = readdirSync(folder)
  .map((name) => YamlFile.read(path.join(folder, name), name, [])?.value)
  .filter((profile): profile is ProfileFile => Schema.Check(ProfileFile, profile) && profile.protocol === "modbus");

function profile(name: string): ProfileFile {
  return profiles.find((each) => each.profile === name) ?? expect.unreachable(`no profile ${name}`);
}
function addresses(name: string): Readonly<Record<string, ModbusAddress>> {
  return Object.fromEntries(profile(name).points.map(({ id, address }) => [id, Schema.Parse(ModbusAddress, address)]));
}

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

describe.each(profiles.map((each) => [each.profile, each] as const))("profile %s", (_, { points, alarms }) => {
  it("has addresses that a device can have, known units and alarms on its own points", () => {
    for (const { id, address, unit } of points) {
      expect(Schema.Check(ModbusAddress, address), id).toBe(true);
      expect(addressFault(Schema.Parse(ModbusAddress, address)), id).toBeUndefined();
      if (unit !== undefined) expect(unitById(unit), unit).toBeDefined();
    }
    const ids = new Set(points.map(({ id }) => id));
    expect(ids.size).toBe(points.length);
    for (const { condition } of alarms ?? []) {
      if ("point" in condition) expect(ids).toContain(condition.point);
    }
  });
});

it("all Modbus profiles are looked at", () => {
  expect(profiles.map((each) => each.profile).sort()).toEqual(
    ["io-module-eol", "perimeter-panel", "power-meter", "pulse-fence", "street-lighting", "water-meter"].sort(),
  );
});

describe("a line of three water meters on RTU over TCP", () => {
  it("is read and written through its profile as the meters are", async () => {
    const meters = createWaterMeters(1);
    for (const meter of meters) meter.step(30, Date.UTC(2026, 4, 12, 2));
    const units = meters.map((device, index) => ({ unitId: index + 1, device, map: waterMeterMapOf() }));
    const server = await serveModbus(units, { framing: "rtuOverTcp" }, silentLogger);
    cleanups.push(() => server.close());
    const devices = meters.map(({ id }, index) =>
      boundDevice(
        id,
        { transport: "rtuOverTcp", port: server.address.port, unitId: index + 1 },
        addresses("water-meter"),
      ),
    );
    const { driver, told } = await observing(devices, { ...QUICK, timeoutMs: 1000 });
    cleanups.push(() => driver.stop());
    const scale = new Map(profile("water-meter").points.map(({ id, scale: factor }) => [id, factor ?? 1]));
    for (const [index, device] of devices.entries()) {
      const meter = meters[index] ?? expect.unreachable();
      for (const { point } of device.points) {
        const slot = point.slice(point.lastIndexOf("/") + 1);
        await expect.poll(() => told.latest(point)?.quality, { message: point }).toBe("good");
        const [raw, held] = [told.latest(point)?.value, meter.read(slot)];
        if (typeof held === "number")
          expect(Math.abs(Number(raw) * (scale.get(slot) ?? 1) - held), point).toBeLessThan(0.011);
        else expect(raw, point).toBe(held);
      }
    }
    expect(server.counters().connections).toBe(1);
    const [first = expect.unreachable()] = meters;
    const valve = devices[0]?.points.find(({ point }) => point.endsWith("/valve"))?.point ?? expect.unreachable();
    const written = await driver.write({ point: valve, value: false, priority: 8 }, AbortSignal.timeout(10_000));
    expect(written).toEqual({ status: "done", readBack: false });
    first.step(1, Date.UTC(2026, 4, 12, 2, 1));
    expect(first.read("flow")).toBe(0);
  });

  it("goes on counting where the garden's meter starts again at 0", async () => {
    const meter = createWaterMeters(1)[2] ?? expect.unreachable();
    const units = [{ unitId: 3, device: meter, map: waterMeterMapOf() }];
    const server = await serveModbus(units, { framing: "rtuOverTcp" }, silentLogger);
    cleanups.push(() => server.close());
    const config = { transport: "rtuOverTcp", port: server.address.port, unitId: 3 } as const;
    const device = boundDevice(meter.id, config, {
      volume: addresses("water-meter")["volume"] ?? expect.unreachable(),
    });
    const { driver, told } = await observing([device], QUICK);
    cleanups.push(() => driver.stop());
    const volume = () => told.latest(device.points[0]?.point ?? expect.unreachable())?.value;
    await expect.poll(volume).toBe(99_999_040);
    meter.write("volume", 1_000_002.5);
    await expect.poll(volume).toBe(100_000_250);
  });

  it("shows a leak as flow that does not stop, and an empty main as flow backwards", () => {
    const meter = createWaterMeters(1)[0] ?? expect.unreachable();
    const night = Date.UTC(2026, 4, 11, 19);
    meter.step(60, night);
    const quiet = Number(meter.read("flow"));
    meter.write("leak", true);
    meter.step(60, night + 60_000);
    expect(Number(meter.read("flow"))).toBeGreaterThan(quiet + 1);
    meter.write("leak", false);
    meter.write("reverse-flow", true);
    const before = Number(meter.read("volume"));
    meter.step(600, night + 660_000);
    expect(Number(meter.read("flow"))).toBeLessThan(0);
    expect(Number(meter.read("reverse-volume"))).toBeGreaterThan(0);
    expect(meter.read("volume")).toBe(before);
    meter.write("battery-voltage", 3.1);
    meter.step(1, night + 661_000);
    expect(meter.read("battery-low")).toBe(true);
  });
});

describe("panels that the demo park does not have, by their profiles alone", () => {
  const told = async (name: string, map: readonly ModbusMapping[], values: Readonly<Record<string, number>>) => {
    const signals = signalDevice(
      name,
      Object.fromEntries(
        map.map(({ signal }) => [signal, { kind: "number", writable: true, value: values[signal] ?? 0 }]),
      ),
    );
    const server = await serveModbus([{ unitId: 1, device: signals, map }], {}, silentLogger);
    const points = Object.fromEntries(
      Object.entries(addresses(name)).filter(([, { table }]) => map.some((mapping) => mapping.table === table)),
    );
    const device = boundDevice(name, { port: server.address.port }, points);
    const { driver, told: recording } = await observing([device], QUICK);
    cleanups.push(
      () => server.close(),
      () => driver.stop(),
    );
    const value = (slot: string): Value | undefined =>
      recording.latest(device.points.find(({ point }) => point.endsWith(`/${slot}`))?.point ?? expect.unreachable())
        ?.value;
    await expect
      .poll(() => device.points.map(({ point }) => recording.latest(point)?.quality))
      .toEqual(device.points.map(() => "good"));
    return { signals, value };
  };

  it("an IO module tells its end-of-line loops as normal, alarm, open and short", async () => {
    const map = Array.from(
      { length: 8 },
      (_, index): ModbusMapping => ({ signal: `ai-${index}`, table: "inputRegister", register: index, type: "uint16" }),
    );
    const { signals, value } = await told("io-module-eol", map, {
      "ai-0": 2048,
      "ai-1": 2731,
      "ai-2": 4095,
      "ai-3": 3,
    });
    expect([1, 2, 3, 4].map((n) => value(`loop-${n}`))).toEqual([1, 2, 3, 4]);
    signals.values.set("ai-0", 2731);
    await expect.poll(() => value("loop-1")).toBe(2);
    expect(value("loop-1-level")).toBeTypeOf("number");
  });

  it("a pulse fence tells bits, mode and level of each zone out of its registers", async () => {
    const map = [0, 1, 2, 3, 8, 9, 10, 11, 16].map(
      (register): ModbusMapping => ({ signal: `r-${register}`, table: "holdingRegister", register, type: "uint16" }),
    );
    const { value } = await told("pulse-fence", map, { "r-1": 0x0211, "r-9": 93, "r-16": 0x0202 });
    expect(
      ["alarm", "open", "tamper", "mode", "level", "armed", "high-voltage"].map((part) => value(`zone-2-${part}`)),
    ).toEqual([true, false, true, 2, 93, true, true]);
    expect(value("zone-1-alarm")).toBe(false);
  });
});
