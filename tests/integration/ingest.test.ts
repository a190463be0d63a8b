import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LiveChange } from "#cloud/ports.ts";
import { hubTopic } from "#core/contracts/topics.ts";
import { newEpoch } from "#core/ids.ts";
import {
  Bench,
  type Cloud,
  eventBatch,
  eventItem,
  GATEWAY,
  NEVER_STORABLE,
  SITE,
  serviceFor,
  storedValues,
  type WireGateway,
} from "./ingest-park.ts";

let bench: Bench;
let cloud: Cloud;
let gateway: WireGateway;
let epoch = "";

beforeEach(async () => {
  bench = new Bench();
  cloud = await bench.cloud();
  gateway = await bench.gateway(cloud);
  gateway.births();
  epoch = newEpoch();
});
afterEach(() => bench.clear());

const tenths = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => (from + i) / 10);
const telemetryAck = () => gateway.ackedUpTo("telemetry", epoch);
const eventsAck = () => gateway.ackedUpTo("events", epoch);

describe("telemetry on its way into the cloud", () => {
  it("is told to the domains, stored and acknowledged", async () => {
    gateway.batch(epoch, 1, 50);
    await expect.poll(telemetryAck).toBe(50);
    expect(await storedValues(cloud)).toEqual(tenths(1, 50));
    expect(cloud.told.live.map((sample) => sample.value)).toEqual(tenths(1, 50));
    expect(cloud.told.live[0]).toMatchObject({ point: "park/gw-1/ahu-1/temperature", quality: "good" });
  });

  it("carries quality, reason, texts and booleans through", async () => {
    gateway.readings(
      [
        { alias: 1, value: null, timestamp: 1000, quality: "bad", reason: "commLost" },
        { alias: 2, value: true, timestamp: 1001 },
        { alias: 3, value: "auto", timestamp: 1002, quality: "uncertain", reason: "stale" },
      ],
      `${epoch}:1:3`,
    );
    await expect.poll(telemetryAck).toBe(3);
    expect(cloud.told.live).toEqual([
      { point: "park/gw-1/ahu-1/temperature", value: null, quality: "bad", reason: "commLost", observedAt: 1000 },
      { point: "park/gw-1/ahu-1/fan", value: true, quality: "good", observedAt: 1001 },
      { point: "park/gw-1/ahu-1/mode", value: "auto", quality: "uncertain", reason: "stale", observedAt: 1002 },
    ]);
  });

  it("takes births as what holds now: told, but neither stored nor acknowledged", async () => {
    await expect.poll(() => cloud.told.births.length).toBeGreaterThan(0);
    expect(cloud.told.births.find((sample) => sample.point.endsWith("temperature"))?.value).toBe(20);
    expect(await storedValues(cloud)).toEqual([]);
    expect(gateway.acks).toEqual([]);
  });

  it("keeps historical samples apart from live ones", async () => {
    gateway.batch(epoch, 1, 5, { historical: true });
    await expect.poll(telemetryAck).toBe(5);
    expect(cloud.told.past).toHaveLength(5);
    expect(cloud.told.live).toEqual([]);
  });

  it("[catalogue 16] stores a batch once that is offered three times, and tells it once", async () => {
    for (let i = 0; i < 3; i++) gateway.batch(epoch, 1, 20);
    gateway.batch(epoch, 21, 30);
    await expect.poll(telemetryAck).toBe(30);
    expect(await storedValues(cloud)).toEqual(tenths(1, 30));
    expect(cloud.told.live).toHaveLength(30);
    expect(cloud.ingest.cursors.get({ gateway: GATEWAY, lane: "telemetry", epoch })?.duplicates).toBe(40);
  });

  it("acknowledges nothing beyond a hole, and everything once the hole is filled", async () => {
    gateway.batch(epoch, 1, 10);
    gateway.batch(epoch, 21, 30);
    await expect.poll(() => cloud.told.live.length).toBe(20);
    await expect.poll(telemetryAck).toBe(10);
    gateway.batch(epoch, 11, 20);
    await expect.poll(telemetryAck).toBe(30);
    expect(await storedValues(cloud)).toEqual(tenths(1, 30));
  });

  it("goes on after a restart of the cloud where it was, with what it had", async () => {
    gateway.batch(epoch, 1, 10);
    gateway.batch(epoch, 16, 20);
    await expect.poll(() => cloud.told.live.length).toBe(15);
    cloud = await bench.restart(cloud);
    gateway = await bench.gateway(cloud);
    gateway.births();
    gateway.batch(epoch, 6, 15);
    await expect.poll(telemetryAck).toBe(20);
    expect(await storedValues(cloud)).toEqual(tenths(1, 20));
    expect(cloud.told.live.map((sample) => sample.value)).toEqual(tenths(11, 15));
  });

  it("begins a new cursor for a new epoch and keeps the old one for the report", async () => {
    gateway.batch(epoch, 1, 10);
    await expect.poll(telemetryAck).toBe(10);
    const old = epoch;
    epoch = newEpoch();
    gateway.batch(epoch, 1, 5, { t0: 1_790_100_000_000 });
    await expect.poll(telemetryAck).toBe(5);
    expect(cloud.ingest.cursors.get({ gateway: GATEWAY, lane: "telemetry", epoch: old })?.closedAt).not.toBeNull();
    expect(await storedValues(cloud)).toHaveLength(15);
  });

  it("follows a restored outbox whose new epoch begins far above the first offset, once it was offered again", async () => {
    gateway.batch(epoch, 501, 510);
    gateway.batch(epoch, 511, 520);
    await expect.poll(() => cloud.told.live.length).toBe(20);
    await expect.poll(telemetryAck).toBe(0);
    gateway.batch(epoch, 501, 510);
    await expect.poll(telemetryAck).toBe(520);
    const report = await serviceFor(cloud).completeness(GATEWAY);
    expect(report?.lanes).toMatchObject([{ from: 501, upTo: 520, stored: 20, missing: [], gaps: [] }]);
  });

  it("does not skip what was only lost on the way: offered again from its beginning, nothing is missing", async () => {
    gateway.batch(epoch, 11, 20);
    gateway.batch(epoch, 1, 10);
    gateway.batch(epoch, 11, 20);
    await expect.poll(telemetryAck).toBe(20);
    expect(await storedValues(cloud)).toEqual(tenths(1, 20));
    expect(cloud.ingest.gaps.of(GATEWAY)).toEqual([]);
  });

  it("records a gap when a gateway no longer holds what the cloud waits for", async () => {
    gateway.batch(epoch, 1, 10);
    await expect.poll(telemetryAck).toBe(10);
    gateway.batch(epoch, 31, 40);
    gateway.batch(epoch, 31, 40);
    await expect.poll(telemetryAck).toBe(40);
    expect(cloud.ingest.gaps.of(GATEWAY)).toMatchObject([
      { lane: "telemetry", epoch, from: 11, to: 30, reason: "notOffered" },
    ]);
  });

  it("asks for births when data comes before them, and then stores what is offered again", async () => {
    cloud = await bench.restart(cloud);
    gateway = await bench.gateway(cloud);
    // A session that was born towards another cloud process: this one has seen no birth.
    gateway.session.births(Date.now(), () => undefined);
    gateway.batch(epoch, 1, 10);
    const asked = () => gateway.received.some(({ topic }) => topic === `spBv1.0/${SITE}/NCMD/gw-1`);
    await expect.poll(asked).toBe(true);
    gateway.births();
    gateway.batch(epoch, 1, 10);
    await expect.poll(telemetryAck).toBe(10);
  });
});

