import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HubError, InvalidInputError } from "#core/errors.ts";
import { newEpoch } from "#core/ids.ts";
import { Bench, type Cloud, GATEWAY, storedValues, type WireGateway } from "./ingest-park.ts";
import { StoreGate } from "./store-gate.ts";

let bench: Bench;
let cloud: Cloud;
let gateway: WireGateway;
let gate: StoreGate;
let epoch = "";

beforeEach(async () => {
  bench = new Bench();
  gate = new StoreGate();
  cloud = await bench.cloud(0, (store) => gate.before(store));
  gateway = await bench.gateway(cloud);
  gateway.births();
  epoch = newEpoch();
});
afterEach(async () => {
  gate.open();
  await bench.clear();
});

const tenths = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => (from + i) / 10);
const live = (): unknown[] => cloud.told.live.map(({ value }) => value);
const acked = (): number => gateway.ackedUpTo("telemetry", epoch);
const cursor = () => cloud.ingest.cursors.get({ gateway: GATEWAY, lane: "telemetry", epoch });
/** Lets the write go that has waited so long. */
const release = (place: number): void => {
  for (const { go } of gate.held.splice(place, 1)) go();
};

describe("state and rules", () => {
  const past = (): unknown[] => cloud.told.past.map(({ value }) => value);

  it("are told of a batch before it is stored; the acknowledgement waits for the store", async () => {
    gate.close();
    gateway.batch(epoch, 1, 10);
    await expect.poll(live).toEqual(tenths(1, 10));
    gateway.batch(epoch, 11, 20, { historical: true });
    await expect.poll(past).toEqual(tenths(11, 20));
    expect([await storedValues(cloud), acked(), cursor()]).toEqual([[], -1, undefined]);
    gate.open();
    await expect.poll(acked).toBe(20);
    expect(await storedValues(cloud)).toEqual(tenths(1, 20));
    expect([live(), past()]).toEqual([tenths(1, 10), tenths(11, 20)]);
  });

  it("are told of a row once, however often it is offered while it is on its way", async () => {
    gate.close();
    gateway.batch(epoch, 1, 10);
    await expect.poll(() => gate.held.length).toBe(1);
    gateway.batch(epoch, 1, 10);
    gateway.batch(epoch, 6, 15);
    await expect.poll(() => cloud.ingest.backlog).toBe(30);
    expect(live()).toEqual(tenths(1, 15));
    gate.open();
    await expect.poll(acked).toBe(15);
    gateway.batch(epoch, 6, 20);
    await expect.poll(acked).toBe(20);
    expect(live()).toEqual(tenths(1, 20));
    expect(cursor()).toMatchObject({ stored: 20, duplicates: 25 });
  });

  it("are told again after a crash of what was not acknowledged, and it is stored then", async () => {
    gate.refuses = () => new HubError("STORE_AWAY", "connection refused", { retriable: true });
    gateway.batch(epoch, 1, 10);
    await expect.poll(live).toEqual(tenths(1, 10));
    cloud = await bench.restart(cloud);
    gateway = await bench.gateway(cloud);
    gateway.births();
    gateway.batch(epoch, 1, 10);
    await expect.poll(acked).toBe(10);
    expect(live()).toEqual(tenths(1, 10));
    expect(await storedValues(cloud)).toEqual(tenths(1, 10));
  });
});

describe("commits under way", () => {
  it("are acknowledged in their order, also when the later one is done first", async () => {
    gate.close();
    gateway.batch(epoch, 1, 10);
    await expect.poll(() => gate.held.length).toBe(1);
    gateway.batch(epoch, 11, 20);
    await expect.poll(() => gate.held.length).toBe(2);
    release(1);
    await expect.poll(async () => (await cloud.store.ranges(GATEWAY)).length).toBe(1);
    expect([acked(), cursor()]).toEqual([-1, undefined]);
    release(0);
    await expect.poll(acked).toBe(20);
    expect(live()).toEqual(tenths(1, 20));
  });

  it("are two at most: what comes meanwhile shares the next one", async () => {
    gate.close();
    gateway.batch(epoch, 1, 10);
    await expect.poll(() => gate.held.length).toBe(1);
    gateway.batch(epoch, 11, 20);
    await expect.poll(() => gate.held.length).toBe(2);
    for (let first = 21; first <= 91; first += 10) gateway.batch(epoch, first, first + 9);
    await expect.poll(() => cloud.ingest.backlog).toBe(100);
    expect(gate.held).toHaveLength(2);
    release(0);
    await expect.poll(() => gate.held.at(-1)?.write.spans.length).toBe(8);
    gate.open();
    await expect.poll(acked).toBe(100);
    expect(live()).toEqual(tenths(1, 100));
    expect(cloud.ingest.backlog).toBe(0);
  });

  it("hold the gateways up when they do not end, with a bounded number of samples in memory", async () => {
    gate.close();
    const size = 1000;
    for (let i = 0; i < 400; i++) gateway.batch(epoch, i * size + 1, (i + 1) * size);
    await expect.poll(() => cloud.ingest.backlog, { timeout: 30_000 }).toBeGreaterThanOrEqual(250_000);
    expect(cloud.ingest.backlog).toBeLessThan(270_000);
    gate.open();
    await expect.poll(acked, { timeout: 60_000, interval: 100 }).toBe(400 * size);
    expect(cloud.ingest.backlog).toBe(0);
    expect(cursor()).toMatchObject({ stored: 400 * size, duplicates: 0 });
  }, 100_000);
});

