import { afterEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import type { ModbusMapping } from "#simulators/servers/modbus.ts";
import { type ModbusFieldServer, serveModbus } from "#simulators/servers/modbus.ts";
import { boundDevice, observing, QUICK } from "../fixtures/modbus/field.ts";
import { signalDevice } from "../fixtures/modbus/signal-device.ts";

/** Registers that hold their own address, in blocks that are read apart. */
const REGISTERS = [40, 41, 42, 240, 241, 242];

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function field(framing: "tcp" | "rtuOverTcp", config = QUICK) {
  const name = (register: number): string => `r-${register}`;
  const device = signalDevice(
    "meter",
    Object.fromEntries(
      REGISTERS.map((register) => [name(register), { kind: "number", writable: true, value: register }]),
    ),
  );
  const map = REGISTERS.map(
    (register): ModbusMapping => ({ signal: name(register), table: "holdingRegister", register, type: "uint16" }),
  );
  const server: ModbusFieldServer = await serveModbus([{ unitId: 9, device, map }], { framing }, silentLogger);
  cleanups.push(() => server.close());
  const points = Object.fromEntries(
    map.map(({ signal, register }) => [signal, { table: "holdingRegister", register, type: "uint16" } as const]),
  );
  const bound = boundDevice("meter", { transport: framing, port: server.address.port, unitId: 9 }, points);
  const { driver, told } = await observing([bound], config);
  cleanups.push(() => driver.stop());
  const goodSince = async (from: number): Promise<void> => {
    for (const { point } of bound.points) {
      const good = () => told.samples.slice(from).some((s) => s.point === point && s.quality === "good");
      await expect.poll(good, { message: point }).toBe(true);
    }
  };
  await goodSince(0);
  const untrue = () =>
    told.samples.filter(({ point, quality, value }) => quality === "good" && value !== Number(point.split("r-")[1]));
  return { device, server, bound, driver, told, goodSince, untrue };
}

/** What a fault must lead to: a counter that moves, and whether the points must go bad. */
const FAULTS: readonly [kind: string, options: Readonly<Record<string, number>>, counter: string, reason?: string][] = [
  ["late", { ms: 320, share: 0.5 }, "late"],
  ["late", { ms: 400 }, "timeouts", "commLost"],
  ["reordered", { ms: 60 }, "requests"],
  ["dropped", { share: 0.3 }, "timeouts"],
  ["dropped", {}, "timeouts", "commLost"],
  ["exception", { code: 4 }, "exceptions", "deviceFault"],
  ["exception", { code: 2, from: 41, to: 41 }, "exceptions", "configError"],
  ["slow-bytes", { ms: 2 }, "requests"],
  ["slow-bytes", { ms: 60 }, "timeouts", "commLost"],
  ["wrong-unit", {}, "malformed", "commLost"],
  ["wrong-length", {}, "malformed", "commLost"],
];

describe.each(["tcp", "rtuOverTcp"] as const)("a device on %s whose answers are faulty", (framing) => {
  it.each(FAULTS)(
    "%s %o never gives an untrue value, and is well again after it",
    async (kind, options, counter, reason) => {
      const { server, driver, told, goodSince, untrue } = await field(framing);
      const before = driver.counters()[counter] ?? 0;
      server.faults.set(kind, options);
      expect(server.faults.active).toEqual([kind]);
      // RTU minds no transaction ids: what TCP calls late can be what an RTU line takes for noise
      const moved = framing === "rtuOverTcp" && counter === "late" ? "timeouts" : counter;
      await expect.poll(() => driver.counters()[moved]).toBeGreaterThan(moved === counter ? before + 2 : 2);
      if (reason !== undefined) {
        await expect.poll(() => told.samples.some((sample) => sample.reason === reason)).toBe(true);
      }
      server.faults.clear();
      if (reason !== "configError") await goodSince(told.samples.length);
      expect(untrue()).toEqual([]);
    },
  );

  it("half-open: gives the dead connection up and is found on a new one", async () => {
    const { server, driver, told, goodSince, untrue } = await field(framing);
    server.faults.set("half-open");
    await expect.poll(() => driver.counters()["reconnects"]).toBeGreaterThan(0);
    await goodSince(told.samples.length);
    expect(untrue()).toEqual([]);
    expect(server.counters().connections).toBe(2);
  });

  it("frozen: a write that has no effect is told as not confirmed", async () => {
    const { server, driver, bound } = await field(framing);
    server.faults.set("frozen");
    const point = bound.points[0]?.point ?? expect.unreachable();
    const written = await driver.write({ point, value: 7, priority: 8 }, AbortSignal.timeout(10_000));
    expect(written).toMatchObject({ status: "failed", code: "MODBUS_NOT_CONFIRMED" });
  });

  it("frozen: its values stand still until it thaws", async () => {
    const { device, server, bound, told } = await field(framing);
    const point = bound.points[0]?.point ?? expect.unreachable();
    server.faults.set("frozen");
    device.values.set("r-40", 1040);
    const heard = told.samples.length;
    await expect.poll(() => told.samples.length).toBeGreaterThan(heard + 12);
    expect(told.latest(point)?.value).toBe(40);
    server.faults.clear("frozen");
    await expect.poll(() => told.latest(point)?.value).toBe(1040);
  });
});

it("an RTU device whose answers have a wrong CRC never gives an untrue value, and is well again after it", async () => {
  const { server, driver, told, goodSince, untrue } = await field("rtuOverTcp");
  server.faults.set("crc-error", { share: 0.5 });
  await expect.poll(() => driver.counters()["malformed"]).toBeGreaterThan(2);
  server.faults.set("crc-error");
  await expect.poll(() => told.samples.some((sample) => sample.reason === "commLost")).toBe(true);
  server.faults.clear();
  await goodSince(told.samples.length);
  expect(untrue()).toEqual([]);
});

describe("the fault menu", () => {
  it("names what it has, and refuses what it has not", async () => {
    const { server } = await field("tcp");
    const { faults } = server;
    expect(faults.kinds).not.toContain("crc-error");
    expect(() => faults.set("crc-error")).toThrow(expect.objectContaining({ code: "SIM_FAULT_UNKNOWN" }));
    const invalid = expect.objectContaining({ code: "SIM_FAULT_OPTION_INVALID" });
    expect(() => faults.set("late", { seconds: 3 })).toThrow(invalid);
    expect(() => faults.set("late", { ms: 0 })).toThrow(invalid);
    expect(() => faults.set("dropped", { share: "all" })).toThrow(invalid);
    expect(faults.active).toEqual([]);
  });

  it("takes several at once and clears one or all", async () => {
    const { server } = await field("rtuOverTcp");
    const { faults } = server;
    for (const kind of ["late", "crc-error", "frozen"]) faults.set(kind);
    faults.clear("late");
    expect(faults.active).toEqual(["crc-error", "frozen"]);
    faults.clear();
    expect(faults.active).toEqual([]);
  });
});
