import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { OBJECT_TYPES, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import { decodeFrame, encodeFrame } from "#protocols/bacnet/codec/frame.ts";
import { encodeCovNotification } from "#protocols/bacnet/codec/services/cov.ts";
import { encodeIAm } from "#protocols/bacnet/codec/services/discovery.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { airHandler, loopbackSocket, manyInputs, type Tap } from "./bacnet-fixture.ts";
import {
  COV_ONLY,
  closing,
  DEVICE,
  drive,
  id,
  POINTS,
  POLL,
  serve,
  settled,
  TEMPERATURE,
  tapped,
  values,
} from "./bacnet-harness.ts";
import { recordDriver } from "./driver-contract.ts";

const RPM = 14;
const SUBSCRIBE_COV = 5;

/** Services of the confirmed requests that a relay saw from the client. */
function requests({ seen }: Tap): readonly number[] {
  return seen.flatMap(({ fromClient, payload }) => {
    const frame = fromClient ? decodeFrame(payload) : undefined;
    return frame?.kind === "apdu" && frame.apdu.type === "confirmedRequest" ? [frame.apdu.service] : [];
  });
}

describe("what a BACnet device can take", () => {
  it("is remembered over a restart of the gateway", async () => {
    const device = airHandler("ahu-1", manyInputs(60));
    const server = await serve({ maxApdu: 128, segments: false, covSlots: 2, readsMultiple: false }, device);
    const folder = await mkdtemp(path.join(tmpdir(), "bacnet-memory-"));
    const relay = await tapped(server);
    const [driver, recording] = await drive(relay.port, {}, POINTS, recordDriver({ folder }));
    await settled(recording);
    await expect.poll(() => driver.counters()["covRefused"], POLL).toBe(2);
    expect(requests(relay)).toContain(RPM);
    await driver.stop();
    relay.seen.length = 0;
    const [again, recordingAgain] = await drive(relay.port, {}, POINTS, recordDriver({ folder }));
    await settled(recordingAgain);
    // the two slots are its own again although the former start still held them
    await expect.poll(() => again.counters()["covNotifications"] ?? 0, POLL).toBeGreaterThanOrEqual(2);
    expect(server.subscriptions).toBe(2);
    expect(requests(relay)).not.toContain(RPM);
    await again.stop();
  });
});

describe("a restart of a BACnet device", () => {
  it("is taken from its restart notification", async () => {
    const device = airHandler();
    const server = await serve({}, device);
    const relay = await tapped(server);
    const [driver, recording] = await drive(relay.port, { ...COV_ONLY });
    await settled(recording);
    await expect.poll(() => server.subscriptions, POLL).toBe(4);
    // it loses its subscriptions, and the I-Am of its start is lost
    relay.answer = (payload) => {
      const frame = decodeFrame(payload);
      const announcement = frame.kind === "apdu" && frame.apdu.type === "unconfirmedRequest";
      return announcement && frame.apdu.service === 0 ? [] : [payload];
    };
    await server.reboot(10);
    const itself = { type: OBJECT_TYPES.device, instance: 1001 };
    const now = { type: "unsigned", value: 1 } as const;
    const body = encodeCovNotification({
      processId: 0,
      device: itself,
      object: itself,
      timeRemainingS: 0,
      values: [{ property: PROPERTIES.timeOfDeviceRestart, values: [now] }],
    });
    await relay.inject(encodeFrame({ type: "unconfirmedRequest", service: 2, body }));
    await expect.poll(() => server.subscriptions, POLL).toBe(4);
    device.write("supply-temperature", 30);
    await expect.poll(() => recording.latest(TEMPERATURE)?.value, POLL).toBe(30);
    expect(driver.counters()["resyncs"]).toBe(1);
  });

  it("is noticed by the device's sign of life when it happened silently", async () => {
    const device = airHandler();
    const server = await serve({}, device);
    const relay = await tapped(server);
    const [driver, recording] = await drive(relay.port, { pollMs: 200, safetyPollMs: 3_600_000 });
    await settled(recording);
    await expect.poll(() => server.subscriptions, POLL).toBe(4);
    // neither its I-Am nor its restart notification arrives
    relay.answer = (payload) => {
      const frame = decodeFrame(payload);
      return frame.kind === "apdu" && frame.apdu.type === "unconfirmedRequest" ? [] : [payload];
    };
    await server.reboot(10);
    await expect.poll(() => driver.counters()["resyncs"], POLL).toBe(1);
    await expect.poll(() => server.subscriptions, POLL).toBe(4);
    relay.answer = undefined;
    device.write("supply-temperature", 30);
    await expect.poll(() => recording.latest(TEMPERATURE)?.value, POLL).toBe(30);
    expect(recording.reachability(DEVICE)).toEqual([true]);
    expect(recording.events).toMatchObject([{ device: DEVICE, kind: "restarted" }]);
  });

  it("is not concluded from the I-Am that somebody else's Who-Is brings, where the device tells its restarts", async () => {
    const clock = new ManualClock(0);
    const relay = await tapped(await serve());
    const config = { pollMs: 60_000, apduTimeoutMs: 60_000 };
    const [driver, recording] = await drive(relay.port, config, POINTS, recordDriver({ clock }));
    await settled(recording);
    const device = { type: OBJECT_TYPES.device, instance: 1001 };
    const iAm = encodeIAm({ device, maxApdu: 1476, segmentation: 1, vendorId: 0 });
    const datagram = encodeFrame({ type: "unconfirmedRequest", service: 0, body: iAm });
    // one a second for six minutes
    await expect
      .poll(
        async () => {
          await relay.inject(datagram);
          clock.advance(1000);
          return clock.monotonic();
        },
        { timeout: 15_000, interval: 2 },
      )
      .toBeGreaterThan(360_000);
    expect(driver.counters()["resyncs"]).toBe(0);
    expect(recording.reachability(DEVICE)).toEqual([true]);
  });
});

describe("a point that COV tells", () => {
  it("is vouched for by the device's sign of life: it is not read, and told again within 60 s", async () => {
    const clock = new ManualClock(0);
    const recording = recordDriver({ clock });
    const relay = await tapped(await serve());
    const config = { pollMs: 20_000, safetyPollMs: 3_600_000, apduTimeoutMs: 60_000 };
    await drive(relay.port, config, POINTS, recording);
    await settled(recording);
    await expect.poll(() => requests(relay).filter((service) => service === SUBSCRIBE_COV).length, POLL).toBe(4);
    const read = (): number =>
      relay.seen.filter(({ fromClient, payload }) => {
        const frame = fromClient ? decodeFrame(payload) : undefined;
        const apdu = frame?.kind === "apdu" && frame.apdu.type === "confirmedRequest" ? frame.apdu : undefined;
        // the present value of analog-input 1: neither the device's signs of life nor what its alarms need
        return (
          apdu?.service === RPM &&
          Buffer.from(apdu.body).includes(Buffer.from([0x0c, 0, 0, 0, 1, 0x1e, 0x09, PROPERTIES.presentValue]))
        );
      }).length;
    const before = read();
    await expect
      .poll(
        () => {
          clock.advance(500);
          return values(recording, TEMPERATURE).length;
        },
        { timeout: 15_000, interval: 2 },
      )
      .toBeGreaterThanOrEqual(4);
    expect(read()).toBe(before);
    const times = recording.samples.filter(({ point }) => point === TEMPERATURE).map(({ observedAt }) => observedAt);
    expect(Math.max(...times.slice(1).map((time, i) => time - (times[i] ?? 0)))).toBeLessThanOrEqual(60_000);
  });
});

describe("two BACnet devices of one instance", () => {
  it("raise an alarm of the device, which ends when the second one is gone for a while", async () => {
    const clock = new ManualClock(1_000_000);
    const recording = recordDriver({ clock });
    const relay = await tapped(await serve());
    const [driver] = await drive(relay.port, { ...COV_ONLY, apduTimeoutMs: 60_000 }, POINTS, recording);
    await settled(recording);
    const impostor = await loopbackSocket();
    closing.push(() => impostor.close());
    const device = { type: OBJECT_TYPES.device, instance: 1001 };
    const body = encodeIAm({ device, maxApdu: 1476, segmentation: 3, vendorId: 0 });
    const claim = encodeFrame({ type: "unconfirmedRequest", service: 0, body });
    for (let time = 0; time < 2; time++) {
      impostor.socket.send(claim, relay.seen[0]?.clientPort ?? 0, "127.0.0.1");
      await expect.poll(() => driver.counters()["duplicateInstance"], POLL).toBe(time + 1);
    }
    const changes = () =>
      recording.conditions.filter(
        ({ complete, conditions }) => !complete && conditions[0]?.condition === "duplicateInstance",
      );
    expect(changes()).toMatchObject([{ device: DEVICE, conditions: [{ active: true }] }]);
    const found = changes()[0]?.conditions[0]?.message;
    expect(found).toContain(`127.0.0.1:${impostor.port}`);
    expect(recording.latest(id("supply-temperature"))).toMatchObject({ quality: "good", value: 18.5 });
    clock.advance(600_000);
    expect(changes().at(-1)).toMatchObject({ conditions: [{ active: false }] });
  });
});
