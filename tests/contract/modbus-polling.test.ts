import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import type { DeviceBinding } from "#protocols/driver.ts";
import { type ModbusAddress, type ModbusConfig, type ModbusDevice, modbus } from "#protocols/modbus/index.ts";
import { boundDevice } from "../fixtures/modbus/field.ts";
import {
  type Arrival,
  frame,
  honest,
  type MisbehavingServer,
  misbehavingServer,
} from "../fixtures/modbus/misbehaving-server.ts";
import { ManualClock } from "../manual-clock.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";

const at = (register: number, poll: ModbusAddress["poll"] = "normal"): ModbusAddress => ({
  table: "holdingRegister",
  register,
  type: "uint16",
  poll,
});
const point = (device: string, name: string) => pointId(`s/g/${device}/${name}`);
const exception = (arrival: Arrival, code: number): Buffer => frame({ ...arrival, pdu: [0x83, code] });

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function server(): Promise<MisbehavingServer> {
  const listening = await misbehavingServer();
  cleanups.push(() => listening.close());
  return listening;
}

/** A driver whose time the test moves; the network runs by itself. */
async function timed(
  devices: readonly DeviceBinding<ModbusDevice, ModbusAddress>[],
  config: ModbusConfig = {},
): Promise<{ clock: ManualClock; told: Recording; driver: Awaited<ReturnType<typeof modbus.create>> }> {
  const clock = new ManualClock(1_750_000_000_000);
  const told = recordDriver({ clock });
  const driver = await modbus.create(config, told.deps);
  cleanups.push(() => driver.stop());
  await driver.start(AbortSignal.timeout(5000));
  await driver.bind(devices);
  return { clock, told, driver };
}

