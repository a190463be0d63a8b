import { closeSync, constants, openSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import type { ModbusDevice } from "#protocols/modbus/index.ts";
import { modbusMapOf, serveModbus } from "#simulators/servers/modbus.ts";
import { boundDevice, observing, QUICK } from "../fixtures/modbus/field.ts";
import {
  PANEL_ANSWERS,
  type PymodbusServer,
  panel,
  pymodbusClient,
  pymodbusServer,
  serialLine,
} from "../fixtures/modbus/pymodbus.ts";
import { peer } from "../peers.ts";

const python = peer("pymodbus");
const socat = peer("socat");

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Reads every value of the peer, writes some of each kind, and compares with what the peer then holds. */
async function readsAndWrites(server: PymodbusServer, config: Omit<ModbusDevice, "host">): Promise<void> {
  const addresses = Object.fromEntries(
    Object.entries(server.points).map(([name, { value: _, ...address }]) => [name, address]),
  );
  const device = boundDevice("peer", { unitId: 1, maskWrite: true, ...config }, addresses);
  const { driver, told } = await observing([device], { ...QUICK, timeoutMs: 2000 });
  cleanups.push(() => driver.stop());
  const read = () =>
    Object.fromEntries(device.points.map(({ point }) => [point.split("/").at(-1), told.latest(point)?.value]));
  const expected = Object.fromEntries(Object.entries(server.points).map(([name, { value }]) => [name, value]));
  await expect.poll(read).toEqual(expected);
  const written: Record<string, number | boolean> = {};
  for (const [index, { point, address, writable }] of device.points.entries()) {
    if (!writable || index % 3 > 0) continue;
    const value = address.type === "bool" ? true : address.type.startsWith("float") ? 0.25 : 258;
    expect(await driver.write({ point, value, priority: 8 }, AbortSignal.timeout(30_000)), point).toEqual({
      status: "done",
      readBack: value,
    });
    written[point.split("/").at(-1) ?? ""] = value;
  }
  await expect.poll(read).toEqual({ ...expected, ...written });
  const { register } = server.points["holdingRegister-1-uint16-ABCD"] ?? expect.unreachable();
  const bits = boundDevice(
    "bits",
    { unitId: 1, maskWrite: true, ...config },
    {
      bit: { table: "holdingRegister", register, type: "bool", bit: 0 },
    },
  );
  const before = (await server.held()).holdingRegister[register] ?? 0;
  await driver.bind([bits]);
  const [{ point } = expect.unreachable()] = bits.points;
  const turned = (before & 1) === 0;
  expect(await driver.write({ point, value: turned, priority: 8 }, AbortSignal.timeout(30_000))).toEqual({
    status: "done",
    readBack: turned,
  });
  expect((await server.held()).holdingRegister[register], "by FC22").toBe(before ^ 1);
  expect(driver.counters()).toMatchObject({ timeouts: 0, malformed: 0, reconnects: 0 });
}

describe.skipIf(python === undefined)("against pymodbus on RTU over TCP", () => {
  it("reads and writes every type and word order, and a bit by FC22", async () => {
    const server = await pymodbusServer(python ?? "", "rtu");
    cleanups.push(() => server.close());
    await readsAndWrites(server, { transport: "rtuOverTcp", port: server.port });
  });

  it("the simulated server serves a pymodbus client", async () => {
    const device = panel();
    const units = [{ unitId: 1, device, map: modbusMapOf(device) }];
    const server = await serveModbus(units, { framing: "rtuOverTcp" }, silentLogger);
    cleanups.push(() => server.close());
    expect(await pymodbusClient(python ?? "", "rtu", String(server.address.port))).toEqual(PANEL_ANSWERS);
  });
});

describe.skipIf(python === undefined || socat === undefined)("against pymodbus on a serial line", () => {
  it("reads and writes every type and word order, and a bit by FC22", async () => {
    const line = await serialLine(socat ?? "");
    cleanups.push(() => line.close());
    const server = await pymodbusServer(python ?? "", "serial", line.a);
    cleanups.push(() => server.close());
    await readsAndWrites(server, { transport: "serial", path: line.b, baudRate: 115_200, parity: "none" });
  });

  it("the simulated server serves a pymodbus client", async () => {
    const device = panel();
    const units = [{ unitId: 1, device, map: modbusMapOf(device) }];
    const server = await serveModbus(units, { framing: "rtuOverTcp" }, silentLogger);
    cleanups.push(() => server.close());
    const line = await serialLine(socat ?? "", server.address.port);
    cleanups.push(() => line.close());
    expect(await pymodbusClient(python ?? "", "serial", line.a)).toEqual(PANEL_ANSWERS);
  });

  it("tells a line that is pulled out, and finds it when it is back", async () => {
    const device = panel();
    const units = [{ unitId: 1, device, map: modbusMapOf(device) }];
    const server = await serveModbus(units, { framing: "rtuOverTcp" }, silentLogger);
    cleanups.push(() => server.close());
    const line = await serialLine(socat ?? "", server.address.port);
    cleanups.push(() => line.close());
    const bound = boundDevice(
      "panel",
      { transport: "serial", path: line.a, baudRate: 115_200, parity: "none" },
      { temperature: { table: "inputRegister", register: 0, type: "float32" } },
    );
    const { driver, told } = await observing([bound], QUICK);
    cleanups.push(() => driver.stop());
    const [{ point } = expect.unreachable()] = bound.points;
    await expect.poll(() => told.latest(point)).toMatchObject({ value: 21.5, quality: "good" });
    const before = told.reachability(bound.device).length;
    await line.unplug();
    await expect.poll(() => told.latest(point)).toMatchObject({ quality: "bad", reason: "commLost" });
    await line.plug();
    await expect.poll(() => told.latest(point)).toMatchObject({ value: 21.5, quality: "good" });
    expect(told.reachability(bound.device).slice(before)).toEqual([false, true]);
  });

  it("is free for whoever comes next as soon as the driver has stopped, and for itself after a dead connection", async () => {
    const device = panel();
    const units = [{ unitId: 1, device, map: modbusMapOf(device) }];
    const server = await serveModbus(units, { framing: "rtuOverTcp" }, silentLogger);
    cleanups.push(() => server.close());
    const line = await serialLine(socat ?? "", server.address.port);
    cleanups.push(() => line.close());
    // the line stays when nobody else has it open
    const held = openSync(line.a, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY);
    cleanups.push(() => closeSync(held));
    const bound = boundDevice(
      "panel",
      { transport: "serial", path: line.a, baudRate: 115_200, parity: "none" },
      { temperature: { table: "inputRegister", register: 0, type: "float32" } },
    );
    const { driver, told } = await observing([bound], QUICK);
    cleanups.push(() => driver.stop());
    const [{ point } = expect.unreachable()] = bound.points;
    await expect.poll(() => told.latest(point)?.value).toBe(21.5);
    server.silence();
    await expect.poll(() => driver.counters()["timeouts"]).toBeGreaterThan(3);
    server.restore();
    await expect.poll(() => told.latest(point)?.quality).toBe("good");
    expect(driver.counters()["reconnects"]).toBeGreaterThan(0);
    const target = realpathSync(line.a);
    const open = () => readdirSync("/proc/self/fd").filter((fd) => linkOf(fd) === target).length;
    await driver.stop();
    expect(open(), "the test's own only").toBe(1);
  });
});

/** What a file descriptor of this process is of; undefined where it was closed meanwhile. */
function linkOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}
