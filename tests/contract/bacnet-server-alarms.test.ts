import { describe, expect, it } from "vitest";
import { type Destination, destination } from "#protocols/bacnet/codec/destination.ts";
import { CONFIRMED, OBJECT_TYPES, PROPERTIES, UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { rawList, rawValue, typedList } from "#protocols/bacnet/codec/property-values.ts";
import type { Recipient } from "#protocols/bacnet/codec/references.ts";
import {
  decodeGetAlarmSummaryAck,
  decodeGetEventInformationAck,
  encodeAcknowledgeAlarm,
  encodeGetEventInformation,
} from "#protocols/bacnet/codec/services/alarms.ts";
import { encodeIAm } from "#protocols/bacnet/codec/services/discovery.ts";
import { decodeListError } from "#protocols/bacnet/codec/services/error.ts";
import {
  decodeEventNotification,
  type EventNotification,
} from "#protocols/bacnet/codec/services/event-notification.ts";
import { encodeChangeList } from "#protocols/bacnet/codec/services/list-element.ts";
import type { ObjectId } from "#protocols/bacnet/codec/values.ts";
import type { SimulatedDevice } from "#simulators/device.ts";
import type { BacnetServer, BacnetServerOptions } from "#simulators/servers/bacnet.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { airHandler, manyInputs, serveAirHandler } from "./bacnet-fixture.ts";
import { openBacnetJs } from "./bacnet-js.ts";
import { closeAfter, only, type Workstation, workstation } from "./bacnet-server-fixture.ts";

const POLL = { timeout: 10_000, interval: 10 };
const CLASS: ObjectId = { type: OBJECT_TYPES["notification-class"], instance: 1 };
const TEMPERATURE: ObjectId = { type: OBJECT_TYPES["analog-input"], instance: 1 };
const HIGH = 3;
const NORMAL = 0;
const FIRST_OF_MARCH_2026_A_SUNDAY = Date.UTC(2026, 2, 1, 8);

const ALARMS: Partial<BacnetServerOptions> = {
  notificationClasses: [
    { instance: 1, name: "报警", description: "", priority: [30, 40, 50], ackRequired: [true, true, true] },
  ],
  events: {
    "supply-temperature": {
      algorithm: { kind: "outOfRange", lowLimit: 5, highLimit: 30, deadband: 1 },
      notificationClass: 1,
    },
  },
};

async function serve(
  options: Partial<BacnetServerOptions> = {},
  device = airHandler(),
): Promise<{ readonly server: BacnetServer; readonly device: SimulatedDevice }> {
  return { server: closeAfter(await serveAirHandler(1001, { ...ALARMS, ...options }, device)), device };
}

function addressOf(port: number): Recipient {
  return { type: "address", value: { network: 0, mac: Uint8Array.of(127, 0, 0, 1, port >> 8, port & 0xff) } };
}

function toldTo(recipient: Recipient, extra: Partial<Destination> = {}): Destination {
  return {
    validDays: [true, true, true, true, true, true, true],
    fromTime: { hour: 0, minute: 0, second: 0, hundredths: 0 },
    toTime: { hour: 23, minute: 59, second: 59, hundredths: 99 },
    recipient,
    processId: 7,
    issueConfirmedNotifications: true,
    transitions: [true, true, true],
    ...extra,
  };
}

function listOf(recipient: Destination): Uint8Array {
  const elements = rawValue(destination, recipient);
  return encodeChangeList({ object: CLASS, property: PROPERTIES.recipientList, elements });
}

async function registered(client: Workstation, recipient = toldTo(addressOf(client.port))): Promise<void> {
  await client.acked(CONFIRMED.addListElement, listOf(recipient));
}

function notifications({ asked }: Workstation): readonly EventNotification[] {
  return asked
    .filter(({ service }) => service === CONFIRMED.confirmedEventNotification)
    .map(({ body }) => decodeEventNotification(body));
}

function acknowledgement(of: EventNotification): Uint8Array {
  return encodeAcknowledgeAlarm({
    processId: of.processId,
    eventObject: of.eventObject,
    eventStateAcknowledged: of.toState,
    timeStamp: of.timeStamp,
    acknowledgmentSource: "值班员 王",
    timeOfAcknowledgment: of.timeStamp,
  });
}

describe("an alarm of a served device", () => {
  it("is told to whoever is in the recipient list, with value, limit and text", async () => {
    const { server, device } = await serve();
    const client = await workstation(server);
    await registered(client);
    device.write("supply-temperature", 35.5);
    await expect.poll(() => notifications(client), POLL).toHaveLength(1);
    expect(notifications(client)[0]).toMatchObject({
      processId: 7,
      initiatingDevice: { type: 8, instance: 1001 },
      eventObject: TEMPERATURE,
      notificationClass: 1,
      priority: 30,
      eventType: 5,
      messageText: "送风温度高于上限",
      notifyType: 0,
      ackRequired: true,
      fromState: NORMAL,
      toState: HIGH,
      eventValues: { type: "outOfRange", value: { exceedingValue: 35.5, exceededLimit: 30, deadband: 1 } },
    });
    expect(only(await client.read(TEMPERATURE, PROPERTIES.eventState))).toBe(HIGH);
    expect(only(await client.read(TEMPERATURE, PROPERTIES.statusFlags))).toEqual([true, false, false, false]);
    device.write("supply-temperature", 20);
    await expect.poll(() => notifications(client).map(({ toState }) => toState), POLL).toEqual([HIGH, NORMAL]);
  });

  it("is acknowledged by its exact time stamp only, and the acknowledgement is told", async () => {
    const { server, device } = await serve();
    const client = await workstation(server);
    await registered(client);
    device.write("supply-temperature", 35);
    await expect.poll(() => notifications(client), POLL).toHaveLength(1);
    const [alarm] = notifications(client);
    if (alarm === undefined) throw new Error("no alarm");
    const wrong = acknowledgement({ ...alarm, timeStamp: { type: "sequenceNumber", value: 1 } });
    expect(await client.ask(CONFIRMED.acknowledgeAlarm, wrong)).toMatchObject({
      kind: "error",
      error: { errorClass: 5, errorCode: 14 },
    });
    expect(only(await client.read(TEMPERATURE, PROPERTIES.ackedTransitions))).toEqual([false, true, true]);
    await client.acked(CONFIRMED.acknowledgeAlarm, acknowledgement(alarm));
    expect(only(await client.read(TEMPERATURE, PROPERTIES.ackedTransitions))).toEqual([true, true, true]);
    await expect.poll(() => notifications(client).map(({ notifyType }) => notifyType), POLL).toEqual([0, 2]);
  });

  it("is told again and again until it is answered, before what came after it", async () => {
    const clock = new ManualClock(FIRST_OF_MARCH_2026_A_SUNDAY);
    const { server, device } = await serve({ clock });
    const client = await workstation(server);
    await registered(client);
    client.reply = () => ({ kind: "silence" });
    device.write("supply-temperature", 35);
    clock.advance(20);
    await expect.poll(() => notifications(client).length, POLL).toBe(1);
    device.write("supply-temperature", 20);
    clock.advance(20);
    // the attempts of the station, then a pause, then the next round
    for (const seen of [2, 3, 4]) {
      clock.advance(3000);
      await expect.poll(() => notifications(client).length, POLL).toBe(seen);
    }
    clock.advance(3000);
    await expect.poll(() => clock.pending, POLL).toBeGreaterThan(0);
    client.reply = () => ({ kind: "ack" });
    await expect
      .poll(() => {
        clock.advance(10_000);
        return notifications(client).at(-1)?.toState;
      }, POLL)
      .toBe(NORMAL);
    const states = notifications(client).map(({ toState }) => toState);
    expect(states.slice(0, -1).every((state) => state === HIGH)).toBe(true);
  });

  it("is told to a device by its instance, wherever it turns out to be", async () => {
    const { server, device } = await serve();
    const client = await workstation(server);
    await registered(client, toldTo({ type: "device", value: { type: 8, instance: 4711 } }));
    device.write("supply-temperature", 35);
    await expect
      .poll(() => client.announced.filter(({ service }) => service === UNCONFIRMED.whoIs).length, POLL)
      .toBeGreaterThan(0);
    expect(notifications(client)).toEqual([]);
    const iAm = { device: { type: 8, instance: 4711 }, maxApdu: 1476, segmentation: 0, vendorId: 0 };
    client.announce(UNCONFIRMED.iAm, encodeIAm(iAm));
    await expect.poll(() => notifications(client), POLL).toHaveLength(1);
  });

  it("is told only on the days, at the times and for the transitions that the recipient wants", async () => {
    const clock = new ManualClock(FIRST_OF_MARCH_2026_A_SUNDAY);
    const { server, device } = await serve({ clock });
    const client = await workstation(server);
    const here = addressOf(client.port);
    const hour = (value: number) => ({ hour: value, minute: 0, second: 0, hundredths: 0 });
    const recipients = [
      toldTo(here, { processId: 1, validDays: [true, true, true, true, true, true, false] }),
      toldTo(here, { processId: 2, fromTime: hour(9) }),
      toldTo(here, { processId: 3, transitions: [false, true, true] }),
      toldTo(here, { processId: 4 }),
    ];
    const written = await client.write(CLASS, PROPERTIES.recipientList, ...rawList(destination, recipients));
    expect(written.kind).toBe("ack");
    device.write("supply-temperature", 35);
    clock.advance(20);
    await expect.poll(() => notifications(client).map(({ processId }) => processId), POLL).toEqual([4]);
  });

  it("is judged anew and told after the device has started again", async () => {
    const { server, device } = await serve();
    const client = await workstation(server);
    await registered(client);
    device.write("supply-temperature", 35);
    await expect.poll(() => notifications(client).length, POLL).toBe(1);
    await server.reboot(20);
    await expect.poll(() => notifications(client).length, POLL).toBe(2);
    const [before, after] = notifications(client);
    expect(after?.toState).toBe(HIGH);
    expect(after?.timeStamp).not.toEqual(before?.timeStamp);
  });

  it("has its recipients forgotten by a cold start only", async () => {
    const { server } = await serve();
    const client = await workstation(server);
    await registered(client);
    await server.reboot(10, "warm");
    const kept = await client.read(CLASS, PROPERTIES.recipientList);
    expect(typedList(destination, kept)).toHaveLength(1);
    await server.reboot(10, "cold");
    expect(await client.read(CLASS, PROPERTIES.recipientList)).toEqual([]);
  });
});

it.each(["time", "sequenceNumber"] as const)("is stamped by a device's %s, and acknowledged by it", async (form) => {
  const { server, device } = await serve({ eventTimeStamps: form });
  const client = await workstation(server);
  await registered(client);
  device.write("supply-temperature", 35);
  await expect.poll(() => notifications(client), POLL).toHaveLength(1);
  const [alarm] = notifications(client);
  if (alarm === undefined) throw new Error("no alarm");
  expect(alarm.timeStamp.type).toBe(form);
  await client.acked(CONFIRMED.acknowledgeAlarm, acknowledgement(alarm));
  expect(only(await client.read(TEMPERATURE, PROPERTIES.ackedTransitions))).toEqual([true, true, true]);
});

describe("the recipient list", () => {
  it("takes an element once, gives it back, and says which element cannot be removed", async () => {
    const { server } = await serve();
    const client = await workstation(server);
    const recipient = toldTo(addressOf(client.port));
    await registered(client, recipient);
    await registered(client, recipient);
    const list = typedList(destination, await client.read(CLASS, PROPERTIES.recipientList));
    expect(list.map(({ processId }) => processId)).toEqual([7]);
    const unknown = rawList(destination, [recipient, { ...recipient, processId: 9 }]);
    const body = encodeChangeList({ object: CLASS, property: PROPERTIES.recipientList, elements: unknown });
    const refused = await client.ask(CONFIRMED.removeListElement, body);
    if (refused.kind !== "error") throw new Error(refused.kind);
    expect(decodeListError(refused.body)).toMatchObject({
      error: { errorClass: 5, errorCode: 81 },
      firstFailedElementNumber: 2,
    });
    await client.acked(CONFIRMED.removeListElement, listOf(recipient));
    expect(await client.read(CLASS, PROPERTIES.recipientList)).toEqual([]);
  });

  it("is bounded", async () => {
    const { server } = await serve();
    const client = await workstation(server);
    const many = Array.from({ length: 33 }, (_, processId) => toldTo(addressOf(1), { processId }));
    const body = encodeChangeList({
      object: CLASS,
      property: PROPERTIES.recipientList,
      elements: rawList(destination, many),
    });
    expect(await client.ask(CONFIRMED.addListElement, body)).toMatchObject({
      error: { errorClass: 3, errorCode: 19 },
    });
    expect(await client.read(CLASS, PROPERTIES.recipientList)).toEqual([]);
  });
});

describe("the list of active events", () => {
  it("comes in pages where it does not fit one answer, each object once", async () => {
    const many = manyInputs(40);
    const device = airHandler("ahu-1", many);
    const algorithm = { kind: "outOfRange", lowLimit: -10, highLimit: 10 } as const;
    const events = Object.fromEntries(many.map(({ name }) => [name, { algorithm, notificationClass: 1 }]));
    const { server } = await serve({ events }, device);
    server.faults.set("small-apdu", { bytes: 206 });
    server.faults.set("no-segmentation");
    for (const { name } of many) device.write(name, 99);
    const client = await workstation(server);
    const seen: number[] = [];
    await expect
      .poll(async () => {
        seen.length = 0;
        let lastReceivedObject: ObjectId | undefined;
        for (let pages = 0; pages < 100; pages++) {
          const body = encodeGetEventInformation(lastReceivedObject === undefined ? {} : { lastReceivedObject });
          const ack = await client.acked(CONFIRMED.getEventInformation, body);
          expect(ack.length).toBeLessThanOrEqual(206 - 3);
          const page = decodeGetEventInformationAck(ack);
          seen.push(...page.summaries.map(({ object }) => object.instance));
          lastReceivedObject = page.summaries.at(-1)?.object;
          if (!page.moreEvents) break;
        }
        return seen.length;
      }, POLL)
      .toBe(40);
    expect(new Set(seen).size).toBe(40);
  });

  it("holds what is over but not acknowledged; the alarm summary does not", async () => {
    const clock = new ManualClock(FIRST_OF_MARCH_2026_A_SUNDAY);
    const { server, device } = await serve({ clock });
    const client = await workstation(server);
    for (const value of [35, 20]) {
      device.write("supply-temperature", value);
      clock.advance(20);
    }
    const { summaries } = decodeGetEventInformationAck(
      await client.acked(CONFIRMED.getEventInformation, encodeGetEventInformation({})),
    );
    expect(summaries).toMatchObject([
      {
        object: TEMPERATURE,
        eventState: NORMAL,
        acknowledgedTransitions: [false, true, false],
        eventPriorities: [30, 40, 50],
      },
    ]);
    const summary = await client.acked(CONFIRMED.getAlarmSummary, new Uint8Array());
    expect(decodeGetAlarmSummaryAck(summary)).toEqual([]);
  });
});

it("shows its alarms to an independent client, which acknowledges one", async () => {
  const { server, device } = await serve();
  const { client, port } = await openBacnetJs();
  closeAfter(client);
  const address = { address: `127.0.0.1:${server.address.port}` };
  const own = await workstation(server);
  await registered(own, toldTo(addressOf(port), { issueConfirmedNotifications: false }));
  const told: unknown[] = [];
  client.on("eventNotify", ({ payload }) => told.push(payload));
  device.write("supply-temperature", 35);
  await expect.poll(() => told, POLL).toHaveLength(1);
  const [summary] = await client.getAlarmSummary(address);
  expect(summary).toMatchObject({ objectId: TEMPERATURE, alarmState: HIGH });
  const [event] = await client.getEventInformation(address);
  expect(event).toMatchObject({ objectId: TEMPERATURE, eventState: HIGH });
  const [stamp] = event?.eventTimeStamps ?? [];
  const at = stamp as never;
  await client.acknowledgeAlarm(address, TEMPERATURE, HIGH, "peer", at, at);
  expect(only(await own.read(TEMPERATURE, PROPERTIES.ackedTransitions))).toEqual([true, true, true]);
});