describe("the events lane", () => {
  it("applies each item once, in the order of offsets, also inside a shuffled batch", async () => {
    gateway.events(eventBatch(epoch, [eventItem(1), eventItem(2)]));
    gateway.events(eventBatch(epoch, [eventItem(2), eventItem(3)]));
    gateway.events({
      v: 1,
      lane: "events",
      epoch,
      firstOffset: 4,
      lastOffset: 6,
      items: [6, 4, 5].map((o) => eventItem(o)),
    });
    await expect.poll(eventsAck).toBe(6);
    expect(cloud.told.items.map((item) => item.offset)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("waits for what is missing in front: never a clearing before its raising", async () => {
    gateway.events(eventBatch(epoch, [eventItem(3), eventItem(4)]));
    await expect.poll(eventsAck).toBe(0);
    expect(cloud.told.items).toEqual([]);
    gateway.events(eventBatch(epoch, [eventItem(1), eventItem(2)]));
    gateway.events(eventBatch(epoch, [eventItem(3), eventItem(4)]));
    await expect.poll(eventsAck).toBe(4);
    expect(cloud.told.items.map((item) => item.offset)).toEqual([1, 2, 3, 4]);
  });

  it("records a hole inside a batch as a gap and goes on", async () => {
    gateway.events({
      v: 1,
      lane: "events",
      epoch,
      firstOffset: 1,
      lastOffset: 4,
      items: [1, 4].map((o) => eventItem(o)),
    });
    await expect.poll(eventsAck).toBe(4);
    expect(cloud.ingest.gaps.of(GATEWAY)).toMatchObject([
      { lane: "events", epoch, from: 2, to: 3, reason: "notOffered" },
    ]);
  });

  it("keeps an unknown kind and an invalid item aside, acknowledges them and applies their neighbours", async () => {
    const newer = { offset: 2, at: 1, kind: "hologram", beam: { colour: "green" } };
    const invalid = { offset: 3, at: 1, kind: "deviceEvent", event: { id: 7 } };
    gateway.events(eventBatch(epoch, [eventItem(1), newer, invalid, eventItem(4, NEVER_STORABLE), eventItem(5)]));
    await expect.poll(eventsAck).toBe(5);
    expect(cloud.told.items.map((item) => item.offset)).toEqual([1, 5]);
    const rows = cloud.ingest.quarantine.list(GATEWAY, { limit: 10 }).items;
    expect(rows.map(({ code, offset }) => [offset, code])).toEqual([
      [4, "EVENT_REFUSED"],
      [3, "ITEM_INVALID"],
      [2, "ITEM_KIND_UNKNOWN"],
    ]);
    const bytes = cloud.db.sync.get(
      cloud.db.kysely.selectFrom("quarantine").select("bytes").where("code", "=", "ITEM_KIND_UNKNOWN"),
    );
    expect(JSON.parse(Buffer.from(bytes?.bytes ?? []).toString())).toEqual(newer);
  });

  it("keeps the fields of a newer gateway that it does not know", async () => {
    gateway.events(eventBatch(epoch, [{ ...eventItem(1), confidence: 0.93 } as never]));
    await expect.poll(eventsAck).toBe(1);
    expect(cloud.told.items[0]).toMatchObject({ confidence: 0.93 });
  });

  it("moves the telemetry cursor over a gap that the gateway tells, and reports it", async () => {
    gateway.batch(epoch, 1, 10);
    gateway.batch(epoch, 21, 30);
    await expect.poll(() => cloud.told.live.length).toBe(20);
    const gap = { offset: 1, at: 1, kind: "gap", lane: "telemetry", epoch, from: 11, to: 20, reason: "cap" };
    gateway.events(eventBatch(epoch, [gap]));
    await expect.poll(eventsAck).toBe(1);
    gateway.batch(epoch, 31, 31);
    await expect.poll(telemetryAck).toBe(31);
    const report = await serviceFor(cloud).completeness(GATEWAY);
    expect(report?.lanes.find((lane) => lane.lane === "telemetry")).toMatchObject({
      stored: 21,
      missing: [],
      gaps: [{ from: 11, to: 20, reason: "cap" }],
    });
  });

  it("acknowledges items only after they are committed: a full disk acknowledges nothing and loses nothing", async () => {
    const { sql } = await import("kysely");
    const pages = (count: number) =>
      cloud.db.sync.all({ compile: () => sql.raw(`PRAGMA max_page_count=${count}`).compile(cloud.db.kysely) });
    gateway.events(eventBatch(epoch, [eventItem(1)]));
    await expect.poll(eventsAck).toBe(1);
    pages(1);
    const many = Array.from({ length: 500 }, (_, i) => ({ offset: 2 + i, at: 1, kind: `unknown-${"x".repeat(200)}` }));
    gateway.events(eventBatch(epoch, many));
    await gateway.client.publishAsync(hubTopic(SITE, "gw-1", "events"), "barrier", { qos: 1 });
    expect(eventsAck()).toBe(1);
    expect(cloud.ingest.cursors.get({ gateway: GATEWAY, lane: "events", epoch })?.upTo).toBe(1);
    pages(1_000_000);
    gateway.events(eventBatch(epoch, many));
    await expect.poll(eventsAck).toBe(501);
  });

  it("remembers which configuration a gateway has applied", async () => {
    const changes: LiveChange[] = [];
    const service = serviceFor(cloud, changes);
    cloud.ingest.onChange((id) => service.publish(id));
    gateway.events(
      eventBatch(epoch, [{ offset: 1, at: 1, kind: "configApplied", version: 7, errors: ["x"] } as never]),
    );
    await expect.poll(() => changes.length).toBeGreaterThan(0);
    expect(service.get(GATEWAY)).toMatchObject({
      configVersion: 7,
      configErrors: ["x"],
      configWanted: 3,
      online: true,
    });
  });
});

describe("payloads that cannot be read", () => {
  it("are put aside with their bytes and counted, and the service goes on", async () => {
    const topic = `spBv1.0/${SITE}/DDATA/gw-1/ahu-1`;
    gateway.client.publish(topic, Buffer.from([0xff, 0xff, 0xff, 0x01, 0x02]));
    gateway.events("{ not json");
    gateway.events({ v: 1, lane: "events", epoch: "short", firstOffset: 1, lastOffset: 2, items: [] });
    gateway.readings([{ alias: 1, value: 1, timestamp: 1 }], "no identity");
    gateway.batch(epoch, 1, 10);
    await expect.poll(telemetryAck).toBe(10);
    const codes = cloud.ingest.quarantine.list(GATEWAY, { limit: 10 }).items.map(({ code }) => code);
    expect(codes.toReversed()).toEqual([
      "SPARKPLUG_MALFORMED",
      "EVENT_BATCH_INVALID",
      "EVENT_BATCH_INVALID",
      "BATCH_IDENTITY_INVALID",
    ]);
    expect(serviceFor(cloud).get(GATEWAY)?.quarantined).toBe(4);
  });

  it("of a newer version block nothing: kept whole, acknowledged, shown as a gap", async () => {
    gateway.events({ v: 2, lane: "events", epoch, firstOffset: 1, lastOffset: 3, items: { packed: "yes" } });
    await expect.poll(eventsAck).toBe(3);
    expect(cloud.ingest.gaps.of(GATEWAY)).toMatchObject([
      { from: 1, to: 3, reason: "quarantined EVENT_BATCH_VERSION" },
    ]);
    gateway.events(eventBatch(epoch, [eventItem(4)]));
    await expect.poll(eventsAck).toBe(4);
  });

  it("never bring the service down, whatever bytes come", async () => {
    let seed = 20_260_731;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed % below;
    };
    for (let i = 0; i < 300; i++) {
      const bytes = Buffer.from(Array.from({ length: random(200) }, () => random(256)));
      const topic = random(2) === 0 ? hubTopic(SITE, "gw-1", "events") : `spBv1.0/${SITE}/DDATA/gw-1/ahu-1`;
      await gateway.client.publishAsync(topic, bytes, { qos: 1 });
    }
    gateway.births();
    gateway.batch(epoch, 1, 10);
    await expect.poll(telemetryAck).toBe(10);
  });
});
