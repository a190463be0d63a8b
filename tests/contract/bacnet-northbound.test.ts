import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { CONFIRMED, OBJECT_TYPES, PROPERTIES, RELIABILITY, UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import {
  encodeDeviceCommunicationControl,
  encodeReinitializeDevice,
} from "#protocols/bacnet/codec/services/device-control.ts";
import { encodeIAm } from "#protocols/bacnet/codec/services/discovery.ts";
import { encodeWriteProperty } from "#protocols/bacnet/codec/services/property.ts";
import { encodeTimeSynchronization } from "#protocols/bacnet/codec/services/time-synchronization.ts";
import { decodeIHave, encodeWhoHas } from "#protocols/bacnet/codec/services/who-has.ts";
import { dateTimeOf } from "#protocols/bacnet/codec/timestamp.ts";
import type { ObjectId } from "#protocols/bacnet/codec/values.ts";
import {
  type NorthboundDevice,
  type NorthboundSettings,
  openNorthbound,
} from "#protocols/bacnet/northbound/northbound-device.ts";
import { Random } from "#simulators/devices/physics.ts";
import { loopbackSocket } from "./bacnet-fixture.ts";
import { type BacnetJs, openBacnetJs } from "./bacnet-js.ts";
import { METER } from "./bacnet-northbound-fixture.ts";
import { closeAfter, only, workstation } from "./bacnet-server-fixture.ts";

const SETTINGS: NorthboundSettings = {
  instance: 9001,
  name: "park/gw-1",
  host: "127.0.0.1",
  port: 0,
  utcOffsetMin: -480,
};
const POLL = { timeout: 5000, interval: 10 };
const POWER = { type: OBJECT_TYPES["analog-input"], instance: 11 };
const ONLINE = { type: OBJECT_TYPES["binary-input"], instance: 12 };
const MODE = { type: OBJECT_TYPES["multi-state-input"], instance: 13 };
const SERIAL = { type: OBJECT_TYPES["characterstring-value"], instance: 14 };
const GATEWAY = { type: OBJECT_TYPES.device, instance: 9001 };
const good = (number: number, value: number | boolean | string) => ({ number, value, quality: "good" as const });

/** The meter's points on a free loopback port. */
async function opened(more: Partial<NorthboundSettings> = {}): Promise<NorthboundDevice> {
  const device = await openNorthbound({ ...SETTINGS, ...more }, { clock: systemClock, logger: silentLogger });
  closeAfter(device);
  device.show(METER);
  device.tell([good(11, 42.5), good(12, true), good(13, 4), good(14, "序-7")]);
  return device;
}

describe("the hub's points on BACnet, seen by an independent client", () => {
  let device: NorthboundDevice;
  let client: BacnetJs;
  let address: { address: string };

  beforeEach(async () => {
    device = await opened();
    ({ client } = await openBacnetJs());
    address = { address: `127.0.0.1:${device.address.port}` };
  });
  afterEach(() => void client.close());

  async function read(object: { type: number; instance: number }, property: number): Promise<unknown> {
    const { values } = await client.readProperty(address, object, property);
    return values.length === 1 ? values[0]?.value : values.map(({ value }) => value);
  }

  it("are objects with names, units, states and values", async () => {
    const seen: unknown[] = [];
    client.on("iAm", ({ payload }) => seen.push(payload));
    client.whoIs(address, { lowLimit: 9001, highLimit: 9001 });
    await expect.poll(() => seen, POLL).toMatchObject([{ deviceId: 9001, maxApdu: 1476 }]);
    expect(await read(GATEWAY, PROPERTIES.objectName)).toBe("park/gw-1");
    expect(await read(GATEWAY, PROPERTIES.objectList)).toMatchObject([GATEWAY, POWER, ONLINE, MODE, SERIAL]);
    expect(await read(POWER, PROPERTIES.presentValue)).toBe(42.5);
    expect(await read(POWER, PROPERTIES.objectName)).toBe("meter-1/power");
    expect(await read(POWER, PROPERTIES.description)).toBe("有功功率 / Active power");
    expect(await read(POWER, PROPERTIES.units)).toBe(48);
    expect(await read(ONLINE, PROPERTIES.presentValue)).toBe(1);
    expect([await read(ONLINE, PROPERTIES.inactiveText), await read(ONLINE, PROPERTIES.activeText)]).toEqual([
      "离线",
      "在线",
    ]);
    expect(await read(MODE, PROPERTIES.presentValue)).toBe(2);
    expect(await read(MODE, PROPERTIES.stateText)).toEqual(["峰", "谷"]);
    expect(await read(SERIAL, PROPERTIES.presentValue)).toBe("序-7");
  });

  it("are told by COV as they change", async () => {
    const seen: unknown[] = [];
    client.on("covNotifyUnconfirmed", ({ payload }) => seen.push(payload.values[0]?.value[0]?.value));
    await client.subscribeCov(address, POWER, 7, false, false, 60);
    await expect.poll(() => seen, POLL).toEqual([42.5]);
    device.tell([good(11, 42.52)]);
    device.tell([good(11, 43)]);
    await expect.poll(() => seen, POLL).toEqual([42.5, 43]);
  });

  it("cannot be written, and their device cannot be commanded", async () => {
    const value = [{ type: 4, value: 1 } as never];
    await expect(client.writeProperty(address, POWER, PROPERTIES.presentValue, value, {})).rejects.toThrow();
    await expect(
      client.writeProperty(address, POWER, PROPERTIES.outOfService, [{ type: 1, value: true } as never], {}),
    ).rejects.toThrow();
    expect(await read(POWER, PROPERTIES.presentValue)).toBe(42.5);
    expect(await read(POWER, PROPERTIES.outOfService)).toBe(false);
  });
});

describe("the hub's points on BACnet", () => {
  it("are in fault while they are not known, with their last value, and never out of an unknown state", async () => {
    const device = await opened();
    const client = await workstation(device);
    const states = async (object: ObjectId): Promise<readonly unknown[]> => {
      const properties = [PROPERTIES.presentValue, PROPERTIES.statusFlags, PROPERTIES.reliability];
      const results = await client.readMultiple(object, ...properties);
      return results.map((result) => ("values" in result ? only(result.values) : result.error));
    };
    const [healthy, fault] = [
      [false, false, false, false],
      [false, true, false, false],
    ];
    expect(await states(POWER)).toEqual([42.5, healthy, RELIABILITY.noFaultDetected]);
    device.tell([{ number: 11, value: null, quality: "bad", reason: "commLost" }]);
    expect(await states(POWER)).toEqual([42.5, fault, RELIABILITY.communicationFailure]);
    device.tell([{ number: 11, value: 7, quality: "uncertain", reason: "overridden" }]);
    expect(await states(POWER)).toEqual([7, healthy, RELIABILITY.noFaultDetected]);
    device.tell([{ number: 11, value: 7, quality: "bad", reason: "somethingElse" }]);
    expect(await states(POWER)).toEqual([7, fault, RELIABILITY.unreliableOther]);
    device.tell([good(13, 3)]);
    expect(await states(MODE)).toEqual([1, fault, RELIABILITY.multiStateOutOfRange]);
    device.show(METER);
    expect(await states(POWER)).toEqual([Number.NaN, fault, RELIABILITY.communicationFailure]);
  });

  it("refuse every service that changes something, and pass over the time that others set", async () => {
    const device = await opened();
    const client = await workstation(device);
    const before = only(await client.read(GATEWAY, PROPERTIES.localDate));
    for (const [service, body] of [
      [
        CONFIRMED.writeProperty,
        encodeWriteProperty({ object: POWER, property: 85, values: [{ type: "real", value: 1 }] }),
      ],
      [CONFIRMED.deviceCommunicationControl, encodeDeviceCommunicationControl({ enableDisable: 1 })],
      [CONFIRMED.reinitializeDevice, encodeReinitializeDevice({ state: 0 })],
    ] as const) {
      expect(await client.ask(service, body)).toEqual({ kind: "reject", reason: 9 });
    }
    client.announce(UNCONFIRMED.timeSynchronization, encodeTimeSynchronization(dateTimeOf(0, 0)));
    expect(only(await client.read(GATEWAY, PROPERTIES.localDate))).toEqual(before);
    const services = only(await client.read(GATEWAY, PROPERTIES.protocolServicesSupported)) as readonly boolean[];
    expect(services.flatMap((on, bit) => (on ? [bit] : []))).toEqual([5, 12, 14, 33, 34, 38]);
  });

  it("are found by their names and by their identifiers", async () => {
    const client = await workstation(await opened());
    for (const object of [
      { type: "name", value: "meter-1/power" },
      { type: "identifier", value: POWER },
    ] as const) {
      client.announce(UNCONFIRMED.whoHas, encodeWhoHas({ object }));
    }
    client.announce(UNCONFIRMED.whoHas, encodeWhoHas({ object: { type: "name", value: "meter-1/none" } }));
    const found = (): readonly unknown[] =>
      client.announced.filter(({ service }) => service === UNCONFIRMED.iHave).map(({ body }) => decodeIHave(body));
    await expect.poll(found, POLL).toHaveLength(2);
    expect(found()[0]).toMatchObject({ device: GATEWAY, object: POWER, objectName: "meter-1/power" });
  });

  it("have another Database_Revision when they are others, and the same one after a restart", async () => {
    const revision = async (device: NorthboundDevice): Promise<unknown> =>
      only(await (await workstation(device)).read(GATEWAY, PROPERTIES.databaseRevision));
    const device = await opened();
    const before = await revision(device);
    expect(await revision(await opened())).toBe(before);
    device.show(METER.slice(1));
    expect(await revision(device)).not.toBe(before);
  });

  it("are told about another device of the same instance", async () => {
    const device = await opened();
    const client = await workstation(device);
    client.announce(UNCONFIRMED.iAm, encodeIAm({ device: GATEWAY, maxApdu: 480, segmentation: 3, vendorId: 5 }));
    await expect.poll(() => device.counters["duplicateInstance"], POLL).toBe(1);
  });

  it("hold no more subscriptions than is said", async () => {
    const device = await opened({ subscriptions: 1 });
    const { client } = await openBacnetJs();
    closeAfter(client);
    const address = { address: `127.0.0.1:${device.address.port}` };
    await client.subscribeCov(address, POWER, 7, false, false, 0);
    await expect(client.subscribeCov(address, ONLINE, 7, false, false, 0)).rejects.toThrow();
    expect(device.counters["subscriptions"]).toBe(1);
  });

  it("outlive 3000 datagrams of noise", async () => {
    const device = await opened();
    const { socket, close } = await loopbackSocket();
    closeAfter({ close });
    const seed = 20_261_121;
    const random = new Random(seed);
    const frame = Buffer.from("810a001101040275010e0c0000000b1e29551f", "hex");
    for (let i = 0; i < 3000; i += 1) {
      const bytes = Uint8Array.from(frame, (byte) => (random.next() < 0.15 ? Math.floor(random.next() * 256) : byte));
      const sent = bytes.subarray(0, 1 + Math.floor(random.next() * bytes.length));
      await new Promise((resolve) => socket.send(sent, device.address.port, "127.0.0.1", resolve));
    }
    const client = await workstation(device);
    expect(only(await client.read(POWER, PROPERTIES.presentValue)), `seed ${seed}`).toBe(42.5);
    const counted = ["malformedLink", "malformedNetwork", "malformedApdu", "malformedService"] as const;
    expect(counted.reduce((sum, name) => sum + (device.counters[name] ?? 0), 0)).toBeGreaterThan(100);
  });
});
