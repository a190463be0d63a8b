import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { loadDriverSources } from "#edge/driver-modules.ts";
import { type ChannelPlan, Supervisor } from "#edge/supervisor.ts";
import type { BacnetServer } from "#simulators/servers/bacnet.ts";
import { serveAirHandler } from "#tests/contract/bacnet-fixture.ts";

const POLL = { timeout: 15_000, interval: 20 };
const SETPOINT = pointId("park/gw-1/ahu-1/supply-setpoint");
const BACNET = new URL("../../protocols/bacnet/index.ts", import.meta.url).href;

describe("what a gateway wrote to a BACnet device", () => {
  let server: BacnetServer;
  let folder: string;
  let supervisor: Supervisor;
  let online: boolean;

  beforeEach(async () => {
    server = await serveAirHandler(1001);
    folder = await mkdtemp(path.join(tmpdir(), "edge-leases-"));
    online = false;
    supervisor = new Supervisor({
      sources: await loadDriverSources([BACNET]),
      resolve: (section) => section,
      gateway: "park/gw-1",
      folder,
      clock: systemClock,
      logger: silentLogger,
      sinks: {
        onSamples() {},
        onEvent() {},
        onConditions() {},
        onHistory() {},
        onCertificates() {},
        onPointsFailed() {},
        onDevice: (state) => {
          online = state.online;
        },
      },
    });
    await supervisor.apply([channel()]);
    await expect.poll(() => online, POLL).toBe(true);
  });
  afterEach(async () => {
    await supervisor.stop();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  function channel(): ChannelPlan {
    const address = { host: "127.0.0.1", port: server.address.port };
    const point = { point: SETPOINT, address: { objectType: "analog-value", instance: 1 }, writable: true };
    return {
      id: "field",
      protocol: "bacnet",
      config: { bind: { host: "127.0.0.1" }, apduTimeoutMs: 500 },
      devices: [{ device: deviceId("park/gw-1/ahu-1"), config: { instance: 1001, address }, points: [point] }],
    };
  }
  const slots = (): unknown[] => (server.priorityArrayOf("supply-setpoint") ?? []).filter((value) => value !== null);

  it("for a rule that is gone is given back, and nothing else", async () => {
    const write = (value: number, priority: number, owner: string) =>
      supervisor.write({ point: SETPOINT, value, priority, owner }, 10_000);
    expect(await write(25, 8, "lin")).toMatchObject({ status: "done" });
    await write(24, 16, "rule:night");
    expect(slots()).toEqual([25, 24]);
    await supervisor.releaseWrites("rule:night", 10_000);
    expect(slots()).toEqual([25]);
  });

  it("is given back before its channel ends for good", async () => {
    await supervisor.write({ point: SETPOINT, value: 25, priority: 8 }, 10_000);
    await supervisor.apply([]);
    expect(slots()).toEqual([]);
  });

  it("stays while the gateway only stops", async () => {
    await supervisor.write({ point: SETPOINT, value: 25, priority: 8 }, 10_000);
    await supervisor.stop();
    expect(slots()).toEqual([25]);
  });
});
