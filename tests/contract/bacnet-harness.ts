import { rm } from "node:fs/promises";
import { afterEach, expect } from "vitest";
import { deviceId, type PointId, pointId } from "#core/ids.ts";
import type { BacnetAddress, BacnetConfig, BacnetDevice } from "#protocols/bacnet/config.ts";
import { bacnet } from "#protocols/bacnet/index.ts";
import type { DeviceBinding, ProtocolDriver } from "#protocols/driver.ts";
import type { BacnetServer, BacnetServerOptions } from "#simulators/servers/bacnet.ts";
import { airHandler, serveAirHandler, type Tap, tap } from "./bacnet-fixture.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";

/** How long and how often `expect.poll` looks. */
export const POLL = { timeout: 15_000, interval: 10 };
/** A signal that never aborts. */
export const never = new AbortController().signal;
/** The one device of these tests, instance 1001. */
export const DEVICE = deviceId("park/gw-1/ahu-1");
/** Id of a point of that device. */
export const id = (name: string): PointId => pointId(`park/gw-1/ahu-1/${name}`);
/** Points of the air handler. */
export const TEMPERATURE = id("supply-temperature");
export const SETPOINT = id("supply-setpoint");
export const RUN = id("fan-run");
export const MODE = id("mode");

/** A point of each kind. */
export const POINTS = [
  { point: TEMPERATURE, address: { objectType: "analog-input", instance: 1 }, writable: false },
  { point: SETPOINT, address: { objectType: "analog-value", instance: 1 }, writable: true },
  { point: RUN, address: { objectType: "binary-input", instance: 1 }, writable: false },
  { point: MODE, address: { objectType: "multi-state-value", instance: 1 }, writable: true },
] as const satisfies DeviceBinding<BacnetDevice, BacnetAddress>["points"];

/** Points to bind. */
export type Points = DeviceBinding<BacnetDevice, BacnetAddress>["points"];
/** Polls so rarely that within a test only COV tells changes. */
export const COV_ONLY: BacnetConfig = { pollMs: 60_000, safetyPollMs: 55_000 };

/** What a test opened; closed last first after it. */
export const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** The air handler as instance 1001. */
export async function serve(options: Partial<BacnetServerOptions> = {}, device = airHandler()): Promise<BacnetServer> {
  const server = await serveAirHandler(1001, options, device);
  closing.push(() => server.close());
  return server;
}

/** A relay before a server. */
export async function tapped(server: BacnetServer): Promise<Tap> {
  const relay = await tap(server.address.port);
  closing.push(() => relay.close());
  return relay;
}

/** A started driver, bound to the device at `port`, with short time-outs. */
export async function drive(
  port: number,
  config: BacnetConfig = {},
  points: Points = POINTS,
  recording: Recording = recordDriver(),
): Promise<[ProtocolDriver, Recording]> {
  const timing = { apduTimeoutMs: 150, retries: 2, pollMs: 100, backoffMinMs: 50, backoffMaxMs: 200 };
  const driver = await bacnet.create({ bind: { host: "127.0.0.1" }, ...timing, ...config }, recording.deps);
  // closed last first: the folder goes when nobody writes into it any more
  closing.push(() => rm(recording.deps.folder, { recursive: true, force: true }));
  closing.push(() => driver.stop());
  await driver.start(never);
  const device = { device: DEVICE, config: { instance: 1001, address: { host: "127.0.0.1", port } }, points };
  await driver.bind([device]);
  return [driver, recording];
}

/** Resolves once every point is good and the device online. */
export async function settled(recording: Recording, points: Points = POINTS): Promise<void> {
  for (const { point } of points) await expect.poll(() => recording.latest(point)?.quality, POLL).toBe("good");
  await expect.poll(() => recording.reachability(DEVICE).at(-1), POLL).toBe(true);
}

/** Values told of a point, in order. */
export function values(recording: Recording, point: PointId): readonly unknown[] {
  return recording.samples.filter((sample) => sample.point === point).map(({ value }) => value);
}
