import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { Value as Schema } from "typebox/value";
import { describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { openStream } from "#protocols/modbus/byte-stream.ts";
import { ModbusDevice, modbus } from "#protocols/modbus/index.ts";
import { recordDriver } from "../../../contract/driver-contract.ts";

describe("a device's section", () => {
  it.each<[string, boolean, unknown]>([
    ["a host alone", true, { host: "10.0.0.1" }],
    ["no host and no line", false, {}],
    ["RTU over TCP with a host", true, { transport: "rtuOverTcp", host: "10.0.0.1", unitId: 3 }],
    ["RTU over TCP to a broadcast unit", false, { transport: "rtuOverTcp", host: "10.0.0.1", unitId: 0 }],
    ["RTU over TCP to a reserved unit", false, { transport: "rtuOverTcp", host: "10.0.0.1", unitId: 248 }],
    ["Modbus TCP to unit 255", true, { host: "10.0.0.1", unitId: 255 }],
    [
      "a serial line",
      true,
      { transport: "serial", path: "/dev/ttyUSB0", baudRate: 19_200, parity: "none", stopBits: 2 },
    ],
    ["a serial line without its path", false, { transport: "serial", host: "10.0.0.1" }],
    ["a parity that does not exist", false, { transport: "serial", path: "/dev/ttyUSB0", parity: "both" }],
  ])("with %s is valid: %s", (_, valid, section) => {
    expect(Schema.Check(ModbusDevice, section)).toBe(valid);
  });

  it("that contradicts another one of its serial line makes its points wrong, and no other's", async () => {
    const told = recordDriver();
    const driver = await modbus.create({}, told.deps);
    const serial = (baudRate: number) => ({ transport: "serial", path: "/nowhere/line", baudRate }) as const;
    const device = (name: string, baudRate: number) => ({
      device: deviceId(`s/g/${name}`),
      config: serial(baudRate),
      points: [
        {
          point: pointId(`s/g/${name}/value`),
          address: { table: "coil", register: 0, type: "bool" } as const,
          writable: false,
        },
      ],
    });
    await driver.start(AbortSignal.timeout(1000));
    await driver.bind([device("first", 9600), device("second", 19_200)]);
    expect(told.latest(pointId("s/g/second/value"))).toMatchObject({ quality: "bad", reason: "configError" });
    await expect.poll(() => told.latest(pointId("s/g/first/value"))?.reason).toBe("commLost");
    expect(told.states.map(({ device: id, reason = "" }) => `${id}: ${reason}`).sort()).toEqual([
      expect.stringMatching(/^s\/g\/first: read of coil 0, 1: \/nowhere\/line: /),
      expect.stringMatching(/^s\/g\/second: its line settings contradict/),
    ]);
    await driver.stop();
  });
});

it("a serial line that the library refuses is a problem of this line, and ends no thread", async () => {
  const sink = { onBytes: () => {}, onEnd: () => {} };
  const impossible = {
    transport: "serial",
    path: "",
    baudRate: 9600,
    parity: "even",
    dataBits: 8,
    stopBits: 1,
    silenceMs: 4,
  } as const;
  const opened = await openStream(impossible, sink, systemClock, 1000, new AbortController().signal);
  expect(opened).toEqual({ problem: expect.stringMatching(/path/) });
});

it("a thread without a serial line does not load the serial library", async () => {
  const source = `
    const { registerHooks } = require("node:module");
    const { parentPort, workerData } = require("node:worker_threads");
    const loaded = [];
    registerHooks({ resolve(specifier, context, next) { const found = next(specifier, context); loaded.push(found.url); return found; } });
    import(workerData).then(() => parentPort.postMessage(loaded));`;
  const worker = new Worker(source, { eval: true, execArgv: [], workerData: modbus.module });
  const [loaded] = (await once(worker, "message")) as [readonly string[]];
  await worker.terminate();
  expect(loaded.some((url) => url.endsWith("/protocols/modbus/byte-stream.ts"))).toBe(true);
  expect(loaded.filter((url) => url.includes("serial"))).toEqual([]);
});
