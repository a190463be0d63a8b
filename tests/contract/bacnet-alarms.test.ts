import { describe, expect, it } from "vitest";
import { AlarmEvaluator } from "#core/alarm/evaluate.ts";
import { type Clock, systemClock } from "#core/clock.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { FieldCondition } from "#core/model/field-condition.ts";
import { CONFIRMED, OBJECT_TYPES, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import {
  decodeGetEventInformationAck,
  encodeAcknowledgeAlarm,
  encodeGetEventInformation,
} from "#protocols/bacnet/codec/services/alarms.ts";
import type { BacnetConfig } from "#protocols/bacnet/config.ts";
import type { ProtocolDriver } from "#protocols/driver.ts";
import type { SimulatedDevice } from "#simulators/device.ts";
import type { BacnetServer, BacnetServerOptions } from "#simulators/servers/bacnet.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import {
  activations,
  completes,
  FAN_ALARM,
  last,
  recipients,
  TEMPERATURE_ALARM,
  told,
  WITH_ALARMS,
} from "./bacnet-alarm-fixture.ts";
import { airHandler, manyInputs } from "./bacnet-fixture.ts";
import { DEVICE, drive, never, POINTS, POLL, serve, settled, tapped } from "./bacnet-harness.ts";
import { only, type Workstation, workstation } from "./bacnet-server-fixture.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";

/** Notices a silent device soon. */
const QUICK: BacnetConfig = { pollMs: 200, safetyPollMs: 55_000 };
const HOUR_MS = 3_600_000;
const TEMPERATURE = { type: OBJECT_TYPES["analog-input"], instance: 1 };

interface Field {
  readonly server: BacnetServer;
  readonly device: SimulatedDevice;
  readonly driver: ProtocolDriver;
  readonly recording: Recording;
}

/** A driver that is registered with an air handler and has heard all its alarms. */
async function watching(
  options: Partial<BacnetServerOptions> = {},
  config: BacnetConfig = {},
  recording: Recording = recordDriver(),
): Promise<Field> {
  const device = airHandler();
  const server = await serve({ ...WITH_ALARMS, ...options }, device);
  const [driver] = await drive(server.address.port, { ...QUICK, ...config }, POINTS, recording);
  await settled(recording);
  await expect.poll(() => completes(recording).length, POLL).toBeGreaterThan(0);
  return { server, device, driver, recording };
}

/** Cuts the device off, and waits until that is noticed. */
async function cut(server: BacnetServer, recording: Recording): Promise<void> {
  server.silence();
  await expect.poll(() => recording.reachability(DEVICE).at(-1), POLL).toBe(false);
}

/** Lets it answer again, and waits for its list of alarms. */
async function healed(server: BacnetServer, recording: Recording): Promise<void> {
  const before = completes(recording).length;
  server.restore();
  await expect.poll(() => completes(recording).length, POLL).toBeGreaterThan(before);
}

/** Another workstation acknowledges that the temperature was too high. */
async function acknowledgeElsewhere(client: Workstation): Promise<void> {
  const page = await client.acked(CONFIRMED.getEventInformation, encodeGetEventInformation({}));
  const [summary] = decodeGetEventInformationAck(page).summaries;
  const timeStamp = summary?.eventTimeStamps[0];
  if (timeStamp === undefined) throw new Error("no time stamp");
  const body = encodeAcknowledgeAlarm({
    processId: 9,
    eventObject: TEMPERATURE,
    eventStateAcknowledged: 3,
    timeStamp,
    acknowledgmentSource: "other",
    timeOfAcknowledgment: timeStamp,
  });
  await client.acked(CONFIRMED.acknowledgeAlarm, body);
}

const notifications = ({ events }: Recording): readonly DeviceEvent[] =>
  events.filter(({ kind }) => kind === "alarmNotification");