describe("what a device is asked for", () => {
  it("goes by poll class: alarm points four times a second, normal ones once, slow ones every ten", async () => {
    const field = await server();
    const asked: Record<number, number> = {};
    field.onRequest = (arrival) => {
      asked[arrival.address] = (asked[arrival.address] ?? 0) + 1;
      arrival.socket.write(honest(arrival));
    };
    const { clock } = await timed([
      boundDevice("panel", { port: field.port }, { a: at(100, "alarm"), n: at(200), s: at(300, "slow") }),
    ]);
    await expect.poll(() => asked).toEqual({ 100: 1, 200: 1, 300: 1 });
    for (let quarter = 1; quarter <= 40; quarter++) {
      clock.advance(250);
      await expect.poll(() => asked[100]).toBe(1 + quarter);
      await expect.poll(() => asked[200]).toBe(1 + Math.floor(quarter / 4));
    }
    await expect.poll(() => asked[300]).toBe(2);
  });

  it("is told when it changes, and unchanged often enough to be a sign of life", async () => {
    const field = await server();
    let level = 7;
    let reads = 0;
    field.onRequest = (arrival) => {
      reads++;
      const pdu = [3, 4, 0, level, 0, 99];
      arrival.socket.write(frame({ ...arrival, pdu }));
    };
    const { clock, told } = await timed([boundDevice("meter", { port: field.port }, { level: at(0), still: at(1) })]);
    const values = (name: string) => told.samples.filter((s) => s.point === point("meter", name)).map((s) => s.value);
    const poll = async (count = 1): Promise<void> => {
      for (; count > 0; count--) {
        const before = reads;
        clock.advance(1000);
        await expect.poll(() => reads).toBe(before + 1);
      }
    };
    await expect.poll(() => values("still")).toEqual([99]);
    await poll(5);
    level = 8;
    await poll(2);
    await expect.poll(() => values("level")).toEqual([7, 8]);
    expect(values("still"), "what shares its answer and did not change").toEqual([99]);
    await poll(45);
    await expect.poll(() => values("still")).toEqual([99, 99]);
    const times = told.samples.filter((s) => s.point === point("meter", "still")).map((s) => s.observedAt);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeLessThan(60_000);
  });

  it("is told again after a write, for the device may not keep what was written", async () => {
    const field = await server();
    let held = 5;
    field.onRequest = (arrival) => {
      const writes = arrival.pdu[0] === 6;
      // it takes the value, and falls back to its own once it was read back
      const pdu = writes ? [...arrival.pdu] : [3, 2, 0, held];
      if (writes) held = arrival.pdu[4] ?? 0;
      else held = 5;
      arrival.socket.write(frame({ ...arrival, pdu }));
    };
    const { clock, told, driver } = await timed([boundDevice("meter", { port: field.port }, { setpoint: at(0) })]);
    const setpoint = point("meter", "setpoint");
    await expect.poll(() => told.latest(setpoint)?.value).toBe(5);
    const written = await driver.write({ point: setpoint, value: 9, priority: 8 }, AbortSignal.timeout(5000));
    expect(written).toEqual({ status: "done", readBack: 9 });
    expect(told.latest(setpoint)?.value).toBe(9);
    clock.advance(1000);
    await expect.poll(() => told.latest(setpoint)?.value).toBe(5);
  });

  it("is read in few requests again once the device that refused everything takes its addresses", async () => {
    const field = await server();
    let ready = false;
    const quantities: number[] = [];
    field.onRequest = (arrival) => {
      quantities.push(arrival.quantity);
      arrival.socket.write(ready ? honest(arrival) : exception(arrival, 2));
    };
    const names = { a: at(1), b: at(2), c: at(3), d: at(4) };
    const { clock, told } = await timed([boundDevice("meter", { port: field.port, pollMs: 50_000 }, names)]);
    const all = Object.keys(names).map((name) => point("meter", name));
    await expect.poll(() => all.map((id) => told.latest(id)?.reason)).toEqual(all.map(() => "configError"));
    ready = true;
    clock.advance(50_000);
    await expect.poll(() => all.map((id) => told.latest(id)?.value)).toEqual([1, 2, 3, 4]);
    await expect.poll(() => quantities.at(-1)).toBe(4);
  });

  it("is asked again five to ten minutes after the device has refused it", async () => {
    const field = await server();
    let has = false;
    let refusals = 0;
    let reads = 0;
    field.onRequest = (arrival) => {
      const touches = arrival.address <= 4 && arrival.address + arrival.quantity > 4;
      if (touches && !has) refusals++;
      if (!touches) reads++;
      arrival.socket.write(touches && !has ? exception(arrival, 2) : honest(arrival));
    };
    const device = boundDevice("meter", { port: field.port, pollMs: 50_000 }, { a: at(1), late: at(4), b: at(7) });
    const { clock, told } = await timed([device]);
    const late = point("meter", "late");
    await expect.poll(() => told.latest(late)?.reason).toBe("configError");
    await expect.poll(() => told.latest(point("meter", "b"))?.quality).toBe("good");
    const before = refusals;
    has = true;
    const found = (): boolean => told.latest(late)?.quality === "good";
    const polls = async (count: number): Promise<void> => {
      for (; count > 0 && !found(); count--) {
        const done = reads + 2;
        clock.advance(50_000);
        await expect.poll(() => reads === done || found()).toBe(true);
      }
    };
    await polls(5);
    expect(told.latest(late)).toMatchObject({ quality: "bad", reason: "configError" });
    await polls(8);
    await expect.poll(() => told.latest(late)).toMatchObject({ quality: "good", value: 4 });
    expect(refusals).toBe(before);
  });

  it("never makes the living wait for the dead behind one gateway: one time-out each back-off at most", async () => {
    const field = await server();
    const units: number[] = [];
    field.onRequest = (arrival) => {
      units.push(arrival.unitId);
      if (arrival.unitId === 1) arrival.socket.write(honest(arrival));
    };
    const dead = [7, 8, 9].map((unitId) =>
      boundDevice(`dead-${unitId}`, { port: field.port, unitId }, { a: at(0), b: at(50) }),
    );
    const config = { pollMs: 100, timeoutMs: 100, reconnectMinMs: 1000, reconnectMaxMs: 1000 };
    const { clock, told } = await timed(
      [...dead, boundDevice("alive", { port: field.port, unitId: 1 }, { a: at(0), b: at(50) })],
      config,
    );
    const step = async (): Promise<void> => {
      clock.advance(10);
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    };
    for (let steps = 0; dead.some(({ device }) => told.reachability(device).length === 0); steps++) {
      expect(steps, "all dead units told within their time-outs").toBeLessThan(2000);
      await step();
    }
    const from = units.length;
    for (let steps = 0; steps < 1000; steps++) await step();
    const later = units.slice(from);
    // ten seconds: a probe each 0.5 to 1 s of each dead unit, and the living one asked for two blocks whenever the line is free
    for (const unitId of [7, 8, 9]) expect(later.filter((unit) => unit === unitId).length).toBeLessThanOrEqual(20);
    expect(later.filter((unit) => unit === 1).length).toBeGreaterThan(40);
    expect(told.reachability(boundDevice("alive", {}, {}).device)).toEqual([true]);
  });
});

describe("a server that is killed with a request open", () => {
  const LISTEN = `
    const server = require("node:net").createServer((socket) => socket.on("data", () => console.log("asked")));
    server.listen(Number(process.argv[1]), "127.0.0.1", () => console.log(server.address().port));`;

  async function process(port: number): Promise<ChildProcessByStdio<null, Readable, null>> {
    const child = spawn(globalThis.process.execPath, ["-e", LISTEN, String(port)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    cleanups.push(() => child.kill("SIGKILL"));
    return child;
  }

  it("is told without waiting for any time-out, and found by growing delays once it is back", async () => {
    const child = await process(0);
    const [port] = await once(child.stdout, "data");
    const device = boundDevice("meter", { port: Number(String(port)) }, { a: at(1) });
    const asked = once(child.stdout, "data");
    // no timer of the driver can fire: its clock stands still
    const { clock, told } = await timed([device]);
    await asked;
    const killedAt = performance.now();
    child.kill("SIGKILL");
    await expect.poll(() => told.latest(point("meter", "a")), { interval: 1 }).toMatchObject({ reason: "commLost" });
    globalThis.process.stderr.write(`told ${Math.round(performance.now() - killedAt)} ms after the kill\n`);
    expect(told.reachability(device.device)).toEqual([false]);
    expect(told.samples.filter(({ quality }) => quality === "good")).toEqual([]);

    const again = await misbehavingServer(Number(String(port)));
    cleanups.push(() => again.close());
    await expect
      .poll(() => {
        clock.advance(100);
        return told.latest(point("meter", "a"));
      })
      .toMatchObject({ value: 1, quality: "good" });
  });
});
