import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { bacnet } from "#protocols/bacnet/index.ts";
import type { ProtocolDriver, WriteRequest } from "#protocols/driver.ts";
import type { BacnetServer } from "#simulators/servers/bacnet.ts";
import { closing, DEVICE, drive, MODE, never, POINTS, POLL, SETPOINT, serve, settled } from "./bacnet-harness.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";

const LEVEL_8 = 7;
const slot = (server: BacnetServer, level = LEVEL_8) => server.priorityArrayOf("supply-setpoint")?.[level];
const write = (driver: ProtocolDriver, value: number | null, more: Partial<WriteRequest> = {}) =>
  driver.write({ point: SETPOINT, value, priority: 8, ...more }, never);

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), "bacnet-leases-"));
  closing.push(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function ready(server: BacnetServer, config = {}, where?: string): Promise<[ProtocolDriver, Recording]> {
  const recording = recordDriver({ folder: where ?? (await folder()) });
  const [driver] = await drive(server.address.port, config, POINTS, recording);
  await settled(recording);
  return [driver, recording];
}

describe("a value written to a BACnet device", () => {
  it("is given back by itself when its lease is over", async () => {
    const server = await serve();
    const [driver, recording] = await ready(server);
    expect(await write(driver, 25, { leaseMs: 300 })).toEqual({ status: "done", readBack: 25 });
    expect(slot(server)).toBe(25);
    await expect.poll(() => slot(server), POLL).toBe(null);
    await expect.poll(() => recording.latest(SETPOINT)?.value, POLL).toBe(20);
    expect(driver.counters()).toMatchObject({ leasesReleased: 1, leasesOvertaken: 0 });
  });

  it("lasts as long as the channel says where the request says nothing, and for ever without either", async () => {
    const server = await serve();
    const [leased] = await ready(server, { leaseS: 1 });
    const [unleased] = await ready(server);
    await write(leased, 25);
    await write(unleased, 2, { point: MODE });
    await expect.poll(() => slot(server), POLL).toBe(null);
    expect(server.priorityArrayOf("mode")?.[LEVEL_8]).toBe(2);
  });

  it("stays when another has written at its priority meanwhile", async () => {
    const server = await serve();
    const [ours] = await ready(server);
    const [other] = await ready(server);
    await write(ours, 25, { leaseMs: 500 });
    await write(other, 33);
    await expect.poll(() => ours.counters()["leasesOvertaken"], POLL).toBe(1);
    expect(slot(server)).toBe(33);
    expect(ours.counters()["leasesReleased"]).toBe(0);
  });

  it("is the newest one's: a later write without a lease is not taken back by an older lease", async () => {
    const server = await serve();
    const [driver] = await ready(server);
    await write(driver, 25, { leaseMs: 400 });
    await write(driver, 26);
    await write(driver, 24, { priority: 9, leaseMs: 600 });
    await expect.poll(() => slot(server, 8), POLL).toBe(null);
    expect(slot(server)).toBe(26);
  });

  it("is given back when its point, and when its device leaves the configuration", async () => {
    const server = await serve();
    const [driver] = await ready(server);
    const config = { instance: 1001, address: { host: "127.0.0.1", port: server.address.port } };
    await write(driver, 25);
    await driver.bind([{ device: DEVICE, config, points: POINTS.filter(({ point }) => point !== SETPOINT) }]);
    await expect.poll(() => slot(server), POLL).toBe(null);
    await expect
      .poll(async () => (await driver.write({ point: MODE, value: 3, priority: 8 }, never)).status, POLL)
      .toBe("done");
    await driver.bind([]);
    // the channel is gone as well: stopping waits for what is being given back
    await driver.stop();
    expect(server.priorityArrayOf("mode")?.[LEVEL_8]).toBe(null);
  });

  it("is given back as soon as a device that was away is back", async () => {
    const server = await serve();
    const [driver, recording] = await ready(server);
    await write(driver, 25, { leaseMs: 500 });
    server.silence();
    await expect.poll(() => recording.reachability(DEVICE).at(-1), POLL).toBe(false);
    await expect.poll(() => driver.counters()["timeouts"] ?? 0, POLL).toBeGreaterThan(1);
    expect(slot(server)).toBe(25);
    server.restore();
    await expect.poll(() => slot(server), POLL).toBe(null);
  });

  it("is given back when its owner is gone, and what others wrote is not", async () => {
    const server = await serve();
    const [driver] = await ready(server);
    await write(driver, 25, { owner: "rule:night" });
    await write(driver, 26, { owner: "lin", priority: 9 });
    const released = await driver.act(
      { device: DEVICE, action: "releaseWrites", params: { owner: "rule:night" } },
      never,
    );
    expect(told(released)).toMatchObject({ released: 1, overtaken: 0, pending: 0 });
    expect([slot(server), slot(server, 8)]).toEqual([null, 26]);
  });

  it("is shown with its holder: who holds priority 8?", async () => {
    const server = await serve();
    const [driver] = await ready(server);
    await write(driver, 25, { owner: "lin", leaseMs: 60_000 });
    const view = told(
      await driver.act({ device: DEVICE, action: "priorityArray", params: { point: SETPOINT } }, never),
    );
    expect(view).toMatchObject({ presentValue: 25, relinquishDefault: 20, commandedBy: 8 });
    expect(view["slots"]).toHaveLength(16);
    expect((view["slots"] as object[])[LEVEL_8]).toMatchObject({ level: 8, name: "manual operator", owner: "lin" });
    const leases = told(await driver.act({ device: DEVICE, action: "writeLeases", params: {} }, never));
    expect(leases["leases"]).toMatchObject([{ point: SETPOINT, priority: 8, value: 25, owner: "lin" }]);
    const [other] = await ready(server);
    await write(other, 33);
    const overtaken = told(
      await driver.act({ device: DEVICE, action: "priorityArray", params: { point: SETPOINT } }, never),
    );
    expect((overtaken["slots"] as object[])[LEVEL_8]).toEqual({ level: 8, name: "manual operator", value: 33 });
    expect(await driver.act({ device: DEVICE, action: "priorityArray", params: { point: "x" } }, never)).toMatchObject({
      status: "rejected",
      code: "BACNET_POINT_UNKNOWN",
    });
    expect(await driver.act({ device: DEVICE, action: "dance", params: {} }, never)).toMatchObject({
      code: "ACTION_UNKNOWN",
    });
  });

  it("is relinquished for the gateway only where it is still the gateway's", async () => {
    const server = await serve();
    const [driver] = await ready(server);
    const [other] = await ready(server);
    await write(driver, 25);
    expect(await write(driver, null, { onlyOurs: true })).toMatchObject({ status: "done" });
    expect(slot(server)).toBe(null);
    await write(driver, 25);
    await write(other, 33);
    expect(await write(driver, null, { onlyOurs: true })).toMatchObject({ status: "done" });
    expect(slot(server)).toBe(33);
    expect(await write(driver, null)).toEqual({ status: "done", readBack: 20 });
  });

  it("is not written at all where the gateway's disk cannot keep its lease", async () => {
    const server = await serve();
    const file = path.join(await folder(), "no-folder");
    await writeFile(file, "");
    const [driver] = await ready(server, {}, file);
    expect(await write(driver, 25)).toMatchObject({ status: "rejected", code: "BACNET_LEASE_NOT_KEPT" });
    expect(slot(server)).toBe(null);
    expect(await write(driver, null)).toMatchObject({ status: "done" });
  });

  it("leaves no lease where the device refused it", async () => {
    const server = await serve();
    const [driver] = await ready(server);
    await write(driver, 25, { owner: "lin" });
    expect(await write(driver, 99, { leaseMs: 100 })).toMatchObject({ status: "failed" });
    const leases = told(await driver.act({ device: DEVICE, action: "writeLeases", params: {} }, never));
    expect(leases["leases"]).toMatchObject([{ value: 25, owner: "lin" }]);
  });
});

describe("the leases of a BACnet channel", () => {
  it("go on after a restart; those that ran out meanwhile are given back", async () => {
    const server = await serve();
    const where = await folder();
    const [first] = await ready(server, {}, where);
    await write(first, 25, { leaseMs: 200 });
    await write(first, 24, { priority: 9, leaseMs: 3_600_000 });
    await first.stop();
    const [second] = await ready(server, {}, where);
    await expect.poll(() => slot(server), POLL).toBe(null);
    expect(slot(server, 8)).toBe(24);
    const leases = told(await second.act({ device: DEVICE, action: "writeLeases", params: {} }, never));
    expect(leases["leases"]).toMatchObject([{ priority: 9, value: 24 }]);
  });

  it("survive a gateway that is killed", async () => {
    const server = await serve();
    const where = await folder();
    const child = fork(path.join(import.meta.dirname, "bacnet-lease-child.ts"), {
      env: { ...process.env, PORT: String(server.address.port), FOLDER: where },
    });
    const [result] = (await once(child, "message")) as [unknown];
    expect(result).toEqual({ status: "done", readBack: 25 });
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    expect(slot(server)).toBe(25);
    await ready(server, {}, where);
    await expect.poll(() => slot(server), POLL).toBe(null);
  });

  it("are given back to a device that left the configuration while the gateway was down, wherever it was last seen", async () => {
    const server = await serve();
    const where = await folder();
    const [first] = await ready(server, {}, where);
    await write(first, 25);
    await first.stop();
    const recording = recordDriver({ folder: where });
    const second = await bacnet.create({ bind: { host: "127.0.0.1" }, apduTimeoutMs: 150, retries: 2 }, recording.deps);
    closing.push(() => second.stop());
    await second.start(never);
    await second.bind([]);
    await expect.poll(() => slot(server), POLL).toBe(null);
  });
});

function told(result: Awaited<ReturnType<ProtocolDriver["act"]>>): Record<string, unknown> {
  const bytes = result.status === "done" ? result.blob?.bytes : undefined;
  return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
}
