import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Value } from "#core/model/sample.ts";
import { type Agent, startAgent } from "#edge/agent.ts";
import { EdgeField, echoBundle, numberPoint } from "./edge-field.ts";
import { Bench, type Cloud, GATEWAY, passwordOf, SITE, TEMPERATURE } from "./ingest-park.ts";

const DRIVERS = [new URL("../fixtures/drivers/echo.ts", import.meta.url).href];

/** One of two copies of a gateway, each in a field of its own. */
interface Copy {
  readonly field: EdgeField;
  readonly data: string;
  agent: Agent | undefined;
  readonly read: Value[];
}

describe("two living copies of one gateway at the cloud", () => {
  let bench: Bench;
  let cloud: Cloud;
  let root: string;
  let one: Copy;
  let two: Copy;

  beforeEach(async () => {
    bench = new Bench();
    cloud = await bench.cloud();
    root = mkdtempSync(join(tmpdir(), "parkhub-copies-"));
    const copy = (name: string): Copy => {
      const field = join(root, name, "field");
      mkdirSync(field, { recursive: true });
      return { field: new EdgeField(field), data: join(root, name, "data"), agent: undefined, read: [] };
    };
    one = copy("one");
    two = copy("two");
    const point = { ...numberPoint("ahu-1", "temperature"), id: TEMPERATURE };
    mkdirSync(one.data);
    writeFileSync(
      join(one.data, "bundle.json"),
      JSON.stringify(echoBundle(1, "secret:field", [point], { gateway: "gw-1" })),
    );
  });
  afterEach(async () => {
    await one.agent?.stop();
    await two.agent?.stop();
    await bench.clear();
    rmSync(root, { recursive: true, force: true });
  });

  async function start(copy: Copy): Promise<void> {
    const agent = await startAgent({
      bootstrap: {
        site: SITE,
        gateway: "gw-1",
        data: copy.data,
        broker: `mqtt://127.0.0.1:${cloud.port}`,
        cloud: "http://127.0.0.1:9",
        credential: "given",
      },
      username: `${SITE}:gw-1`,
      password: passwordOf(bench.folder),
      references: { secret: () => copy.field.directory, simPort: () => undefined },
      logger: silentLogger,
      driverModules: DRIVERS,
      // Long enough for a birth before the other one takes the place again, on a busy machine too.
      times: { link: { firstRetryMs: 100, longestRetryMs: 1500 } },
      onFatal: (error) => {
        throw error;
      },
    });
    copy.agent = agent;
    await expect.poll(() => agent.latest(TEMPERATURE)?.quality).toBe("good");
  }
  async function stop(copy: Copy): Promise<void> {
    await copy.agent?.stop();
    copy.agent = undefined;
  }
  async function reads(copy: Copy, value: number): Promise<void> {
    copy.field.set("temperature", value);
    await expect.poll(() => copy.agent?.latest(TEMPERATURE)?.value).toBe(value);
    copy.read.push(value);
  }
  async function drained(copy: Copy): Promise<void> {
    await expect.poll(() => copy.agent?.status().health["Health/backlogTelemetry"], { timeout: 30_000 }).toBe(0);
  }
  async function stored(): Promise<Set<Value>> {
    const query = { point: TEMPERATURE as PointId, from: 0, to: 2 ** 50, limit: 100_000 };
    return new Set((await cloud.store.read(query)).map(({ value }) => value));
  }
  const epochs = (): number =>
    new Set(cloud.ingest.cursors.of(GATEWAY).flatMap(({ lane, epoch }) => (lane === "telemetry" ? [epoch] : []))).size;

  /** Were they noticed as copies? With how their ways to the cloud stand, for whoever looks for the cause. */
  const noticed = () => ({
    noticed: cloud.ingest.boots.copiesOf(GATEWAY) > 0,
    takeovers: cloud.violations.get("takeover") ?? 0,
    ways: [one, two].map(({ agent }) => ({ up: agent?.status().connected, ...agent?.status().counters["uplink"] })),
  });

  it("go on in an epoch each, and all they read is stored", { timeout: 120_000 }, async () => {
    await start(one);
    for (let value = 1; value <= 5; value++) await reads(one, value);
    await drained(one);
    await stop(one);
    cpSync(one.data, two.data, { recursive: true });
    await start(one);
    await expect.poll(() => one.agent?.status().connected, { timeout: 30_000 }).toBe(true);
    await drained(one);
    expect(cloud.ingest.boots.copiesOf(GATEWAY), "a restart is no copy").toBe(0);
    expect(epochs()).toBe(1);
    for (let value = 10; value < 15; value++) await reads(one, value);
    await start(two);
    for (let round = 0; round < 60; round++) {
      await reads(one, 1_000 + round);
      await reads(two, 2_000 + round);
    }
    await expect.poll(noticed, { timeout: 30_000 }).toMatchObject({ noticed: true });
    await stop(two);
    await drained(one);
    await stop(one);
    await start(two);
    await drained(two);
    const kept = await stored();
    for (const copy of [one, two]) expect(copy.read.filter((value) => !kept.has(value))).toEqual([]);
    expect(epochs()).toBeLessThanOrEqual(3);
  });
});
