import { beforeEach, describe, expect, it } from "vitest";
import { closing, drive, never, POLL, SETPOINT, settled, TEMPERATURE } from "./bacnet-harness.ts";
import { openBacnetJs } from "./bacnet-js.ts";

const PRESENT_VALUE = 85;
const STATUS_FLAGS = 111;
const REAL = 4;
const BIT_STRING = 8;
const ERROR = 105;
const READ_PROPERTY = 12;
const WRITE_PROPERTY = 15;
const SUBSCRIBE_COV = 5;

type Tagged = { type: number; value: unknown };

const POINTS = [
  { point: TEMPERATURE, address: { objectType: "analog-input", instance: 1 }, writable: false },
  { point: SETPOINT, address: { objectType: "analog-value", instance: 1, cov: false }, writable: true },
] as const;

describe("the BACnet driver with a device built on an independent stack", () => {
  const present = new Map<number, number>();
  let port: number;
  let written: { priority: number; value: unknown } | undefined;
  let notify: (value: number) => void;

  beforeEach(async () => {
    present.clear();
    present.set(0, 18.5).set(2, 20);
    written = undefined;
    const opened = await openBacnetJs();
    const { client } = opened;
    port = opened.port;
    closing.push(async () => client.close());

    function valuesOf(type: number, property: number): Tagged[] {
      if (property === PRESENT_VALUE) return [{ type: REAL, value: present.get(type) }];
      if (property === STATUS_FLAGS) return [{ type: BIT_STRING, value: { bitsUsed: 4, value: [0] } }];
      return [{ type: ERROR, value: { type: "BacnetError", errorClass: 2, errorCode: 32 } }];
    }
    client.on("whoIs", ({ header }) => client.iAmResponse(header?.sender ?? {}, 1001, 3, 260));
    client.on("readPropertyMultiple", ({ header, invokeId, payload }) => {
      const answer = payload.properties.map(({ objectId, properties }) => ({
        objectId,
        values: properties.map(({ id, index }) => ({ property: { id, index }, value: valuesOf(objectId.type, id) })),
      }));
      client.readPropertyMultipleResponse(header?.sender ?? {}, invokeId ?? 0, answer as never);
    });
    client.on("readProperty", ({ header, invokeId, payload }) => {
      const { objectId, property } = payload;
      const values = valuesOf(objectId.type, property.id);
      const to = header?.sender ?? {};
      // its encoder knows errors only within ReadPropertyMultiple
      if (values[0]?.type === ERROR) client.errorResponse(to, READ_PROPERTY, invokeId ?? 0, 2, 32);
      else client.readPropertyResponse(to, invokeId ?? 0, objectId, property, values as never);
    });
    client.on("writeProperty", ({ header, invokeId, payload }) => {
      const [value] = payload.value.value;
      written = { priority: payload.value.priority, value: value?.value };
      present.set(payload.objectId.type, Number(value?.value));
      client.simpleAckResponse(header?.sender ?? {}, WRITE_PROPERTY, invokeId ?? 0);
    });
    client.on("subscribeCov", ({ header, invokeId, payload }) => {
      const to = header?.sender ?? {};
      client.simpleAckResponse(to, SUBSCRIBE_COV, invokeId ?? 0);
      notify = (value) =>
        client.unconfirmedCOVNotification(to, payload.subscriberProcessId, 1001, payload.monitoredObjectId, 60, [
          { property: { id: PRESENT_VALUE }, value: [{ type: REAL, value }] },
          { property: { id: STATUS_FLAGS }, value: [{ type: BIT_STRING, value: { bitsUsed: 4, value: [0] } }] },
        ] as never);
      notify(present.get(0) ?? 0);
    });
  });

  it("reads, is notified and writes with read-back", async () => {
    const [driver, recording] = await drive(port, { pollMs: 60_000, safetyPollMs: 55_000 }, POINTS);
    await settled(recording, POINTS);
    expect([TEMPERATURE, SETPOINT].map((point) => recording.latest(point)?.value)).toEqual([18.5, 20]);
    await expect.poll(() => driver.counters()["covNotifications"], POLL).toBe(1);
    notify(23.25);
    await expect.poll(() => recording.latest(TEMPERATURE)?.value, POLL).toBe(23.25);
    const result = await driver.write({ point: SETPOINT, value: 21.5, priority: 8 }, never);
    expect(result).toEqual({ status: "done", readBack: 21.5 });
    expect(written).toEqual({ priority: 8, value: 21.5 });
    expect(driver.counters()).toMatchObject({ malformed: 0, timeouts: 0, covUnknown: 0 });
  });
});
