import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Destination, destination } from "#protocols/bacnet/codec/destination.ts";
import { CONFIRMED, OBJECT_TYPES, PROPERTIES, UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { rawList } from "#protocols/bacnet/codec/property-values.ts";
import { decodeCovNotification, encodeSubscribeCov } from "#protocols/bacnet/codec/services/cov.ts";
import { decodeIAm, encodeWhoIs } from "#protocols/bacnet/codec/services/discovery.ts";
import { decodeEventNotification } from "#protocols/bacnet/codec/services/event-notification.ts";
import {
  decodeReadPropertyMultipleAck,
  encodeReadPropertyMultiple,
  encodeWriteProperty,
} from "#protocols/bacnet/codec/services/property.ts";
import { decodeIHave, encodeWhoHas } from "#protocols/bacnet/codec/services/who-has.ts";
import { encodeWritePropertyMultiple } from "#protocols/bacnet/codec/services/write-property-multiple.ts";
import type { BacnetValue, ObjectId } from "#protocols/bacnet/codec/values.ts";
import { COV_ONLY, drive, id, never, type Points, settled } from "../contract/bacnet-harness.ts";
import { only, type Workstation } from "../contract/bacnet-server-fixture.ts";
import { POLL, PYPES, startBacpypes, type ThirdParty, workstationOf } from "./bacnet-peers.ts";

const VALUES = 300;
const INSTANCE = 1001;
const OTHER = 1002;
const NORMAL_APDU = 480;
const LIMITS = { maxApdu: NORMAL_APDU, takesSegments: true };
const device = (instance: number): ObjectId => ({ type: OBJECT_TYPES.device, instance });
const value = (instance: number): ObjectId => ({ type: OBJECT_TYPES["analog-value"], instance });
const PRESSURE = value(1000);
const CLASS: ObjectId = { type: OBJECT_TYPES["notification-class"], instance: 1 };
const real = (content: number): BacnetValue => ({ type: "real", value: content });

describe.skipIf(PYPES === undefined)("our client with devices of BACpypes3 that answer in segments", () => {
  const peers: ThirdParty[] = [];
  beforeAll(async () => {
    for (const instance of [INSTANCE, OTHER]) peers.push(await startBacpypes(PYPES ?? "", instance, NORMAL_APDU));
  }, 90_000);
  afterAll(async () => {
    for (const peer of peers) await peer.close();
  });

  function peerOf(instance: number): ThirdParty {
    const peer = peers[instance - INSTANCE];
    if (peer === undefined) throw new Error("not started");
    return peer;
  }
  // it takes 480 bytes at a time: so it answers in segments
  const client = (instance = INSTANCE): Promise<Workstation> =>
    workstationOf(peerOf(instance), { abilities: { maxApdu: NORMAL_APDU }, apduTimeoutMs: 5000 });

  it("is found by Who-Is", async () => {
    const one = await client();
    one.announce(UNCONFIRMED.whoIs, encodeWhoIs({ low: INSTANCE, high: INSTANCE }));
    const said = () =>
      one.announced.filter(({ service }) => service === UNCONFIRMED.iAm).map(({ body }) => decodeIAm(body));
    await expect.poll(said, POLL).toMatchObject([{ device: device(INSTANCE), maxApdu: 480, segmentation: 0 }]);
  });

  it("gives the object lists of two devices at once, each in segments, eight times over", async () => {
    const [one, two] = [await client(INSTANCE), await client(OTHER)];
    const lists = await Promise.all(
      Array.from({ length: 8 }, () => [
        one.read(device(INSTANCE), PROPERTIES.objectList),
        two.read(device(OTHER), PROPERTIES.objectList),
      ]).flat(),
    );
    for (const [i, list] of lists.entries()) {
      expect(list.length).toBeGreaterThan(VALUES);
      expect(only(list.slice(0, 1))).toEqual(device(i % 2 === 0 ? INSTANCE : OTHER));
    }
  });

  it("gives Chinese names and a description of many segments", async () => {
    const one = await client();
    expect(only(await one.read(device(INSTANCE), PROPERTIES.objectName))).toBe(`控制器 ${INSTANCE}`);
    expect(only(await one.read(device(INSTANCE), PROPERTIES.description))).toBe("冷冻水泵房 ".repeat(120));
    expect(only(await one.read(value(7), PROPERTIES.objectName))).toBe("温度 7");
  });

  it("answers a ReadPropertyMultiple of 300 points, asked and answered in segments", async () => {
    const one = await client();
    const properties = [{ property: PROPERTIES.presentValue }, { property: PROPERTIES.statusFlags }];
    const body = encodeReadPropertyMultiple(
      Array.from({ length: VALUES }, (_, i) => ({ object: value(i + 1), properties })),
    );
    const { signal } = new AbortController();
    const peer = peerOf(INSTANCE).address;
    const outcome = await one.station.request({
      peer,
      service: CONFIRMED.readPropertyMultiple,
      body,
      signal,
      limits: LIMITS,
    });
    if (outcome.kind !== "ack") throw new Error(JSON.stringify(outcome));
    const results = decodeReadPropertyMultipleAck(outcome.body);
    expect(results).toHaveLength(VALUES);
    expect(results[6]?.results[0]).toMatchObject({ values: [{ type: "real", value: 7 }] });
  });

  it("commands by priority and gives back by NULL, one property and several at once", async () => {
    const one = await client();
    const present = PROPERTIES.presentValue;
    const write = (content: BacnetValue) =>
      one.ask(
        CONFIRMED.writeProperty,
        encodeWriteProperty({ object: value(3), property: present, values: [content], priority: 8 }),
      );
    expect((await write(real(33.5))).kind).toBe("ack");
    expect(only(await one.read(value(3), present))).toBe(33.5);
    expect((await one.read(value(3), PROPERTIES.priorityArray)).map((slot) => JSON.stringify(slot)).at(7)).toContain(
      "33.5",
    );
    expect((await write({ type: "null" })).kind).toBe("ack");
    expect(only(await one.read(value(3), present))).toBe(3);
    const properties = [{ property: present, values: [real(44)], priority: 9 }];
    const body = encodeWritePropertyMultiple([value(4), value(5)].map((object) => ({ object, properties })));
    expect((await one.ask(CONFIRMED.writePropertyMultiple, body)).kind).toBe("ack");
    expect(only(await one.read(value(5), present))).toBe(44);
  });

  it.each([true, false])("notifies of changes, confirmed: %s", async (confirmed) => {
    const one = await client();
    const object = value(confirmed ? 11 : 12);
    const subscribe = { processId: 7, object, subscription: { confirmed, lifetimeS: 60 } };
    expect((await one.ask(CONFIRMED.subscribeCov, encodeSubscribeCov(subscribe))).kind).toBe("ack");
    const told = (): unknown[] =>
      (confirmed ? one.asked : one.announced)
        .filter(({ service }) => service === (confirmed ? CONFIRMED.confirmedCovNotification : 2))
        .map(({ body }) => decodeCovNotification(body))
        .map(({ values }) => only(values.find(({ property }) => property === PROPERTIES.presentValue)?.values ?? []));
    await expect.poll(told, POLL).toHaveLength(1);
    await one.ask(
      CONFIRMED.writeProperty,
      encodeWriteProperty({ object, property: PROPERTIES.presentValue, values: [real(99)], priority: 8 }),
    );
    await expect.poll(() => told().at(-1), POLL).toBe(99);
  });

  it("says that it has an object", async () => {
    const one = await client();
    one.announce(UNCONFIRMED.whoHas, encodeWhoHas({ object: { type: "name", value: "温度 9" } }));
    const found = () =>
      one.announced.filter(({ service }) => service === UNCONFIRMED.iHave).map(({ body }) => decodeIHave(body));
    await expect
      .poll(found, POLL)
      .toMatchObject([{ device: device(INSTANCE), object: value(9), objectName: "温度 9" }]);
  });

  it("tells a live alarm to a recipient", async () => {
    const one = await client();
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
    const written = await one.write(CLASS, PROPERTIES.recipientList, ...rawList(destination, [recipient]));
    expect(written).toMatchObject({ kind: "ack" });
    await one.ask(
      CONFIRMED.writeProperty,
      encodeWriteProperty({ object: PRESSURE, property: PROPERTIES.presentValue, values: [real(95)], priority: 8 }),
    );
    const told = () =>
      one.asked
        .filter(({ service }) => service === CONFIRMED.confirmedEventNotification)
        .map(({ body }) => decodeEventNotification(body));
    await expect
      .poll(told, POLL)
      .toMatchObject([{ processId: 77, eventObject: PRESSURE, toState: 3, eventValues: { type: "outOfRange" } }]);
  });

  it("is a device of the driver: its points are read, told and written", async () => {
    const points: Points = Array.from({ length: 100 }, (_, i) => ({
      point: id(`p-${i}`),
      address: { objectType: "analog-value", instance: 100 + i },
      writable: true,
    }));
    const config = { ...COV_ONLY, apduTimeoutMs: 2000 };
    const [driver, recording] = await drive(peerOf(INSTANCE).address.port, config, points);
    await settled(recording, points);
    const [first] = points;
    if (first === undefined) throw new Error("no point");
    expect(recording.latest(first.point)?.value).toBe(100);
    await expect.poll(() => driver.counters()["covNotifications"], POLL).toBeGreaterThanOrEqual(100);
    const result = await driver.write({ point: first.point, value: 12.5, priority: 8 }, never);
    expect(result).toEqual({ status: "done", readBack: 12.5 });
    expect(driver.counters()).toMatchObject({ malformed: 0, timeouts: 0, handlerErrors: 0 });
  });
});
