import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import ModbusSerial from "modbus-serial";
import { afterEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import type { Value } from "#core/model/sample.ts";
import { modbusMapOf, serveModbus } from "#simulators/servers/modbus.ts";
import { boundDevice, observing, QUICK } from "../fixtures/modbus/field.ts";
import { PANEL_ANSWERS, panel, pymodbusClient, pymodbusServer } from "../fixtures/modbus/pymodbus.ts";
import { tap } from "../fixtures/modbus/tap.ts";
import { tshark, writePcap } from "../pcap.ts";
import { peer } from "../peers.ts";

const python = peer("pymodbus");
const tsharkProgram = peer("tshark");
const never = new AbortController().signal;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

describe.skipIf(python === undefined)("against a pymodbus server", () => {
  async function watched() {
    const server = await pymodbusServer(python ?? "", "tcp");
    cleanups.push(() => server.close());
    const addresses = Object.fromEntries(
      Object.entries(server.points).map(([name, { value: _, ...address }]) => [name, address]),
    );
    const device = boundDevice("peer", { port: server.port, unitId: 1 }, addresses);
    const { driver, told } = await observing([device], { ...QUICK, timeoutMs: 1000 });
    cleanups.push(() => driver.stop());
    const read = () =>
      Object.fromEntries(device.points.map(({ point }) => [point.split("/").at(-1), told.latest(point)?.value]));
    const expected = Object.fromEntries(Object.entries(server.points).map(([name, { value }]) => [name, value]));
    await expect.poll(read).toEqual(expected);
    return { server, device, driver, told };
  }

  it("reads every table, type and word order, and reaches over a hole the server refuses", async () => {
    const { server, device, driver, told } = await watched();
    expect(Object.keys(server.points)).toHaveLength(2 * 32 + 2 * 40 + 2);
    expect(device.points.every(({ point }) => told.latest(point)?.quality === "good")).toBe(true);
    expect(driver.counters()).toMatchObject({ timeouts: 0, late: 0, malformed: 0 });
    expect(driver.counters()["exceptions"], "the hole").toBeGreaterThan(0);
  });

  it("writes every type, word order and a coil, and pymodbus holds it", async () => {
    const { server, device, driver } = await watched();
    const before = await server.held();
    for (const { point, address, writable } of device.points) {
      if (!writable || address.register > before.holdingRegister.length) continue;
      const value =
        address.type === "bool" ? address.register % 2 === 0 : address.type.startsWith("float") ? 0.25 : 258;
      const result = await driver.write({ point, value, priority: 8 }, never);
      expect(result, point).toEqual({ status: "done", readBack: value });
    }
    const after = await server.held();
    expect(after.coil).toEqual(Array.from({ length: 40 }, (_, index) => index % 2 === 0));
    const ofOrder = (type: string, order: string): readonly number[] => {
      const { register = -1 } =
        Object.values(server.points).find((p) => p.type === type && p.wordOrder === order) ?? {};
      return after.holdingRegister.slice(register, register + (type === "uint32" ? 2 : 1));
    };
    expect(ofOrder("uint16", "ABCD")).toEqual([0x0102]);
    expect(ofOrder("uint16", "BADC")).toEqual([0x0201]);
    expect(["ABCD", "CDAB", "BADC", "DCBA"].map((order) => ofOrder("uint32", order))).toEqual([
      [0, 0x0102],
      [0x0102, 0],
      [0, 0x0201],
      [0x0201, 0],
    ]);
  });
});

describe("the simulated server", () => {
  it("serves a modbus-serial client", async () => {
    const device = panel();
    const server = await serveModbus([{ unitId: 1, device, map: modbusMapOf(device) }], {}, silentLogger);
    cleanups.push(() => server.close());
    const client = new ModbusSerial.default();
    await client.connectTCP("127.0.0.1", { port: server.address.port });
    cleanups.push(() => new Promise<void>((resolve) => client.close(() => resolve())));
    client.setID(1);
    client.setTimeout(3000);
    expect((await client.readDiscreteInputs(0, 2)).data.slice(0, 2)).toEqual([true, false]);
    expect((await client.readInputRegisters(0, 2)).buffer.readFloatBE()).toBe(21.5);
    await client.writeCoils(0, [true, true]);
    await client.writeRegisters(0, [0x41bc, 0]);
    await client.writeRegister(2, 4);
    expect((await client.readHoldingRegisters(0, 3)).data).toEqual([0x41bc, 0, 4]);
    await client.maskWriteRegister(2, 0xfff8, 1);
    expect((await client.readHoldingRegisters(2, 1)).data).toEqual([1]);
    await expect(client.readDeviceIdentification(1, 0)).rejects.toMatchObject({ modbusCode: 1 });
    expect(Object.fromEntries(device.values)).toMatchObject({ siren: true, light: true, setpoint: 23.5, mode: 1 });
  });

  it.skipIf(python === undefined)(
    "serves a pymodbus client on all four tables, with the right exceptions",
    async () => {
      const device = panel();
      const server = await serveModbus([{ unitId: 1, device, map: modbusMapOf(device) }], {}, silentLogger);
      cleanups.push(() => server.close());
      const answers = await pymodbusClient(python ?? "", "tcp", String(server.address.port));
      expect(answers).toEqual(PANEL_ANSWERS);
      expect(Object.fromEntries(device.values)).toMatchObject({ siren: true, light: true, setpoint: 23.5, mode: 4 });
    },
  );
});

describe.skipIf(tsharkProgram === undefined)("tshark", () => {
  it("finds nothing malformed in what the driver and the simulated server say to each other", async () => {
    const device = panel();
    const server = await serveModbus([{ unitId: 1, device, map: modbusMapOf(device) }], {}, silentLogger);
    cleanups.push(() => server.close());
    const line = await tap(server.address.port);
    cleanups.push(() => line.close());
    const bound = boundDevice(
      "panel",
      { port: line.port },
      {
        alarm: { table: "discreteInput", register: 0, type: "bool" },
        siren: { table: "coil", register: 0, type: "bool" },
        temperature: { table: "inputRegister", register: 0, type: "float32" },
        setpoint: { table: "holdingRegister", register: 0, type: "float32" },
        mode: { table: "holdingRegister", register: 2, type: "uint16" },
        missing: { table: "holdingRegister", register: 900, type: "uint16" },
      },
    );
    const { driver, told } = await observing([bound]);
    cleanups.push(() => driver.stop());
    const writes: readonly Value[] = [0, true, 0, 23.5, 3];
    for (const [index, { point, writable }] of bound.points.entries()) {
      if (point.endsWith("/missing")) continue;
      await expect.poll(() => told.latest(point)?.quality).toBe("good");
      if (!writable) continue;
      const written = await driver.write({ point, value: writes[index] ?? 0, priority: 8 }, never);
      expect(written).toMatchObject({ status: "done" });
    }
    await expect
      .poll(() => told.samples.find((sample) => sample.point.endsWith("/missing"))?.reason)
      .toBe("configError");
    await driver.stop();

    const folder = mkdtempSync(path.join(tmpdir(), "parkhub-modbus-"));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, "line.pcap");
    writePcap(
      file,
      line.passed.map(({ fromClient, connection, bytes }) => {
        const client = 40_000 + connection;
        const [srcPort, dstPort] = fromClient ? [client, 502] : [502, client];
        return { protocol: "tcp", srcPort, dstPort, payload: bytes };
      }),
    );
    const fields = ["mbtcp.trans_id", "mbtcp.unit_id", "modbus.func_code", "modbus.exception_code", "_ws.malformed"];
    const rows = tshark(tsharkProgram ?? "", file, [
      ...["-d", "tcp.port==502,mbtcp", "-Y", "mbtcp || _ws.malformed || _ws.expert.severity == error"],
      ...["-T", "fields", "-E", "separator=;", ...fields.flatMap((field) => ["-e", field])],
    ]);
    const frames = rows.map((row) => row.split(";"));
    expect(frames.length).toBe(line.passed.length);
    expect(
      frames.filter(
        ([transaction = "", unit, , , malformed]) => transaction === "" || unit !== "1" || malformed !== "",
      ),
    ).toEqual([]);
    expect(new Set(frames.map(([, , code]) => code))).toEqual(new Set(["1", "2", "3", "4", "5", "6", "16"]));
    expect(frames.filter(([, , , exception]) => exception === "2").length).toBeGreaterThan(0);
  });
});
