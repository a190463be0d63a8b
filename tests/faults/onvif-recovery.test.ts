import { afterEach, describe, expect, it, type TestContext } from "vitest";
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { OnvifAddress, OnvifDevice } from "#protocols/onvif/config.ts";
import { onvif } from "#protocols/onvif/index.ts";
import { createDoorController } from "#simulators/devices/door-controller.ts";
import { serveDoorController } from "#simulators/servers/onvif.ts";
import { recordDriver } from "#tests/contract/driver-contract.ts";
import {
  CAMERA,
  type CameraField,
  CONFIG,
  CREDENTIALS,
  cameraField,
  never,
  POLL,
} from "#tests/contract/onvif-field.ts";

/** How long the acceptance of the requirement gives a camera's events to flow again. */
const EVENTS_BACK = { timeout: 30_000, interval: 50 } as const;
const LONG = { timeout: 60_000 } as const;

describe("a camera whose fault has passed", LONG, () => {
  async function listening({ expect, onTestFinished }: TestContext): Promise<CameraField> {
    const field = await cameraField();
    onTestFinished(() => field.close());
    await expect.poll(() => field.latest("motion")?.quality, POLL).toBe("good");
    return field;
  }
  /** A motion is told within the time the requirement gives. */
  async function eventsFlow({ expect }: TestContext, field: CameraField): Promise<void> {
    field.camera.write("motion", true);
    await expect.poll(() => field.latest("motion"), EVENTS_BACK).toMatchObject({ value: true, quality: "good" });
    field.camera.write("motion", false);
    await expect.poll(() => field.latest("motion"), EVENTS_BACK).toMatchObject({ value: false, quality: "good" });
    const told = field.events("motion").map((event) => event.state);
    expect(told).toEqual([true, false]);
  }

  // Each has a camera of its own, and most of its time is waiting: several go on at once.
  it.concurrent.for([
    ["late", { ms: 3000 }],
    ["dropped", {}],
    ["half-open", {}],
    ["slow-bytes", {}],
    ["wrong-shape", { shape: "other-element" }],
    ["wrong-shape", { shape: "empty-body" }],
    ["wrong-shape", { shape: "no-envelope" }],
    ["wrong-shape", { shape: "html" }],
    ["wrong-shape", { shape: "truncated" }],
    ["wrong-shape", { shape: "soap-1.1" }],
    ["wrong-shape", { shape: "deep" }],
    ["xml-bomb", {}],
    ["external-entity", {}],
    ["huge-answer", {}],
    ["redirect", {}],
    ["not-authorized", {}],
  ] as const)("%s %j, was told offline and tells its events again", async ([kind, options], context) => {
    const { expect } = context;
    const field = await listening(context);
    field.server.faults.set(kind, options);
    await expect.poll(() => field.recording.reachability(CAMERA).at(-1), POLL).toBe(false);
    expect(field.latest("motion")).toMatchObject({ quality: "bad", reason: "commLost" });
    field.server.faults.clear();
    await eventsFlow(context, field);
    expect(field.server.requests.get("leak") ?? 0).toBe(0);
  });

  it.for([
    ["subscription-death", {}],
    ["create-pull-point-fault", {}],
    ["frozen-events", {}],
  ] as const)("%s, was never offline and tells its events again", async ([kind, options], context) => {
    const { expect } = context;
    const field = await listening(context);
    field.server.faults.set(kind, options);
    field.server.dropSubscriptions();
    await expect.poll(() => field.driver.counters()["subscriptionsLost"], POLL).toBeGreaterThan(0);
    field.server.faults.clear();
    await eventsFlow(context, field);
    expect(field.events("eventsMayBeMissing").length).toBeGreaterThan(0);
    expect(field.recording.reachability(CAMERA)).toEqual([true]);
  });

  it("or is a way of its own, tells its events all the while", async (context) => {
    const { expect, onTestFinished } = context;
    const ways: readonly (readonly [kind: string, options: Readonly<Record<string, string | number>>])[] = [
      ["no-renew", {}],
      ["termination-form", { takes: "absolute" }],
      ["termination-form", { takes: "relative" }],
      ["missing-current-time", {}],
      ["events-out-of-order", {}],
      ["events-duplicated", {}],
      ["foreign-address", {}],
      ["clock-drift", { seconds: 7200 }],
      ["http-digest-only", {}],
    ];
    const through = async ([kind, options]: (typeof ways)[number]): Promise<void> => {
      const field = await cameraField();
      onTestFinished(() => field.close());
      field.server.faults.set(kind, options);
      const what = `${kind} ${JSON.stringify(options)}`;
      await expect.poll(() => field.latest("motion")?.quality, { ...POLL, message: what }).toBe("good");
      await expect
        .poll(() => field.server.requests.get("Renew") ?? 0, { ...POLL, message: `${what}: renewed` })
        .toBeGreaterThan(0);
      await eventsFlow(context, field);
    };
    await Promise.all(ways.map(through));
  });

  it("empty answers, had no values but was there", async (context) => {
    const { expect } = context;
    const field = await listening(context);
    expect(field.latest("pan")?.quality).toBe("good");
    field.server.faults.set("wrong-shape", { shape: "no-content" });
    await expect.poll(() => field.latest("pan"), POLL).toMatchObject({ quality: "bad", reason: "noValue" });
    field.server.faults.clear();
    await expect.poll(() => field.latest("pan")?.quality, POLL).toBe("good");
    await eventsFlow(context, field);
    expect(field.recording.reachability(CAMERA)).toEqual([true]);
  });

  it("a restart, tells its events again within 30 s, with what may be missing and the restart", async (context) => {
    const { expect } = context;
    const field = await listening(context);
    const startedAt = systemClock.monotonic();
    field.server.faults.set("reboot", { downMs: 4000 });
    await expect.poll(() => field.recording.reachability(CAMERA).at(-1), POLL).toBe(false);
    await eventsFlow(context, field);
    expect(systemClock.monotonic() - startedAt).toBeLessThan(30_000);
    await expect.poll(() => field.events("restarted").length, POLL).toBe(1);
    expect(field.events("eventsMayBeMissing").length).toBe(1);
  });

  it("its clock, is signed to in its own time without a word of being refused", async (context) => {
    const { expect } = context;
    const field = await listening(context);
    field.server.setClockOffset(-86_400_000);
    await expect.poll(() => field.latest("clockOffset")?.value, POLL).toBeCloseTo(-86_400, -1);
    await eventsFlow(context, field);
    expect(field.recording.reachability(CAMERA)).toEqual([true]);
  });
});

