import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import { decodeFrame, encodeFrame } from "#protocols/bacnet/codec/frame.ts";
import { encodeIAm } from "#protocols/bacnet/codec/services/discovery.ts";
import { decodeReadPropertyAck } from "#protocols/bacnet/codec/services/property.ts";
import { bacnet } from "#protocols/bacnet/index.ts";
import type { SimulatedDevice } from "#simulators/device.ts";
import { freePort } from "#tests/free-port.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { airHandler, loopbackSocket, manyInputs, serveAirHandler, tap } from "./bacnet-fixture.ts";
import {
  COV_ONLY,
  closing,
  DEVICE,
  drive,
  id,
  MODE,
  never,
  POINTS,
  POLL,
  RUN,
  SETPOINT,
  serve,
  settled,
  TEMPERATURE,
  tapped,
  values,
} from "./bacnet-harness.ts";
import { recordDriver } from "./driver-contract.ts";

const READ_PROPERTY = 12;

describe("the BACnet driver observes", () => {
  it("gives each kind of object its value", async () => {
    const [, recording] = await drive((await serve()).address.port);
    await settled(recording);
    expect([TEMPERATURE, SETPOINT, RUN, MODE].map((point) => recording.latest(point)?.value)).toEqual([
      18.5,
      20,
      false,
      1,
    ]);
  });

  it.each([false, true])("tells changes by COV, confirmed %s", async (covConfirmed) => {
    const device = airHandler();
    const server = await serve({}, device);
    const [driver, recording] = await drive(server.address.port, { ...COV_ONLY, covConfirmed });
    await settled(recording);
    await expect.poll(() => server.subscriptions, POLL).toBe(4);
    device.write("supply-temperature", 21);
    device.write("fan-run", true);
    await expect.poll(() => recording.latest(TEMPERATURE)?.value, POLL).toBe(21);
    await expect.poll(() => recording.latest(RUN)?.value, POLL).toBe(true);
    expect(driver.counters()).toMatchObject({ malformed: 0, late: 0, covUnknown: 0, timeouts: 0 });
  });

  it("subscribes to a property where an increment of its own is asked for", async () => {
    const device = airHandler();
    const relay = await tapped(await serve({}, device));
    const address = { objectType: "analog-input", instance: 1, covIncrement: 0.125 } as const;
    const points = [{ point: TEMPERATURE, address, writable: false }];
    const [driver, recording] = await drive(relay.port, COV_ONLY, points);
    await settled(recording, points);
    await expect.poll(() => driver.counters()["covNotifications"], POLL).toBe(1);
    // the object's own COV_Increment is 0.5
    device.write("supply-temperature", 18.75);
    await expect.poll(() => recording.latest(TEMPERATURE)?.value, POLL).toBe(18.75);
    expect(driver.counters()).toMatchObject({ covRefused: 0, covUnknown: 0 });
  });

  it("polls what a device refuses to subscribe", async () => {
    const device = airHandler();
    const server = await serve({ covSlots: 2 }, device);
    const [driver, recording] = await drive(server.address.port);
    await settled(recording);
    await expect.poll(() => driver.counters()["covRefused"], POLL).toBe(2);
    expect(server.subscriptions).toBe(2);
    device.write("mode", 3);
    device.write("fan-run", true);
    device.write("supply-setpoint", 25);
    device.write("supply-temperature", 25);
    await expect
      .poll(() => [TEMPERATURE, SETPOINT, RUN, MODE].map((point) => recording.latest(point)?.value), POLL)
      .toEqual([25, 25, true, 3]);
  });

  it("reads a device without ReadPropertyMultiple, one property at a time", async () => {
    const [, recording] = await drive((await serve({ readsMultiple: false })).address.port);
    await settled(recording);
    expect(recording.latest(SETPOINT)?.value).toBe(20);
  });

  it("reads a device that can neither segment nor take large APDUs", async () => {
    const device = airHandler("ahu-1", manyInputs(120));
    const server = await serve({ maxApdu: 128, segments: false }, device);
    const points = manyInputs(120).map(({ name }, i) => ({
      point: id(name),
      address: { objectType: "analog-input" as const, instance: i + 2 },
      writable: false,
    }));
    const [, recording] = await drive(server.address.port, {}, points);
    await settled(recording, points);
  });

  it("puts a segmented answer together although a segment is lost", async () => {
    const extra = manyInputs(120);
    const server = await serve({ maxApdu: 480 }, airHandler("ahu-1", extra));
    const relay = await tapped(server);
    let dropped = 0;
    relay.answer = (payload) => {
      const frame = decodeFrame(payload);
      const segment = frame.kind === "apdu" && frame.apdu.type === "complexAck" ? frame.apdu.segment : undefined;
      if (segment?.sequenceNumber !== 1 || dropped > 0) return [payload];
      dropped++;
      return [];
    };
    const points = extra.map(({ name }, i) => ({
      point: id(name),
      address: { objectType: "analog-input" as const, instance: i + 2, property: "objectName" as const },
      writable: false,
    }));
    const [, recording] = await drive(relay.port, { apduTimeoutMs: 2000 }, points);
    await settled(recording, points);
    expect(dropped).toBe(1);
    expect(recording.latest(id("input-119"))?.value).toBe("模拟量 119");
  });

  it("tells a fault of the device and a wrong address apart", async () => {
    const device: SimulatedDevice = airHandler();
    device.write("supply-temperature", Number.NaN);
    const missing = id("missing");
    const address = { objectType: "analog-input" as const, instance: 99 };
    const points = [...POINTS, { point: missing, address, writable: false }];
    const [, recording] = await drive((await serve({}, device)).address.port, {}, points);
    await expect
      .poll(() => recording.latest(TEMPERATURE), POLL)
      .toMatchObject({ quality: "bad", reason: "deviceFault" });
    await expect.poll(() => recording.latest(missing), POLL).toMatchObject({ quality: "bad", reason: "configError" });
    expect(recording.latest(SETPOINT)).toMatchObject({ quality: "good" });
  });

  it("tells every point again at least every 60 s although nothing changes", async () => {
    const clock = new ManualClock(0);
    const recording = recordDriver({ clock });
    await drive(
      (await serve()).address.port,
      { pollMs: 10_000, safetyPollMs: 55_000, apduTimeoutMs: 60_000 },
      POINTS,
      recording,
    );
    await settled(recording);
    const told = (): readonly number[] => POINTS.map(({ point }) => values(recording, point).length);
    await expect
      .poll(
        () => {
          clock.advance(500);
          return Math.min(...told());
        },
        { timeout: 15_000, interval: 2 },
      )
      .toBeGreaterThanOrEqual(3);
    for (const { point } of POINTS) {
      const times = recording.samples.filter((sample) => sample.point === point).map(({ observedAt }) => observedAt);
      const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
      expect(Math.max(...gaps)).toBeLessThanOrEqual(60_000);
    }
  });
});

