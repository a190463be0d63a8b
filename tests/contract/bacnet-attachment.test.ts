import { rm } from "node:fs/promises";
import { expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { bacnet } from "#protocols/bacnet/index.ts";
import { openNorthbound } from "#protocols/bacnet/northbound/northbound-device.ts";
import { openStation } from "#protocols/bacnet/station/station.ts";
import { closing, never, POLL } from "./bacnet-harness.ts";
import { METER } from "./bacnet-northbound-fixture.ts";
import { recordDriver } from "./driver-contract.ts";

const POWER = pointId("park/gw-1/meter-1/power");

it("a channel that registers with a BBMD finds a device by its instance alone, which is registered there too", async () => {
  const handlers = { announced: () => {}, asked: () => ({ kind: "silence" as const }) };
  const bbmd = await openStation(
    { interfaces: [{ host: "127.0.0.1", port: 0 }], bbmd: { peers: [] } },
    { logger: silentLogger, handlers },
  );
  closing.push(() => bbmd.close());
  const foreignDevice = { host: "127.0.0.1", port: bbmd.endpoints[0]?.port ?? 0, ttlS: 60 };
  const device = await openNorthbound(
    { instance: 9001, name: "park/gw-2", host: "127.0.0.1", port: 0, utcOffsetMin: 0, foreignDevice },
    { clock: systemClock, logger: silentLogger },
  );
  closing.push(() => device.close());
  device.show(METER);
  device.tell([{ number: 11, value: 42.5, quality: "good" }]);
  const recording = recordDriver();
  closing.push(() => rm(recording.deps.folder, { recursive: true, force: true }));
  const timing = { apduTimeoutMs: 150, retries: 2, pollMs: 100, backoffMinMs: 50, backoffMaxMs: 200 };
  const driver = await bacnet.create({ bind: { host: "127.0.0.1" }, foreignDevice, ...timing }, recording.deps);
  closing.push(() => driver.stop());
  await driver.start(never);
  const points = [{ point: POWER, address: { objectType: "analog-input", instance: 11 }, writable: false }] as const;
  await driver.bind([{ device: deviceId("park/gw-1/meter-1"), config: { instance: 9001 }, points }]);
  await expect.poll(() => recording.latest(POWER), POLL).toMatchObject({ value: 42.5, quality: "good" });
  expect(bbmd.foreignDevices.map(({ ttlS }) => ttlS)).toEqual([60, 60]);
  expect(driver.counters()["foreignRegistrations"]).toBeGreaterThan(0);
  device.tell([{ number: 11, value: 43.5, quality: "good" }]);
  await expect.poll(() => recording.latest(POWER)?.value, POLL).toBe(43.5);
});

it("a channel whose BBMD does not take it says so in its counters, and goes on with the devices that it reaches", async () => {
  const noBbmd = await openStation(
    { interfaces: [{ host: "127.0.0.1", port: 0 }] },
    { logger: silentLogger, handlers: { announced: () => {}, asked: () => ({ kind: "silence" as const }) } },
  );
  closing.push(() => noBbmd.close());
  const foreignDevice = { host: "127.0.0.1", port: noBbmd.endpoints[0]?.port ?? 0, ttlS: 60 };
  const warnings: object[] = [];
  const recording = recordDriver({ logger: { ...silentLogger, warn: (fields) => void warnings.push(fields) } });
  closing.push(() => rm(recording.deps.folder, { recursive: true, force: true }));
  const driver = await bacnet.create({ bind: { host: "127.0.0.1" }, foreignDevice }, recording.deps);
  closing.push(() => driver.stop());
  await driver.start(never);
  await expect.poll(() => driver.counters()["foreignRefusals"], POLL).toBeGreaterThan(0);
  expect(warnings).toContainEqual({ bbmd: `127.0.0.1:${foreignDevice.port}`, state: "refused" });
});

it("a channel with several interfaces finds the devices of each by the broadcast of that one", async () => {
  const hosts = ["127.0.0.1", "127.0.0.2"];
  const settings = { name: "park/gw-2", port: 0, utcOffsetMin: 0 };
  const devices = await Promise.all(
    hosts.map((host, at) =>
      openNorthbound({ ...settings, instance: 9001 + at, host }, { clock: systemClock, logger: silentLogger }),
    ),
  );
  for (const [at, device] of devices.entries()) {
    closing.push(() => device.close());
    device.show(METER);
    device.tell([{ number: 11, value: 40 + at, quality: "good" }]);
  }
  const recording = recordDriver();
  closing.push(() => rm(recording.deps.folder, { recursive: true, force: true }));
  const interfaces = devices.map(({ address }) => ({ host: address.host, port: 0, broadcast: address }));
  const timing = { apduTimeoutMs: 150, retries: 2, pollMs: 100, backoffMinMs: 50, backoffMaxMs: 200 };
  const driver = await bacnet.create({ interfaces, ...timing }, recording.deps);
  closing.push(() => driver.stop());
  await driver.start(never);
  const names = ["meter-1", "meter-2"];
  await driver.bind(
    names.map((name, at) => ({
      device: deviceId(`park/gw-1/${name}`),
      config: { instance: 9001 + at },
      points: [
        {
          point: pointId(`park/gw-1/${name}/power`),
          address: { objectType: "analog-input", instance: 11 },
          writable: false,
        },
      ],
    })),
  );
  for (const [at, name] of names.entries()) {
    const value = (): unknown => recording.latest(pointId(`park/gw-1/${name}/power`))?.value;
    await expect.poll(value, POLL).toBe(40 + at);
  }
});
