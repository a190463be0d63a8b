import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import ModbusSerial from "modbus-serial";
import { afterEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import type { Value } from "#core/model/sample.ts";
import type { ModbusAddress } from "#protocols/modbus/index.ts";
import { modbusMapOf, serveModbus } from "#simulators/servers/modbus.ts";
import { boundDevice, observing, QUICK } from "../fixtures/modbus/field.ts";
import { signalDevice } from "../fixtures/modbus/signal-device.ts";
import { tap } from "../fixtures/modbus/tap.ts";
import { tshark, writePcap } from "../pcap.ts";
import { peer } from "../peers.ts";

const run = promisify(execFile);
const fixture = (name: string): string => path.resolve(import.meta.dirname, "../fixtures/modbus", name);
const python = peer("pymodbus");
const tsharkProgram = peer("tshark");
const never = new AbortController().signal;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface PeerPoint extends ModbusAddress {
  readonly value: Value;
}
interface PymodbusServer {
  readonly port: number;
  readonly points: Readonly<Record<string, PeerPoint>>;
  /** What its unit 1 holds now. */
  held(): Promise<{ readonly holdingRegister: readonly number[]; readonly coil: readonly boolean[] }>;
}

/** A pymodbus server as a child process; ends with the test. */
async function pymodbusServer(): Promise<PymodbusServer> {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(python ?? "", [fixture("pymodbus-server.py")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  cleanups.push(() => child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => JSON.parse((await lines.next()).value ?? "null");
  const told: { port: number; points: PeerPoint[] } = await line();
  return {
    port: told.port,
    points: Object.fromEntries(
      told.points.map((point) => [`${point.table}-${point.register}-${point.type}-${point.wordOrder}`, point]),
    ),
    async held() {
      child.stdin.write("\n");
      return await line();
    },
  };
}

function panel() {
  return signalDevice("panel", {
    alarm: { kind: "boolean", writable: false, value: true },
    tamper: { kind: "boolean", writable: false, value: false },
    siren: { kind: "boolean", writable: true, value: false },
    light: { kind: "boolean", writable: true, value: false },
    temperature: { kind: "number", writable: false, value: 21.5 },
    setpoint: { kind: "number", writable: true, min: 10, max: 30, value: 22 },
    mode: { kind: "enum", writable: true, min: 1, max: 4, value: 2 },
  });
}

describe.skipIf(python === undefined)("against a pymodbus server", () => {
  async function watched() {
    const server = await pymodbusServer();
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
    await expect(client.maskWriteRegister(0, 1, 1)).rejects.toMatchObject({ modbusCode: 1 });
    expect(Object.fromEntries(device.values)).toMatchObject({ siren: true, light: true, setpoint: 23.5, mode: 4 });
  });

  it.skipIf(python === undefined)(
    "serves a pymodbus client on all four tables, with the right exceptions",
    async () => {
      const device = panel();
      const server = await serveModbus([{ unitId: 1, device, map: modbusMapOf(device) }], {}, silentLogger);
      cleanups.push(() => server.close());
      const { stdout } = await run(python ?? "", [fixture("pymodbus-client.py"), String(server.address.port)]);
      expect(JSON.parse(stdout)).toEqual({
        discreteInputs: [true, false],
        coilsBefore: [false, false],
        writeCoil: true,
        writeCoils: true,
        coilsAfter: [true, true],
        inputFloat: 21.5,
        writeFloat: true,
        holdingFloat: 23.5,
        writeMode: true,
        mode: [3],
        writeModeTooLarge: { exception: 3 },
        beyondTheEnd: { exception: 2 },
        tooMany: { exception: 2 },
        writeBeyond: { exception: 2 },
      });
      expect(Object.fromEntries(device.values)).toMatchObject({ siren: true, light: true, setpoint: 23.5, mode: 3 });
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
