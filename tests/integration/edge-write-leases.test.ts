import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import { loadDriverSources } from "#edge/driver-modules.ts";
import { Outbox } from "#edge/outbox.ts";
import { RuleWrites } from "#edge/rule-writes.ts";
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
    supervisor = await started();
    await expect.poll(() => online, POLL).toBe(true);
  });
  afterEach(async () => {
    await supervisor.stop();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function started(): Promise<Supervisor> {
    const made = new Supervisor({
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
    await made.apply([channel()]);
    return made;
  }
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

  it("for a rule that left while the gateway was off is given back at the next start", async () => {
    const run = (): { outbox: Outbox; rules: RuleWrites } => {
      const outbox = new Outbox({ path: path.join(folder, "outbox.db"), clock: systemClock, logger: silentLogger });
      return { outbox, rules: new RuleWrites({ outbox, supervisor, clock: systemClock, logger: silentLogger }) };
    };
    const before = run();
    before.rules.configure([{ id: "night" }, { id: "day" }]);
    before.outbox.commit();
    await supervisor.write({ point: SETPOINT, value: 24, priority: 16, owner: "rule:night" }, 10_000);
    await supervisor.write({ point: SETPOINT, value: 25, priority: 15, owner: "rule:day" }, 10_000);
    before.rules.stop();
    await supervisor.stop();
    before.outbox.close();
    supervisor = await started();
    const after = run();
    after.rules.configure([{ id: "day" }]);
    await expect.poll(slots, POLL).toEqual([25]);
    await expect.poll(() => after.outbox.commit() && [...after.outbox.records("rule").keys()], POLL).toEqual(["day"]);
    after.rules.stop();
    after.outbox.close();
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
