import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Destination, destination } from "#protocols/bacnet/codec/destination.ts";
import { CONFIRMED, OBJECT_TYPES, PROPERTIES, UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { rawList, typedList } from "#protocols/bacnet/codec/property-values.ts";
import {
  decodeGetEventInformationAck,
  encodeAcknowledgeAlarm,
  encodeGetEventInformation,
} from "#protocols/bacnet/codec/services/alarms.ts";
import { decodeCovNotification, encodeSubscribeCov } from "#protocols/bacnet/codec/services/cov.ts";
import { COMMUNICATION, encodeDeviceCommunicationControl } from "#protocols/bacnet/codec/services/device-control.ts";
import { decodeIAm, encodeWhoIs } from "#protocols/bacnet/codec/services/discovery.ts";
import { decodeEventNotification } from "#protocols/bacnet/codec/services/event-notification.ts";
import { encodeChangeList } from "#protocols/bacnet/codec/services/list-element.ts";
import { decodeLogRecords } from "#protocols/bacnet/codec/services/log-records.ts";
import {
  decodeReadPropertyMultipleAck,
  encodeReadPropertyMultiple,
  encodeWriteProperty,
} from "#protocols/bacnet/codec/services/property.ts";
import { decodeReadRangeAck, encodeReadRange, type Range } from "#protocols/bacnet/codec/services/read-range.ts";
import { encodeTimeSynchronization } from "#protocols/bacnet/codec/services/time-synchronization.ts";
import { decodeIHave, encodeWhoHas } from "#protocols/bacnet/codec/services/who-has.ts";
import { encodeWritePropertyMultiple } from "#protocols/bacnet/codec/services/write-property-multiple.ts";
import { dateTimeOf } from "#protocols/bacnet/codec/timestamp.ts";
import type { BacnetValue, ObjectId } from "#protocols/bacnet/codec/values.ts";
import { COV_ONLY, drive, id, never, type Points, settled } from "../contract/bacnet-harness.ts";
import { only, type Workstation } from "../contract/bacnet-server-fixture.ts";
import { POLL, STACK, startBacserv, type ThirdParty, workstationOf } from "./bacnet-peers.ts";

// the instance that the driver's tests bind
const INSTANCE = 1001;
const ALL = 8;
const DEVICE: ObjectId = { type: OBJECT_TYPES.device, instance: INSTANCE };
const INPUT: ObjectId = { type: OBJECT_TYPES["analog-input"], instance: 1 };
const OUTPUT: ObjectId = { type: OBJECT_TYPES["analog-output"], instance: 1 };
const VALUE: ObjectId = { type: OBJECT_TYPES["analog-value"], instance: 1 };
const TREND: ObjectId = { type: OBJECT_TYPES["trend-log"], instance: 0 };
const real = (value: number): BacnetValue => ({ type: "real", value });
const NULL: BacnetValue = { type: "null" };

describe.skipIf(STACK === undefined)("our client with bacserv of bacnet-stack", () => {
  const peer: { device?: ThirdParty } = {};
  beforeAll(async () => {
    peer.device = await startBacserv(STACK ?? "", INSTANCE);
  }, 60_000);
  afterAll(() => peer.device?.close());

  function client(): Promise<Workstation> {
    if (peer.device === undefined) throw new Error("not started");
    return workstationOf(peer.device);
  }
  async function commanded(
    { ask }: Workstation,
    value: BacnetValue,
    priority: number,
    object = OUTPUT,
  ): Promise<unknown> {
    const write = { object, property: PROPERTIES.presentValue, values: [value], priority };
    return (await ask(CONFIRMED.writeProperty, encodeWriteProperty(write))).kind;
  }

  it("reads its object list whole and by index", async () => {
    const one = await client();
    const whole = await one.read(DEVICE, PROPERTIES.objectList);
    expect(whole.length).toBeGreaterThan(60);
    expect(only(await one.read(DEVICE, PROPERTIES.objectList, 0))).toBe(whole.length);
    expect(only(await one.read(DEVICE, PROPERTIES.objectList, 3))).toEqual(only(whole.slice(2, 3)));
  });

  it("reads ALL properties of every object, and every answer is decoded", async () => {
    const one = await client();
    const objects = (await one.read(DEVICE, PROPERTIES.objectList)).map(
      (value) => (value as { value: ObjectId }).value,
    );
    let values = 0;
    const aborted: ObjectId[] = [];
    for (const object of objects) {
      const body = encodeReadPropertyMultiple([{ object, properties: [{ property: ALL }] }]);
      const outcome = await one.ask(CONFIRMED.readPropertyMultiple, body);
      if (outcome.kind !== "ack") aborted.push(object);
      else values += decodeReadPropertyMultipleAck(outcome.body)[0]?.results.length ?? 0;
    }
    expect(aborted).toEqual([]);
    expect(values).toBeGreaterThan(10 * objects.length);
  });

  it("commands by priority and gives back by NULL", async () => {
    const one = await client();
    expect(await commanded(one, real(42), 8)).toBe("ack");
    expect(await commanded(one, real(7), 16)).toBe("ack");
    expect(only(await one.read(OUTPUT, PROPERTIES.presentValue))).toBe(42);
    expect((await one.read(OUTPUT, PROPERTIES.priorityArray)).map((slot) => slot.type).indexOf("real")).toBe(7);
    expect(await commanded(one, NULL, 8)).toBe("ack");
    expect(only(await one.read(OUTPUT, PROPERTIES.presentValue))).toBe(7);
    expect(await commanded(one, NULL, 16)).toBe("ack");
  });

  it("writes several properties at once", async () => {
    const one = await client();
    const properties = [{ property: PROPERTIES.presentValue, values: [real(11.5)], priority: 10 }];
    const body = encodeWritePropertyMultiple([OUTPUT, VALUE].map((object) => ({ object, properties })));
    expect((await one.ask(CONFIRMED.writePropertyMultiple, body)).kind).toBe("ack");
    expect(only(await one.read(OUTPUT, PROPERTIES.presentValue))).toBe(11.5);
    expect(only(await one.read(VALUE, PROPERTIES.presentValue))).toBe(11.5);
    for (const object of [OUTPUT, VALUE]) expect(await commanded(one, NULL, 10, object)).toBe("ack");
  });

  it.each([true, false])("is notified of changes, confirmed: %s", async (confirmed) => {
    const one = await client();
    const subscribe = { processId: 7, object: VALUE, subscription: { confirmed, lifetimeS: 60 } };
    expect((await one.ask(CONFIRMED.subscribeCov, encodeSubscribeCov(subscribe))).kind).toBe("ack");
    const told = (): unknown[] =>
      (confirmed ? one.asked : one.announced)
        .filter(({ service }) => service === (confirmed ? CONFIRMED.confirmedCovNotification : 2))
        .map(({ body }) => decodeCovNotification(body))
        .map(({ values }) => only(values.find(({ property }) => property === PROPERTIES.presentValue)?.values ?? []));
    await expect.poll(told, POLL).toHaveLength(1);
    await commanded(one, real(confirmed ? 55 : 66), 9, VALUE);
    await expect.poll(() => told().at(-1), POLL).toBe(confirmed ? 55 : 66);
    await commanded(one, NULL, 9, VALUE);
    const cancel = encodeSubscribeCov({ processId: 7, object: VALUE });
    expect((await one.ask(CONFIRMED.subscribeCov, cancel)).kind).toBe("ack");
  });

  it("reads a trend log of a thousand records, by position and by sequence", async () => {
    const one = await client();
    const page = async (range: Range) => {
      const body = encodeReadRange({ object: TREND, property: PROPERTIES.logBuffer, range });
      return decodeReadRangeAck(await one.acked(CONFIRMED.readRange, body));
    };
    let count = 0;
    let moments = 0;
    while (count < 1000) {
      const ack = await page({ type: "byPosition", value: { referenceIndex: count + 1, count: 100 } });
      const records = decodeLogRecords(ack.itemData);
      expect(records).toHaveLength(ack.itemCount);
      expect(records.length).toBeGreaterThan(0);
      moments += records.length;
      count += ack.itemCount;
    }
    expect(moments).toBe(1000);
    const by = await page({ type: "bySequenceNumber", value: { referenceSequenceNumber: 9500, count: 10 } });
    expect([by.itemCount, by.firstSequenceNumber]).toEqual([10, 9500]);
  });

  it("is refused with a wrong password", async () => {
    const one = await client();
    const body = encodeDeviceCommunicationControl({
      enableDisable: COMMUNICATION.disableInitiation,
      timeDurationMin: 1,
      password: "wrong",
    });
    const outcome = await one.ask(CONFIRMED.deviceCommunicationControl, body);
    expect(outcome).toMatchObject({ kind: "error", error: { errorClass: 4, errorCode: 26 } });
  });

  it("sets its clock", async () => {
    const one = await client();
    const inTwoDays = Date.now() + 2 * 24 * 3_600_000;
    const moment = dateTimeOf(inTwoDays, 0);
    one.announce(UNCONFIRMED.timeSynchronization, encodeTimeSynchronization(moment));
    const { year, month, day } = moment.date;
    const local = async () => only(await one.read(DEVICE, PROPERTIES.localDate));
    await expect.poll(local, POLL).toMatchObject({ year, month, day });
  });

  // it answers to everybody: on loopback, which knows no broadcast, foreign devices hear that
  it("registers with it as a foreign device, and finds through it who has an object", async () => {
    if (peer.device === undefined) throw new Error("not started");
    const one = await workstationOf(peer.device, { foreignDevice: { ...peer.device.address, ttlS: 60 } });
    await expect.poll(() => one.station.foreignState, POLL).toBe("registered");
    const objectName = String(only(await one.read(OUTPUT, PROPERTIES.objectName)));
    const found = () =>
      one.announced.filter(({ service }) => service === UNCONFIRMED.iHave).map(({ body }) => decodeIHave(body));
    for (const object of [
      { type: "name", value: objectName } as const,
      { type: "identifier", value: OUTPUT } as const,
    ]) {
      one.announced.length = 0;
      one.station.announce(UNCONFIRMED.whoHas, encodeWhoHas({ object }), { broadcast: "local" });
      await expect.poll(found, POLL).toMatchObject([{ device: DEVICE, object: OUTPUT, objectName }]);
    }
    one.station.announce(UNCONFIRMED.whoIs, encodeWhoIs(), { broadcast: "local" });
    const said = () => one.announced.filter(({ service }) => service === UNCONFIRMED.iAm);
    await expect.poll(() => said().map(({ body }) => decodeIAm(body).device), POLL).toContainEqual(DEVICE);
    // whom to answer is the device, also where its message came by way of the BBMD
    expect(said()[0]?.peer.port).toBe(peer.device.address.port);
  });

  it("is told of a live alarm as a recipient, sees it in the event information and acknowledges it", async () => {
    const one = await client();
    const notificationClass = await notificationClassOf(one);
    const recipient: Destination = {
      validDays: [true, true, true, true, true, true, true],
      fromTime: { hour: 0, minute: 0, second: 0, hundredths: 0 },
      toTime: { hour: 23, minute: 59, second: 59, hundredths: 99 },
      recipient: {
        type: "address",
        value: { network: 0, mac: Uint8Array.of(127, 0, 0, 1, one.port >> 8, one.port & 255) },
      },
      processId: 77,
      issueConfirmedNotifications: true,
      transitions: [true, true, true],
    };
    const elements = rawList(destination, [recipient]);
    // bacserv does not execute AddListElement
    const add = { object: notificationClass, property: PROPERTIES.recipientList, elements };
    expect(await one.ask(CONFIRMED.addListElement, encodeChangeList(add))).toEqual({ kind: "reject", reason: 9 });
    expect(await one.write(notificationClass, PROPERTIES.recipientList, ...elements)).toMatchObject({ kind: "ack" });
    const list = typedList(destination, await one.read(notificationClass, PROPERTIES.recipientList));
    expect(list).toContainEqual(recipient);
    await limited(one, notificationClass);
    await set(one, PROPERTIES.presentValue, real(99));
    const told = () =>
      one.asked
        .filter(({ service }) => service === CONFIRMED.confirmedEventNotification)
        .map(({ body }) => decodeEventNotification(body));
    await expect.poll(told, POLL).toMatchObject([
      {
        processId: 77,
        initiatingDevice: DEVICE,
        eventObject: INPUT,
        toState: 3,
        eventValues: { type: "outOfRange" },
      },
    ]);
    const information = decodeGetEventInformationAck(
      await one.acked(CONFIRMED.getEventInformation, encodeGetEventInformation({})),
    );
    expect(
      information.summaries.find(({ object }) => object.type === INPUT.type && object.instance === INPUT.instance),
    ).toMatchObject({
      eventState: 3,
    });
    const [alarm] = told();
    if (alarm === undefined) throw new Error("no alarm");
    const acknowledge = encodeAcknowledgeAlarm({
      processId: 77,
      eventObject: INPUT,
      eventStateAcknowledged: alarm.toState,
      timeStamp: alarm.timeStamp,
      acknowledgmentSource: "operator",
      timeOfAcknowledgment: { type: "dateTime", value: dateTimeOf(Date.now(), 0) },
    });
    expect(await one.ask(CONFIRMED.acknowledgeAlarm, acknowledge)).toMatchObject({ kind: "ack" });
    await set(one, PROPERTIES.presentValue, real(20));
    await expect.poll(() => told().map(({ toState }) => toState), POLL).toContain(0);
    await one.write(notificationClass, PROPERTIES.recipientList);
  });

  it("is a device of the driver: its points are read, told, written and given back", async () => {
    if (peer.device === undefined) throw new Error("not started");
    const points: Points = (["analog-value", "binary-value", "multi-state-value", "analog-output"] as const).map(
      (objectType) => ({ point: id(objectType), address: { objectType, instance: 1 }, writable: true }),
    );
    const [driver, recording] = await drive(peer.device.address.port, { ...COV_ONLY, apduTimeoutMs: 1000 }, points);
    await settled(recording, points);
    const point = id("analog-output");
    const written = await driver.write({ point, value: 12.5, priority: 8 }, never);
    expect(written).toEqual({ status: "done", readBack: 12.5 });
    await expect.poll(() => recording.latest(point)?.value, POLL).toBe(12.5);
    expect((await driver.write({ point, value: null, priority: 8 }, never)).status).toBe("done");
    expect(driver.counters()).toMatchObject({ malformed: 0, timeouts: 0, handlerErrors: 0 });
  });

  it("has its alarms taken over by the driver: it gets into the recipient list, is told, and sees the return", async () => {
    if (peer.device === undefined) throw new Error("not started");
    const one = await client();
    const notificationClass = await notificationClassOf(one);
    await limited(one, notificationClass);
    const points: Points = [
      { point: id("input"), address: { objectType: "analog-input", instance: 1 }, writable: false },
    ];
    const [driver, recording] = await drive(peer.device.address.port, { ...COV_ONLY, apduTimeoutMs: 1000 }, points);
    const recipients = () => one.read(notificationClass, PROPERTIES.recipientList);
    await expect.poll(async () => (await recipients()).length, POLL).toBeGreaterThan(0);
    await set(one, PROPERTIES.presentValue, real(99));
    const active = () => recording.conditions.flatMap(({ conditions }) => conditions).filter((found) => found.active);
    await expect.poll(() => active().length, POLL).toBeGreaterThan(0);
    await set(one, PROPERTIES.presentValue, real(20));
    const over = () => recording.conditions.flatMap(({ conditions }) => conditions).at(-1);
    await expect.poll(() => over()?.active, POLL).toBe(false);
    expect(driver.counters()).toMatchObject({ malformed: 0, eventsNotStored: 0 });
  });
});

async function notificationClassOf({ read }: Workstation): Promise<ObjectId> {
  const objects = (await read(DEVICE, PROPERTIES.objectList)).map((value) => (value as { value: ObjectId }).value);
  return objects.find(({ type }) => type === OBJECT_TYPES["notification-class"]) ?? INPUT;
}

async function set(one: Workstation, property: number, value: BacnetValue): Promise<void> {
  expect((await one.write(INPUT, property, value)).kind).toBe("ack");
}

/** Lets the input, set by hand, be in alarm above 30. */
async function limited(one: Workstation, notificationClass: ObjectId): Promise<void> {
  await set(one, PROPERTIES.notificationClass, { type: "unsigned", value: notificationClass.instance });
  await set(one, PROPERTIES.outOfService, { type: "boolean", value: true });
  await set(one, PROPERTIES.highLimit, real(30));
  await set(one, PROPERTIES.limitEnable, { type: "bitString", value: [true, true] });
  await set(one, PROPERTIES.eventEnable, { type: "bitString", value: [true, true, true] });
  await set(one, PROPERTIES.timeDelay, { type: "unsigned", value: 0 });
}
