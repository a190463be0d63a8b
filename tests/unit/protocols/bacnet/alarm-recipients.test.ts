import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { ownRecipient, Recipients, withdraw } from "#protocols/bacnet/client/alarms/alarm-recipients.ts";
import { DeviceMemory } from "#protocols/bacnet/client/memory.ts";
import { type Destination, destination } from "#protocols/bacnet/codec/destination.ts";
import { CONFIRMED, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import { rawList, typedList } from "#protocols/bacnet/codec/property-values.ts";
import type { Recipient } from "#protocols/bacnet/codec/references.ts";
import { decodeChangeList } from "#protocols/bacnet/codec/services/list-element.ts";
import {
  decodeReadProperty,
  decodeWriteProperty,
  encodeReadPropertyAck,
} from "#protocols/bacnet/codec/services/property.ts";
import { settingsOf } from "#protocols/bacnet/settings.ts";
import type { Outcome, Station } from "#protocols/bacnet/station/ports.ts";
import { contactWith } from "./alarm-fixture.ts";

const CLASS = { type: 15, instance: 3 };
const ACK: Outcome = { kind: "ack", body: new Uint8Array() };
const UNKNOWN_SERVICE: Outcome = { kind: "reject", reason: 9 };
const DENIED: Outcome = { kind: "error", error: { errorClass: 2, errorCode: 40 }, body: new Uint8Array() };
const SILENT: Outcome = { kind: "timeout" };
const US: Recipient = { type: "address", value: { network: 0, mac: Uint8Array.of(10, 0, 0, 5, 0xba, 0xc0) } };
const EARLIER: Recipient = { type: "address", value: { network: 0, mac: Uint8Array.of(10, 0, 0, 5, 0x30, 0x39) } };
const OTHER: Recipient = { type: "device", value: { type: 8, instance: 77 } };
const settings = settingsOf({}).alarms;

const element = (recipient: Recipient, more: Partial<Destination> = {}): Destination => ({
  validDays: [true, true, true, true, true, true, true],
  fromTime: { hour: 0, minute: 0, second: 0, hundredths: 0 },
  toTime: { hour: 23, minute: 59, second: 59, hundredths: 99 },
  recipient,
  processId: 1,
  issueConfirmedNotifications: true,
  transitions: [true, true, true],
  ...more,
});

describe("the recipient list of a notification class", () => {
  let folder: string;
  let memory: DeviceMemory;
  let list: Destination[];
  let refuse: Map<number, Outcome>;
  let services: number[];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "parkhub-recipients-"));
    memory = new DeviceMemory(folder, silentLogger);
    list = [];
    refuse = new Map();
    services = [];
  });
  afterEach(async () => {
    memory.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** A device with one class. */
  function device(service: number, body: Uint8Array): Outcome {
    services.push(service);
    const refused = refuse.get(service);
    if (refused !== undefined) return refused;
    const same = (a: Destination, b: Destination): boolean =>
      JSON.stringify(rawList(destination, [a])) === JSON.stringify(rawList(destination, [b]));
    switch (service) {
      case CONFIRMED.readProperty: {
        const { property } = decodeReadProperty(body);
        const bits = { type: "bitString" as const, value: [true, true, false] };
        const values = property === PROPERTIES.recipientList ? rawList(destination, list) : [bits];
        return { kind: "ack", body: encodeReadPropertyAck({ object: CLASS, property, values }) };
      }
      case CONFIRMED.addListElement:
        list.push(...typedList(destination, decodeChangeList(body).elements));
        return ACK;
      case CONFIRMED.removeListElement: {
        const [gone] = typedList(destination, decodeChangeList(body).elements);
        list = list.filter((one) => gone === undefined || !same(one, gone));
        return ACK;
      }
      case CONFIRMED.writeProperty:
        list = [...typedList(destination, decodeWriteProperty(body).values)];
        return ACK;
      default:
        return UNKNOWN_SERVICE;
    }
  }

  const recipientsAs = (self: Recipient | undefined): Recipients =>
    new Recipients({ instance: 1001, logger: silentLogger, settings, memory, recipientAt: async () => self });
  const register = (self: Recipient | undefined = US): Promise<boolean> =>
    recipientsAs(self).register(contactWith(device), [CLASS]);
  const listed = (): readonly Recipient[] => list.map(({ recipient }) => recipient);

  it("gets us beside those who are there, once", async () => {
    list = [element(OTHER)];
    expect(await register()).toBe(true);
    expect(await register()).toBe(true);
    expect(listed()).toEqual([OTHER, US]);
    expect(list[1]).toMatchObject({ processId: 1, issueConfirmedNotifications: true });
  });

  it("says what wants to be acknowledged", async () => {
    const recipients = recipientsAs(US);
    await recipients.register(contactWith(device), [CLASS]);
    expect(recipients.facts(3)).toEqual({ ackRequired: [true, true, false] });
    expect(recipients.facts(undefined)).toBeUndefined();
  });

  it("loses the entry of an earlier address of ours, and no other gateway's", async () => {
    list = [element(OTHER)];
    await register(EARLIER);
    expect(await register(US)).toBe(true);
    expect(listed()).toEqual([OTHER, US]);
  });

  it("has its entry of ours corrected where it asks for something else", async () => {
    list = [element(US, { issueConfirmedNotifications: false })];
    expect(await register()).toBe(true);
    expect(list).toEqual([element(US)]);
  });

  it("is written as a whole where the device has no list services", async () => {
    list = [element(OTHER)];
    refuse.set(CONFIRMED.addListElement, UNKNOWN_SERVICE).set(CONFIRMED.removeListElement, UNKNOWN_SERVICE);
    expect(await register()).toBe(true);
    expect(listed()).toEqual([OTHER, US]);
  });

  it("of a device that refuses or falls silent is not ours", async () => {
    refuse.set(CONFIRMED.addListElement, DENIED);
    expect(await register()).toBe(false);
    refuse.set(CONFIRMED.readProperty, SILENT);
    expect(await register()).toBe(false);
    expect(services).not.toContain(CONFIRMED.writeProperty);
  });

  it("is left alone where our own address is not known", async () => {
    expect(await recipientsAs(undefined).register(contactWith(device), [CLASS])).toBe(false);
    expect(list).toEqual([]);
  });

  it("loses us when the device leaves the configuration, as soon as it answers", async () => {
    await register();
    let answers = false;
    const station: Pick<Station, "request"> = {
      request: async ({ service, body }) => (answers ? device(service, body) : SILENT),
    };
    const { signal } = new AbortController();
    const leave = (known: readonly number[]): Promise<void> =>
      withdraw(station as Station, memory, new Set(known), silentLogger, signal);
    await leave([1001]);
    await leave([]);
    expect(listed()).toEqual([US]);
    answers = true;
    await leave([]);
    expect(list).toEqual([]);
    services = [];
    await leave([]);
    expect(services).toEqual([]);
  });
});

