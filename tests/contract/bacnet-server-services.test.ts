import { describe, expect, it } from "vitest";
import { covSubscription } from "#protocols/bacnet/codec/destination.ts";
import { CONFIRMED, OBJECT_TYPES, PROPERTIES, UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { rawList, typedList } from "#protocols/bacnet/codec/property-values.ts";
import { deviceObjectReference } from "#protocols/bacnet/codec/references.ts";
import { decodeCovNotification } from "#protocols/bacnet/codec/services/cov.ts";
import {
  COMMUNICATION,
  encodeDeviceCommunicationControl,
  encodeReinitializeDevice,
  REINITIALIZE,
} from "#protocols/bacnet/codec/services/device-control.ts";
import { encodeWhoIs } from "#protocols/bacnet/codec/services/discovery.ts";
import { decodeWriteMultipleError } from "#protocols/bacnet/codec/services/error.ts";
import { encodeChangeList } from "#protocols/bacnet/codec/services/list-element.ts";
import { calendarEntry, dailySchedule } from "#protocols/bacnet/codec/services/schedule.ts";
import { encodeSubscribeCovProperty } from "#protocols/bacnet/codec/services/subscribe-cov-property.ts";
import { encodeTimeSynchronization } from "#protocols/bacnet/codec/services/time-synchronization.ts";
import { decodeIHave, encodeWhoHas } from "#protocols/bacnet/codec/services/who-has.ts";
import { encodeWritePropertyMultiple } from "#protocols/bacnet/codec/services/write-property-multiple.ts";
import { dateTimeOf, unixMsOf } from "#protocols/bacnet/codec/timestamp.ts";
import type { BacnetValue, ObjectId } from "#protocols/bacnet/codec/values.ts";
import { extrasOf } from "#simulators/park-bacnet.ts";
import { buildDevices } from "#simulators/park-devices.ts";
import { type BacnetServerOptions, bacnetObjectsOf } from "#simulators/servers/bacnet.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { airHandler, serveAirHandler } from "./bacnet-fixture.ts";
import { openBacnetJs } from "./bacnet-js.ts";
import { closeAfter, only, type Workstation, workstation } from "./bacnet-server-fixture.ts";

const POLL = { timeout: 10_000, interval: 10 };
const START = Date.UTC(2026, 2, 2, 0, 0);
const DEVICE: ObjectId = { type: OBJECT_TYPES.device, instance: 1001 };
const TEMPERATURE: ObjectId = { type: OBJECT_TYPES["analog-input"], instance: 1 };
const SETPOINT: ObjectId = { type: OBJECT_TYPES["analog-value"], instance: 1 };
const COMMAND: ObjectId = { type: OBJECT_TYPES["binary-value"], instance: 1 };
const CALENDAR: ObjectId = { type: OBJECT_TYPES.calendar, instance: 1 };
const SCHEDULE: ObjectId = { type: OBJECT_TYPES.schedule, instance: 1 };
const real = (value: number): BacnetValue => ({ type: "real", value });

async function serve(options: Partial<BacnetServerOptions> = {}, device = airHandler()) {
  const server = closeAfter(await serveAirHandler(1001, options, device));
  return { device, server, client: await workstation(server, { apduTimeoutMs: 2000, retries: 0 }) };
}

function announcements({ announced }: Workstation, wanted: number): readonly Uint8Array[] {
  return announced.filter(({ service }) => service === wanted).map(({ body }) => body);
}

describe("WritePropertyMultiple", () => {
  it("writes in order and names the first that failed; what came before stays written", async () => {
    const { client, device } = await serve();
    const present = PROPERTIES.presentValue;
    const body = encodeWritePropertyMultiple([
      { object: SETPOINT, properties: [{ property: present, values: [real(25)], priority: 8 }] },
      { object: TEMPERATURE, properties: [{ property: present, values: [real(1)] }] },
      { object: COMMAND, properties: [{ property: present, values: [{ type: "enumerated", value: 1 }] }] },
    ]);
    const outcome = await client.ask(CONFIRMED.writePropertyMultiple, body);
    if (outcome.kind !== "error") throw new Error(outcome.kind);
    expect(decodeWriteMultipleError(outcome.body)).toEqual({
      error: { errorClass: 2, errorCode: 40 },
      firstFailedWriteAttempt: { object: TEMPERATURE, property: present },
    });
    expect([device.read("supply-setpoint"), device.read("fan-command")]).toEqual([25, false]);
    expect(only(await client.read(SETPOINT, PROPERTIES.currentCommandPriority))).toBe(8);
  });

  it("is understood from an independent client", async () => {
    const { device, server } = await serve();
    const { client } = await openBacnetJs();
    closeAfter(client);
    await client.writePropertyMultiple({ address: `127.0.0.1:${server.address.port}` }, [
      {
        objectId: SETPOINT,
        values: [{ property: { id: 85, index: 0xffff_ffff }, value: [{ type: 4, value: 27 }], priority: 8 }],
      },
    ] as never);
    expect(device.read("supply-setpoint")).toBe(27);
  });
});

describe("SubscribeCOVProperty", () => {
  const subscription = (extra: object) =>
    encodeSubscribeCovProperty({
      processId: 3,
      object: TEMPERATURE,
      monitoredProperty: { property: PROPERTIES.presentValue },
      ...extra,
    });

  it("tells a property beyond the increment that was asked for, and shows the subscription", async () => {
    const { client, device } = await serve();
    const lasting = subscription({ confirmed: false, lifetimeS: 300, covIncrement: 2 });
    await client.acked(CONFIRMED.subscribeCovProperty, lasting);
    const told = () =>
      announcements(client, UNCONFIRMED.unconfirmedCovNotification).map((body) =>
        only(decodeCovNotification(body).values[0]?.values ?? []),
      );
    await expect.poll(told, POLL).toEqual([18.5]);
    device.write("supply-temperature", 20);
    device.write("supply-setpoint", 21);
    await client.acked(
      CONFIRMED.subscribeCovProperty,
      subscription({ confirmed: false, lifetimeS: 300, covIncrement: 1 }),
    );
    await expect.poll(told, POLL).toEqual([18.5, 20]);
    device.write("supply-temperature", 21);
    await expect.poll(told, POLL).toEqual([18.5, 20, 21]);
    const active = typedList(covSubscription, await client.read(DEVICE, PROPERTIES.activeCovSubscriptions));
    expect(active).toMatchObject([
      {
        recipient: { processId: 3, recipient: { type: "address" } },
        monitoredProperty: { object: TEMPERATURE, property: 85 },
        issueConfirmedNotifications: false,
        covIncrement: 1,
      },
    ]);
    await client.acked(CONFIRMED.subscribeCovProperty, subscription({}));
    expect(await client.read(DEVICE, PROPERTIES.activeCovSubscriptions)).toEqual([]);
  });

  it("keeps a subscription without lifetime for ever, and refuses a property that the object has not", async () => {
    const clock = new ManualClock(START);
    const { client, server } = await serve({ clock, covScanMs: 3_600_000 });
    await client.acked(CONFIRMED.subscribeCovProperty, subscription({ confirmed: false, lifetimeS: 0 }));
    clock.advance(30 * 86_400_000);
    expect(server.subscriptions).toBe(1);
    const unknown = subscription({ confirmed: false, lifetimeS: 60, monitoredProperty: { property: 9999 } });
    expect(await client.ask(CONFIRMED.subscribeCovProperty, unknown)).toMatchObject({
      error: { errorClass: 2, errorCode: 32 },
    });
  });
});

describe("Who-Has", () => {
  it("is answered by name and by identifier, and by nobody else", async () => {
    const { client } = await serve();
    client.announce(UNCONFIRMED.whoHas, encodeWhoHas({ object: { type: "name", value: "没有" } }));
    client.announce(
      UNCONFIRMED.whoHas,
      encodeWhoHas({ range: { low: 1, high: 9 }, object: { type: "name", value: "送风温度" } }),
    );
    client.announce(UNCONFIRMED.whoHas, encodeWhoHas({ object: { type: "name", value: "送风温度" } }));
    client.announce(UNCONFIRMED.whoHas, encodeWhoHas({ object: { type: "identifier", value: SETPOINT } }));
    await expect
      .poll(() => announcements(client, UNCONFIRMED.iHave).map((body) => decodeIHave(body)), POLL)
      .toEqual([
        { device: DEVICE, object: TEMPERATURE, objectName: "送风温度" },
        { device: DEVICE, object: SETPOINT, objectName: "送风温度设定" },
      ]);
  });
});

describe("device management", () => {
  const communication = (enableDisable: number, extra: object = {}) =>
    encodeDeviceCommunicationControl({ enableDisable, password: "secret", ...extra });

  it("takes only the right password", async () => {
    const { client } = await serve({ password: "secret" });
    const denied = { kind: "error", error: { errorClass: 4, errorCode: 26 } };
    const wrong = communication(COMMUNICATION.disable, { password: "guess" });
    expect(await client.ask(CONFIRMED.deviceCommunicationControl, wrong)).toMatchObject(denied);
    const none = encodeReinitializeDevice({ state: REINITIALIZE.coldstart });
    expect(await client.ask(CONFIRMED.reinitializeDevice, none)).toMatchObject(denied);
  });

  it("silences the device for the minutes asked, but for being enabled again", async () => {
    const clock = new ManualClock(START);
    const { client } = await serve({ password: "secret", clock });
    const disable = communication(COMMUNICATION.disable, { timeDurationMin: 5 });
    await client.acked(CONFIRMED.deviceCommunicationControl, disable);
    await expect(client.read(DEVICE, PROPERTIES.objectName)).rejects.toThrow("timeout");
    clock.advance(5 * 60_000);
    expect(only(await client.read(DEVICE, PROPERTIES.objectName))).toBe("空调机组 ahu-1");
    await client.acked(CONFIRMED.deviceCommunicationControl, disable);
    await client.acked(CONFIRMED.deviceCommunicationControl, communication(COMMUNICATION.enable));
    expect(only(await client.read(DEVICE, PROPERTIES.objectName))).toBe("空调机组 ahu-1");
  });

  it("lets a device that may not initiate answer, and tell nothing", async () => {
    const { client, device } = await serve();
    const body = encodeSubscribeCovProperty({
      processId: 1,
      object: TEMPERATURE,
      monitoredProperty: { property: PROPERTIES.presentValue },
      confirmed: false,
      lifetimeS: 60,
    });
    await client.acked(CONFIRMED.subscribeCovProperty, body);
    await expect.poll(() => announcements(client, UNCONFIRMED.unconfirmedCovNotification).length, POLL).toBe(1);
    await client.acked(CONFIRMED.deviceCommunicationControl, communication(COMMUNICATION.disableInitiation));
    device.write("supply-temperature", 30);
    client.announce(UNCONFIRMED.whoIs, encodeWhoIs());
    await expect.poll(() => announcements(client, UNCONFIRMED.iAm).length, POLL).toBe(1);
    expect(announcements(client, UNCONFIRMED.unconfirmedCovNotification)).toHaveLength(1);
    await client.acked(CONFIRMED.deviceCommunicationControl, communication(COMMUNICATION.enable));
    await expect.poll(() => announcements(client, UNCONFIRMED.unconfirmedCovNotification).length, POLL).toBe(2);
  });

  it("starts again after it has answered, says why, and tells who asked to be told", async () => {
    const clock = new ManualClock(START);
    const { client } = await serve({ clock });
    const { port } = client;
    const address = Uint8Array.of(0x21, 0, 0x65, 6, 127, 0, 0, 1, port >> 8, port & 0xff);
    await client.write(DEVICE, PROPERTIES.restartNotificationRecipients, {
      type: "raw",
      tag: 1,
      context: true,
      constructed: true,
      value: address,
    });
    await client.acked(CONFIRMED.reinitializeDevice, encodeReinitializeDevice({ state: REINITIALIZE.coldstart }));
    await expect(client.read(DEVICE, PROPERTIES.objectName)).rejects.toThrow("timeout");
    clock.advance(2000);
    await expect.poll(() => announcements(client, UNCONFIRMED.iAm).length, POLL).toBe(1);
    await expect.poll(() => announcements(client, UNCONFIRMED.unconfirmedCovNotification).length, POLL).toBe(1);
    expect(only(await client.read(DEVICE, PROPERTIES.lastRestartReason))).toBe(1);
    const [notification] = announcements(client, UNCONFIRMED.unconfirmedCovNotification);
    const { processId, object, values } = decodeCovNotification(notification ?? new Uint8Array());
    expect([processId, object, values.map(({ property }) => property)]).toEqual([0, DEVICE, [112, 203, 196]]);
    const backup = encodeReinitializeDevice({ state: REINITIALIZE.startBackup });
    expect(await client.ask(CONFIRMED.reinitializeDevice, backup)).toMatchObject({ error: { errorCode: 45 } });
  });

  it("has its clock set, in local time and in UTC", async () => {
    const clock = new ManualClock(START);
    const { client } = await serve({ clock, utcOffsetMin: -480 });
    const shown = async (): Promise<number | undefined> => {
      const [date] = await client.read(DEVICE, PROPERTIES.localDate);
      const [time] = await client.read(DEVICE, PROPERTIES.localTime);
      if (date?.type !== "date" || time?.type !== "time") return undefined;
      return unixMsOf({ date: date.value, time: time.value }, -480);
    };
    const eight = await client.read(DEVICE, PROPERTIES.localTime);
    expect(only(eight)).toMatchObject({ hour: 8, minute: 0 });
    const moment = Date.UTC(2026, 5, 1, 12, 34, 56);
    client.announce(UNCONFIRMED.timeSynchronization, encodeTimeSynchronization(dateTimeOf(moment, -480)));
    await expect.poll(shown, POLL).toBe(moment);
    client.announce(UNCONFIRMED.utcTimeSynchronization, encodeTimeSynchronization(dateTimeOf(moment + 60_000, 0)));
    await expect.poll(shown, POLL).toBe(moment + 60_000);
  });
});

describe("schedule and calendar", () => {
  const on = (hour: number, value: number) => ({
    time: { hour, minute: 0, second: 0, hundredths: 0 },
    value: { type: "unsigned", value } as const,
  });
  const everyDay = Array.from({ length: 7 }, () => [on(7, 2)]);
  const plan: Partial<BacnetServerOptions> = {
    calendars: [{ instance: 1, name: "节假日", description: "", dates: [] }],
    schedules: [
      {
        instance: 1,
        name: "时间表",
        description: "",
        weekly: everyDay,
        exceptions: [{ period: { type: "calendar", value: CALENDAR }, timeValues: [on(0, 3)], priority: 5 }],
        default: { type: "unsigned", value: 1 },
        writes: [
          { object: { type: OBJECT_TYPES["multi-state-value"], instance: 1 }, property: PROPERTIES.presentValue },
        ],
      },
    ],
  };

  it("command what they are made for, and follow a changed week and a new holiday", async () => {
    const clock = new ManualClock(START + 9 * 3_600_000);
    const { client, device } = await serve({ ...plan, clock });
    clock.advance(100);
    expect(device.read("mode")).toBe(2);
    const [monday, ...rest] = everyDay;
    const week = rawList(dailySchedule, [[...(monday ?? []), on(8, 1)], ...rest]);
    expect((await client.write(SCHEDULE, PROPERTIES.weeklySchedule, ...week)).kind).toBe("ack");
    clock.advance(100);
    expect([only(await client.read(SCHEDULE, PROPERTIES.presentValue)), device.read("mode")]).toEqual([1, 1]);
    const elements = rawList(calendarEntry, [{ type: "date", value: dateTimeOf(START, 0).date }]);
    const added = encodeChangeList({ object: CALENDAR, property: PROPERTIES.dateList, elements });
    await client.acked(CONFIRMED.addListElement, added);
    clock.advance(100);
    expect(only(await client.read(CALENDAR, PROPERTIES.presentValue))).toBe(true);
    expect(device.read("mode")).toBe(3);
    expect(only(await client.read({ type: 19, instance: 1 }, PROPERTIES.currentCommandPriority))).toBe(16);
  });

  it("refuse a week that has not seven days", async () => {
    const { client } = await serve(plan);
    const short = rawList(dailySchedule, everyDay.slice(1));
    expect(await client.write(SCHEDULE, PROPERTIES.weeklySchedule, ...short)).toMatchObject({
      error: { errorClass: 2, errorCode: 37 },
    });
    expect(await client.write(SCHEDULE, PROPERTIES.weeklySchedule, real(1))).toMatchObject({
      error: { errorClass: 2, errorCode: 9 },
    });
  });
});

describe("outputs and an accumulator", () => {
  it("are commanded by priority and count without being written", async () => {
    const objects = {
      "supply-temperature": { objectType: "accumulator", instance: 1 },
      "supply-setpoint": { objectType: "analog-output", instance: 1 },
      "fan-command": { objectType: "binary-output", instance: 1 },
      mode: { objectType: "multi-state-output", instance: 1 },
    } as const;
    const { client, device } = await serve({ objects });
    for (const { objectType, instance } of Object.values(objects)) {
      const all = await client.readMultiple({ type: OBJECT_TYPES[objectType], instance }, PROPERTIES.all);
      expect(all.filter((result) => "error" in result)).toEqual([]);
    }
    const output = { type: OBJECT_TYPES["analog-output"], instance: 1 };
    expect((await client.write(output, PROPERTIES.presentValue, real(30))).kind).toBe("ack");
    expect(device.read("supply-setpoint")).toBe(30);
    expect((await client.write(output, PROPERTIES.presentValue, { type: "null" })).kind).toBe("ack");
    expect(await client.read(output, PROPERTIES.currentCommandPriority)).toEqual([{ type: "null" }]);
    expect(device.read("supply-setpoint")).toBe(20);
    const counter = { type: OBJECT_TYPES.accumulator, instance: 1 };
    expect(only(await client.read(counter, PROPERTIES.presentValue))).toBe(18);
    expect(await client.write(counter, PROPERTIES.presentValue, { type: "unsigned", value: 1 })).toMatchObject({
      error: { errorClass: 2, errorCode: 40 },
    });
  });
});

describe("the devices of the demo park", () => {
  const park = buildDevices(1, () => START);

  it.each(park.bacnet.map((device) => [device.id, device] as const))(
    "%s lets every property of every object be read, singly and by ALL, REQUIRED and OPTIONAL",
    async (_id, device) => {
      const { client } = await serve({ ...extrasOf(device), objects: bacnetObjectsOf(device) }, device);
      const objects = (await client.read(DEVICE, PROPERTIES.objectList)).map((value) => {
        if (value.type !== "objectId") throw new Error("not an object");
        return value.value;
      });
      expect(new Set(objects.map(({ type }) => type))).toEqual(
        new Set([...bacnetTypesOf(device), OBJECT_TYPES.device, 15, 20, 29, ...extraTypesOf(device.id)]),
      );
      for (const object of objects) {
        const all = await client.readMultiple(object, PROPERTIES.all);
        const wrong = all.filter((result) => "error" in result && result.property !== PROPERTIES.logBuffer);
        expect(wrong).toEqual([]);
        const parts = await client.readMultiple(object, PROPERTIES.required, PROPERTIES.optional);
        expect(new Set(parts.map(({ property }) => property))).toEqual(new Set(all.map(({ property }) => property)));
        const listed = await client.read(object, PROPERTIES.propertyList);
        expect(listed).toHaveLength(all.length - 3);
      }
    },
    30_000,
  );

  it("have views whose members exist", async () => {
    const [ahu] = park.bacnet;
    if (ahu === undefined) throw new Error("no device");
    const { client } = await serve({ ...extrasOf(ahu), objects: bacnetObjectsOf(ahu) }, ahu);
    const views = await client.read(DEVICE, PROPERTIES.structuredObjectList);
    expect(views.length).toBeGreaterThanOrEqual(3);
    for (const view of views) {
      if (view.type !== "objectId") throw new Error("not an object");
      const members = typedList(deviceObjectReference, await client.read(view.value, PROPERTIES.subordinateList));
      expect(members.length).toBeGreaterThan(3);
      for (const { object } of members) expect(await client.read(object, PROPERTIES.objectName)).toHaveLength(1);
    }
  });
});

function bacnetTypesOf(device: Parameters<typeof bacnetObjectsOf>[0]): readonly number[] {
  return Object.values(bacnetObjectsOf(device)).map(({ objectType }) => OBJECT_TYPES[objectType]);
}

function extraTypesOf(id: string): readonly number[] {
  if (id.startsWith("ahu")) return [OBJECT_TYPES.calendar, OBJECT_TYPES.schedule];
  return id.startsWith("electricity") ? [OBJECT_TYPES["trend-log-multiple"]] : [];
}