describe("a store that is away", () => {
  it("is asked again until it is back: nothing is acknowledged before, lost or doubled", async () => {
    gate.refuses = () => new HubError("STORE_AWAY", "connection refused", { retriable: true });
    gateway.batch(epoch, 1, 10);
    gateway.batch(epoch, 11, 20);
    gateway.batch(epoch, 1, 10);
    await expect.poll(() => cloud.ingest.backlog).toBe(30);
    expect([live(), acked()]).toEqual([tenths(1, 20), -1]);
    gate.refuses = () => undefined;
    await expect.poll(acked).toBe(20);
    await expect.poll(() => cloud.ingest.backlog).toBe(0);
    expect(await storedValues(cloud)).toEqual(tenths(1, 20));
    expect(live()).toEqual(tenths(1, 20));
  });

  it("or rather never takes one batch of a shared commit has that put aside, and stores its neighbours", async () => {
    gate.close();
    gateway.batch(epoch, 1, 5);
    await expect.poll(() => gate.held.length).toBe(1);
    gateway.batch(epoch, 6, 10);
    await expect.poll(() => gate.held.length).toBe(2);
    for (let first = 11; first <= 21; first += 5) gateway.batch(epoch, first, first + 4);
    await expect.poll(() => cloud.ingest.backlog).toBe(25);
    gate.refuses = ({ spans }) =>
      spans.some(({ first }) => first === 16) ? new InvalidInputError("SAMPLE_REFUSED", "never") : undefined;
    gate.open();
    await expect.poll(acked).toBe(25);
    expect(await storedValues(cloud)).toEqual([...tenths(1, 15), ...tenths(21, 25)]);
    expect(live()).toEqual(tenths(1, 25));
    const [row] = cloud.ingest.quarantine.list(GATEWAY, { limit: 10 }).items;
    expect(row).toMatchObject({ code: "SAMPLE_REFUSED", offset: 16 });
    const kept = cloud.db.sync.get(cloud.db.kysely.selectFrom("quarantine").select("bytes"));
    const batch = JSON.parse(Buffer.from(kept?.bytes ?? []).toString()) as { samples: { value: number }[] };
    expect(batch).toMatchObject({ gateway: GATEWAY, epoch, first: 16, last: 20 });
    expect(batch.samples.map(({ value }) => value)).toEqual(tenths(16, 20));
    expect(cloud.told.findings).toContainEqual(
      expect.objectContaining({ kind: "gap", from: 16, to: 20, reason: "quarantined SAMPLE_REFUSED" }),
    );
  });
});

describe("[catalogue 9] a record database that is full", () => {
  it("lets nothing be acknowledged that was stored, and nothing be told twice when there is room again", async () => {
    const pages = (count: number) =>
      cloud.db.sync.all({ compile: () => sql.raw(`PRAGMA max_page_count=${count}`).compile(cloud.db.kysely) });
    gateway.batch(epoch, 1, 10);
    await expect.poll(acked).toBe(10);
    pages(1);
    // Holes make the cursor too large for its page.
    for (let i = 0; i < 1000; i++) gateway.batch(epoch, 21 + i * 4, 22 + i * 4);
    await expect.poll(() => cloud.told.live.length).toBeGreaterThan(100);
    const large = { gateway: GATEWAY, topic: "t", code: "C", reason: "r", bytes: Buffer.alloc(100_000) };
    expect(() => cloud.ingest.quarantine.add(large)).toThrow(expect.objectContaining({ code: "DB_FULL" }));
    gateway.batch(epoch, 11, 18);
    await expect.poll(() => cloud.ingest.backlog).toBeGreaterThan(0);
    expect(acked()).toBe(10);
    pages(1_000_000);
    await expect.poll(acked).toBe(18);
    await expect.poll(() => cloud.told.live.length).toBe(2018);
    expect(new Set(live()).size).toBe(2018);
    expect(cursor()).toMatchObject({ stored: 2018, duplicates: 0, highest: 4018 });
  });
});

describe("what ingest notices", () => {
  it("are gaps, duplicates, batches out of order and replays of a closed epoch", async () => {
    const former = epoch;
    gateway.batch(epoch, 1, 10);
    gateway.batch(epoch, 31, 40);
    gateway.batch(epoch, 21, 30);
    gateway.batch(epoch, 11, 20);
    gateway.batch(epoch, 1, 5);
    epoch = newEpoch();
    gateway.batch(epoch, 1, 10);
    await expect.poll(acked).toBe(10);
    gateway.batch(former, 6, 10);
    await expect.poll(() => cloud.told.findings.map(({ kind }) => kind)).toContain("replay");
    const lane = { lane: "telemetry", epoch: former };
    expect(cloud.told.findings).toEqual([
      { kind: "reorder", ...lane, from: 31, to: 40 },
      { kind: "duplicate", ...lane, from: 1, to: 5 },
      { kind: "replay", ...lane, from: 6, to: 10 },
    ]);
  });

  it("are silence and its end", async () => {
    await expect.poll(() => cloud.presence.isOnline(GATEWAY)).toBe(true);
    const since = cloud.presence.lastSeenAt(GATEWAY);
    await gateway.drop();
    await expect.poll(() => cloud.told.findings).toEqual([{ kind: "silence", since }]);
    gateway = await bench.gateway(cloud);
    gateway.births();
    await expect.poll(() => cloud.told.findings.length).toBe(2);
    expect(cloud.told.findings[1]).toEqual({ kind: "silence", since, until: expect.any(Number) });
  });
});
