import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataType, encodePayload } from "#core/sparkplug/payload.ts";
import type { Agent, AgentOptions } from "#edge/agent.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";
import { EdgeCloud, EdgeField, echoBundle, numberPoint, runGateway } from "./edge-cloud.ts";

const folder = temporaryFolders();
const POINTS = [numberPoint("ahu", "temp"), numberPoint("ahu", "flow"), numberPoint("meter", "power")];
const TEMP = "park/gw/ahu/temp";

describe("the uplink of a gateway", () => {
  let cloud: EdgeCloud;
  let field: EdgeField;
  let data: string;
  let agent: Agent | undefined;

  beforeEach(async () => {
    const root = folder();
    data = join(root, "data");
    mkdirSync(join(root, "field"));
    field = new EdgeField(join(root, "field"));
    cloud = new EdgeCloud();
    await cloud.start();
  });
  afterEach(async () => {
    await agent?.stop();
    agent = undefined;
    await cloud.stop();
  });

  async function running(more: Partial<AgentOptions> = {}): Promise<Agent> {
    agent = await runGateway(cloud, data, more);
    return agent;
  }
  async function observing(): Promise<Agent> {
    await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
    const gateway = await running();
    await expect.poll(() => cloud.samples.length).toBeGreaterThanOrEqual(3);
    return gateway;
  }
  function valuesOf(point: string): unknown[] {
    return cloud.samples.filter((sample) => sample.point === point).map(({ value }) => value);
  }
  /** Offsets in order without a hole, each with one content. */
  function expectComplete(from = 1): void {
    const byOffset = new Map(cloud.samples.map((sample) => [sample.offset, sample]));
    const offsets = [...byOffset.keys()].sort((a, b) => a - b);
    expect(offsets).toEqual(offsets.map((_, at) => from + at));
    for (const sample of cloud.samples)
      expect({ ...sample, historical: false }).toEqual({ ...byOffset.get(sample.offset), historical: false });
  }

  it("is born with every device and point, sends batches of one device and trims what is acked", async () => {
    const gateway = await observing();
    field.set("temp", 21.5);
    await expect.poll(() => valuesOf(TEMP).at(-1)).toBe(21.5);
    expect(cloud.sparkplug[0]).toBe("NBIRTH");
    expect(cloud.births.has("park/gw/meter/power")).toBe(true);
    await expect.poll(() => gateway.status().health["Health/backlogTelemetry"]).toBe(0);
    expectComplete();
    expect(cloud.samples.every(({ historical }) => !historical)).toBe(true);
    expect(cloud.problems).toEqual([]);
    expect(cloud.epochs).toHaveLength(1);
  });

  it("sends the device's own time beside the time the gateway saw it", async () => {
    await observing();
    field.tell("temp", { value: 19, sourceTime: 1_700_000_000_000 });
    await expect.poll(() => cloud.samples.at(-1)).toMatchObject({ value: 19, sourceTime: 1_700_000_000_000 });
    expect(cloud.samples.at(-1)?.at).toBeGreaterThan(1_700_000_000_000);
  });

  it("says with every sign of life how much waits and how the process does", async () => {
    await observing();
    await expect.poll(() => cloud.health.length).toBeGreaterThan(0);
    expect(cloud.health[0]).toMatchObject({
      "Health/backlogEvents": expect.any(Number),
      "Health/rssBytes": expect.any(Number),
    });
    await expect.poll(() => cloud.health.length, { timeout: 6_000 }).toBeGreaterThan(1);
  });

  it("answers a rebirth request with births of the present values, and only one while requests pour in", async () => {
    await observing();
    field.set("temp", 33);
    await expect.poll(() => valuesOf(TEMP).at(-1)).toBe(33);
    const born = (): number => cloud.sparkplug.filter((type) => type === "NBIRTH").length;
    const before = born();
    for (let i = 0; i < 5; i++) await cloud.askRebirth();
    await expect.poll(() => cloud.births.get(TEMP)).toBe(33);
    expect(born()).toBe(before + 1);
    field.set("temp", 34);
    await expect.poll(() => valuesOf(TEMP).at(-1)).toBe(34);
    expect(cloud.problems).toEqual([]);
  });

  it("refuses every other Sparkplug command and counts it", async () => {
    const gateway = await observing();
    const metrics = [{ name: "temp", datatype: DataType.Double, value: 99, timestamp: 1 }];
    await cloud.sparkplugCommand("spBv1.0/park/DCMD/gw/ahu", encodePayload({ timestamp: 1, metrics }));
    await expect.poll(() => gateway.status().counters["uplink"]?.["refusedCommands"]).toBe(1);
    expect(valuesOf(TEMP)).not.toContain(99);
  });

  it("keeps everything through a cut and sends it as history afterwards, the present values by the births", async () => {
    const gateway = await observing();
    await cloud.stopBroker();
    await expect.poll(() => gateway.status().connected).toBe(false);
    for (let value = 100; value < 110; value++) {
      field.set("temp", value);
      await expect.poll(() => gateway.latest(TEMP)?.value).toBe(value);
    }
    await expect.poll(() => gateway.status().health["Health/backlogTelemetry"]).toBe(10);
    const before = cloud.samples.length;
    await cloud.startBroker();
    await expect.poll(() => cloud.samples.length).toBe(before + 10);
    const late = cloud.samples.slice(before);
    expect(late.map(({ value }) => value)).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
    expect(late.every(({ historical }) => historical)).toBe(true);
    expect(cloud.births.get(TEMP)).toBe(109);
    field.set("temp", 110);
    await expect.poll(() => cloud.samples.at(-1)).toMatchObject({ value: 110, historical: false });
    expectComplete();
  });

  it("sends again from the last ack when none comes, and stops when it does", async () => {
    cloud.acking = false;
    await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
    const gateway = await running();
    await expect.poll(() => cloud.samples.length).toBe(2);
    // one batch is under way until the first ack; after 5 s without one it comes again
    await expect.poll(() => cloud.samples.length, { timeout: 8_000 }).toBe(4);
    expect(cloud.samples[2]).toEqual(cloud.samples[0]);
    cloud.acking = true;
    cloud.ack("telemetry", cloud.epochs[0] ?? "", 2);
    await expect.poll(() => gateway.status().health["Health/backlogTelemetry"]).toBe(0);
    expectComplete();
  });

  it("goes on in the same epoch after a restart and loses nothing that was committed", async () => {
    cloud.acking = false;
    await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
    const first = await running();
    await expect.poll(() => first.status().health["Health/backlogTelemetry"]).toBe(3);
    await first.stop();
    expect(cloud.sparkplug).toContain("NDEATH");
    cloud.acking = true;
    cloud.samples.length = 0;
    await running();
    await expect.poll(() => cloud.samples.length).toBeGreaterThanOrEqual(6);
    expectComplete();
    expect(cloud.epochs).toHaveLength(1);
  });

  it("offers everything again in a new epoch when the cloud knows more than a restored file ever sent", async () => {
    const gateway = await observing();
    await expect.poll(() => gateway.status().health["Health/backlogTelemetry"]).toBe(0);
    await gateway.stop();
    copyFileSync(join(data, "outbox.db"), join(data, "backup"));
    const again = await running();
    for (const value of [1, 2, 3]) {
      field.set("temp", value);
      await expect.poll(() => valuesOf(TEMP).at(-1)).toBe(value);
    }
    await again.stop();
    copyFileSync(join(data, "backup"), join(data, "outbox.db"));
    cloud.samples.length = 0;
    field.set("temp", 77);
    const restored = await running();
    await expect.poll(() => new Set(cloud.epochs).size).toBe(2);
    const epoch = cloud.epochs.at(-1);
    await expect.poll(() => restored.status().health["Health/backlogTelemetry"]).toBe(0);
    // the cloud stores by (epoch, offset): what counts is that all of it came in the new epoch
    const inNewEpoch = cloud.samples.filter((sample) => sample.epoch === epoch);
    expect(inNewEpoch.map(({ value }) => value)).toContain(77);
    expect(restored.status().counters["outbox"]?.["newEpochs"]).toBe(1);
  });

  it("tells a silent device by bad samples first and its death then, and its return by a birth", async () => {
    await observing();
    field.tell("temp", { quality: "bad", online: false });
    await expect.poll(() => cloud.sparkplug).toContain("DDEATH ahu");
    expect(cloud.samples.findLast(({ point }) => point === TEMP)).toMatchObject({ reason: "commLost" });
    expect(cloud.sparkplug).not.toContain("DDEATH meter");
    cloud.sparkplug.length = 0;
    field.tell("temp", { value: 25, online: true });
    await expect.poll(() => valuesOf(TEMP).at(-1)).toBe(25);
    expect(cloud.sparkplug).toContain("DBIRTH ahu");
    expect(cloud.problems).toEqual([]);
  });

  it("still sends what waits of a point that has left the configuration", async () => {
    const gateway = await observing();
    await cloud.stopBroker();
    field.set("flow", 55);
    await expect.poll(() => gateway.latest("park/gw/ahu/flow")?.value).toBe(55);
    await expect.poll(() => gateway.status().health["Health/backlogTelemetry"]).toBe(1);
    await gateway.stop();
    await cloud.announce(echoBundle(2, field.directory, [numberPoint("meter", "power")]), 2);
    // the kept bundle is the old one: the new one arrives with the connection, before or after the rows
    await cloud.startBroker();
    const second = await running();
    await expect.poll(() => second.status().configVersion).toBe(2);
    await expect.poll(() => valuesOf("park/gw/ahu/flow")).toContain(55);
    await expect.poll(() => second.status().health["Health/backlogTelemetry"]).toBe(0);
  });

  it("asks for its broker's address at every attempt", async () => {
    await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
    let port: number | undefined;
    const { broker, http } = cloud;
    await running({
      bootstrap: {
        site: "park",
        gateway: "gw",
        data,
        broker: "mqtt://127.0.0.1:${sim:relay}",
        cloud: http,
        credential: "given",
      },
      references: { secret: () => undefined, simPort: () => port },
    });
    port = Number(new URL(broker).port);
    await expect.poll(() => agent?.status().connected).toBe(true);
  });

  it("slows down instead of storming when another gateway takes over its identity again and again", async () => {
    await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
    const gateway = await running();
    const twinData = `${data}-twin`;
    const twin = await runGateway(cloud, twinData, { times: { link: { firstRetryMs: 50, longestRetryMs: 1_000 } } });
    await expect.poll(() => gateway.status().counters["uplink"]?.["shortLived"]).toBeGreaterThan(3);
    await twin.stop();
    await expect.poll(() => gateway.status().connected).toBe(true);
    expect(cloud.connects.length).toBeLessThan(60);
  });
});
