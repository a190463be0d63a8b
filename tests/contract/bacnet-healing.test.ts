import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Clock } from "#core/clock.ts";
import type { Sample } from "#core/model/sample.ts";
import type { BacnetConfig } from "#protocols/bacnet/config.ts";
import type { BacnetServerOptions } from "#simulators/servers/bacnet.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { airHandler, manyInputs } from "./bacnet-fixture.ts";
import { COV_ONLY, DEVICE, drive, id, POINTS, RUN, serve, settled, TEMPERATURE } from "./bacnet-harness.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";

const START = Date.UTC(2026, 2, 2, 0, 0);
const EVERY = 10_000;
/** At most so long after a device was last heard it is missed. */
const SIGN_OF_LIFE_MS = 26_000;
/** A record is made at the device's first look after its time. */
const SCAN_MS = 1000;
/** How far the clock goes at a time: also while an answer is on its way. */
const STEP_MS = 500;
/** How often a driver looks where the logs stand. */
const NOTE_MS = 300_000;
const TRENDS = [{ signal: "supply-temperature", everyMs: EVERY }];
/** Time-outs in the time of the manual clock: an answer over loopback takes none of it. */
const CONFIG: BacnetConfig = {
  ...COV_ONLY,
  apduTimeoutMs: 10_000,
  retries: 2,
  backoffMinMs: 1000,
  backoffMaxMs: 2000,
};

/** A device that records its temperature each ten seconds: another whole number each time. */
async function field(options: Partial<BacnetServerOptions> = {}, start = START) {
  const clock = new ManualClock(start);
  const device = airHandler("ahu-1", manyInputs(2));
  const server = await serve({ clock, covScanMs: SCAN_MS, trends: TRENDS, ...options }, device);
  const recordedAt: number[] = [];
  /** Lets time pass; midway between two records the temperature becomes another. */
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; ) {
      const toChange = EVERY - ((Math.round(clock.now()) + EVERY / 2) % EVERY);
      const step = Math.min(left, toChange);
      clock.advance(step);
      left -= step;
      if (step < toChange) continue;
      device.write("supply-temperature", recordedAt.length);
      recordedAt.push(Math.round(clock.now()) + EVERY / 2);
    }
  };
  pass(EVERY);
  /** Lets time pass in small steps until something holds. */
  const until = (holds: () => boolean, stepMs = STEP_MS): Promise<void> =>
    expect
      .poll(
        () => {
          if (!holds()) pass(stepMs);
          return holds();
        },
        { timeout: 20_000, interval: 5 },
      )
      .toBe(true);
  /** Every record between two times is there, once, at its time, and nothing else. */
  const holds = (history: readonly (readonly [number, unknown])[], from: number, to: number): void => {
    const values = history.map(([, value]) => value);
    const first = Number(values[0]);
    expect(values).toEqual(values.map((_, i) => first + i));
    for (const [at, value] of history)
      expect(Math.abs(at - (recordedAt[Number(value)] ?? 0))).toBeLessThanOrEqual(SCAN_MS + STEP_MS);
    expect(history[0]?.[0]).toBeGreaterThan(from);
    expect(history[0]?.[0]).toBeLessThanOrEqual(from + SIGN_OF_LIFE_MS + EVERY);
    expect(history.at(-1)?.[0]).toBeLessThanOrEqual(to + STEP_MS);
    expect(history.at(-1)?.[0]).toBeGreaterThan(to - EVERY - SCAN_MS - STEP_MS);
  };
  return { clock, device, server, pass, until, holds };
}

const lastSeen = (recording: Recording): boolean | undefined => recording.reachability(DEVICE).at(-1);
const told = (history: readonly Sample[], point = TEMPERATURE) =>
  history.filter((sample) => sample.point === point).map(({ sourceTime = 0, value }) => [sourceTime, value] as const);
const healed = ({ events }: Recording) => events.filter(({ kind }) => kind === "historyHealed");
/** When the device was found again: the time of its first live value after the loss. */
function backAt({ samples }: Recording): number {
  const temperatures = samples.filter(({ point }) => point === TEMPERATURE);
  const lost = temperatures.findLastIndex(({ reason }) => reason === "commLost");
  return temperatures[lost + 1]?.observedAt ?? Number.NaN;
}

