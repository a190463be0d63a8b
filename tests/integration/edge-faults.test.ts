import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import type { Bundle } from "#core/contracts/bundle.ts";
import { silentLogger } from "#core/logger.ts";
import { Outbox } from "#edge/outbox.ts";
import { echoBundle, numberPoint, runGateway } from "./edge-cloud.ts";
import { LIGHT, PARTS, Perimeter, POINTS } from "./edge-perimeter.ts";

describe("a gateway with a driver that tells nonsense", () => {
  const site = new Perimeter();

  it("goes on, for that driver's own good samples too, and loses no event of the others", async () => {
    const bundle = echoBundle(1, site.field.directory, POINTS, PARTS);
    const garbling = { id: "bad", protocol: "garbling", config: { log: join(site.root, "log") } };
    const device = { ...bundle.devices[0], id: "park/gw/odd", channel: "bad", protocol: "garbling" };
    const point = numberPoint("odd", "value");
    await site.running({
      ...PARTS,
      channels: [...bundle.channels, garbling],
      devices: [...bundle.devices, device] as Bundle["devices"],
      points: [...POINTS, point],
    });
    await expect.poll(() => site.cloud.samples.findLast((sample) => sample.point === point.id)?.value).toBe(7);
    site.field.tell("motion", { event: "motion" });
    await expect.poll(() => site.cloud.of("deviceEvent").map(({ event }) => event.kind)).toEqual(["motion"]);
    expect(site.agent?.status().counters).toMatchObject({ pipeline: { malformed: 2 }, agent: { faults: 2 } });
    expect(site.agent?.latest(LIGHT)?.quality).toBe("good");
  });
});

describe("a gateway whose outbox file is broken", () => {
  const site = new Perimeter();

  it("begins a new one, tells what is lost and raises an alarm that names the file", async () => {
    const first = await site.running();
    await expect.poll(() => first.status().health["Health/backlogTelemetry"]).toBe(0);
    await first.stop();
    writeFileSync(join(site.root, "data", "outbox.db"), Buffer.alloc(8_192, 0x5a), { flag: "r+" });
    await site.running();
    await expect
      .poll(() => site.cloud.of("alarm").map(({ alarm, transition }) => `${alarm.definition} ${transition}`))
      .toContain("gateway.outbox-broken raised");
    const record = site.cloud.of("deviceEvent").find(({ event }) => event.kind === "outboxBroken");
    expect(record?.event.data?.["file"]).toContain("outbox.db.broken-");
    await expect.poll(() => site.cloud.of("gap").map(({ reason }) => reason)).toContain("corrupt");
  });
});

describe("a gateway that is killed when its first batch has just come to the cloud", () => {
  const site = new Perimeter();

  it("knows afterwards that it was its own: no new epoch, nothing stored twice", async () => {
    const images: { readonly path: string; readonly upTo: number }[] = [];
    const first = await site.running();
    await expect.poll(() => first.status().health["Health/backlogTelemetry"]).toBe(0);
    await first.stop();
    const stored = Math.max(...site.cloud.samples.map(({ offset }) => offset));
    site.cloud.greeting = true;
    site.cloud.acking = false;
    // the files as a kill at this moment would leave them
    site.cloud.onBatch = (samples) => {
      if (images.length > 0) return;
      const path = join(site.root, "killed");
      cpSync(join(site.root, "data"), path, { recursive: true });
      images.push({ path, upTo: Math.max(...samples.map(({ offset }) => offset)) });
    };
    await site.cloud.stopBroker();
    const second = await runGateway(site.cloud, join(site.root, "data"));
    site.agent = second;
    await expect.poll(() => second.status().health["Health/backlogTelemetry"]).toBeGreaterThan(0);
    await site.cloud.startBroker();
    await expect.poll(() => images.length).toBe(1);
    const [image] = images;
    if (image === undefined) throw new Error("no image");
    expect(image.upTo).toBeGreaterThan(stored);
    const outbox = new Outbox({ path: join(image.path, "outbox.db"), clock: systemClock, logger: silentLogger });
    outbox.connected();
    const { epoch } = outbox;
    expect(outbox.acknowledge({ lane: "telemetry", epoch, upTo: image.upTo, hello: true })).toBe("trimmed");
    expect(outbox.epoch).toBe(epoch);
    outbox.close();
  });
});
