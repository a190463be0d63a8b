import { rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { BacnetConfig, BacnetDevice } from "#protocols/bacnet/config.ts";
import { bacnet } from "#protocols/bacnet/index.ts";
import type { ProtocolDriver } from "#protocols/driver.ts";
import type { BacnetServerOptions } from "#simulators/servers/bacnet.ts";
import { last, TEMPERATURE_ALARM, WITH_ALARMS } from "./bacnet-alarm-fixture.ts";
import { airHandler, manyInputs } from "./bacnet-fixture.ts";
import {
  COV_ONLY,
  closing,
  DEVICE,
  id,
  never,
  POINTS,
  POLL,
  type Points,
  SETPOINT,
  serve,
  settled,
  TEMPERATURE,
} from "./bacnet-harness.ts";
import { openTestRouter, type TestRouter } from "./bacnet-router.ts";
import { type Recording, recordDriver } from "./driver-contract.ts";

const NET = 2001;
const MAC = 12;

async function routed(device = airHandler(), options: Partial<BacnetServerOptions> = {}): Promise<TestRouter> {
  const server = await serve(options, device);
  const other = await serve({ instance: 1002 }, airHandler("ahu-2"));
  const router = await openTestRouter(
    NET,
    new Map([
      [MAC, server.address.port],
      [13, other.address.port],
    ]),
  );
  closing.push(() => router.close());
  return router;
}

async function drive(
  device: Omit<BacnetDevice, "instance">,
  config: BacnetConfig,
  points: Points = POINTS,
): Promise<[ProtocolDriver, Recording]> {
  const recording = recordDriver();
  const timing = { apduTimeoutMs: 500, networks: [{ net: NET, requestsPerS: 1000 }] };
  const driver = await bacnet.create({ bind: { host: "127.0.0.1" }, ...timing, ...config }, recording.deps);
  closing.push(
    () => rm(recording.deps.folder, { recursive: true, force: true }),
    () => driver.stop(),
  );
  await driver.start(never);
  await driver.bind([{ device: DEVICE, config: { instance: 1001, ...device }, points }]);
  return [driver, recording];
}

describe("a BACnet device behind a router", () => {
  it("is read, observed and written at its address on its network", async () => {
    const device = airHandler();
    const router = await routed(device);
    const address = { host: "127.0.0.1", port: router.port };
    const [driver, recording] = await drive({ address, network: NET, mac: "0c" }, COV_ONLY);
    await settled(recording);
    await expect.poll(() => driver.counters()["covNotifications"], POLL).toBeGreaterThanOrEqual(4);
    device.write("supply-temperature", 25);
    await expect.poll(() => recording.latest(TEMPERATURE)?.value, POLL).toBe(25);
    expect(await driver.write({ point: SETPOINT, value: 23, priority: 8 }, never)).toMatchObject({ status: "done" });
    expect(router.passed.get(13)).toEqual([]);
  });

  it("is asked for its alarms, because it cannot tell them to a network whose number nobody knows", async () => {
    const device = airHandler();
    const router = await routed(device, WITH_ALARMS);
    const address = { host: "127.0.0.1", port: router.port };
    const place = { address, network: NET, mac: "0c" };
    const [driver, recording] = await drive(place, { pollMs: 200, alarms: { pollMs: 1000 } });
    await settled(recording);
    device.write("supply-temperature", 35);
    await expect.poll(() => last(recording, TEMPERATURE_ALARM), POLL).toMatchObject({ active: true });
    const acknowledge = { device: DEVICE, action: "acknowledgeCondition", params: { condition: TEMPERATURE_ALARM } };
    expect(await driver.act(acknowledge, never)).toEqual({ status: "done" });
    expect(driver.counters()["eventNotifications"]).toBe(0);
  });

  it("is found by its instance where only its network and the router are known", async () => {
    const router = await routed();
    const [, recording] = await drive({ address: { host: "127.0.0.1", port: router.port }, network: NET }, {});
    await settled(recording);
  });

  it("is found where only its network is known: the router is asked for", async () => {
    const router = await routed();
    const [, recording] = await drive({ network: NET }, { broadcast: { host: "127.0.0.1", port: router.port } });
    await settled(recording);
  });

  it("is asked for answers of at most 480 bytes where nothing else is said", async () => {
    const extra = manyInputs(60);
    const router = await routed(airHandler("ahu-1", extra));
    const points = extra.map(({ name }, i) => ({
      point: id(name),
      address: { objectType: "analog-input" as const, instance: i + 2, cov: false },
      writable: false,
    }));
    const address = { host: "127.0.0.1", port: router.port };
    // how much is asked for at once shows in the longest request: 13 bytes and more for each point
    const longest = (from: number): number =>
      Math.max(...(router.passed.get(12) ?? []).slice(from).map(({ length }) => length));
    const [narrow, recording] = await drive({ address, network: NET, mac: "0c" }, { pollMs: 60_000 }, points);
    await settled(recording, points);
    const asked = longest(0);
    await narrow.stop();
    const before = router.passed.get(12)?.length ?? 0;
    const [, other] = await drive({ address, network: NET, mac: "0c", maxApdu: 1476 }, { pollMs: 60_000 }, points);
    await settled(other, points);
    expect(longest(before)).toBeGreaterThan(2 * asked);
  });
});