describe("the BACnet driver on a bad network", () => {
  it("gives no value to the wrong request when answers come late, twice and in another order", async () => {
    const server = await serve();
    const relay = await tapped(server);
    let held: Uint8Array | undefined;
    let count = 0;
    relay.answer = (payload) => {
      count++;
      if (count % 3 === 0) {
        const before = held;
        held = payload;
        return before === undefined ? [] : [before, before];
      }
      return count % 5 === 0 ? [payload, payload] : [payload];
    };
    const [driver, recording] = await drive(relay.port, { retries: 10, covLifetimeS: 2 });
    await settled(recording);
    await expect.poll(() => driver.counters()["late"] ?? 0, POLL).toBeGreaterThan(5);
    for (const [point, value] of [
      [TEMPERATURE, 18.5],
      [SETPOINT, 20],
      [RUN, false],
      [MODE, 1],
    ] as const) {
      expect(values(recording, point).every((seen) => seen === value)).toBe(true);
    }
  });

  it("counts garbage and goes on", async () => {
    const relay = await tapped(await serve());
    const [driver, recording] = await drive(relay.port);
    await settled(recording);
    await relay.inject(Buffer.from("810a000a01005074ecaa", "hex"));
    await relay.inject(Buffer.from("ff", "hex"));
    await expect.poll(() => driver.counters()["malformed"] ?? 0, POLL).toBeGreaterThanOrEqual(1);
    expect(recording.reachability(DEVICE)).toEqual([true]);
  });

  it("subscribes anew when a device announces itself after a restart", async () => {
    const device = airHandler();
    const server = await serve({}, device);
    const [driver, recording] = await drive(server.address.port, COV_ONLY);
    await settled(recording);
    await expect.poll(() => server.subscriptions, POLL).toBe(4);
    await server.reboot(50);
    await expect.poll(() => server.subscriptions, POLL).toBe(4);
    device.write("supply-temperature", 30);
    await expect.poll(() => recording.latest(TEMPERATURE)?.value, POLL).toBe(30);
    expect(driver.counters()["resyncs"]).toBe(1);
  });

  it("notices lost subscriptions by the safety poll when the announcement of a restart is lost", async () => {
    const device = airHandler();
    const server = await serve({}, device);
    const relay = await tapped(server);
    const [driver, recording] = await drive(relay.port, { pollMs: 60_000, safetyPollMs: 1000 });
    await settled(recording);
    await expect.poll(() => server.subscriptions, POLL).toBe(4);
    relay.answer = (payload) => {
      const frame = decodeFrame(payload);
      return frame.kind === "apdu" && frame.apdu.type === "unconfirmedRequest" && frame.apdu.service === 0
        ? []
        : [payload];
    };
    await server.reboot(10);
    device.write("fan-run", true);
    await expect.poll(() => recording.latest(RUN)?.value, POLL).toBe(true);
    await expect.poll(() => server.subscriptions, POLL).toBeGreaterThanOrEqual(1);
    expect(driver.counters()["covMissed"]).toBeGreaterThanOrEqual(1);
    expect(driver.counters()["resyncs"]).toBe(0);
  });

  it("refuses another device at the address and says which one it found", async () => {
    const other = await serveAirHandler(2002, {}, airHandler());
    closing.push(() => other.close());
    const relay = await tap(other.address.port);
    closing.push(() => relay.close());
    // it answers every Who-Is with its own instance, as a device does that was swapped for another
    const [driver, recording] = await drive(relay.port);
    await expect.poll(() => relay.seen.length, POLL).toBeGreaterThan(0);
    const device = { type: 8, instance: 2002 };
    const body = encodeIAm({ device, maxApdu: 1476, segmentation: 3, vendorId: 0 });
    await relay.inject(encodeFrame({ type: "unconfirmedRequest", service: 0, body }));
    await expect.poll(() => driver.counters()["wrongInstance"], POLL).toBe(1);
    await expect.poll(() => recording.latest(TEMPERATURE), POLL).toMatchObject({ quality: "bad", reason: "commLost" });
    expect(recording.states.at(-1)).toMatchObject({ online: false, reason: expect.stringContaining("2002") });
  });

  it("finds a device again that has moved to another address", async () => {
    const first = await serve();
    const moved = await serve();
    moved.silence();
    const broadcast = { host: "127.0.0.1", port: moved.address.port };
    const [, recording] = await drive(first.address.port, { broadcast });
    await settled(recording);
    first.silence();
    moved.restore();
    await expect.poll(() => recording.reachability(DEVICE), POLL).toEqual([true, false, true]);
    await expect.poll(() => moved.subscriptions, POLL).toBe(4);
    await settled(recording);
  });

  it("stays with a device that is too busy to say who it is when a second one claims its instance", async () => {
    const relay = await tapped(await serve());
    const [driver, recording] = await drive(relay.port, { pollMs: 60_000 });
    await settled(recording);
    let aborted = 0;
    relay.answer = (payload) => {
      const frame = decodeFrame(payload);
      if (frame.kind !== "apdu" || frame.apdu.type !== "complexAck") return [payload];
      const { service, invokeId, body: answer } = frame.apdu;
      if (service !== READ_PROPERTY || decodeReadPropertyAck(answer).property !== PROPERTIES.objectIdentifier) {
        return [payload];
      }
      aborted += 1;
      return [encodeFrame({ type: "abort", server: true, invokeId, reason: 9 })];
    };
    const impostor = await loopbackSocket();
    closing.push(() => impostor.close());
    const device = { type: 8, instance: 1001 };
    const body = encodeIAm({ device, maxApdu: 1476, segmentation: 3, vendorId: 0 });
    const claim = encodeFrame({ type: "unconfirmedRequest", service: 0, body });
    impostor.socket.send(claim, relay.seen[0]?.clientPort ?? 0, "127.0.0.1");
    await expect.poll(() => aborted, POLL).toBe(1);
    relay.answer = undefined;
    const claimAgain = (): number => {
      impostor.socket.send(claim, relay.seen[0]?.clientPort ?? 0, "127.0.0.1");
      return driver.counters()["duplicateInstance"] ?? 0;
    };
    await expect.poll(claimAgain, POLL).toBeGreaterThan(0);
    expect(driver.counters()["rebinds"]).toBe(0);
    expect(recording.reachability(DEVICE)).toEqual([true]);
  });

  it("lets go of its port where it cannot start because a newer Parkhub wrote its folder", async () => {
    const recording = recordDriver({ folder: await mkdtemp(path.join(tmpdir(), "bacnet-driver-")) });
    const { folder } = recording.deps;
    closing.push(() => rm(folder, { recursive: true, force: true }));
    const db = new DatabaseSync(path.join(folder, "devices.db"));
    db.exec("PRAGMA user_version = 99");
    db.close();
    const port = await freePort();
    const driver = await bacnet.create({ bind: { host: "127.0.0.1", port } }, recording.deps);
    await expect(driver.start(never)).rejects.toMatchObject({ code: "BACNET_MEMORY_NEWER" });
    const socket = createSocket("udp4");
    closing.push(async () => {
      socket.close();
    });
    socket.bind(port, "127.0.0.1");
    await once(socket, "listening");
    expect(socket.address().port).toBe(port);
  });

  it("stays with a device that answers when a second one claims its instance", async () => {
    const relay = await tapped(await serve());
    const [driver, recording] = await drive(relay.port);
    await settled(recording);
    const impostor = await loopbackSocket();
    closing.push(() => impostor.close());
    const device = { type: 8, instance: 1001 };
    const body = encodeIAm({ device, maxApdu: 1476, segmentation: 3, vendorId: 0 });
    const claim = encodeFrame({ type: "unconfirmedRequest", service: 0, body });
    impostor.socket.send(claim, relay.seen[0]?.clientPort ?? 0, "127.0.0.1");
    await expect.poll(() => driver.counters()["duplicateInstance"], POLL).toBe(1);
    expect(driver.counters()["rebinds"]).toBe(0);
    expect(recording.reachability(DEVICE)).toEqual([true]);
  });

  it("searches a dead device with growing pauses", async () => {
    const clock = new ManualClock(0);
    const hole = await loopbackSocket();
    closing.push(() => hole.close());
    let asked = 0;
    hole.socket.on("message", () => asked++);
    const config = { apduTimeoutMs: 1000, retries: 3, backoffMinMs: 1000, backoffMaxMs: 30_000 };
    const recording = recordDriver({ clock });
    await drive(hole.port, config, POINTS, recording);
    clock.advance(600_000);
    const marker = await loopbackSocket();
    closing.push(() => marker.close());
    let marked = false;
    hole.socket.on("message", (_, from) => {
      marked ||= from.port === marker.port;
    });
    await new Promise((resolve) => setImmediate(resolve));
    marker.socket.send("all sent", hole.port, "127.0.0.1");
    await expect.poll(() => marked, POLL).toBe(true);
    // 4 at first, about 5 while the pause grows, then one each 16 to 31 s
    expect(asked).toBeGreaterThan(20);
    expect(asked).toBeLessThan(50);
    expect(recording.reachability(DEVICE)).toEqual([false]);
  });

  it("answers a notification nobody asked for with an error and other requests with a rejection", async () => {
    const relay = await tapped(await serve());
    const [driver, recording] = await drive(relay.port);
    await settled(recording);
    const confirmed = "810a0020010400750c0109121c020003e92c01400002393c4e09552e91012f4f";
    await relay.inject(Buffer.from(confirmed, "hex"));
    await relay.inject(Buffer.from("810a0011010402750d0c0c0000000 51955".replaceAll(" ", ""), "hex"));
    const replies = (): readonly string[] =>
      relay.seen.filter(({ fromClient }) => fromClient).map(({ payload }) => Buffer.from(payload).toString("hex"));
    await expect.poll(replies, POLL).toContain("810a000d010050" + "0c019105914f");
    await expect.poll(replies, POLL).toContain("810a0009010060" + "0d09");
    expect(driver.counters()["covUnknown"]).toBe(1);
  });
});
