import { expect, it } from "vitest";
import { CONFIRMED, OBJECT_TYPES, PROPERTIES, UNCONFIRMED } from "#protocols/bacnet/codec/enums.ts";
import { encodeAcknowledgeAlarm, encodeGetEventInformation } from "#protocols/bacnet/codec/services/alarms.ts";
import { encodeSubscribeCov } from "#protocols/bacnet/codec/services/cov.ts";
import {
  encodeDeviceCommunicationControl,
  encodeReinitializeDevice,
} from "#protocols/bacnet/codec/services/device-control.ts";
import { encodeIAm, encodeWhoIs } from "#protocols/bacnet/codec/services/discovery.ts";
import { encodeChangeList } from "#protocols/bacnet/codec/services/list-element.ts";
import {
  encodeReadProperty,
  encodeReadPropertyMultiple,
  encodeWriteProperty,
} from "#protocols/bacnet/codec/services/property.ts";
import { encodeReadRange } from "#protocols/bacnet/codec/services/read-range.ts";
import { encodeSubscribeCovProperty } from "#protocols/bacnet/codec/services/subscribe-cov-property.ts";
import { encodeTimeSynchronization } from "#protocols/bacnet/codec/services/time-synchronization.ts";
import { encodeWhoHas } from "#protocols/bacnet/codec/services/who-has.ts";
import { encodeWritePropertyMultiple } from "#protocols/bacnet/codec/services/write-property-multiple.ts";
import { dateTimeOf } from "#protocols/bacnet/codec/timestamp.ts";
import { Random } from "#simulators/devices/physics.ts";
import { extrasOf } from "#simulators/park-bacnet.ts";
import { buildDevices } from "#simulators/park-devices.ts";
import { bacnetObjectsOf } from "#simulators/servers/bacnet.ts";
import { serveAirHandler } from "./bacnet-fixture.ts";
import { closeAfter, only, workstation } from "./bacnet-server-fixture.ts";

const REQUESTS = 2000;
const AT_ONCE = 20;
const POINT = { type: OBJECT_TYPES["analog-value"], instance: 1 };
const stamp = { type: "dateTime", value: dateTimeOf(0, 0) } as const;
const present = { property: PROPERTIES.presentValue };
const value = [{ type: "real", value: 20 }] as const;

/** A request of every confirmed service that is executed. */
const CONFIRMED_BODIES: readonly (readonly [service: number, body: Uint8Array])[] = [
  [CONFIRMED.readProperty, encodeReadProperty({ object: POINT, ...present })],
  [
    CONFIRMED.readPropertyMultiple,
    encodeReadPropertyMultiple([{ object: POINT, properties: [present, { property: 8 }] }]),
  ],
  [CONFIRMED.writeProperty, encodeWriteProperty({ object: POINT, ...present, values: value, priority: 8 })],
  [
    CONFIRMED.writeProperty,
    encodeWriteProperty({
      object: { type: OBJECT_TYPES.schedule, instance: 1 },
      property: PROPERTIES.weeklySchedule,
      index: 1,
      values: [
        { type: "raw", tag: 0, context: true, constructed: true, value: Uint8Array.of(0xb4, 7, 0, 0, 0, 0x21, 2) },
      ],
    }),
  ],
  [
    CONFIRMED.writePropertyMultiple,
    encodeWritePropertyMultiple([{ object: POINT, properties: [{ ...present, values: value }] }]),
  ],
  [
    CONFIRMED.subscribeCov,
    encodeSubscribeCov({ processId: 1, object: POINT, subscription: { confirmed: false, lifetimeS: 60 } }),
  ],
  [
    CONFIRMED.subscribeCovProperty,
    encodeSubscribeCovProperty({
      processId: 1,
      object: POINT,
      confirmed: false,
      lifetimeS: 60,
      monitoredProperty: present,
    }),
  ],
  [
    CONFIRMED.addListElement,
    encodeChangeList({
      object: { type: OBJECT_TYPES.calendar, instance: 1 },
      property: PROPERTIES.dateList,
      elements: [{ type: "raw", tag: 0, context: true, constructed: false, value: Uint8Array.of(126, 3, 2, 1) }],
    }),
  ],
  [
    CONFIRMED.readRange,
    encodeReadRange({
      object: { type: OBJECT_TYPES["trend-log"], instance: 1 },
      property: PROPERTIES.logBuffer,
      range: { type: "bySequenceNumber", value: { referenceSequenceNumber: 1, count: 10 } },
    }),
  ],
  [
    CONFIRMED.acknowledgeAlarm,
    encodeAcknowledgeAlarm({
      processId: 1,
      eventObject: { type: OBJECT_TYPES["analog-input"], instance: 1 },
      eventStateAcknowledged: 3,
      timeStamp: stamp,
      acknowledgmentSource: "x",
      timeOfAcknowledgment: stamp,
    }),
  ],
  [CONFIRMED.getEventInformation, encodeGetEventInformation({ lastReceivedObject: POINT })],
  [CONFIRMED.deviceCommunicationControl, encodeDeviceCommunicationControl({ enableDisable: 1, password: "no" })],
  [CONFIRMED.reinitializeDevice, encodeReinitializeDevice({ state: 0, password: "no" })],
];

