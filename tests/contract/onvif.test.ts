import { expect } from "vitest";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { DeviceBinding } from "#protocols/driver.ts";
import type { OnvifAddress, OnvifConfig, OnvifDevice } from "#protocols/onvif/config.ts";
import { onvif } from "#protocols/onvif/index.ts";
import { createCamera, type SimulatedCamera } from "#simulators/devices/camera.ts";
import { type CameraServer, serveCamera } from "#simulators/servers/onvif.ts";
import { type ContractField, driverContract } from "./driver-contract.ts";

const CONFIG: OnvifConfig = {
  timeoutMs: 400,
  pollMs: 500,
  pullMs: 1000,
  subscriptionMs: 10_000,
  moveTimeoutMs: 3000,
  confirmMs: 1000,
};
const CREDENTIALS = { username: "hub", password: "p&w<1>" };

function binding(name: string, server: CameraServer, signals: readonly OnvifAddress["signal"][]): DeviceBinding {
  const config: OnvifDevice = { url: server.url, ...CREDENTIALS };
  return {
    device: deviceId(`park/gw-1/${name}`),
    config,
    points: signals.map((signal) => ({
      point: pointId(`park/gw-1/${name}/${signal}`),
      address: { signal } satisfies OnvifAddress,
      writable: signal === "relay",
    })),
  };
}

async function field(): Promise<ContractField> {
  const dome: SimulatedCamera = createCamera({
    id: "camera-1",
    name: "球机",
    nameEn: "Dome",
    ptz: true,
    presets: [{ token: "1", name: "Gate", pan: 0, tilt: 0, zoom: 1 }],
  });
  const fixed = createCamera({ id: "camera-2", name: "枪机", nameEn: "Fixed", ptz: false });
  const first = await serveCamera(dome, CREDENTIALS, silentLogger);
  const second = await serveCamera(fixed, CREDENTIALS, silentLogger);
  const html = { status: 200, contentType: "text/html", body: "<!DOCTYPE html><html><body>hello</body></html>" };
  return {
    config: CONFIG,
    devices: [
      binding("camera-1", first, [
        "online",
        "motion",
        "relay",
        "tamper",
        "lineCrossed",
        "pan",
        "preset",
        "brightness",
        "clockOffset",
      ]),
      binding("camera-2", second, ["online", "motion", "digitalInput"]),
    ],
    writable: { point: pointId("park/gw-1/camera-1/relay"), value: true, expectedReadBack: true },
    silence: () => first.silence(),
    restore: () => first.restore(),
    async garbage() {
      // Every kind of request gets a page for people for a while; then the camera is itself again.
      const operations = ["PullMessages", "GetStatus", "GetSystemDateAndTime"];
      for (const operation of operations) first.force(operation, html);
      first.dropSubscriptions();
      const before = first.requests.get("GetSystemDateAndTime") ?? 0;
      await expect
        .poll(() => first.requests.get("GetSystemDateAndTime") ?? 0, { timeout: 10_000 })
        .toBeGreaterThan(before + 1);
      for (const operation of operations) first.force(operation, undefined);
      first.dropSubscriptions();
      await expect.poll(() => first.subscriptions, { timeout: 10_000 }).toBe(1);
    },
    async close() {
      await Promise.all([first.close(), second.close()]);
    },
  };
}

driverContract(onvif, field, { writes: true, garbage: true, startFailure: false });
