import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { modbus } from "#protocols/modbus/index.ts";
import { modbusMapOf, serveModbus } from "#simulators/servers/modbus.ts";
import { boundDevice, QUICK } from "../fixtures/modbus/field.ts";
import { type TestLine, testLine } from "../fixtures/modbus/line.ts";
import {
  type Arrival,
  honestRtu,
  type MisbehavingServer,
  misbehavingServer,
} from "../fixtures/modbus/misbehaving-server.ts";
import { type SignalDevice, signalDevice } from "../fixtures/modbus/signal-device.ts";
import { tap } from "../fixtures/modbus/tap.ts";
import { type ContractField, driverContract } from "./driver-contract.ts";

const value = (register: number) => ({ kind: "data", data: Uint8Array.of(register >> 8, register & 0xff) });

function meter(id: string): SignalDevice {
  return signalDevice(id, {
    temperature: { kind: "number", writable: false, value: 21.5 },
    setpoint: { kind: "number", writable: true, min: 10, max: 30, value: 22 },
  });
}

async function contractField(): Promise<ContractField> {
  const [first, second] = await Promise.all(
    ["meter", "other"].map((id) => {
      const device = meter(id);
      const units = [{ unitId: 7, device, map: modbusMapOf(device) }];
      return serveModbus(units, { framing: "rtuOverTcp" }, silentLogger);
    }),
  );
  if (first === undefined || second === undefined) return expect.unreachable();
  const line = await tap(first.address.port);
  const bound = (id: string, port: number) =>
    boundDevice(
      id,
      { transport: "rtuOverTcp", port, unitId: 7 },
      {
        temperature: { table: "inputRegister", register: 0, type: "float32" },
        setpoint: { table: "holdingRegister", register: 0, type: "float32" },
      },
    );
  const device = bound("meter", line.port);
  const setpoint = device.points[1]?.point ?? expect.unreachable();
  return {
    config: QUICK,
    devices: [device, bound("other", second.address.port)],
    writable: { point: setpoint, value: 23.5, expectedReadBack: 23.5 },
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

describe("over RTU", () => {
  driverContract(modbus, contractField, { writes: true, garbage: true, startFailure: false });
});

describe("an RTU line over TCP", () => {
  let server: MisbehavingServer;
  let test: TestLine;

  beforeEach(async () => {
    server = await misbehavingServer(0, "rtu");
    test = testLine({ transport: "rtuOverTcp", host: "127.0.0.1", port: server.port, silenceMs: 1 });
  });
  afterEach(async () => {
    test.line.close();
    await server.close();
  });

  /** The line is asked for register 42; an answer that would be right for register 777 must not be taken. */
  const never777 = async (): Promise<void> => expect(await test.poll(42)).toEqual(value(42));

  it("has one request in flight, however many are waiting", async () => {
    const open = new Set<Arrival>();
    let most = 0;
    server.onRequest = (arrival) => {
      open.add(arrival);
      most = Math.max(most, open.size);
      setImmediate(() => {
        open.delete(arrival);
        arrival.socket.write(honestRtu(arrival));
      });
    };
    const registers = Array.from({ length: 8 }, (_, index) => index);
    expect(await Promise.all(registers.map((register) => test.poll(register)))).toEqual(registers.map(value));
    expect(most).toBe(1);
  });

  it("never takes the late answer of one request for that of the next, which looks the same", async () => {
    let owed: Arrival | undefined;
    server.onRequest = (arrival) => {
      owed = arrival;
    };
    expect(await test.poll(777)).toMatchObject({ kind: "failed", reason: "timeout" });
    // the unit answers in order: its late answer comes before that to whatever is asked next
    server.onRequest = (arrival) => {
      if (owed !== undefined) arrival.socket.write(honestRtu(owed));
      owed = undefined;
      arrival.socket.write(honestRtu(arrival));
    };
    await never777();
    expect(test.counters).toMatchObject({ timeouts: 1, resyncs: 1, reconnects: 0 });
    await never777();
    expect(test.counters.resyncs, "the unit is in step again").toBe(1);
  });

  it("never takes a late answer on the connection after it either: a device server passes on what its line says", async () => {
    const owed: Arrival[] = [];
    server.onRequest = (arrival) => owed.push(arrival);
    for (let read = 0; read < 3; read++) expect(await test.poll(777)).toMatchObject({ reason: "timeout" });
    server.onRequest = (arrival) => {
      for (const late of owed.splice(0)) arrival.socket.write(honestRtu(late));
      arrival.socket.write(honestRtu(arrival));
    };
    await never777();
    expect(server.connections()).toBe(2);
  });

  it("takes a late answer that comes while it is silent for none", async () => {
    let owed: Arrival | undefined;
    server.onRequest = (arrival) => {
      owed = arrival;
    };
    expect(await test.poll(777)).toMatchObject({ reason: "timeout" });
    owed?.socket.write(honestRtu(owed));
    await expect.poll(() => test.counters.late).toBe(1);
    server.onRequest = (arrival) => arrival.socket.write(honestRtu(arrival));
    await never777();
  });

  it.each<[string, (arrival: Arrival) => Buffer]>([
    ["another unit's answer", (a) => honestRtu({ ...a, unitId: 6 })],
    ["another function's answer", (a) => honestRtu(a, Uint8Array.of(4, 2, 0, 9))],
    ["an answer with a register too many", (a) => honestRtu(a, Uint8Array.of(3, 4, 0, 9, 0, 9))],
    ["an answer with a wrong CRC", (a) => Buffer.concat([honestRtu(a).subarray(0, -1), Buffer.of(0)])],
    ["noise", () => Buffer.alloc(40, 0x5a)],
    ["half an answer", (a) => honestRtu(a).subarray(0, 5)],
  ])("ends with the time-out after %s, and reads truly again", async (_, lie) => {
    server.onRequest = (arrival) => arrival.socket.write(lie(arrival));
    expect(await test.poll(777)).toMatchObject({ kind: "failed" });
    server.onRequest = (arrival) => arrival.socket.write(honestRtu(arrival));
    await never777();
    expect(test.counters.timeouts).toBe(1);
  });

  it("finds the answer behind noise and behind another unit's answer", async () => {
    server.onRequest = (arrival) => {
      arrival.socket.write(Buffer.of(0xff, 0x00, 0x7e));
      arrival.socket.write(honestRtu({ ...arrival, unitId: 6, address: 777 }));
      arrival.socket.write(honestRtu(arrival));
    };
    await never777();
    expect(test.counters).toMatchObject({ timeouts: 0, malformed: expect.any(Number) });
    expect(test.counters.malformed).toBeGreaterThan(0);
  });

  it("takes an answer that comes byte by byte", async () => {
    server.onRequest = (arrival) => {
      for (const byte of honestRtu(arrival)) arrival.socket.write(Buffer.of(byte));
    };
    await never777();
  });

  it("settles an open request as soon as the connection drops", async () => {
    server.onRequest = (arrival) => arrival.socket.destroy();
    expect(await test.poll(1)).toMatchObject({ kind: "failed", reason: "closed" });
    expect(test.counters.timeouts).toBe(0);
  });
});
