import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Agent } from "#edge/agent.ts";
import { EdgeCloud, EdgeField, echoBundle, numberPoint, runGateway } from "../integration/edge-cloud.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";
import { BadNetwork } from "./bad-network.ts";

const POINTS = ["a", "b", "c"].map((slot) => numberPoint("ahu", slot));
const VALUES = 40;
/** Two seconds there and back, and each third piece sent twice. */
const QUALITY = { delayMs: 1000, loss: 0.3, resendMs: 1000 } as const;

describe("[catalogue 4] a gateway behind a network with two seconds of latency that loses a third", () => {
  const folder = temporaryFolders();
  let cloud: EdgeCloud;
  let network: BadNetwork;
  let agent: Agent | undefined;

  beforeEach(async () => {
    cloud = new EdgeCloud();
    await cloud.start();
    network = await BadNetwork.before(Number(new URL(cloud.broker).port), QUALITY);
  });
  afterEach(async () => {
    await agent?.stop();
    agent = undefined;
    await network.close();
    await cloud.stop();
  });

  it("keeps its connection, loses nothing, and brings each value in its order", { timeout: 120_000 }, async () => {
    const root = folder();
    mkdirSync(join(root, "field"));
    const field = new EdgeField(join(root, "field"));
    await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
    const gateway = await runGateway(cloud, join(root, "data"), {
      bootstrap: {
        site: "park",
        gateway: "gw",
        data: join(root, "data"),
        broker: `mqtt://127.0.0.1:${network.port}`,
        cloud: cloud.http,
        credential: "given",
      },
    });
    agent = gateway;
    await expect.poll(() => gateway.status().connected, { timeout: 40_000 }).toBe(true);
    await expect.poll(() => gateway.latest("park/gw/ahu/a")?.quality, { timeout: 40_000 }).toBe("good");
    for (let value = 1; value <= VALUES; value++) {
      for (const slot of ["a", "b", "c"]) field.set(slot, value);
      await expect.poll(() => gateway.latest("park/gw/ahu/c")?.value).toBe(value);
    }
    await expect.poll(() => gateway.status().health["Health/backlogTelemetry"], { timeout: 40_000 }).toBe(0);

    const byOffset = new Map(cloud.samples.map((sample) => [sample.offset, sample]));
    expect(byOffset.size).toBe(Math.max(...byOffset.keys()));
    for (const sample of cloud.samples) expect(sample.value).toBe(byOffset.get(sample.offset)?.value);
    const ofC = [...byOffset.entries()]
      .toSorted(([a], [b]) => a - b)
      .filter(([, { point }]) => point === "park/gw/ahu/c");
    const values = ofC.map(([, { value }]) => value).filter((value) => typeof value === "number" && value > 0);
    expect(values).toEqual(Array.from({ length: VALUES }, (_, i) => i + 1));
    expect(network.lost).toBeGreaterThan(0);
    expect(gateway.status().counters["uplink"]).toMatchObject({ connects: 1, losses: 0 });
    expect(cloud.epochs).toHaveLength(1);
  });
});
