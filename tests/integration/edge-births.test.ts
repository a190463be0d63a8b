import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BOOT_METRIC, parseBoot } from "#core/contracts/boot.ts";
import type { Point } from "#core/model/point.ts";
import { decodePayload } from "#core/sparkplug/decode.ts";
import type { Agent } from "#edge/agent.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";
import { EdgeCloud, EdgeField, echoBundle, numberPoint, runGateway } from "./edge-cloud.ts";

const folder = temporaryFolders();
const TEMP = "park/gw/ahu/temp";

describe("the births of a gateway", () => {
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

  const birthOf = (device: string) =>
    decodePayload(
      cloud.payloads.findLast(({ topic }) => topic.endsWith(`DBIRTH/gw/${device}`))?.payload ?? Buffer.of(),
    );
  const metricOf = (name: string) => birthOf("ahu").metrics.find((metric) => metric.name === name);
  const text = (slot: string): Point => ({ ...numberPoint("ahu", slot, { writable: false }), kind: "string" });

  it("show after a restart what was known last, as stale and with its time, until it is read anew", async () => {
    await cloud.announce(echoBundle(1, field.directory, [numberPoint("ahu", "temp"), numberPoint("ahu", "new")]), 1);
    const first = await runGateway(cloud, data);
    agent = first;
    field.tell("temp", { value: 42.5, sourceTime: 1_700_000_000_000 });
    await expect.poll(() => cloud.samples.findLast(({ point }) => point === TEMP)?.value).toBe(42.5);
    const at = cloud.samples.findLast(({ point }) => point === TEMP)?.at;
    await first.stop();

    // a field that cannot be read: the driver comes up without a value
    field.tell("temp", {});
    cloud.payloads.length = 0;
    const second = await runGateway(cloud, data);
    agent = second;
    await expect.poll(() => cloud.payloads.some(({ topic }) => topic.endsWith("DBIRTH/gw/ahu"))).toBe(true);
    expect(metricOf("temp")).toMatchObject({
      value: 42.5,
      timestamp: at,
      properties: {
        Quality: { value: 500 },
        quality: { value: "uncertain" },
        reason: { value: "stale" },
        sourceTime: { value: 1_700_000_000_000 },
      },
    });
    expect(second.latest(TEMP), "neither alarms nor linkages see it").toBeUndefined();
    field.set("temp", 43);
    await expect.poll(() => cloud.samples.findLast(({ point }) => point === TEMP)?.value).toBe(43);
    await cloud.askRebirth();
    await expect.poll(() => metricOf("temp")?.value).toBe(43);
  });

  it("do not show a value of another unit or scale that was kept", async () => {
    await cloud.announce(echoBundle(1, field.directory, [numberPoint("ahu", "temp")]), 1);
    agent = await runGateway(cloud, data);
    field.set("temp", 42.5);
    await expect.poll(() => cloud.samples.at(-1)?.value).toBe(42.5);
    await agent.stop();
    field.tell("temp", {});
    rmSync(join(data, "bundle.json"));
    await cloud.announce(echoBundle(2, field.directory, [numberPoint("ahu", "temp", { revision: 2 })]), 2);
    cloud.payloads.length = 0;
    agent = await runGateway(cloud, data);
    await expect.poll(() => cloud.payloads.some(({ topic }) => topic.endsWith("DBIRTH/gw/ahu"))).toBe(true);
    expect(metricOf("temp")).toMatchObject({ value: null });
  });

  it("tell which run of the process was born", async () => {
    const boots = () =>
      cloud.payloads
        .filter(({ topic }) => topic.includes("/NBIRTH/"))
        .map(({ payload }) => decodePayload(payload).metrics.find(({ name }) => name === BOOT_METRIC)?.value)
        .map((value) => parseBoot(String(value)));
    agent = await runGateway(cloud, data, { machine: "0123456789abcdef" });
    await expect.poll(boots).toHaveLength(1);
    await cloud.askRebirth();
    await expect.poll(boots).toHaveLength(2);
    await agent.stop();
    agent = await runGateway(cloud, data, { machine: "0123456789abcdef" });
    await expect.poll(boots).toHaveLength(3);
    const [first, again, next] = boots();
    expect(again).toEqual(first);
    expect(next?.nonce).not.toBe(first?.nonce);
    expect(next).toMatchObject({ epoch: first?.epoch, machine: "0123456789abcdef" });
  });

  it("of a device that fit no packet are refused with the configuration, by name and size", async () => {
    const name = "a-point-with-a-long-name-".repeat(2);
    const many = Array.from({ length: 7_000 }, (_, at) => numberPoint("ahu", `${name}${at}`));
    await cloud.announce(echoBundle(1, field.directory, [...many, numberPoint("meter", "power")]), 1);
    agent = await runGateway(cloud, data);
    await expect.poll(() => cloud.of("configApplied").length, { timeout: 15_000 }).toBe(1);
    const [{ errors } = { errors: [] }] = cloud.of("configApplied");
    expect(errors).toEqual([
      expect.stringMatching(
        /^device park\/gw\/ahu expected points whose birth fits \d+ bytes, got 7000 with \d+: split/,
      ),
    ]);
    expect(agent.status().connected).toBe(true);
  });

  it("fit one packet however long the texts of a device are: those that do not are cut and marked", async () => {
    const points = Array.from({ length: 400 }, (_, at) => text(`t${at}`));
    await cloud.announce(echoBundle(1, field.directory, points), 1);
    agent = await runGateway(cloud, data);
    await expect.poll(() => agent?.status().configVersion, { timeout: 15_000 }).toBe(1);
    const long = "文".repeat(1_900);
    for (const point of points) field.tell(point.id.slice("park/gw/ahu/".length), { value: long });
    await expect
      .poll(() => points.filter(({ id }) => agent?.latest(id)?.value === long).length, { timeout: 15_000 })
      .toBe(points.length);
    cloud.payloads.length = 0;
    await cloud.askRebirth();
    await expect.poll(() => cloud.payloads.some(({ topic }) => topic.endsWith("DBIRTH/gw/ahu"))).toBe(true);
    const birth = cloud.payloads.findLast(({ topic }) => topic.endsWith("DBIRTH/gw/ahu"));
    expect(birth?.payload.length).toBeLessThan(1024 * 1024);
    const metric = metricOf("t7");
    expect(long.startsWith(String(metric?.value))).toBe(true);
    expect(metric).toMatchObject({ properties: { quality: { value: "uncertain" }, reason: { value: "outOfRange" } } });
  });
});