describe("a BACnet device's alarms", () => {
  it("are told to the gateway, which registers itself with every notification class", async () => {
    const { server, device, recording } = await watching();
    expect(await recipients(server)).toMatchObject([{ processId: 1, issueConfirmedNotifications: true }]);
    device.write("supply-temperature", 35.5);
    await expect
      .poll(() => last(recording, TEMPERATURE_ALARM), POLL)
      .toMatchObject({
        device: DEVICE,
        active: true,
        acknowledged: false,
        priority: "urgent",
        message: "送风温度高于上限",
        sourceTime: expect.closeTo(Date.now(), -5),
      });
    expect(notifications(recording).at(-1)).toMatchObject({
      device: DEVICE,
      data: {
        object: TEMPERATURE_ALARM,
        fromState: "normal",
        toState: "highLimit",
        value: 35.5,
        limit: 30,
        priority: 30,
      },
    });
    device.write("supply-temperature", 20);
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.active, POLL).toBe(false);
    expect(activations(recording, TEMPERATURE_ALARM)).toEqual([true, false]);
  });

  it("are those of the device after every connection: what is over is over, what came is there [MP-01]", async () => {
    const clock = new ManualClock(Date.now());
    const { server, device, recording } = await watching({ clock });
    device.write("supply-temperature", 35);
    clock.advance(100);
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.active, POLL).toBe(true);
    await cut(server, recording);
    device.write("supply-temperature", 20);
    device.write("fan-run", true);
    clock.advance(100);
    await healed(server, recording);
    expect(completes(recording).at(-1)).toMatchObject([
      { condition: TEMPERATURE_ALARM, active: false, acknowledged: false },
      { condition: FAN_ALARM, active: true, acknowledged: false },
    ]);
    expect(activations(recording, TEMPERATURE_ALARM)).toEqual([true, false]);
  });

  it("that came and went while nobody listened are told once, with the times of the device", async () => {
    const clock = new ManualClock(Date.now());
    const { server, device, recording } = await watching({ clock });
    await cut(server, recording);
    device.write("supply-temperature", 35);
    clock.advance(100);
    device.write("supply-temperature", 20);
    clock.advance(100);
    expect(told(recording, TEMPERATURE_ALARM)).toEqual([]);
    await healed(server, recording);
    expect(activations(recording, TEMPERATURE_ALARM)).toEqual([true, false]);
    const [came, went] = told(recording, TEMPERATURE_ALARM);
    expect((went?.sourceTime ?? 0) - (came?.sourceTime ?? 0)).toBe(100);
    // the device repeats what nobody has answered
    const before = notifications(recording).length;
    await expect
      .poll(() => {
        clock.advance(1000);
        return notifications(recording).length;
      }, POLL)
      .toBe(before + 2);
    expect(activations(recording, TEMPERATURE_ALARM)).toEqual([true, false]);
  });

  it("are as many as the device has, however small the pages are in which it tells them", async () => {
    const count = 40;
    const names = Array.from({ length: count }, (_, at) => `input-${at}`);
    const device = airHandler("ahu-1", manyInputs(count));
    for (const name of names) device.write(name, 90);
    const algorithm = { kind: "outOfRange", lowLimit: -10, highLimit: 50 } as const;
    const events = Object.fromEntries(names.map((name) => [name, { algorithm, notificationClass: 1 }]));
    const recording = recordDriver();
    const server = await serve({ ...WITH_ALARMS, events, maxApdu: 206, segments: false }, device);
    await drive(server.address.port, QUICK, POINTS, recording);
    await expect.poll(() => completes(recording).at(-1)?.length, POLL).toBe(count);
    expect(
      completes(recording)
        .at(-1)
        ?.every(({ active, message }) => active && message !== undefined),
    ).toBe(true);
  });

  it("are one alarm each in the hub: raised, acknowledged at the device, cleared", async () => {
    const { device, driver, recording } = await watching();
    device.write("supply-temperature", 35);
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.active, POLL).toBe(true);
    const params = { condition: TEMPERATURE_ALARM, by: "li" };
    expect(await driver.act({ device: DEVICE, action: "acknowledgeCondition", params }, never)).toEqual({
      status: "done",
    });
    device.write("supply-temperature", 20);
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.active, POLL).toBe(false);
    const alarms = new AlarmEvaluator({
      origin: "park/gw-1",
      epoch: "e",
      definitions: [],
      context: { device: () => undefined, point: () => undefined, zone: () => undefined },
      clock: systemClock,
      onChanges: () => {},
    });
    const changes = recording.conditions.flatMap((report) => alarms.onConditions(report));
    expect(changes.map(({ transition }) => transition)).toEqual(["raised", "acknowledged", "cleared"]);
    expect(changes[0]?.alarm).toMatchObject({ law: "facility", priority: "urgent", occurrence: 1 });
    expect(alarms.alarms()).toEqual([]);
  });

  it("that came and went while the gateway was down are told once by the next start", async () => {
    const clock = new ManualClock(Date.now());
    const first = recordDriver();
    const { server, device, driver } = await watching({ clock }, {}, first);
    device.write("supply-temperature", 35);
    clock.advance(100);
    await expect.poll(() => last(first, TEMPERATURE_ALARM)?.active, POLL).toBe(true);
    device.write("supply-temperature", 20);
    clock.advance(100);
    await expect.poll(() => last(first, TEMPERATURE_ALARM)?.active, POLL).toBe(false);
    await driver.stop();
    clock.advance(HOUR_MS);
    device.write("fan-run", true);
    clock.advance(100);
    device.write("fan-run", false);
    clock.advance(100);
    const later: Clock = { ...systemClock, now: () => systemClock.now() + HOUR_MS };
    const second = recordDriver({ folder: first.deps.folder, clock: later });
    await drive(server.address.port, QUICK, POINTS, second);
    await expect.poll(() => completes(second).length, POLL).toBeGreaterThan(0);
    expect(activations(second, FAN_ALARM)).toEqual([true, false]);
    expect(activations(second, TEMPERATURE_ALARM)).toEqual([false]);
    expect((await recipients(server)).length).toBe(1);
  });
});

