import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Completeness } from "#core/contracts/completeness.ts";
import type { GatewayView } from "#core/contracts/gateways.ts";
import type { PointView } from "#core/contracts/points.ts";
import type { ApiClient } from "../e2e/api-client.ts";
import { alarmsOf, alarmWhen, dealWith } from "../e2e/guard.ts";
import { Park, type PartName, until } from "../e2e/park.ts";
import { CountingSignal, type StoredSample, storedSamples } from "./counting-signal.ts";

/** Parts that are killed with SIGKILL at the same moment, one round after the other. */
const ROUNDS: readonly (readonly PartName[])[] = [
  ["gw-1"],
  ["cloud"],
  ["gw-1", "cloud"],
  ["cloud"],
  ["gw-1"],
  ["cloud", "gw-1"],
  ["gw-1"],
];
/** How far the signal counts on between two kills. */
const VALUES_BETWEEN = 160;
/** What the gateway saw so long before it was killed is on its disk. */
const COMMITTED_MS = 1000;

let park: Park;
let client: ApiClient;
let counting: CountingSignal;

beforeAll(async () => {
  park = await Park.start();
  client = await park.signIn();
  counting = new CountingSignal(park);
}, 120_000);
afterAll(() => park?.close());

const lanesOf = async () => (await client.get<Completeness>("/gateways/gw-1/completeness")).lanes;
const gateway = async () => (await client.get<{ items: GatewayView[] }>("/gateways")).items[0];

/** Resolves when the counting signal is seen at the API as it is in the field now or later. Gives that moment, Unix ms. */
async function followed(since: number): Promise<number> {
  const { current } = await until(
    "the counting signal to be seen",
    async () => {
      if ((await park.isReady()) !== true) return undefined;
      const point = await client.get<PointView>(`/points/${encodeURIComponent(CountingSignal.point)}`);
      const at = Date.parse(point.current.observedAt ?? "");
      return point.current.quality === "good" && at > since ? point : undefined;
    },
    40_000,
  );
  return Date.parse(current.observedAt ?? "");
}

async function expectNothingMissing(): Promise<void> {
  for (const { lane, epoch, from, upTo, stored, missing, gaps } of await lanesOf())
    expect({ lane, epoch, stored, missing, gaps }).toEqual({
      lane,
      epoch,
      stored: upTo - from + 1,
      missing: [],
      gaps: [],
    });
}

/** Good values in the order of their times; a value that was read again after a restart of the gateway counts once. */
function valuesOf(samples: readonly StoredSample[]): readonly unknown[] {
  const good = samples.filter(({ quality }) => quality === "good").map(({ value }) => value);
  return good.filter((value, index) => value !== good[index - 1]);
}

describe("[catalogue 1] a park whose processes are killed", () => {
  let begun: number;
  let gatewayKills = 0;
  /** When the gateway was surely observing, Unix ms. */
  const observed: { readonly from: number; readonly to: number }[] = [];

  it("goes on after each kill -9 of gateway, cloud or both", { timeout: 120_000 }, async () => {
    begun = (await park.simulatorState()).at;
    counting.start();
    await park.set("perimeter-panel", "zone-7-alarm", true);
    const alarm = await alarmWhen(client, "zone-7-intrusion", ({ live }) => live);
    let from = await followed(begun);
    for (const parts of ROUNDS) {
      // Both sides have work under way when they die.
      const seen = counting.value;
      await expect
        .poll(async () => (await followed(begun)) > 0 && counting.value - seen)
        .toBeGreaterThan(VALUES_BETWEEN);
      const before = parts.map((part) => park.kill(part));
      const killedAt = (await park.simulatorState()).at;
      await until(`${parts.join()} to be started again`, () => {
        const running = park.pids();
        const now = parts.map((part) => park.pid(part));
        return now.every((pid, index) => pid !== before[index] && running.includes(pid)) || undefined;
      });
      const again = await followed(killedAt);
      if (parts.includes("gw-1")) {
        gatewayKills++;
        observed.push({ from, to: killedAt - COMMITTED_MS });
        from = again;
      }
      expect(await alarmsOf(client, "zone-7-intrusion")).toMatchObject([
        { id: alarm.id, occurrence: 1, live: true, condition: "active" },
      ]);
    }
    await counting.stop();
    await expect
      .poll(async () => (await storedSamples(client, CountingSignal.point, begun)).at(-1)?.value)
      .toBe(counting.value);
    observed.push({ from, to: Date.now() });
    await park.set("perimeter-panel", "zone-7-alarm", false);
    await dealWith(client, "zone-7-intrusion");
    expect(await alarmsOf(client, "zone-7-intrusion")).toHaveLength(1);
  });

  it("has stored every offset once, in the epochs it began with", async () => {
    await expect.poll(gateway).toMatchObject({ online: true, backlog: { events: 0 }, gaps: [], quarantined: 0 });
    await expectNothingMissing();
    expect((await lanesOf()).map(({ lane }) => lane).toSorted()).toEqual(["events", "telemetry"]);
  });

  it("has of the counting signal what the field's own record has: nothing invented, doubled or out of order", async () => {
    const changes = await counting.changes(begun);
    const beganAt = new Map(changes.map(({ value, at }) => [value, at]));
    const samples = await storedSamples(client, CountingSignal.point, (changes[0]?.at ?? 0) - 1);
    expect(samples.map(({ t }) => t)).toEqual([...new Set(samples.map(({ t }) => t))].toSorted((a, b) => a - b));
    const values = valuesOf(samples);
    expect(values).toEqual(changes.map(({ value }) => value).filter((value) => values.includes(value)));
    for (const { t, value } of samples.filter(({ quality }) => quality === "good"))
      expect(t, `${value}`).toBeGreaterThanOrEqual(beganAt.get(value as number) ?? Number.NaN);
    const good = samples.filter(({ quality }) => quality === "good");
    expect(good.length - values.length, "read again after a restart").toBeLessThanOrEqual(gatewayKills);
  });

  it("misses nothing that the field showed while the gateway was observing", async () => {
    const changes = await counting.changes(begun);
    const shown = changes.filter(({ at }) => observed.some(({ from, to }) => at > from && at <= to));
    expect(shown.length).toBeGreaterThan(20);
    const stored = new Set((await storedSamples(client, CountingSignal.point, begun)).map(({ value }) => value));
    expect(shown.filter(({ value }) => !stored.has(value))).toEqual([]);
  });

  it("holds exactly as many samples in the histories of all points as the gateway has numbered", {
    timeout: 60_000,
  }, async () => {
    // The gateway stands still meanwhile, so that no sample comes between the two counts.
    park.kill("gw-1", "SIGSTOP");
    try {
      const numbered = async (): Promise<number> =>
        (await lanesOf()).filter(({ lane }) => lane === "telemetry").reduce((sum, { stored }) => sum + stored, 0);
      const settled = await until("ingest to have settled", async () => {
        const before = await numbered();
        await client.get("/gateways");
        return before === (await numbered()) ? before : undefined;
      });
      const points = await client.all<PointView>("/points");
      let kept = 0;
      for (const { id } of points) kept += (await storedSamples(client, id, 0)).length;
      expect(await numbered()).toBe(settled);
      expect(kept).toBe(settled);
    } finally {
      park.kill("gw-1", "SIGCONT");
    }
    const { at } = await park.simulatorState();
    await counting.step();
    await followed(at);
  });
});

