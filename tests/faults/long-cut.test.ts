import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#core/clock.ts";
import { pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Agent } from "#edge/agent.ts";
import { Outbox } from "#edge/outbox.ts";
import { EdgeCloud, EdgeField, echoBundle, numberPoint, type Received, runGateway } from "../integration/edge-cloud.ts";
import { temporaryFolders } from "../unit/edge/temp-folder.ts";

const SECONDS = 3_600;
const DEVICES = ["ahu", "meter"];
const SLOTS = ["a", "b", "c"];
const POINTS = DEVICES.flatMap((device) => SLOTS.map((slot) => numberPoint(device, `${device}-${slot}`)));
const LIVE = "park/gw/ahu/ahu-a";
const EVENTS = 1_500;
/** What the cloud takes to store and answer, ms; with it the drain is long enough to look into. */
const ACK_EVERY_MS = 20;

describe("[catalogue 3] a gateway that was cut off for an hour", () => {
  const folder = temporaryFolders();
  let cloud: EdgeCloud;
  let field: EdgeField;
  let data: string;
  let agent: Agent | undefined;
  let arrivals: { readonly samples: readonly Received[]; readonly events: number }[];
  let stopAcking: () => void;

  beforeEach(async () => {
    const root = folder();
    data = join(root, "data");
    mkdirSync(join(root, "field"));
    field = new EdgeField(join(root, "field"));
    cloud = new EdgeCloud();
    arrivals = [];
    cloud.onBatch = (samples) => arrivals.push({ samples, events: cloud.of("deviceEvent").length });
    await cloud.start();
    cloud.acking = false;
    stopAcking = systemClock.every(ACK_EVERY_MS, () => cloud.ackAll());
  });
  afterEach(async () => {
    stopAcking();
    await agent?.stop();
    agent = undefined;
    await cloud.stop();
  });

  /** What an hour of a sample a second and point, and an event now and then, leaves in the outbox. */
  function hourOf(): number {
    const outbox = new Outbox({
      path: join(data, "outbox.db"),
      clock: systemClock,
      logger: silentLogger,
      synchronous: "NORMAL",
    });
    const from = Date.now() - SECONDS * 1_000;
    for (let second = 0; second < SECONDS; second++) {
      outbox.appendSamples(
        POINTS.map(({ id }) => ({
          point: pointId(id),
          value: second,
          quality: "good" as const,
          observedAt: from + second * 1_000,
        })),
      );
      if (second < EVENTS)
        outbox.append("events", {
          kind: "deviceEvent",
          event: { id: `e${second}`, device: "park/gw/ahu", kind: "motion", observedAt: from + second * 1_000 },
        });
      outbox.commit();
    }
    const { next } = outbox.state("telemetry");
    outbox.close();
    return next - 1;
  }

  it("sends its events first, then what is live beside the backlog, which is marked and loses nothing", async () => {
    await cloud.announce(echoBundle(1, field.directory, POINTS), 1);
    const before = await runGateway(cloud, data);
    agent = before;
    await expect.poll(() => cloud.samples.length).toBeGreaterThanOrEqual(POINTS.length);
    await expect.poll(() => before.status().health["Health/backlogTelemetry"]).toBe(0);
    await before.stop();
    stopAcking();
    await cloud.stopBroker();
    const waiting = hourOf();
    arrivals.length = 0;

    const gateway = await runGateway(cloud, data);
    agent = gateway;
    await expect.poll(() => gateway.latest(LIVE)?.quality).toBe("good");
    expect(gateway.status().health).toMatchObject({ "Health/drainedInS": -1 });
    const oldest = gateway.status().health["Health/oldestUnackedAt"];
    expect(Date.now() - oldest).toBeGreaterThan((SECONDS - 60) * 1_000);
    expect(gateway.status().health["Health/backlogBytes"]).toBeGreaterThan(100_000);
    await cloud.startBroker();
    stopAcking = systemClock.every(ACK_EVERY_MS, () => cloud.ackAll());
    await expect.poll(() => gateway.status().connected).toBe(true);

    // while it drains a value changes again and again, each when the one before has come
    let live = 0;
    const drains: number[] = [];
    const drained = (): boolean => gateway.status().health["Health/backlogTelemetry"] === 0;
    while (gateway.status().health["Health/drainedInS"] !== 0 && live < 500) {
      const value = ++live + 0.5;
      field.set("ahu-a", value);
      await expect
        .poll(() =>
          cloud.samples.some((sample) => sample.point === LIVE && sample.value === value && !sample.historical),
        )
        .toBe(true);
      drains.push(gateway.status().health["Health/drainedInS"]);
    }
    await expect.poll(drained).toBe(true);

    const historical = cloud.samples.filter((sample) => sample.historical);
    const lastOfBacklog = arrivals.findLastIndex(({ samples }) => samples.some((sample) => sample.historical));
    const liveDuring = arrivals
      .slice(0, lastOfBacklog)
      .flatMap(({ samples }) => samples.filter((sample) => sample.point === LIVE && !sample.historical));
    expect(liveDuring.length, "live values that came while the backlog drained").toBeGreaterThan(5);
    expect(drains.some((seconds) => seconds > 0)).toBe(true);

    // the events were all there before more than a small share of the backlog was
    const eventsDone = arrivals.findIndex(({ events }) => events === EVENTS);
    const backlogBefore = arrivals.slice(0, eventsDone).filter(({ samples }) => samples.some((s) => s.historical));
    expect(eventsDone).toBeGreaterThan(0);
    expect(backlogBefore.length).toBeLessThan(lastOfBacklog / 10);

    // nothing lost, one content an offset, each part in the order of its offsets
    const byOffset = new Map(cloud.samples.map((sample) => [sample.offset, sample]));
    const last = Math.max(...byOffset.keys());
    expect(byOffset.size).toBe(last);
    for (const sample of cloud.samples) expect(sample.value).toBe(byOffset.get(sample.offset)?.value);
    for (const part of [historical, cloud.samples.filter((sample) => !sample.historical)])
      expect(part.map(({ offset }) => offset)).toEqual(part.map(({ offset }) => offset).toSorted((a, b) => a - b));
    expect(historical.length).toBeGreaterThanOrEqual(waiting - POINTS.length);
    expect(historical.every(({ offset }) => offset <= waiting + POINTS.length)).toBe(true);
    expect(cloud.of("deviceEvent")).toHaveLength(EVENTS);
    expect(gateway.status().counters["uplink"]).toMatchObject({ rewinds: 0 });
    expect(gateway.status().health).toMatchObject({ "Health/drainedInS": 0, "Health/oldestUnackedAt": 0 });
    expect(cloud.problems).toEqual([]);
  }, 60_000);
});