describe("the doors of the simulated controller", LONG, () => {
  const DEVICE = deviceId("park/gw-1/doors");
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function field() {
    const controller = createDoorController({ id: "doors", name: "门禁", nameEn: "Doors" });
    const server = await serveDoorController(controller, { ...CREDENTIALS, maxLimit: 2 }, silentLogger);
    closing.push(() => server.close());
    const stopPhysics = systemClock.every(50, () => controller.step(0.05, systemClock.now()));
    closing.push(async () => stopPhysics());
    const lines: string[] = [];
    const write = (fields: object, message: string) => lines.push(JSON.stringify(fields) + message);
    const logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
    const recording = recordDriver({ logger });
    const driver = await onvif.create({ ...CONFIG, slowPollMs: 60_000 }, recording.deps);
    closing.push(() => driver.stop());
    const device: OnvifDevice = { url: server.url, ...CREDENTIALS };
    const addresses: readonly OnvifAddress[] = (["doorMode", "doorAlarm", "doorPhysicalState"] as const).map(
      (signal) => ({
        signal,
        door: "door-2",
      }),
    );
    await driver.start(never);
    await driver.bind([
      {
        device: DEVICE,
        config: device,
        points: addresses.map((address) => ({
          point: pointId(`${DEVICE}/${address.signal}`),
          address,
          writable: false,
        })),
      },
    ]);
    const latest = (signal: OnvifAddress["signal"]) => recording.latest(pointId(`${DEVICE}/${signal}`));
    const events = (kind: string) => recording.events.filter((event) => event.kind === kind);
    const operate = (operation: string, door = "door-2", more: Readonly<Record<string, number>> = {}) =>
      driver.act({ device: DEVICE, action: "doorControl", params: { door, operation, ...more } }, never);
    await expect.poll(() => latest("doorMode"), POLL).toMatchObject({ value: 1, quality: "good" });
    await expect.poll(() => driver.counters()["notifications"], POLL).toBeGreaterThan(0);
    return { controller, server, driver, recording, latest, events, operate, lines };
  }

  it("open for a second and lock again", async () => {
    const made = await field();
    expect(await made.operate("access", "door-2", { seconds: 1 })).toEqual({ status: "done" });
    await expect.poll(() => made.latest("doorMode")?.value, POLL).toBe(1);
    expect(
      made.recording.samples.filter(({ point }) => point.endsWith("doorMode")).map(({ value }) => value),
    ).toContain(3);
  });

  it("lock open and release, and refuse what they are not capable of", async () => {
    const made = await field();
    expect(await made.operate("lockOpen")).toEqual({ status: "done" });
    expect(made.latest("doorMode")?.value).toBe(6);
    expect(await made.operate("lockOpenRelease")).toEqual({ status: "done" });
    expect(await made.operate("doubleLock")).toMatchObject({ status: "rejected", code: "ONVIF_DOOR_NOT_CAPABLE" });
    expect(await made.operate("doubleLock", "door-3")).toEqual({ status: "done" });
  });

  it("that say yes and do nothing, are not done", async () => {
    const made = await field();
    made.server.faults.set("deaf-doors");
    expect(await made.operate("unlock")).toMatchObject({ status: "failed", code: "ONVIF_DOOR_UNCONFIRMED" });
  });

  it("tell a door that is forced, once, also when the subscription dies meanwhile", async () => {
    const made = await field();
    made.server.dropSubscriptions();
    made.controller.write("door-2-open", true);
    await expect.poll(() => made.latest("doorAlarm")?.value, POLL).toBe(1);
    await expect.poll(() => made.server.subscriptions, POLL).toBe(1);
    await expect.poll(() => made.events("eventsMayBeMissing").length, POLL).toBe(1);
    expect(made.events("doorForced").map((event) => [event.data?.["door"], event.state])).toEqual([["door-2", true]]);
  });

  it("tell cards as they are written, and no log line ever does", async () => {
    const made = await field();
    const known = made.controller.credentials[0];
    made.controller.write("door-2-card", "00012345678909876543");
    await expect.poll(() => made.events("accessDenied").length, POLL).toBe(1);
    made.controller.write("door-2-card", known?.card ?? "");
    await expect.poll(() => made.events("accessGranted").length, POLL).toBe(1);
    expect(made.events("accessGranted")[0]?.data).toMatchObject({ door: "door-2", credential: known?.token ?? "" });
    await made.operate("lock");
    expect(made.lines.length).toBeGreaterThan(0);
    for (const secret of ["00012345678909876543", known?.card ?? "", known?.token ?? "", CREDENTIALS.password])
      expect(made.lines.filter((line) => line.includes(secret))).toEqual([]);
  });
});