describe("a confirmed alarm notification", () => {
  it("is answered only when it is on the disk, repeated until then, and is one alarm all the same", async () => {
    let refusals = 2;
    const asked: string[] = [];
    const recording = recordDriver({
      storeEvent: async ({ id }) => {
        asked.push(id);
        refusals -= 1;
        if (refusals >= 0) throw new Error("the disk is full");
      },
    });
    const clock = new ManualClock(Date.now());
    const { device, driver } = await watching({ clock }, {}, recording);
    device.write("supply-temperature", 35);
    clock.advance(100);
    await expect.poll(() => asked.length, POLL).toBe(1);
    expect(driver.counters()["eventsNotStored"]).toBe(1);
    clock.advance(3000);
    await expect.poll(() => asked.length, POLL).toBe(2);
    clock.advance(3000);
    await expect.poll(() => asked.length, POLL).toBe(3);
    expect(new Set(asked).size).toBe(1);
    expect(activations(recording, TEMPERATURE_ALARM)).toEqual([true]);
    // answered now: the next transition follows at once
    device.write("supply-temperature", 20);
    clock.advance(100);
    await expect.poll(() => asked.length, POLL).toBe(4);
    expect(driver.counters()).toMatchObject({ eventsNotStored: 2 });
  });
});

describe("an acknowledgement of a BACnet alarm", () => {
  const acknowledge = {
    device: DEVICE,
    action: "acknowledgeCondition",
    params: { condition: TEMPERATURE_ALARM, by: "值班员 王" },
  };

  it("given in the hub is written to the device by its time stamp, in the operator's name [MP-02]", async () => {
    const { server, device, driver, recording } = await watching();
    device.write("supply-temperature", 35);
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.acknowledged, POLL).toBe(false);
    expect(await driver.act(acknowledge, never)).toEqual({ status: "done" });
    expect(last(recording, TEMPERATURE_ALARM)).toMatchObject({ active: true, acknowledged: true });
    const client = await workstation(server);
    expect(only(await client.read(TEMPERATURE, PROPERTIES.ackedTransitions))).toEqual([true, true, true]);
    expect(await driver.act(acknowledge, never)).toEqual({ status: "done" });
  });

  it("given at another workstation is taken over", async () => {
    const { server, device, recording } = await watching();
    device.write("supply-temperature", 35);
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.acknowledged, POLL).toBe(false);
    await acknowledgeElsewhere(await workstation(server));
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.acknowledged, POLL).toBe(true);
    expect(last(recording, TEMPERATURE_ALARM)?.active).toBe(true);
    expect(recording.events.map(({ kind }) => kind)).toContain("alarmAcknowledged");
  });

  it("that nobody told is found by the next look at all, like the alarm itself", async () => {
    const clock = new ManualClock(Date.now());
    const recording = recordDriver({ clock });
    const device = airHandler();
    const server = await serve(WITH_ALARMS, device);
    // what the device tells by itself comes from another address than the one it answers at
    const relay = await tapped(server);
    const [driver] = await drive(relay.port, { ...QUICK, apduTimeoutMs: 60_000 }, POINTS, recording);
    await settled(recording);
    await expect.poll(() => completes(recording).length, POLL).toBeGreaterThan(0);
    const seen = (): Partial<FieldCondition> | undefined => {
      clock.advance(10_000);
      return last(recording, TEMPERATURE_ALARM);
    };
    device.write("supply-temperature", 35);
    await expect.poll(seen, POLL).toMatchObject({ active: true, acknowledged: false });
    await acknowledgeElsewhere(await workstation(server));
    await expect.poll(seen, POLL).toMatchObject({ active: true, acknowledged: true });
    device.write("supply-temperature", 20);
    await expect.poll(seen, POLL).toMatchObject({ active: false });
    expect(driver.counters()["eventsUnknown"]).toBeGreaterThan(0);
    expect(driver.counters()["eventNotifications"]).toBe(0);
  });

  it("of a return to normal that was missed is written with the state that it had", async () => {
    const clock = new ManualClock(Date.now());
    const { server, device, driver, recording } = await watching({ clock });
    await cut(server, recording);
    device.write("supply-temperature", 35);
    clock.advance(100);
    device.write("supply-temperature", 20);
    clock.advance(100);
    await healed(server, recording);
    expect(last(recording, TEMPERATURE_ALARM)).toMatchObject({ active: false, acknowledged: false });
    expect(await driver.act(acknowledge, never)).toEqual({ status: "done" });
    expect(last(recording, TEMPERATURE_ALARM)).toMatchObject({ active: false, acknowledged: true });
  });

  it("that the device refuses is shown with the device's reason [MP-02]", async () => {
    const { device, driver, recording } = await watching();
    device.write("supply-temperature", 35);
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.active, POLL).toBe(true);
    const nothing = { ...acknowledge, params: { condition: "analog-input:99" } };
    expect(await driver.act(nothing, never)).toMatchObject({ status: "rejected", code: "BACNET_CONDITION_UNKNOWN" });
  });
});

describe("a device that does not take the gateway among its recipients", () => {
  it("is asked for its alarms again and again", async () => {
    // without notification classes there is no list to be in
    const { device, recording } = await watching({ notificationClasses: [] }, { alarms: { pollMs: 1000 } });
    device.write("supply-temperature", 35);
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.active, POLL).toBe(true);
    device.write("supply-temperature", 20);
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.active, POLL).toBe(false);
  });
});

describe("a BACnet device", () => {
  it("that has started cold is registered with again", async () => {
    const { server, device, recording } = await watching({}, { pollMs: 200 });
    await server.reboot(20, "cold");
    await expect.poll(async () => (await recipients(server)).length, POLL).toBe(1);
    device.write("supply-temperature", 35);
    await expect.poll(() => last(recording, TEMPERATURE_ALARM)?.active, POLL).toBe(true);
  });

  it("that leaves the configuration is asked to take the gateway out of its lists", async () => {
    const { server, driver } = await watching();
    expect(await recipients(server)).toHaveLength(1);
    await driver.bind([]);
    await expect.poll(() => recipients(server), POLL).toEqual([]);
  });
});
