import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Value } from "#core/model/sample.ts";
import type { Agent } from "#edge/agent.ts";
import { EdgeCloud, EdgeField, echoBundle, numberPoint, runGateway } from "../integration/edge-cloud.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";

const TEMP = "park/gw/ahu/temp";
const POINTS = [numberPoint("ahu", "temp")];

/** One of two copies of a gateway, each in a field of its own. */
interface Copy {
  readonly field: EdgeField;
  readonly data: string;
  agent: Agent | undefined;
  readonly read: Value[];
}

describe("[catalogue 7] two living copies of one gateway", () => {
  const folder = temporaryFolders();
  let cloud: EdgeCloud;
  let copies: Copy[];

  beforeEach(async () => {
    const root = folder();
    copies = ["one", "two"].map((name) => {
      const field = join(root, name, "field");
      mkdirSync(field, { recursive: true });
      return { field: new EdgeField(field), data: join(root, name, "data"), agent: undefined, read: [] };
    });
    cloud = new EdgeCloud();
    cloud.greeting = true;
    await cloud.start();
    const bundle = echoBundle(1, "secret:field", POINTS);
    await cloud.announce(bundle, 1);
  });
  afterEach(async () => {
    for (const copy of copies) await copy.agent?.stop();
    await cloud.stop();
  });

  async function start(copy: Copy, machine = "0123456789abcdef"): Promise<Agent> {
    const gateway = await runGateway(cloud, copy.data, {
      machine,
      references: { secret: () => copy.field.directory, simPort: () => undefined },
      times: { link: { firstRetryMs: 100, longestRetryMs: 400 }, supervisor: {} },
    });
    copy.agent = gateway;
    await expect.poll(() => gateway.latest(TEMP)?.quality).toBe("good");
    return gateway;
  }
  async function stop(copy: Copy): Promise<void> {
    await copy.agent?.stop();
    copy.agent = undefined;
  }
  async function reads(copy: Copy, value: number): Promise<void> {
    copy.field.set("temp", value);
    await expect.poll(() => copy.agent?.latest(TEMP)?.value).toBe(value);
    copy.read.push(value);
  }
  async function drained(copy: Copy): Promise<void> {
    await expect.poll(() => copy.agent?.status().health["Health/backlogTelemetry"], { timeout: 15_000 }).toBe(0);
  }
  /** As a store keeps them: the first that came under an epoch and offset. */
  function stored(): Value[] {
    const rows = new Map<string, Value>();
    for (const { epoch, offset, value } of cloud.samples) {
      const key = `${epoch} ${offset}`;
      if (!rows.has(key)) rows.set(key, value);
    }
    return [...rows.values()];
  }
  function raised(): string[] {
    return cloud.of("alarm").flatMap(({ transition, alarm }) => (transition === "raised" ? [alarm.definition] : []));
  }
  const pair = (): readonly [Copy, Copy] => {
    const [one, two] = copies;
    if (one === undefined || two === undefined) throw new Error("two copies");
    return [one, two];
  };

  it("are told from a restart, and neither loses what it reads while they drive each other out", async () => {
    const [one, two] = pair();
    await start(one);
    for (let value = 1; value <= 5; value++) await reads(one, value);
    await drained(one);
    await stop(one);
    cpSync(one.data, two.data, { recursive: true });
    await start(one);
    await drained(one);
    expect(cloud.acks.copies, "a restart is no copy").toEqual([]);
    expect(new Set(cloud.epochs).size).toBe(1);
    for (let value = 10; value < 15; value++) await reads(one, value);

    await start(two);
    for (let round = 0; round < 60; round++) {
      await reads(one, 1_000 + round);
      await reads(two, 2_000 + round);
    }
    await expect.poll(() => cloud.acks.copies.length, { timeout: 15_000 }).toBeGreaterThan(0);
    await stop(two);
    await drained(one);
    await stop(one);
    await start(two);
    await drained(two);

    const kept = new Set(stored());
    for (const copy of copies) expect(copy.read.filter((value) => !kept.has(value))).toEqual([]);
    expect(new Set(cloud.epochs).size).toBeLessThanOrEqual(3);
    await expect.poll(raised).toContain("gateway.outbox-copied");
  }, 60_000);

  it("keep apart from the start when the copy runs on another machine", async () => {
    const [one, two] = pair();
    cloud.greeting = false;
    await start(one);
    for (let value = 1; value <= 3; value++) await reads(one, value);
    await drained(one);
    await stop(one);
    cpSync(one.data, two.data, { recursive: true });
    await start(one);
    for (let value = 10; value <= 12; value++) await reads(one, value);
    await drained(one);
    await stop(one);
    await start(two, "fedcba9876543210");
    for (let value = 20; value <= 22; value++) await reads(two, value);
    await drained(two);
    expect(new Set(cloud.epochs).size).toBe(2);
    const kept = new Set(stored());
    for (const copy of copies) expect(copy.read.filter((value) => !kept.has(value))).toEqual([]);
    await expect.poll(raised).toContain("gateway.outbox-copied");
  }, 30_000);

  it("take a copy for one although its first batch covers what the other has sent", async () => {
    const [one, two] = pair();
    await start(one);
    await drained(one);
    await stop(one);
    cpSync(one.data, two.data, { recursive: true });
    // the other goes on for a few values, fewer than the copy has read before it comes to the cloud
    await start(one);
    await reads(one, 10);
    await reads(one, 11);
    await drained(one);
    await stop(one);
    await cloud.stopBroker();
    await start(two);
    for (let value = 20; value < 30; value++) await reads(two, value);
    await cloud.startBroker();
    await drained(two);
    const kept = new Set(stored());
    for (const copy of copies) expect(copy.read.filter((value) => !kept.has(value))).toEqual([]);
    expect(new Set(cloud.epochs).size).toBe(2);
  }, 30_000);
});
