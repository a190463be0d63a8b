import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Value as Schema } from "typebox/value";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { type DeviceId, deviceId, type PointId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { FieldCertificate } from "#core/model/certificate.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { ConditionReport } from "#core/model/field-condition.ts";
import type { Sample, Value } from "#core/model/sample.ts";
import type { DeviceBinding, DeviceState, DriverDeps, DriverDescriptor, ProtocolDriver } from "#protocols/driver.ts";

/** A field network for one test: devices on real sockets, and what can be done to them. Made anew for each case. */
export interface ContractField {
  /** The channel's section, with short time-outs: a silent device should be told within a few seconds. */
  readonly config: unknown;
  /** At least one device with at least one point. The first is the one that `silence` cuts off; a second one must stay unaffected. */
  readonly devices: readonly DeviceBinding[];
  /** A point the driver can write, and what the device then holds. Absent for read-only protocols. */
  readonly writable?: { readonly point: PointId; readonly value: Value; readonly expectedReadBack: Value };
  /** Cuts off the first device: requests vanish. */
  silence(): void | Promise<void>;
  restore(): void | Promise<void>;
  /** Sends bytes that are no valid answer to the running driver. */
  garbage?(): Promise<void>;
  /** A channel section with which `start` throws until `heal` was called, e.g. a taken port. */
  readonly startFailure?: { readonly config: unknown; heal(): Promise<void> };
  close(): Promise<void>;
}

/** Everything a driver told, in order. */
export interface Recording {
  readonly deps: DriverDeps;
  readonly samples: Sample[];
  readonly events: DeviceEvent[];
  readonly states: DeviceState[];
  readonly conditions: ConditionReport[];
  readonly history: Sample[];
  /** Every list of certificates told. */
  readonly certificates: (readonly FieldCertificate[])[];
  /** The last sample of a point, undefined before the first. */
  latest(point: PointId): Sample | undefined;
  /** Device states of one device, as `online` flags in order. */
  reachability(device: DeviceId): readonly boolean[];
}

/**
 * Driver dependencies that keep what they are told; real clock, no log, events stored at once, a folder that nobody has made yet
 * (who lets the driver make it removes it).
 */
export function recordDriver(
  overrides: Partial<Pick<DriverDeps, "logger" | "clock" | "folder" | "storeEvent">> = {},
): Recording {
  const samples: Sample[] = [];
  const events: DeviceEvent[] = [];
  const states: DeviceState[] = [];
  const conditions: ConditionReport[] = [];
  const history: Sample[] = [];
  const certificates: (readonly FieldCertificate[])[] = [];
  return {
    samples,
    events,
    states,
    conditions,
    history,
    certificates,
    deps: {
      logger: overrides.logger ?? silentLogger,
      clock: overrides.clock ?? systemClock,
      onSamples: (batch) => samples.push(...batch),
      onEvent: (event) => events.push(event),
      onDevice: (state) => states.push(state),
      storeEvent: async (event) => {
        events.push(event);
        await overrides.storeEvent?.(event);
      },
      onConditions: (report) => conditions.push(report),
      onHistory: (batch) => history.push(...batch),
      onCertificates: (list) => certificates.push(list),
      folder: overrides.folder ?? join(tmpdir(), `parkhub-driver-${randomUUID()}`),
    },
    latest: (point) => samples.findLast((sample) => sample.point === point),
    reachability: (device) => states.filter((state) => state.device === device).map((state) => state.online),
  };
}

const TEST_MS = 40_000;
const POLL = { timeout: 15_000, interval: 20 } as const;
const never = new AbortController().signal;

const pointsOf = (devices: readonly DeviceBinding[]): readonly PointId[] =>
  devices.flatMap((device) => device.points.map((binding) => binding.point));

function first(devices: readonly DeviceBinding[]): DeviceBinding {
  const device = devices[0];
  if (device === undefined) throw new Error("the contract's field needs at least one device");
  return device;
}

/** Imports a module in a thread like a driver's, and tells everything that was loaded for it. */
const LOADING = `
const { registerHooks } = require("node:module");
const { parentPort, workerData } = require("node:worker_threads");
const loaded = [];
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    loaded.push(found.url);
    return found;
  },
});
import(workerData).then((exported) => parentPort.postMessage({ create: typeof exported.create, loaded }));`;

/**
 * The contract suite of ProtocolDriver: every driver runs it against real sockets. `setup` builds a fresh field for each case;
 * the suite closes it. Cases of `writable`, `garbage` and `startFailure` run where `parts` says that the field has them.
 */
export function driverContract(
  descriptor: DriverDescriptor,
  setup: () => Promise<ContractField>,
  parts: { readonly writes: boolean; readonly garbage: boolean; readonly startFailure: boolean },
): void {
  describe(`the ${descriptor.kind} driver keeps the driver contract`, { timeout: TEST_MS }, () => {
    let field: ContractField;
    const running: ProtocolDriver[] = [];
    const folders = new Set<string>();

    beforeEach(async () => {
      field = await setup();
    });
    afterEach(async () => {
      await Promise.all(running.splice(0).map((driver) => driver.stop()));
      await field.close();
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
      folders.clear();
    });

    async function created(recording: Recording, config: unknown = field.config): Promise<ProtocolDriver> {
      const driver = await descriptor.create(config, recording.deps);
      running.push(driver);
      folders.add(recording.deps.folder);
      return driver;
    }
    async function allDelivered(recording: Recording): Promise<void> {
      for (const point of pointsOf(field.devices)) {
        await expect.poll(() => recording.latest(point)?.quality, { ...POLL, message: `${point} good` }).toBe("good");
      }
    }
    async function observing(recording: Recording = recordDriver()): Promise<[ProtocolDriver, Recording]> {
      const driver = await created(recording);
      await driver.start(never);
      await driver.bind(field.devices);
      await allDelivered(recording);
      return [driver, recording];
    }
    async function cutOff(recording: Recording): Promise<void> {
      const { device, points } = first(field.devices);
      await field.silence();
      for (const { point } of points) {
        await expect.poll(() => recording.latest(point), POLL).toMatchObject({ quality: "bad", reason: "commLost" });
      }
      await expect.poll(() => recording.reachability(device).at(-1), POLL).toBe(false);
    }
    async function comesBack(recording: Recording): Promise<void> {
      const { device, points } = first(field.devices);
      await field.restore();
      for (const { point } of points) {
        await expect.poll(() => recording.latest(point)?.quality, POLL).toBe("good");
      }
      await expect.poll(() => recording.reachability(device).at(-1), POLL).toBe(true);
    }

    it("accepts its configuration by schema and refuses an unknown field", () => {
      expect(Schema.Check(descriptor.config, field.config)).toBe(true);
      expect(Schema.Check(descriptor.config, { ...Object(field.config), unheardOf: 1 })).toBe(false);
      for (const device of field.devices) {
        expect(Schema.Check(descriptor.device, device.config)).toBe(true);
        expect(Schema.Check(descriptor.device, { ...Object(device.config), unheardOf: 1 })).toBe(false);
        for (const { address } of device.points) {
          expect(Schema.Check(descriptor.address, address)).toBe(true);
          expect(Schema.Check(descriptor.address, { ...Object(address), unheardOf: 1 })).toBe(false);
        }
      }
    });

    it("is loaded in its thread without the schema library", async () => {
      const worker = new Worker(LOADING, { eval: true, execArgv: [], workerData: descriptor.module });
      const [{ create, loaded }] = (await once(worker, "message")) as [{ create: string; loaded: readonly string[] }];
      await worker.terminate();
      expect(create).toBe("function");
      expect(loaded.filter((url) => /node_modules\/(typebox|ajv|yaml)\//.test(url))).toEqual([]);
    });

    it("delivers every bound point and tells that each device is online", async () => {
      const [driver, recording] = await observing();
      for (const { device } of field.devices) {
        await expect.poll(() => recording.reachability(device).at(-1), POLL).toBe(true);
      }
      const bound = new Set<string>(pointsOf(field.devices));
      expect(recording.samples.filter((sample) => !bound.has(sample.point))).toEqual([]);
      expect(Object.values(driver.counters()).every((count) => Number.isInteger(count) && count >= 0)).toBe(true);
    });

    it("tells a device that never answers: every point bad, device offline", async () => {
      await field.silence();
      const recording = recordDriver();
      const driver = await created(recording);
      await driver.start(never);
      await driver.bind(field.devices);
      const { device, points } = first(field.devices);
      for (const { point } of points) {
        await expect.poll(() => recording.latest(point), POLL).toMatchObject({ quality: "bad", reason: "commLost" });
      }
      await expect.poll(() => recording.reachability(device), POLL).toEqual([false]);
    });

    it("makes every point of a silenced device bad, tells it offline once, and recovers with a read of all", async () => {
      const [, recording] = await observing();
      const { device } = first(field.devices);
      await cutOff(recording);
      await comesBack(recording);
      expect(recording.reachability(device)).toEqual([true, false, true]);
    });

    it("leaves the other devices unaffected by a silent one", async () => {
      const [, recording] = await observing();
      const others = field.devices.slice(1);
      const before = recording.samples.length;
      await cutOff(recording);
      const points = new Set<string>(pointsOf(others));
      const later = recording.samples.slice(before).filter((sample) => points.has(sample.point));
      expect(later.filter((sample) => sample.quality !== "good")).toEqual([]);
      for (const { device } of others) expect(recording.reachability(device)).toEqual([true]);
    });

    it.runIf(parts.writes)("writes a point and gives back what the device then holds", async () => {
      const { writable } = field;
      if (writable === undefined) throw new Error("parts.writes is set, but the field has no writable point");
      const [driver, recording] = await observing();
      const result = await driver.write({ point: writable.point, value: writable.value, priority: 8 }, never);
      expect(result).toEqual({ status: "done", readBack: writable.expectedReadBack });
      await expect.poll(() => recording.latest(writable.point)?.value, POLL).toBe(writable.expectedReadBack);
    });

    it.runIf(parts.writes)("answers a write to a silent device within its time-out and never as done", async () => {
      const { writable } = field;
      if (writable === undefined) throw new Error("parts.writes is set, but the field has no writable point");
      const owner = field.devices.find((device) => device.points.some(({ point }) => point === writable.point));
      expect(owner?.device, "the writable point belongs to the first device").toBe(first(field.devices).device);
      const [driver] = await observing();
      await field.silence();
      const result = await driver.write({ point: writable.point, value: writable.value, priority: 8 }, never);
      expect(result.status).toMatch(/^(failed|timeout|rejected)$/);
    });

    it("rejects a write to a point it does not know", async () => {
      const [driver] = await observing();
      const point = pointId("no-site/no-gateway/no-device/no-point");
      expect(await driver.write({ point, value: 1, priority: 8 }, never)).toMatchObject({
        status: "rejected",
        code: expect.stringMatching(/_POINT_UNKNOWN$/),
      });
    });

    it("rejects an action it does not know", async () => {
      const [driver] = await observing();
      const action = { device: first(field.devices).device, action: "noSuchAction", params: {} };
      expect(await driver.act(action, never)).toMatchObject({ status: "rejected", code: "ACTION_UNKNOWN" });
      const nowhere = { ...action, device: deviceId("no-site/no-gateway/no-device") };
      expect(await driver.act(nowhere, never)).toMatchObject({ status: "rejected" });
    });

    it.runIf(parts.garbage)("is not stopped by garbage on its port", async () => {
      const { garbage } = field;
      if (garbage === undefined) throw new Error("parts.garbage is set, but the field sends none");
      const [, recording] = await observing();
      await garbage();
      await cutOff(recording);
      await comesBack(recording);
    });

    it("observes the new set of points after bind is called again", async () => {
      const [driver, recording] = await observing();
      const before = recording.samples.length;
      const { device, config, points } = first(field.devices);
      const kept = points.slice(0, 1);
      await driver.bind([{ device, config, points: kept }]);
      for (const { point } of kept) {
        const heard = (): boolean => recording.samples.slice(before).some((sample) => sample.point === point);
        await expect.poll(heard, POLL).toBe(true);
      }
      const dropped = points[1]?.point ?? field.devices[1]?.points[0]?.point;
      if (dropped !== undefined) {
        expect(await driver.write({ point: dropped, value: 1, priority: 8 }, never)).toMatchObject({
          status: "rejected",
        });
      }
    });

    it("delivers nothing after stop", async () => {
      const [driver, recording] = await observing();
      await driver.stop();
      const told = [recording.samples.length, recording.states.length, recording.events.length];
      // a second driver that sees all points serves as the measure of time: the first one had its chance
      const [, second] = await observing(recordDriver());
      await cutOff(second);
      await comesBack(second);
      expect([recording.samples.length, recording.states.length, recording.events.length]).toEqual(told);
      await driver.stop();
    });

    it("starts after a start that was aborted", async () => {
      const recording = recordDriver();
      const driver = await created(recording);
      const aborted = await driver.start(AbortSignal.abort()).then(
        () => false,
        () => true,
      );
      if (aborted) await driver.start(never);
      await driver.bind(field.devices);
      await allDelivered(recording);
    });

    it.runIf(parts.startFailure)("starts after a start that failed, as soon as the cause is gone", async () => {
      const { startFailure } = field;
      if (startFailure === undefined) throw new Error("parts.startFailure is set, but the field has no such section");
      const recording = recordDriver();
      const driver = await created(recording, startFailure.config);
      await expect(driver.start(never)).rejects.toMatchObject({ retriable: true });
      await startFailure.heal();
      await driver.start(never);
      await driver.bind(field.devices);
      await allDelivered(recording);
    });
  });
}
