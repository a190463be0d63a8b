import { describe, expect, it } from "vitest";
import { silentLogger } from "#core/logger.ts";
import { ABORT, CONFIRMED, OBJECT_TYPES, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import { encodeSubscribeCov } from "#protocols/bacnet/codec/services/cov.ts";
import {
  decodeReadPropertyAck,
  encodeReadProperty,
  encodeReadPropertyMultiple,
  encodeWriteProperty,
} from "#protocols/bacnet/codec/services/property.ts";
import type { BacnetValue } from "#protocols/bacnet/codec/values.ts";
import { Lifecycle } from "#protocols/bacnet/server/lifecycle.ts";
import type { PointDefinition, PointValue } from "#protocols/bacnet/server/points/definition.ts";
import { ServedDevice } from "#protocols/bacnet/server/served-device.ts";
import type { TrendLogDefinition } from "#protocols/bacnet/server/trends/trend-log.ts";
import { FULL_ABILITIES } from "#protocols/bacnet/station/framing.ts";
import type { Reply } from "#protocols/bacnet/station/ports.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const HOUR_MIN = 60;
const LONGEST_TIMER_MS = 0x7fff_ffff;
const PEER = { host: "127.0.0.1", port: 47_808 };
const FACTS = {
  instance: 1,
  name: "空调机组",
  description: "AHU",
  vendorId: 0,
  vendorName: "Parkhub",
  modelName: "test",
  firmwareRevision: "1",
  applicationSoftwareVersion: "1",
};

/** A served device on a clock that stands still; `told` is what it announced by itself. */
function served(points: readonly PointDefinition[], trendLogs: readonly TrendLogDefinition[] = []) {
  const clock = new ManualClock(0);
  const told: number[] = [];
  const errors: unknown[] = [];
  const device = new ServedDevice(
    { device: FACTS, points, trendLogs },
    {
      clock,
      logger: { ...silentLogger, error: (fields: unknown) => void errors.push(fields) },
      station: () => ({
        request: async () => ({ kind: "cancelled" }),
        announce: (service) => void told.push(service),
        routeTo: async () => undefined,
      }),
      abilities: () => FULL_ABILITIES,
      restart: () => {},
    },
  );
  const ask = (service: number, body: Uint8Array): Reply => device.asked({ peer: PEER, service, body, maxApdu: 1476 });
  const write = (instance: number, property: number, value: BacnetValue, priority?: number): Reply => {
    const object = { type: 1, instance };
    const named = priority === undefined ? {} : { priority };
    return ask(CONFIRMED.writeProperty, encodeWriteProperty({ object, property, values: [value], ...named }));
  };
  return { clock, device, told, errors, ask, write };
}

function output(instance: number, source: PointDefinition["source"]): PointDefinition {
  return { id: { type: 1, instance }, name: `输出 ${instance}`, description: "Output", source, commandable: true };
}

it("keeps a device quiet for as many weeks as DeviceCommunicationControl says", () => {
  const clock = new ManualClock(0);
  // as the machine's timers, which take a longer wait for none at all
  const after = (ms: number, then: () => void) => clock.after(ms > LONGEST_TIMER_MS ? 1 : ms, then);
  const lifecycle = new Lifecycle(
    Object.assign(Object.create(clock), { after, monotonic: () => clock.monotonic() }),
    undefined,
  );
  lifecycle.communicate("disabled", 65_535);
  clock.advance(65_534 * HOUR_MIN * 1000);
  expect(lifecycle.communication).toBe("disabled");
  clock.advance(HOUR_MIN * 1000);
  expect(lifecycle.communication).toBe("enabled");
  expect(lifecycle.initiates).toBe(true);
});

it("an output follows its priority array again when it comes back into service", () => {
  let equipment: PointValue = 20;
  const { write } = served([
    output(1, {
      read: () => equipment,
      write(value) {
        equipment = value;
      },
    }),
  ]);
  write(1, PROPERTIES.presentValue, { type: "real", value: 50 }, 8);
  write(1, PROPERTIES.outOfService, { type: "boolean", value: true });
  write(1, PROPERTIES.presentValue, { type: "null" }, 8);
  expect(equipment).toBe(50);
  write(1, PROPERTIES.outOfService, { type: "boolean", value: false });
  expect(equipment).toBe(20);
});

describe("a source that fails", () => {
  it("costs no other object its notifications, and is told once", () => {
    let broken = false;
    let value = 1;
    const { clock, device, told, errors, ask } = served([
      output(1, {
        read() {
          if (broken) throw new Error("no connection");
          return 0;
        },
        write: () => {},
      }),
      output(2, { read: () => value, write: () => {} }),
    ]);
    device.start();
    for (const instance of [1, 2]) {
      const object = { type: 1, instance };
      const subscription = { confirmed: false, lifetimeS: 0 };
      ask(CONFIRMED.subscribeCov, encodeSubscribeCov({ processId: 1, object, subscription }));
    }
    clock.advance(100);
    expect(told).toHaveLength(2);
    broken = true;
    value = 2;
    clock.advance(1000);
    expect(told).toHaveLength(3);
    expect(errors).toHaveLength(1);
    device.close();
    expect(clock.pending).toBe(0);
  });
});

it("tells nothing by itself after it was closed, whatever was written just before", async () => {
  let value: PointValue = 1;
  let reads = 0;
  const { device, write } = served([
    {
      ...output(1, {
        read() {
          reads += 1;
          return value;
        },
        write(next) {
          value = next;
        },
      }),
      event: { algorithm: { kind: "outOfRange", highLimit: 30, lowLimit: 0 }, notificationClass: 1 },
    },
  ]);
  device.start();
  write(1, PROPERTIES.presentValue, { type: "real", value: 50 });
  device.close();
  const before = reads;
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(reads).toBe(before);
});

it("takes a subscription of any lifetime, and still tells all others", () => {
  let value = 1;
  const { clock, device, told, errors, ask } = served([output(1, { read: () => value, write: () => {} })]);
  const object = { type: 1, instance: 1 };
  // here the remaining time of the longest lifetime is rounded to what is no safe integer any more
  clock.advance(170_496);
  for (const [processId, lifetimeS] of [
    [1, Number.MAX_SAFE_INTEGER],
    [2, 60],
  ] as const) {
    const subscription = { confirmed: false, lifetimeS };
    ask(CONFIRMED.subscribeCov, encodeSubscribeCov({ processId, object, subscription }));
  }
  const listed = { object: { type: OBJECT_TYPES.device, instance: 1 }, property: PROPERTIES.activeCovSubscriptions };
  expect(ask(CONFIRMED.readProperty, encodeReadProperty(listed)).kind).toBe("ack");
  device.start();
  for (let i = 0; i < 5; i++) {
    value += 1;
    clock.advance(100);
  }
  expect(told).toHaveLength(10);
  expect(errors).toEqual([]);
  device.close();
});

it("aborts a ReadPropertyMultiple that asks for the same over and over, instead of running out of memory", () => {
  const { ask } = served([output(1, { read: () => 0, write: () => {} })]);
  const object = { type: 1, instance: 1 };
  const all = { property: PROPERTIES.all };
  const often = Array.from({ length: 20_000 }, () => ({ object, properties: [all] }));
  const deep = [{ object, properties: often.map(() => all) }];
  for (const asked of [often, deep]) {
    const reply = ask(CONFIRMED.readPropertyMultiple, encodeReadPropertyMultiple(asked));
    expect(reply).toEqual({ kind: "abort", reason: ABORT.bufferOverflow });
  }
});

it("a log of changes records that a value was lost and that it is there again", () => {
  let value = 20;
  const source = { object: { type: 1, instance: 1 }, property: PROPERTIES.presentValue };
  const log = { instance: 1, name: "历史", description: "Trend", bufferSize: 10, logs: "changes", source } as const;
  const { clock, device, ask } = served([output(1, { read: () => value, write: () => {} })], [log]);
  const records = (): BacnetValue | undefined => {
    const asked = { object: { type: OBJECT_TYPES["trend-log"], instance: 1 }, property: PROPERTIES.recordCount };
    const reply = ask(CONFIRMED.readProperty, encodeReadProperty(asked));
    if (reply.kind !== "ack" || reply.body === undefined) throw new Error(reply.kind);
    return decodeReadPropertyAck(reply.body).values[0];
  };
  device.start();
  clock.advance(100);
  value = Number.NaN;
  clock.advance(1000);
  expect(records()).toEqual({ type: "unsigned", value: 2 });
  value = 20;
  clock.advance(1000);
  expect(records()).toEqual({ type: "unsigned", value: 3 });
  device.close();
});