describe("our own address as a device has it", () => {
  const endpoints = [{ host: "0.0.0.0", port: 47_808 }];

  it("is the local one towards the device, and our port", async () => {
    const self = await ownRecipient({ host: "127.0.0.1", port: 40_000 }, settings, endpoints);
    expect(self).toEqual({ type: "address", value: { network: 0, mac: Uint8Array.of(127, 0, 0, 1, 0xba, 0xc0) } });
  });

  it("is what the channel says where it says one", async () => {
    const { alarms } = settingsOf({ alarms: { address: { host: "192.0.2.7", port: 48_000 } } });
    const self = await ownRecipient({ host: "127.0.0.1", port: 40_000 }, alarms, endpoints);
    expect(self).toMatchObject({ value: { mac: Uint8Array.of(192, 0, 2, 7, 0xbb, 0x80) } });
  });

  it("needs the number of our network for a device behind a router", async () => {
    const peer = { host: "127.0.0.1", port: 47_808, station: { net: 5, mac: Uint8Array.of(12) } };
    expect(await ownRecipient(peer, settings, endpoints)).toBeUndefined();
    const { alarms } = settingsOf({ alarms: { network: 2 } });
    expect(await ownRecipient(peer, alarms, endpoints)).toMatchObject({ value: { network: 2 } });
  });
});