function recorder(clock: Clock, folder?: string): Recording {
  return recordDriver({ clock, ...(folder === undefined ? {} : { folder }) });
}

describe("a BACnet device that comes back", { timeout: 60_000 }, () => {
  it("fills the hole from its trend log, and only the hole, after the live values", async () => {
    const { server, clock, pass, until, holds } = await field();
    const recording = recorder(clock);
    await drive(server.address.port, CONFIG, POINTS, recording);
    await settled(recording);
    await until(() => clock.now() > START + 60_000);
    const cut = clock.now();
    server.silence();
    await until(() => lastSeen(recording) === false);
    pass(600_000);
    server.restore();
    await until(() => healed(recording).length > 0);
    const back = backAt(recording);
    const history = told(recording.history);
    // from what was last heard on, which is a sign of life before the cut at most
    holds(history, cut - SIGN_OF_LIFE_MS, back);
    expect(history.length).toBeGreaterThanOrEqual(60);
    expect(recording.history.every(({ quality }) => quality === "good")).toBe(true);
    expect(healed(recording)).toMatchObject([
      { device: DEVICE, data: { records: history.length, points: 1, logs: 1, to: back } },
    ]);
  });

  it("is healed once for each outage, and tells no record twice", async () => {
    const { server, clock, pass, until } = await field();
    const recording = recorder(clock);
    const [driver] = await drive(server.address.port, CONFIG, POINTS, recording);
    await settled(recording);
    for (const outage of [1, 2]) {
      server.silence();
      await until(() => lastSeen(recording) === false);
      pass(120_000);
      server.restore();
      await until(() => healed(recording).length === outage);
      pass(1000);
    }
    const times = recording.history.map(({ sourceTime }) => sourceTime);
    expect(times).toEqual([...new Set(times)].toSorted());
    expect(driver.counters()["historyValues"]).toBe(recording.history.length);
  });

  it("is healed for the time in which the gateway was down", async () => {
    const { server, clock, pass, until, holds } = await field();
    const folder = await mkdtemp(path.join(tmpdir(), "bacnet-healing-"));
    const recording = recorder(clock, folder);
    const [driver] = await drive(server.address.port, CONFIG, POINTS, recording);
    await settled(recording);
    await until(() => clock.now() > START + 60_000);
    const heard = clock.now();
    await driver.stop();
    pass(900_000);
    const again = recorder(clock, folder);
    const started = clock.now();
    await drive(server.address.port, CONFIG, POINTS, again);
    await until(() => healed(again).length > 0, 100);
    holds(told(again.history), heard - SIGN_OF_LIFE_MS, started);
    expect(recording.history).toEqual([]);
  });

  it("has the times of its records corrected by how much its clock is wrong", async () => {
    const { server, clock, pass, until, holds } = await field({ utcOffsetMin: -480 });
    server.faults.set("clock-skew", { seconds: 3600 });
    const recording = recorder(clock);
    await drive(server.address.port, CONFIG, POINTS, recording);
    await settled(recording);
    const cut = clock.now();
    server.silence();
    await until(() => lastSeen(recording) === false);
    pass(100_000);
    server.restore();
    await until(() => healed(recording).length > 0);
    const history = told(recording.history);
    expect(history.length).toBeGreaterThanOrEqual(8);
    holds(history, cut - SIGN_OF_LIFE_MS, backAt(recording));
  });

  it("is healed from a log of several properties where it has no other", async () => {
    const trendGroups = [{ name: "组", description: "", signals: ["fan-run", "supply-temperature"], everyMs: EVERY }];
    const { server, clock, pass, until } = await field({ trends: [], trendGroups });
    const recording = recorder(clock);
    await drive(server.address.port, CONFIG, POINTS, recording);
    await settled(recording);
    server.silence();
    await until(() => lastSeen(recording) === false);
    pass(100_000);
    server.restore();
    await until(() => healed(recording).length > 0);
    const temperatures = told(recording.history);
    expect(temperatures.length).toBeGreaterThanOrEqual(8);
    expect(told(recording.history, RUN)).toEqual(temperatures.map(([at]) => [at, false]));
    expect(healed(recording)[0]?.data).toMatchObject({ points: 2, logs: 1 });
  });

  it("is healed when the journal takes it, however often it refused before", async () => {
    const { server, clock, pass, until } = await field();
    let refuses = true;
    const recording = recordDriver({
      clock,
      async storeEvent() {
        if (refuses) throw new Error("the disk is full");
      },
    });
    await drive(server.address.port, CONFIG, POINTS, recording);
    await settled(recording);
    server.silence();
    await until(() => lastSeen(recording) === false);
    pass(60_000);
    server.restore();
    await until(() => healed(recording).length === 1);
    const count = recording.history.length;
    refuses = false;
    await until(() => healed(recording).length === 2);
    expect(recording.reachability(DEVICE)).toEqual([true, false, true]);
    expect(recording.history).toHaveLength(count);
    expect(healed(recording)[1]?.data).toEqual(healed(recording)[0]?.data);
    const noted = clock.now() + 2 * NOTE_MS;
    await until(() => clock.now() > noted, 2000);
    expect(healed(recording)).toHaveLength(2);
  });

  it("takes nothing from its logs where the channel says so", async () => {
    const { server, clock, pass, until } = await field();
    const recording = recorder(clock);
    const [driver] = await drive(server.address.port, { ...CONFIG, trendRecords: 0 }, POINTS, recording);
    await settled(recording);
    server.silence();
    await until(() => lastSeen(recording) === false);
    pass(60_000);
    server.restore();
    await until(() => lastSeen(recording) === true);
    const requests = driver.counters()["requests"] ?? 0;
    await until(() => (driver.counters()["requests"] ?? 0) > requests + 2);
    expect(recording.history).toEqual([]);
    expect(healed(recording)).toEqual([]);
  });

  it("gives the newest records where there are more than are taken", async () => {
    const { server, clock, pass, until, holds } = await field();
    const recording = recorder(clock);
    await drive(server.address.port, { ...CONFIG, trendRecords: 5 }, POINTS, recording);
    await settled(recording);
    server.silence();
    await until(() => lastSeen(recording) === false);
    pass(600_000);
    server.restore();
    await until(() => healed(recording).length > 0);
    const back = backAt(recording);
    holds(told(recording.history), back - 6 * EVERY, back);
    expect(recording.history.length).toBeLessThanOrEqual(5);
  });

  it("is healed although nobody noticed that the gateway stood still", async () => {
    const { server, clock, pass, until } = await field();
    // monotonic time stands still with the process, the clock on the wall does not
    let stoodMs = 0;
    let stoppedAt: number | undefined;
    const awake: Clock = {
      now: () => clock.now(),
      monotonic: () => (stoppedAt ?? clock.monotonic()) - stoodMs,
      after: (ms, callback) => clock.after(ms, callback),
      every: (ms, callback) => clock.every(ms, callback),
    };
    const recording = recorder(awake);
    await drive(server.address.port, { ...CONFIG, apduTimeoutMs: 60_000 }, POINTS, recording);
    await settled(recording);
    await until(() => clock.now() > START + 60_000, 250);
    server.silence();
    stoppedAt = clock.monotonic();
    pass(119_000);
    stoodMs = clock.monotonic() - stoppedAt;
    stoppedAt = undefined;
    server.restore();
    await until(() => healed(recording).length > 0, 250);
    expect(recording.reachability(DEVICE)).toEqual([true]);
    expect(told(recording.history).length).toBeGreaterThanOrEqual(10);
  });
});

it("heals points of different logs of one device", async () => {
  const trends = ["supply-temperature", "input-0", "input-1"].map((signal) => ({ signal, everyMs: EVERY }));
  const { server, clock, pass, until } = await field({ trends });
  const points = [
    ...POINTS,
    { point: id("input-0"), address: { objectType: "analog-input", instance: 2 }, writable: false },
    { point: id("input-1"), address: { objectType: "analog-input", instance: 3 }, writable: false },
  ] as const;
  const recording = recorder(clock);
  await drive(server.address.port, CONFIG, points, recording);
  await settled(recording);
  server.silence();
  await until(() => lastSeen(recording) === false);
  pass(60_000);
  server.restore();
  await until(() => healed(recording).length > 0);
  const each = [TEMPERATURE, id("input-0"), id("input-1")].map((point) => told(recording.history, point).length);
  expect(new Set(each).size).toBe(1);
  expect(healed(recording)[0]?.data).toMatchObject({ points: 3, logs: 3, records: 3 * (each[0] ?? 0) });
});