describe("[catalogue 7] a gateway whose database is put back from an older copy", { timeout: 120_000 }, () => {
  const folder = (): string => path.join(park.data, "gateways", "gw-1");
  const copy = (): string => path.join(park.data, "older-copy");
  const databaseFiles = (where: string) => readdirSync(where).filter((name) => name.startsWith("outbox.db"));

  async function counted(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const value = await counting.step();
      await expect
        .poll(async () => (await client.get<PointView>(`/points/${encodeURIComponent(CountingSignal.point)}`)).current)
        .toMatchObject({ value, quality: "good" });
    }
  }
  async function restart(between: () => void): Promise<void> {
    expect(await park.interrupt()).toBe(0);
    between();
    await park.launch();
    client = await park.signIn();
  }
  async function intrusion(): Promise<string> {
    const known = await alarmsOf(client, "zone-8-intrusion");
    await park.set("perimeter-panel", "zone-8-alarm", true);
    const alarm = await alarmWhen(client, "zone-8-intrusion", ({ id }) => !known.some((one) => one.id === id));
    await park.set("perimeter-panel", "zone-8-alarm", false);
    await dealWith(client, "zone-8-intrusion");
    return alarm.id;
  }

  it("takes a new epoch and loses nothing, neither of before nor of after", async () => {
    const from = (await park.simulatorState()).at;
    const values: unknown[] = [];
    const count = async (steps: number): Promise<void> => {
      await counted(steps);
      values.push(...(await counting.changes(from)).slice(-steps).map(({ value }) => value));
    };
    await count(3);
    await restart(() => {
      mkdirSync(copy());
      for (const name of databaseFiles(folder())) cpSync(path.join(folder(), name), path.join(copy(), name));
    });
    await count(4);
    const first = await intrusion();
    const epochs = new Set((await lanesOf()).map(({ epoch }) => epoch));
    await restart(() => {
      for (const name of databaseFiles(folder())) rmSync(path.join(folder(), name));
      for (const name of databaseFiles(copy())) cpSync(path.join(copy(), name), path.join(folder(), name));
    });
    await count(4);
    expect(await intrusion()).not.toBe(first);

    const now = (await lanesOf()).map(({ epoch }) => epoch);
    expect(now.filter((epoch) => !epochs.has(epoch)).length).toBeGreaterThanOrEqual(1);
    await expectNothingMissing();
    expect(await gateway()).toMatchObject({ online: true, quarantined: 0 });
    const samples = await storedSamples(client, CountingSignal.point, from);
    const stored = valuesOf(samples.filter(({ value }) => values.includes(value)));
    expect(stored).toEqual(values);
    expect(await alarmsOf(client, "zone-8-intrusion")).toHaveLength(2);
  });
});
