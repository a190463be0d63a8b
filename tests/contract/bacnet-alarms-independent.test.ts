import { describe, expect, it } from "vitest";
import { last } from "./bacnet-alarm-fixture.ts";
import { closing, drive, POLL, settled, TEMPERATURE } from "./bacnet-harness.ts";
import { openBacnetJs } from "./bacnet-js.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";

const PRESENT_VALUE = 85;
const STATUS_FLAGS = 111;
const REAL = 4;
const BIT_STRING = 8;
const SUBSCRIBE_COV = 5;
const NO_FLAGS = { type: BIT_STRING, value: { bitsUsed: 4, value: [0] } };
const POINTS = [
  { point: TEMPERATURE, address: { objectType: "analog-input", instance: 1, cov: false }, writable: false },
] as const;

/** An alarm as the independent stack's encoder takes it. */
const HIGH = {
  processId: 1,
  initiatingObjectId: { type: 8, instance: 1001 },
  eventObjectId: { type: 0, instance: 1 },
  timeStamp: { type: 1, value: 42 },
  notificationClass: 1,
  priority: 100,
  eventType: 5,
  notifyType: 0,
  ackRequired: true,
  fromState: 0,
  toState: 3,
  outOfRangeExceedingValue: 31.5,
  outOfRangeStatusFlags: { bitsUsed: 4, value: [1] },
  outOfRangeDeadband: 1,
  outOfRangeExceededLimit: 30,
};

/** A device built on the independent stack, and the driver that watches it. */
async function watched(recording: Recording) {
  const { client, port } = await openBacnetJs();
  closing.push(async () => client.close());
  let gateway: { address?: string } = {};
  client.on("whoIs", ({ header }) => {
    gateway = header?.sender ?? {};
    client.iAmResponse(gateway, 1001, 3, 260);
  });
  const valuesOf = (property: number): readonly unknown[] => {
    if (property === PRESENT_VALUE) return [{ type: REAL, value: 18.5 }];
    if (property === STATUS_FLAGS) return [NO_FLAGS];
    return [{ type: 105, value: { type: "BacnetError", errorClass: 2, errorCode: 32 } }];
  };
  client.on("readPropertyMultiple", ({ header, invokeId, payload }) => {
    const answer = payload.properties.map(({ objectId, properties }) => ({
      objectId,
      values: properties.map(({ id, index }) => ({ property: { id, index }, value: valuesOf(id) })),
    }));
    client.readPropertyMultipleResponse(header?.sender ?? {}, invokeId ?? 0, answer as never);
  });
  client.on("readProperty", ({ header, service, invokeId, payload }) => {
    const { objectId, property } = payload;
    if (property.id !== PRESENT_VALUE) {
      client.errorResponse(header?.sender ?? {}, service ?? 12, invokeId ?? 0, 2, 32);
      return;
    }
    client.readPropertyResponse(
      header?.sender ?? {},
      invokeId ?? 0,
      objectId,
      property,
      valuesOf(property.id) as never,
    );
  });
  client.on("subscribeCov", ({ header, invokeId }) =>
    client.simpleAckResponse(header?.sender ?? {}, SUBSCRIBE_COV, invokeId ?? 0),
  );
  const [driver] = await drive(port, { pollMs: 60_000 }, POINTS, recording);
  await settled(recording, POINTS);
  return { client, driver, gateway: () => gateway };
}

describe("an alarm told by an independent stack", () => {
  it("is answered after it is stored, with a time stamp that is no time", async () => {
    const recording = recordDriver();
    const { client, gateway, driver } = await watched(recording);
    await client.confirmedEventNotification(gateway(), HIGH as never);
    expect(last(recording, "analog-input:1")).toMatchObject({
      active: true,
      acknowledged: false,
      priority: "high",
      message: "analog-input:1 高于上限：31.5，限值 30，回差 1 / above high limit: 31.5, limit 30, deadband 1",
    });
    expect(last(recording, "analog-input:1")).not.toHaveProperty("sourceTime");
    expect(recording.events.at(-1)).toMatchObject({ kind: "alarmNotification", data: { value: 31.5, limit: 30 } });
    const normal = { ...HIGH, timeStamp: { type: 1, value: 43 }, ackRequired: false, fromState: 3, toState: 0 };
    await client.confirmedEventNotification(gateway(), normal as never);
    expect(last(recording, "analog-input:1")).toMatchObject({ active: false, acknowledged: false });
    expect(driver.counters()).toMatchObject({ eventNotifications: 2, malformed: 0 });
  });

  it("comes in unconfirmed as well, and its repetition is one alarm", async () => {
    const recording = recordDriver();
    const { client, gateway, driver } = await watched(recording);
    client.unconfirmedEventNotification(gateway(), HIGH as never);
    client.unconfirmedEventNotification(gateway(), HIGH as never);
    await expect.poll(() => driver.counters()["eventsRepeated"], POLL).toBe(1);
    expect(recording.conditions.filter(({ complete }) => !complete)).toHaveLength(1);
    expect(recording.events).toHaveLength(1);
  });

  it("is not answered while it cannot be stored", async () => {
    const recording = recordDriver({ storeEvent: () => Promise.reject(new Error("the disk is full")) });
    const { client, gateway, driver } = await watched(recording);
    await expect(client.confirmedEventNotification(gateway(), HIGH as never)).rejects.toThrow(/TIMEOUT/);
    expect(driver.counters()["eventsNotStored"]).toBeGreaterThan(0);
  });

  it("of a device that is not configured is refused", async () => {
    const recording = recordDriver();
    const { client, gateway, driver } = await watched(recording);
    const stranger = { ...HIGH, initiatingObjectId: { type: 8, instance: 4711 } };
    await expect(client.confirmedEventNotification(gateway(), stranger as never)).rejects.toThrow(/Error/i);
    expect(driver.counters()["eventsUnknown"]).toBe(1);
    expect(recording.events).toEqual([]);
  });
});
