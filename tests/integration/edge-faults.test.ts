import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Bundle } from "#core/contracts/bundle.ts";
import { echoBundle, numberPoint } from "./edge-cloud.ts";
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
