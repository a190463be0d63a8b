import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Agent } from "#edge/agent.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";
import { EdgeCloud, EdgeField, echoBundle, equalsAlarm, numberPoint, runGateway } from "./edge-cloud.ts";

const folder = temporaryFolders();
const TEMP = "park/gw/ahu/temp";
const POINTS = [numberPoint("ahu", "temp")];

describe("the configuration of a gateway", () => {
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

  async function running(): Promise<Agent> {
    agent = await runGateway(cloud, data);
    return agent;
  }
  function applied(): unknown[] {
    return cloud.of("configApplied").map(({ version, errors }) => [version, errors]);
  }
  function starts(): number {
    return readFileSync(join(field.directory, "log"), "utf8")
      .split("\n")
      .filter((line) => line === "start").length;
  }

  it("is fetched when it is announced, applied and answered once", async () => {
    const gateway = await running();
    expect(gateway.status().configVersion).toBeUndefined();
    await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
    await expect.poll(applied).toEqual([[1, []]]);
    expect(gateway.status().configVersion).toBe(1);
    await expect.poll(() => gateway.latest(TEMP)?.quality).toBe("good");
  });

  it("lets the gateway start and work without the cloud, from the last good bundle", async () => {
    await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
    const first = await running();
    await expect.poll(() => first.status().configVersion).toBe(1);
    await first.stop();
    await cloud.stopBroker();
    cloud.httpStatus = 503;
    field.set("temp", 42);
    const second = await running();
    expect(second.status()).toMatchObject({ configVersion: 1, connected: false });
    await expect.poll(() => second.latest(TEMP)?.value).toBe(42);
    await expect.poll(() => second.status().health["Health/backlogTelemetry"]).toBe(1);
  });

  it("changes the points without ending a driver whose channel is unchanged, and is not answered twice after a restart", async () => {
    await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
    const gateway = await running();
    await expect.poll(() => gateway.latest(TEMP)?.quality).toBe("good");
    await cloud.announce(echoBundle(2, field.directory, [...POINTS, numberPoint("ahu", "flow")]), 2);
    await expect.poll(() => gateway.latest("park/gw/ahu/flow")?.quality).toBe("good");
    await expect.poll(() => cloud.births.has("park/gw/ahu/flow")).toBe(true);
    expect(starts()).toBe(1);
    await expect.poll(applied).toEqual([
      [1, []],
      [2, []],
    ]);
    await gateway.stop();
    const again = await running();
    await expect.poll(() => again.status().connected).toBe(true);
    await expect.poll(() => again.latest(TEMP)?.quality).toBe("good");
    expect(applied()).toHaveLength(2);
  });

  it("judges what is known already by a new alarm definition", async () => {
    field.set("temp", 1);
    await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
    const gateway = await running();
    await expect.poll(() => gateway.latest(TEMP)?.value).toBe(1);
    await cloud.announce(echoBundle(2, field.directory, POINTS, { alarms: [equalsAlarm("hot", TEMP)] }), 2);
    await expect.poll(() => cloud.of("alarm").map(({ alarm }) => alarm.definition)).toEqual(["hot"]);
  });

  it.each([
    ["an unknown field", { surprise: 1 }, /surprise/],
    ["another gateway's", { gateway: "other" }, /park\/other/],
    [
      "a channel section its driver refuses",
      { channels: [{ id: "field", protocol: "echo", config: { directory: 5 } }] },
      /channel field config: \/directory expected string/,
    ],
    ["an unknown protocol", { channels: [{ id: "field", protocol: "profinet", config: {} }] }, /profinet/],
    ["a point of no device", { points: [numberPoint("none", "x")] }, /point park\/gw\/none\/x/],
    [
      "an address its driver refuses",
      { points: [numberPoint("ahu", "temp", { address: { register: 1 } })] },
      /address: .*register/,
    ],
    ["an alarm on a point it does not have", { alarms: [equalsAlarm("x", "park/gw/ahu/none")] }, /alarm x/],
    [
      "a rule with an unknown action",
      {
        rules: [
          {
            id: "r",
            name: "r",
            nameEn: "r",
            enabled: true,
            when: { type: "deviceEvent", kind: "x" },
            then: [{ action: "explode", params: {} }],
          },
        ],
      },
      /rule r .*explode/,
    ],
  ])("refuses a bundle with %s, says why and goes on with the last good one", async (_, wrong, reason) => {
    await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
    const gateway = await running();
    await expect.poll(() => gateway.status().configVersion).toBe(1);
    await cloud.announce({ ...echoBundle(2, field.directory, POINTS), ...wrong }, 2);
    await expect.poll(() => cloud.of("configApplied").length).toBe(2);
    expect(cloud.of("configApplied")[1]).toMatchObject({
      version: 2,
      errors: expect.arrayContaining([expect.stringMatching(reason)]),
    });
    expect(gateway.status().configVersion).toBe(1);
    field.set("temp", 7);
    await expect.poll(() => gateway.latest(TEMP)?.value).toBe(7);
  });

  it("does not run bytes that are not those announced, and tries again", async () => {
    const bundle = echoBundle(1, field.directory, POINTS);
    await cloud.announce(bundle, 1);
    cloud.replaceBody(`${JSON.stringify(bundle)} `);
    const gateway = await running();
    await expect.poll(() => cloud.fetches).toBeGreaterThan(1);
    expect(gateway.status().configVersion).toBeUndefined();
    expect(existsSync(join(data, "bundle.json"))).toBe(false);
    cloud.replaceBody(JSON.stringify(bundle));
    await expect.poll(() => gateway.status().configVersion).toBe(1);
  });

  it("waits for another bundle when the kept one is broken", async () => {
    mkdirSync(data);
    writeFileSync(join(data, "bundle.json"), '{"version":1');
    const gateway = await running();
    expect(gateway.status().configVersion).toBeUndefined();
    await cloud.announce(echoBundle(3, field.directory, POINTS), 3);
    await expect.poll(() => gateway.status().configVersion).toBe(3);
  });
});
