import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { ConditionReport } from "#core/model/field-condition.ts";
import type { Sample } from "#core/model/sample.ts";
import { loadDriverSources } from "#edge/driver-modules.ts";
import { type ChannelPlan, Supervisor } from "#edge/supervisor.ts";
import type { DeviceState } from "#protocols/driver.ts";
import { temporaryFolders } from "./temp-folder.ts";

const folder = temporaryFolders();
const MODULES = ["echo", "unruly"].map((name) => new URL(`../../fixtures/drivers/${name}.ts`, import.meta.url).href);
const QUICK = {
  beatMs: 50,
  silenceMs: 800,
  startTimeoutMs: 10_000,
  stopTimeoutMs: 2_000,
  firstRestartMs: 50,
  longestRestartMs: 200,
  steadyMs: 60_000,
};

describe("the supervisor", () => {
  let directory: string;
  let samples: Sample[];
  let events: DeviceEvent[];
  let states: DeviceState[];
  let failed: string[];
  let reports: ConditionReport[];
  let history: Sample[];
  let certificates: [string, number][];
  let supervisor: Supervisor;
  let resolve: (section: unknown) => unknown;

  beforeEach(async () => {
    directory = folder();
    samples = [];
    events = [];
    states = [];
    failed = [];
    reports = [];
    history = [];
    certificates = [];
    resolve = (section) => section;
    supervisor = new Supervisor({
      sources: await loadDriverSources(MODULES),
      resolve: (section) => resolve(section),
      gateway: "site/gw",
      folder: join(directory, "channels"),
      clock: systemClock,
      logger: silentLogger,
      times: QUICK,
      sinks: {
        onSamples: (batch) => samples.push(...batch),
        onEvent: (event, stored) => {
          events.push(event);
          stored?.(event.kind !== "unwanted");
        },
        onConditions: (report) => reports.push(report),
        onHistory: (batch) => history.push(...batch),
        onCertificates: (of, list) => certificates.push([of, list.length]),
        onDevice: (state) => states.push(state),
        onPointsFailed: (points, reason) => failed.push(...points.map((point) => `${point} ${reason}`)),
      },
    });
  });
  afterEach(() => supervisor.stop());

  function channel(protocol: string, devices: readonly string[] = [protocol]): ChannelPlan {
    const config = protocol === "echo" ? { directory: join(directory, "echo") } : { log: join(directory, protocol) };
    return {
      id: protocol,
      protocol,
      config,
      devices: devices.map((device) => ({
        device: deviceId(`site/gw/${device}`),
        config: {},
        points: [{ point: pointId(`site/gw/${device}/value`), address: {}, writable: true }],
      })),
    };
  }
  function starts(protocol: string): number {
    const file = protocol === "echo" ? join(directory, "echo", "log") : join(directory, protocol);
    if (!existsSync(file)) return 0;
    return readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line === "start").length;
  }
  function heardOf(device: string): number {
    return samples.filter(({ point }) => point === `site/gw/${device}/value`).length;
  }
  function reachability(device: string): readonly (boolean | string | undefined)[] {
    return states.filter((state) => state.device === `site/gw/${device}`).map(({ online, reason }) => online || reason);
  }
  function tell(value: unknown): void {
    writeFileSync(join(directory, "echo", "value.json"), JSON.stringify(value));
  }

  it("runs a driver in its own thread and passes its samples, events and device states on in order", async () => {
    await supervisor.apply([channel("echo")]);
    await expect.poll(() => heardOf("echo")).toBe(1);
    expect(reachability("echo")).toEqual([true]);
    tell({ value: 7 });
    await expect.poll(() => samples.at(-1)?.value).toBe(7);
    tell({ event: "motion" });
    await expect.poll(() => events.map(({ kind }) => kind)).toEqual(["motion"]);
    expect(supervisor.status()).toEqual([expect.objectContaining({ channel: "echo", running: true, restarts: 0 })]);
  });

  it("passes on conditions, values of the past and certificates, and tells a driver what became of an event it wants stored", async () => {
    await supervisor.apply([channel("echo")]);
    await expect.poll(() => heardOf("echo")).toBe(1);
    tell({ condition: "zone-1", past: [5, 1_700_000_000_000], certificate: "CN=panel", store: "panelEvent" });
    const log = (): string => readFileSync(join(directory, "echo", "log"), "utf8");
    await expect.poll(log).toContain("stored panelEvent");
    expect(reports).toMatchObject([{ device: "site/gw/echo", complete: true, conditions: [{ condition: "zone-1" }] }]);
    expect(history).toMatchObject([{ value: 5, sourceTime: 1_700_000_000_000 }]);
    expect(certificates).toEqual([["echo", 1]]);
    tell({ store: "unwanted" });
    await expect.poll(log).toContain("refused unwanted");
  });

  it("takes an action on a channel as a whole under the channel's own name", async () => {
    await supervisor.apply([channel("echo", ["lift"])]);
    await expect.poll(() => heardOf("lift")).toBe(1);
    const result = await supervisor.act({ device: deviceId("site/gw/echo"), action: "ptzPreset", params: {} }, 5_000);
    expect(result.status).toBe("done");
  });

  it.each([
    ["throwing", "DRIVER_THREW"],
    ["spinning", "DRIVER_HANGS"],
    ["hoarding", "ERR_WORKER_OUT_OF_MEMORY"],
    ["unstartable", "UNRULY_PORT_TAKEN"],
  ])(
    "starts a %s driver again and again while the others go on unharmed",
    async (protocol, code) => {
      await supervisor.apply([channel("echo"), channel(protocol)]);
      await expect.poll(() => starts(protocol), { timeout: 15_000 }).toBeGreaterThanOrEqual(3);
      const seen = new Set<string | undefined>();
      await expect
        .poll(
          () => {
            seen.add(supervisor.status()[1]?.code);
            return seen.has(code);
          },
          { timeout: 15_000 },
        )
        .toBe(true);
      expect(failed).toContain(`site/gw/${protocol}/value driverFailed`);
      expect(reachability(protocol).at(-1)).toBe("driverFailed");
      expect(starts("echo")).toBe(1);
      expect(reachability("echo")).toEqual([true]);
      tell({ value: 9 });
      await expect.poll(() => samples.at(-1)?.value).toBe(9);
      expect(failed.filter((text) => text.startsWith("site/gw/echo"))).toEqual([]);
    },
    40_000,
  );

  it("writes through the right driver and answers for one that is not there", async () => {
    await supervisor.apply([channel("echo")]);
    await expect.poll(() => heardOf("echo")).toBe(1);
    const point = pointId("site/gw/echo/value");
    expect(await supervisor.write({ point, value: 5, priority: 8 }, 5_000)).toEqual({ status: "done", readBack: 5 });
    const nowhere = pointId("site/gw/other/value");
    expect(await supervisor.write({ point: nowhere, value: 5, priority: 8 }, 5_000)).toMatchObject({
      status: "rejected",
      code: "DRIVER_NOT_RUNNING",
    });
  });

  it("answers a request to a driver that hangs, and never as done", async () => {
    await supervisor.apply([channel("spinning")]);
    await expect.poll(() => supervisor.status()[0]?.running).toBe(true);
    await expect.poll(() => starts("spinning")).toBe(1);
    const result = await supervisor.write({ point: pointId("site/gw/spinning/value"), value: 1, priority: 8 }, 5_000);
    expect(result.status).not.toBe("done");
  });

  it("begins no write that a busy driver reads after its time", async () => {
    await supervisor.apply([channel("echo")]);
    await expect.poll(() => heardOf("echo")).toBe(1);
    const log = (): string => readFileSync(join(directory, "echo", "log"), "utf8");
    writeFileSync(join(directory, "echo", "value.json"), '{"value":1,"busyMs":300}');
    await expect.poll(log).toContain("busy");
    const point = pointId("site/gw/echo/value");
    expect(await supervisor.write({ point, value: 7, priority: 8 }, 50)).toMatchObject({ status: "timeout" });
    expect(await supervisor.write({ point, value: 9, priority: 8 }, 10_000)).toEqual({ status: "done", readBack: 9 });
    expect(log()).toContain("value 9");
    expect(log()).not.toContain("value 7");
  });

  it("binds new devices without ending the driver, and ends it only when its own section changed", async () => {
    await supervisor.apply([channel("echo")]);
    await expect.poll(() => heardOf("echo")).toBe(1);
    await supervisor.apply([channel("echo", ["echo", "second"])]);
    await expect.poll(() => heardOf("second")).toBe(1);
    expect(starts("echo")).toBe(1);
    await supervisor.apply([{ ...channel("echo"), config: { directory: join(directory, "elsewhere") } }]);
    await expect.poll(() => existsSync(join(directory, "elsewhere", "log"))).toBe(true);
    expect(readFileSync(join(directory, "echo", "log"), "utf8")).toMatch(/stop\n$/);
  });

  it("resolves references anew for each start, and waits for one that is not known yet", async () => {
    resolve = () => {
      throw new Error('simulated device "ahu-1" is not known here');
    };
    await supervisor.apply([channel("echo")]);
    expect(supervisor.status()[0]).toMatchObject({ running: false });
    expect(failed).toContain("site/gw/echo/value driverFailed");
    resolve = (section) => section;
    await expect.poll(() => heardOf("echo")).toBe(1);
    expect(reachability("echo")).toEqual(["driverFailed", true]);
  });

  it("refuses a section that its driver's schema does not take once its references are filled in", async () => {
    resolve = (section) =>
      typeof section === "object" && section !== null && "directory" in section ? { directory: 5 } : section;
    await supervisor.apply([channel("echo")]);
    expect(supervisor.status()[0]).toMatchObject({ running: false, code: "CONFIG_INVALID" });
  });

  it("takes no value and no return of a device from a driver that is being stopped, but its last events", async () => {
    await supervisor.apply([channel("lingering")]);
    await expect.poll(() => heardOf("lingering")).toBe(1);
    resolve = (section) => {
      // the devices of the next binding cannot be resolved: the driver is given up
      if (typeof section === "object" && section !== null && !("log" in section)) throw new Error("not known here");
      return section;
    };
    await supervisor.apply([channel("lingering", ["lingering", "second"])]);
    await expect.poll(() => events.map(({ kind }) => kind)).toContain("lastWords");
    expect(heardOf("lingering")).toBe(1);
    expect(reachability("lingering")).toEqual([true, "driverFailed"]);
  });

  it("leaves nothing running after stop", async () => {
    await supervisor.apply([channel("echo"), channel("throwing")]);
    await expect.poll(() => heardOf("echo")).toBe(1);
    await supervisor.stop();
    const told = starts("throwing");
    expect(readFileSync(join(directory, "echo", "log"), "utf8")).toMatch(/stop\n$/);
    // another driver's start serves as the measure of time
    await supervisor.apply([{ ...channel("echo"), id: "measure" }]);
    await expect.poll(() => starts("echo")).toBe(2);
    expect(starts("throwing")).toBe(told);
  });
});
