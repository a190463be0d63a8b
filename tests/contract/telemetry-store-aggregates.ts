import fc from "fast-check";
import { expect, it } from "vitest";
import type { AggregateQuery, Bucket, PointDirectory, TelemetryStore } from "#cloud/telemetry-ports.ts";
import { newEpoch, type PointId, pointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import { modelBuckets } from "./telemetry-model.ts";
import type { WriteBatches } from "./telemetry-store.ts";
import { bad, DAY, edgesFrom, good, HOUR, MINUTE, OTHER_POINT, POINT, T0, type TestBatch } from "./telemetry-writes.ts";

/** What the cases on summaries need of the case that runs. */
export interface AggregateCase {
  readonly store: TelemetryStore;
  readonly points: PointDirectory;
  readonly write: WriteBatches;
  readonly batch: (first: number, samples: readonly Sample[], epoch?: string) => TestBatch;
  /** Brings everything into its final form. */
  readonly finish: () => Promise<void>;
}

/** Sums in another order differ in their last digits. */
function near(buckets: readonly Bucket[] | undefined, expected: readonly Bucket[], scale: number): void {
  const close = (value: number | null | undefined): unknown =>
    typeof value === "number" ? expect.closeTo(value, Math.max(0, 9 - Math.ceil(Math.log10(scale)))) : value;
  expect(buckets).toEqual(
    expected.map((bucket) => ({
      ...bucket,
      mean: close(bucket.mean),
      ...("timeWeightedMean" in bucket ? { timeWeightedMean: close(bucket.timeWeightedMean) } : {}),
      ...("increase" in bucket ? { increase: close(bucket.increase) } : {}),
    })),
  );
}

/** Time that so many runs of a property may take on a busy machine. */
export const propertyMs = (runs: number): number => Math.max(20_000, runs * 1000);

/** What every TelemetryStore must say of many samples at once. */
export function telemetryAggregateContract(current: () => AggregateCase, runs: number): void {
  /** Asks before and after everything is in its final form. */
  async function both(query: AggregateQuery, check: (answer: readonly (readonly Bucket[])[]) => void): Promise<void> {
    const { store, finish } = current();
    check(await store.aggregate(query));
    await finish();
    check(await store.aggregate(query));
  }

  it("sums a day up in hours that add up to all samples", async () => {
    const { write, batch } = current();
    const samples = Array.from({ length: 8640 }, (_, i) => good((i % 100) / 10, T0 + i * 10_000 + (i % 7)));
    for (let b = 0; b < 8640; b += 480) await write(batch(b, samples.slice(b, b + 480)));
    const edges = edgesFrom(T0, HOUR, 24);
    await both({ points: [POINT], edges }, ([buckets]) => {
      expect(buckets).toHaveLength(24);
      near(buckets, modelBuckets(samples, edges), 10);
    });
  });

  it("cuts at the given borders, however uneven, and leaves the empty buckets out", async () => {
    const { write, batch } = current();
    const samples = Array.from({ length: 400 }, (_, i) => good(i, T0 + i * 7 * MINUTE));
    await write(batch(0, samples));
    const borders = [
      [T0, T0 + 90 * MINUTE, T0 + 91 * MINUTE, T0 + 5 * HOUR, T0 + DAY, T0 + 2 * DAY, T0 + 40 * DAY, T0 + 41 * DAY],
      edgesFrom(T0 - 30_000, MINUTE, 200),
      [T0 - DAY, T0 + 3 * HOUR + 1],
      [T0 + 13 * MINUTE, T0 + 14 * MINUTE, T0 + 14 * MINUTE + 1],
      [T0 - 2 * DAY, T0 - DAY],
    ];
    for (const edges of borders)
      await both({ points: [POINT], edges }, ([buckets]) => near(buckets, modelBuckets(samples, edges), 100));
  });

  it("never lets a bad value or no value into a mean, but counts it; and tells texts and booleans", async () => {
    const { write, batch } = current();
    await write(
      batch(0, [
        good(1, T0),
        bad(999, T0 + 1),
        good(null, T0 + 2),
        good(true, T0 + MINUTE),
        { point: POINT, value: false, quality: "uncertain", reason: "stale", observedAt: T0 + MINUTE + 1 },
        good("auto", T0 + 2 * MINUTE),
        bad(null, T0 + 3 * MINUTE),
        good("aus", T0 + 4 * MINUTE),
        good(4, T0 + 4 * MINUTE + 1),
      ]),
    );
    const none = { min: null, max: null, mean: null };
    await both({ points: [POINT], edges: edgesFrom(T0, MINUTE, 10) }, ([buckets]) =>
      expect(buckets).toEqual([
        { t: T0, count: 1, bad: 2, min: 1, max: 1, mean: 1, first: 1, last: 1 },
        { t: T0 + MINUTE, count: 2, bad: 0, min: 0, max: 1, mean: 0.5, first: true, last: false },
        { t: T0 + 2 * MINUTE, count: 1, bad: 0, ...none, first: "auto", last: "auto" },
        { t: T0 + 3 * MINUTE, count: 0, bad: 1, ...none, first: null, last: null },
        { t: T0 + 4 * MINUTE, count: 2, bad: 0, min: 4, max: 4, mean: 4, first: "aus", last: 4 },
      ]),
    );
    await both({ points: [POINT], edges: [T0, T0 + HOUR] }, ([buckets]) =>
      expect(buckets).toEqual([{ t: T0, count: 6, bad: 3, min: 0, max: 4, mean: 1.5, first: 1, last: 4 }]),
    );
  });

  it("answers for each point in the order of the query, with nothing for one it never heard of", async () => {
    const { write, batch } = current();
    await write(batch(0, [good(1, T0), good(true, T0 + 1, OTHER_POINT), good(3, T0 + 2)]));
    const points = [OTHER_POINT, pointId("park/gw-1/nobody/knows"), POINT, OTHER_POINT];
    await both({ points, edges: [T0, T0 + HOUR] }, (answer) => {
      expect(answer.map((buckets) => buckets.map(({ count, last }) => [count, last]))).toEqual([
        [[1, true]],
        [],
        [[2, 3]],
        [[1, true]],
      ]);
    });
  });

  it("weighs each value by how long it held, the one before the bucket included, and nothing while it was bad", async () => {
    const { write, batch } = current();
    // 10 from before; 20 for the second half of the first hour; the third hour is bad after a quarter; text in the fifth
    const samples = [
      good(10, T0 - 5 * MINUTE),
      good(20, T0 + 30 * MINUTE),
      bad(null, T0 + 2.25 * HOUR),
      good(30, T0 + 3.5 * HOUR),
      good("off", T0 + 4.5 * HOUR),
      good(7, T0 + 5.5 * HOUR),
    ];
    await write(batch(0, samples));
    const edges = edgesFrom(T0, HOUR, 7);
    await both({ points: [POINT], edges, timeWeighted: true }, ([buckets]) => {
      expect(buckets?.map(({ t, timeWeightedMean }) => [(t - T0) / HOUR, timeWeightedMean])).toEqual([
        [0, 15],
        [2, 20],
        [3, 30],
        [4, 30],
        [5, 7],
      ]);
      near(buckets, modelBuckets(samples, edges, { timeWeighted: true }), 10);
    });
    const whole = [T0, T0 + 6 * HOUR];
    await both({ points: [POINT], edges: whole, timeWeighted: true }, ([buckets]) =>
      near(buckets, modelBuckets(samples, whole, { timeWeighted: true }), 10),
    );
  });

  it("tells how much a counter has counted, over a roll-over and over the borders of buckets", async () => {
    const { write, batch } = current();
    const samples = [
      good(900, T0 - HOUR),
      good(950, T0 + 10 * MINUTE),
      bad(0, T0 + 20 * MINUTE),
      good(990, T0 + HOUR),
      good(15, T0 + HOUR + 10 * MINUTE),
      good(40, T0 + 3 * HOUR),
    ];
    await write(batch(0, samples));
    const edges = edgesFrom(T0 - HOUR, HOUR, 6);
    const increases = (buckets: readonly Bucket[] | undefined) => buckets?.map(({ increase }) => increase);
    await both({ points: [POINT], edges, counters: new Map([[POINT, 1000]]) }, ([buckets]) =>
      expect(increases(buckets)).toEqual([null, 50, 65, 25]),
    );
    await both({ points: [POINT], edges, counters: new Map([[POINT, null]]) }, ([buckets]) =>
      expect(increases(buckets)).toEqual([null, 50, 55, 25]),
    );
    await both({ points: [POINT], edges, counters: new Map([[OTHER_POINT, null]]) }, ([buckets]) =>
      expect(increases(buckets)).toEqual([undefined, undefined, undefined, undefined]),
    );
  });

  it(
    "says the same as a plain count over all samples, whatever came and in whatever order",
    async () => {
      const value = fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: -500, max: 500 }).map((i) => i / 10) },
        { weight: 1, arbitrary: fc.constantFrom(null, true, false, "auto", "off") },
      );
      const sample = fc.record({
        value,
        quality: fc.constantFrom(
          "good" as const,
          "good" as const,
          "good" as const,
          "uncertain" as const,
          "bad" as const,
        ),
        step: fc.oneof(fc.integer({ min: 1, max: 20 * MINUTE }), fc.integer({ min: 1, max: 5 * HOUR })),
        late: fc.boolean(),
        again: fc.boolean(),
      });
      const scene = fc.record({
        samples: fc.array(sample, { minLength: 1, maxLength: 120 }),
        edges: fc.uniqueArray(fc.integer({ min: -6, max: 30 * 24 }), { minLength: 2, maxLength: 40 }),
        shift: fc.constantFrom(0, 0, 30 * MINUTE, 12_345),
        finishBetween: fc.boolean(),
        rollover: fc.constantFrom(null, 50, undefined),
      });
      await fc.assert(
        fc.asyncProperty(scene, async ({ samples, edges, shift, finishBetween, rollover }) => {
          const { write, batch, finish, store } = current();
          const point = pointId(`park/gw-1/d/${newEpoch()}`);
          let time = T0;
          const all = samples.map(({ value, quality, step, late, again }) => {
            time += step;
            return { late, again, sample: { point, value, quality, observedAt: time } satisfies Sample };
          });
          const own = newEpoch();
          const inTime = all.filter(({ late }) => !late).map(({ sample }) => sample);
          const late = all.filter((one) => one.late).map(({ sample }) => sample);
          const again = all.filter((one) => one.again).map(({ sample }) => sample);
          if (inTime.length > 0) await write(batch(0, inTime, own));
          if (finishBetween) await finish();
          if (late.length > 0) await write(batch(inTime.length, late, own));
          if (again.length > 0) await write(batch(0, again, newEpoch()));

          const borders = edges.toSorted((a, b) => a - b).map((hour) => T0 + hour * HOUR + shift);
          const query: AggregateQuery = {
            points: [point],
            edges: borders,
            timeWeighted: true,
            ...(rollover === undefined ? {} : { counters: new Map<PointId, number | null>([[point, rollover]]) }),
          };
          const expected = modelBuckets(
            all.map((one) => one.sample),
            borders,
            { timeWeighted: true, ...(rollover === undefined ? {} : { rollover }) },
          );
          near((await store.aggregate(query))[0], expected, 1000);
          await finish();
          near((await store.aggregate(query))[0], expected, 1000);
        }),
        { numRuns: runs },
      );
    },
    propertyMs(runs),
  );

  it("refuses to cut a long time into countless buckets", async () => {
    const edges = edgesFrom(T0, 1, 100_001);
    await expect(current().store.aggregate({ points: [POINT], edges })).rejects.toMatchObject({
      code: "HISTORY_TOO_MANY_BUCKETS",
    });
  });
}