const ANNOUNCED_BODIES: readonly (readonly [service: number, body: Uint8Array])[] = [
  [UNCONFIRMED.whoIs, encodeWhoIs({ low: 1, high: 2000 })],
  [UNCONFIRMED.whoHas, encodeWhoHas({ object: { type: "name", value: "送风温度" } })],
  [UNCONFIRMED.iAm, encodeIAm({ device: { type: 8, instance: 7 }, maxApdu: 480, segmentation: 3, vendorId: 1 })],
  [UNCONFIRMED.timeSynchronization, encodeTimeSynchronization(dateTimeOf(Date.UTC(2026, 0, 1), 0))],
  [UNCONFIRMED.utcTimeSynchronization, encodeTimeSynchronization(dateTimeOf(Date.UTC(2026, 0, 1), 0))],
];

/** A body with some bytes changed, left out or put in. */
function mutated(body: Uint8Array, random: Random): Uint8Array {
  const bytes = [...body];
  const changes = 1 + Math.floor(random.next() * 3);
  for (let i = 0; i < changes; i++) {
    const at = Math.floor(random.next() * (bytes.length + 1));
    const byte = Math.floor(random.next() * 256);
    const kind = random.next();
    if (kind < 0.6) bytes[Math.min(at, Math.max(0, bytes.length - 1))] = byte;
    else if (kind < 0.8) bytes.splice(at, 1 + Math.floor(random.next() * 4));
    else bytes.splice(at, 0, byte);
  }
  return Uint8Array.from(bytes);
}

it("answers every mutated request of every service, and lives", async () => {
  const seed = Number(process.env["PARKHUB_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  const random = new Random(seed);
  const [ahu] = buildDevices(1, () => 0).bacnet;
  if (ahu === undefined) throw new Error("no device");
  const options = { ...extrasOf(ahu), objects: bacnetObjectsOf(ahu), password: "secret" };
  const server = closeAfter(await serveAirHandler(1001, options, ahu));
  const client = await workstation(server, { peerPace: { window: AT_ONCE } });
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;
  for (let asked = 0; asked < REQUESTS; asked += AT_ONCE) {
    const [service, body] = pick(ANNOUNCED_BODIES);
    client.announce(service, mutated(body, random));
    const outcomes = await Promise.all(
      Array.from({ length: AT_ONCE }, () => {
        const [choice, whole] = pick(CONFIRMED_BODIES);
        return client.ask(choice, mutated(whole, random));
      }),
    );
    for (const { kind } of outcomes) expect(["ack", "error", "reject", "abort"], `seed ${seed}`).toContain(kind);
  }
  expect(only(await client.read({ type: OBJECT_TYPES.device, instance: 1001 }, PROPERTIES.systemStatus))).toBe(0);
  expect(server.subscriptions, `seed ${seed}`).toBeLessThanOrEqual(1000);
}, 60_000);
