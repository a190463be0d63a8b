import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newEpoch } from "#core/ids.ts";
import {
  Bench,
  type Cloud,
  eventBatch,
  eventItem,
  storedValues,
  type WireGateway,
} from "../integration/ingest-park.ts";

/** How many alarms a site may raise at once. */
const STORM = 10_000;
const A_BATCH = 100;
/** Batches of events that are under way unanswered. */
const WINDOW = 16;
/** A metric without a field: field 2 of the payload, no byte long. [Sparkplug 6.4.1] */
const EMPTY_METRIC = [0x12, 0x00] as const;
/** As many as fit into the largest packet that the broker takes. */
const EMPTY_METRICS = 500_000;
/** Longest that everything else may wait for the worst message. */
const STALL_MS = 2000;

let bench: Bench;
let cloud: Cloud;
let gateway: WireGateway;

beforeEach(async () => {
  bench = new Bench();
  cloud = await bench.cloud();
  gateway = await bench.gateway(cloud);
  gateway.births();
});
afterEach(() => bench.clear());

const numbers = (count: number, first = 1): number[] => Array.from({ length: count }, (_, i) => first + i);

describe("[catalogue 25] a storm of alarms", () => {
  it("is taken in to the last one, in order and once each, and values do not wait for its end", {
    timeout: 60_000,
  }, async () => {
    const epoch = newEpoch();
    let sent = 0;
    let telemetry = 0;
    let during = 0;
    await expect
      .poll(
        () => {
          const acked = Math.max(0, gateway.ackedUpTo("events", epoch));
          if (acked < STORM && Math.max(0, gateway.ackedUpTo("telemetry", epoch)) >= telemetry) {
            during = telemetry;
            gateway.batch(epoch, telemetry + 1, telemetry + A_BATCH);
            telemetry += A_BATCH;
          }
          for (; sent < Math.min(STORM, acked + WINDOW * A_BATCH); sent += A_BATCH)
            gateway.events(
              eventBatch(
                epoch,
                numbers(A_BATCH, sent + 1).map((offset) => eventItem(offset)),
              ),
            );
          return acked;
        },
        { interval: 2, timeout: 50_000 },
      )
      .toBe(STORM);
    expect(cloud.told.items.map(({ offset }) => offset)).toEqual(numbers(STORM));
    expect(during, "samples acknowledged while the storm went on").toBeGreaterThan(A_BATCH);
    await expect.poll(() => gateway.ackedUpTo("telemetry", epoch)).toBe(telemetry);
    expect(await storedValues(cloud)).toEqual(numbers(telemetry).map((offset) => offset / 10));
    expect(cloud.told.findings.filter(({ kind }) => kind === "gap")).toEqual([]);
  });
});

describe("[catalogue 17] a message of half a million metrics", () => {
  it("is put aside, and neither holds anything up for long nor stays in memory", { timeout: 60_000 }, async () => {
    const epoch = newEpoch();
    gateway.batch(epoch, 1, 50);
    await expect.poll(() => gateway.ackedUpTo("telemetry", epoch)).toBe(50);
    const before = process.memoryUsage().rss;
    const payload = Buffer.from(
      Array.from({ length: EMPTY_METRICS * EMPTY_METRIC.length }, (_, i) => EMPTY_METRIC[i % 2] ?? 0),
    );
    const begun = performance.now();
    for (const topic of ["DDATA/gw-1/ahu-1", "NDATA/gw-1", "DBIRTH/gw-1/ahu-1"])
      await gateway.client.publishAsync(`spBv1.0/park/${topic}`, payload, { qos: 1 });
    gateway.births();
    gateway.batch(epoch, 51, 100);
    await expect.poll(() => gateway.ackedUpTo("telemetry", epoch)).toBe(100);
    expect(performance.now() - begun).toBeLessThan(3 * STALL_MS);
    expect((await storedValues(cloud)).length).toBe(100);
    expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(400);
  });
});

describe("[catalogue 17] values that no column can hold", () => {
  it("are stored as bad, never as another number, and hold nothing up", async () => {
    const epoch = newEpoch();
    const t0 = 1_790_000_000_000;
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 21.5];
    gateway.readings(
      values.map((value, i) => ({ alias: 1, value, timestamp: t0 + i })),
      `${epoch}:1:${values.length}`,
    );
    await expect.poll(() => gateway.ackedUpTo("telemetry", epoch)).toBe(values.length);
    const rows = await cloud.store.read({
      point: "park/gw-1/ahu-1/temperature" as Parameters<typeof cloud.store.read>[0]["point"],
      from: 0,
      to: 2 ** 50,
      limit: 10,
    });
    expect(rows.map(({ value, quality }) => [value, quality])).toEqual([
      [null, "bad"],
      [null, "bad"],
      [null, "bad"],
      [21.5, "good"],
    ]);
  });
});
