import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pointId } from "#core/ids.ts";
import type { Value } from "#core/model/sample.ts";
import { HOUR, oneASecond, T0 } from "#tests/contract/telemetry-writes.ts";
import { HistoryFile } from "./history-file.ts";

let at: HistoryFile;
beforeEach(() => {
  at = new HistoryFile();
});
afterEach(() => at.remove());

const finish = () => at.store?.maintain({ rawBefore: 0, summariesBefore: 0 });
const DAY_START = Math.floor(T0 / (24 * HOUR)) * 24 * HOUR;
const points = Array.from({ length: 70 }, (_, i) => pointId(`park/gw-1/d/p-${i}`));
/** Numbers, texts, switches; some hours without anything. */
function madeValue(point: number, i: number): Value {
  if (point % 7 === 3) return ["off", "auto", `mode ${i % 5}`][i % 3] ?? null;
  if (point % 7 === 5) return i % 4 < 2;
  return Math.round(Math.sin(i + point) * 1000) / 100;
}
let offset = 1;

async function write(fromHour: number, hours: number, perHour: number): Promise<void> {
  const samples = points.flatMap((point, p) =>
    Array.from({ length: hours * perHour }, (_, i) => ({
      point,
      value: madeValue(p, i),
      quality: (i + p) % 11 === 0 ? ("bad" as const) : ("good" as const),
      observedAt: DAY_START + fromHour * HOUR + Math.floor((i * HOUR) / perHour) + p,
    })).filter((_, i) => (Math.floor(i / perHour) + p) % 9 !== 0),
  );
  await at.writeSamples(offset, samples);
  offset += samples.length;
}

/** What a question says whose answer is worked out bucket by bucket: it asks for time-weighted means, too. */
async function bucketByBucket(edges: readonly number[]) {
  const lists = (await at.store?.aggregate({ points, edges, timeWeighted: true })) ?? [];
  return lists.map((list) => list.map(({ timeWeightedMean: _left, ...bucket }) => bucket));
}

const hours = (from: number, count: number): number[] =>
  Array.from({ length: count + 1 }, (_, i) => DAY_START + (from + i) * HOUR);

describe("buckets of one hour each", () => {
  it("are what any other buckets are: of days wholly asked for and of days cut, of texts and switches, in memory and not", async () => {
    const store = await at.open();
    await write(0, 60, 5);
    await finish();
    await write(60, 20, 3);
    for (const edges of [hours(0, 80), hours(5, 70), hours(-30, 200), hours(24, 24)]) {
      const plain = await store.aggregate({ points, edges });
      expect(plain).toEqual(await bucketByBucket(edges));
      expect(plain.flat().length).toBeGreaterThan(1000);
    }
    await finish();
    expect(await store.aggregate({ points, edges: hours(0, 80) })).toEqual(await bucketByBucket(hours(0, 80)));
  });

  it("take samples in that came late, hour by hour", async () => {
    const store = await at.open({ compactAt: 1, chunkAt: 1 });
    await write(0, 48, 4);
    const [point] = points;
    if (point === undefined) throw new Error("no point");
    await at.writeSamples(
      offset,
      oneASecond(100, (i) => 900 + i, point, DAY_START + 7 * HOUR + 1_000),
    );
    const before = (await store.aggregate({ points: [point], edges: hours(0, 48) }))[0];
    expect(before?.find(({ t }) => t === DAY_START + 7 * HOUR)?.max).toBe(999);
    await finish();
    expect((await store.aggregate({ points, edges: hours(0, 48) }))[0]).toEqual(before);
  });

  it("are right for a point of which something old came late and is not sorted in yet, beside those of which nothing did", async () => {
    const store = await at.open();
    await write(0, 72, 4);
    await finish();
    const late = points.slice(5, 8).map((point, i) => ({
      point,
      value: 1234 + i,
      quality: "good" as const,
      observedAt: DAY_START + (20 + 9 * i) * HOUR + 1_234,
    }));
    await at.writeSamples(offset, late);
    const edges = hours(2, 68);
    const plain = await store.aggregate({ points, edges });
    expect(plain).toEqual(await bucketByBucket(edges));
    expect(plain.flatMap((list) => list.filter(({ max }) => (max ?? 0) >= 1234)).map(({ max }) => max)).toEqual([
      1234, 1235, 1236,
    ]);
  });

  it("come for each point of the question in its order, also for one that is asked for twice", async () => {
    const store = await at.open();
    await write(0, 30, 2);
    await finish();
    const asked = [...points.slice(0, 30), pointId("park/gw-1/d/nobody"), ...points.slice(10, 40)].reverse();
    const answer = await store.aggregate({ points: asked, edges: hours(0, 30) });
    const alone = await Promise.all(asked.map((point) => store.aggregate({ points: [point], edges: hours(0, 30) })));
    expect(answer).toEqual(alone.flat());
  });

  it("are made anew out of the samples when the summaries of a day are damaged", async () => {
    const store = await at.open();
    await write(0, 48, 3);
    await finish();
    const before = await bucketByBucket(hours(0, 48));
    at.sql("UPDATE summaries SET data = zeroblob(length(data)) WHERE id = (SELECT min(id) FROM summaries)");
    expect(await store.aggregate({ points, edges: hours(0, 48) })).toEqual(before);
    expect(await store.aggregate({ points, edges: hours(0, 48) })).toEqual(before);
  });
});
