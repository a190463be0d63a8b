import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoredSample, TelemetryBatch, TelemetryStore } from "#cloud/ports.ts";
import { gatewayId, newEpoch, type PointId, pointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";

/** One implementation under test. `reopen` closes the store and opens it again on the same data. */
export interface TelemetryStoreHarness {
  readonly store: TelemetryStore;
  reopen(): Promise<TelemetryStore>;
  remove(): Promise<void>;
}

const GATEWAY = gatewayId("park/gw-1");
const POINT = pointId("park/gw-1/ahu-1/supply-temperature");
const DAY = 24 * 3600 * 1000;
const T0 = 1_790_000_000_000;

/** `count` samples of one point, one a second, values by `value`. */
function series(count: number, value: (i: number) => Sample["value"], point: PointId = POINT, t0 = T0): Sample[] {
  return Array.from({ length: count }, (_, i) => ({
    point,
    value: value(i),
    quality: "good",
    observedAt: t0 + i * 1000,
  }));
}
function batch(epoch: string, first: number, samples: readonly Sample[], gateway = GATEWAY): TelemetryBatch {
  return { gateway, epoch, first, last: first + samples.length - 1, samples };
}
const all = { point: POINT, from: 0, to: 2 ** 50, limit: 1_000_000 };
const plain = ({ epoch, offset, ...sample }: StoredSample): Sample => sample;

/** What every TelemetryStore must do; `open` makes an empty one. */
export function telemetryStoreContract(name: string, open: () => Promise<TelemetryStoreHarness>): void {
  describe(`telemetry store: ${name}`, () => {
    let harness: TelemetryStoreHarness;
    let epoch = "";
    beforeEach(async () => {
      harness = await open();
      epoch = newEpoch();
    });
    afterEach(() => harness.remove());

    it("gives back every field of every sample in order of time", async () => {
      const samples: Sample[] = [
        { point: POINT, value: 21.5, quality: "good", observedAt: T0, sourceTime: T0 - 40 },
        { point: POINT, value: null, quality: "bad", reason: "commLost", observedAt: T0 + 1 },
        { point: POINT, value: "auto", quality: "uncertain", reason: "stale", observedAt: T0 + 2 },
        { point: POINT, value: true, quality: "good", observedAt: T0 + 3, sourceTime: T0 + 3 },
        { point: POINT, value: false, quality: "good", observedAt: T0 + 4 },
        { point: POINT, value: -0.1, quality: "bad", observedAt: T0 + 5 },
        { point: POINT, value: "自动", quality: "good", observedAt: T0 + 6 },
        { point: POINT, value: "", quality: "good", observedAt: T0 + 7 },
      ];
      expect(await harness.store.write([batch(epoch, 7, samples)])).toEqual({ stored: 8, duplicates: 0 });
      const read = await harness.store.read(all);
      expect(read.map(plain)).toEqual(samples);
      expect(read.map(({ offset }) => offset)).toEqual([7, 8, 9, 10, 11, 12, 13, 14]);
      expect(new Set(read.map((row) => row.epoch))).toEqual(new Set([epoch]));
    });

    it("shows a sample once that a restored outbox offers again in a new epoch", async () => {
      const samples = series(10, (i) => i);
      await harness.store.write([batch(epoch, 1, samples.slice(0, 6))]);
      await harness.store.write([batch(newEpoch(), 4, samples.slice(3))]);
      expect((await harness.store.read(all)).map(plain)).toEqual(samples);
      expect((await harness.store.read({ ...all, limit: 5 })).map(plain)).toEqual(samples.slice(0, 5));
    });

    it("keeps numbers to the last bit, whatever their shape", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.oneof(
              fc.double({ noNaN: true, noDefaultInfinity: true }),
              fc.float({ noNaN: true, noDefaultInfinity: true }),
              fc.integer(),
              fc.integer({ min: -1000, max: 1000 }).map((i) => i / 10),
              fc.integer({ min: -1000, max: 1000 }).map((i) => Math.fround(i / 100)),
              fc.constant(Number.MAX_SAFE_INTEGER),
            ),
            { minLength: 1, maxLength: 60 },
          ),
          fc.nat(1_000_000),
          async (values, at) => {
            const e = newEpoch();
            const point = pointId(`park/gw-1/d/p-${e}`);
            await harness.store.write([
              batch(
                e,
                2 ** 52 + at,
                series(values.length, (i) => values[i] ?? 0, point),
              ),
            ]);
            const read = await harness.store.read({ ...all, point });
            expect(read.map((row) => row.value)).toEqual(values);
            expect(read[0]?.offset).toBe(2 ** 52 + at);
          },
        ),
        { numRuns: 40 },
      );
    });

    it("ignores and counts what it already has, whole or in part", async () => {
      const samples = series(30, (i) => i);
      await harness.store.write([batch(epoch, 0, samples.slice(0, 20))]);
      expect(await harness.store.write([batch(epoch, 0, samples.slice(0, 20))])).toEqual({ stored: 0, duplicates: 20 });
      expect(await harness.store.write([batch(epoch, 10, samples.slice(10, 30))])).toEqual({
        stored: 10,
        duplicates: 10,
      });
      expect((await harness.store.read(all)).map((row) => row.value)).toEqual(samples.map((sample) => sample.value));
    });

    it("ignores a duplicate inside one and the same write", async () => {
      const samples = series(10, (i) => i);
      const answer = await harness.store.write([batch(epoch, 0, samples), batch(epoch, 5, samples.slice(5))]);
      expect(answer).toEqual({ stored: 10, duplicates: 5 });
      expect(await harness.store.read(all)).toHaveLength(10);
    });

    it("takes batches in any order, knows the hole between them and lets it be filled", async () => {
      const samples = series(30, (i) => i);
      await harness.store.write([batch(epoch, 20, samples.slice(20))]);
      await harness.store.write([batch(epoch, 0, samples.slice(0, 10))]);
      expect(await harness.store.ranges(GATEWAY)).toEqual([
        { epoch, from: 0, to: 9 },
        { epoch, from: 20, to: 29 },
      ]);
      await harness.store.write([batch(epoch, 10, samples.slice(10, 20))]);
      expect(await harness.store.ranges(GATEWAY)).toEqual([{ epoch, from: 0, to: 29 }]);
      expect((await harness.store.read(all)).map((row) => row.value)).toEqual(samples.map((sample) => sample.value));
    });

    it("keeps equal offsets of another epoch and of another gateway apart", async () => {
      const other = newEpoch();
      const gw2 = gatewayId("park/gw-2");
      await harness.store.write([
        batch(
          epoch,
          0,
          series(5, (i) => i),
        ),
      ]);
      await harness.store.write([
        batch(
          other,
          0,
          series(5, (i) => 100 + i, POINT, T0 + DAY),
        ),
      ]);
      await harness.store.write([
        batch(
          epoch,
          0,
          series(5, (i) => i, pointId("park/gw-2/d/p")),
          gw2,
        ),
      ]);
      expect(await harness.store.read(all)).toHaveLength(10);
      expect(await harness.store.ranges(gw2)).toEqual([{ epoch, from: 0, to: 4 }]);
      expect(await harness.store.ranges(GATEWAY)).toHaveLength(2);
    });

    it("reads from inclusive to exclusive, and no more than the limit, the oldest first", async () => {
      await harness.store.write([
        batch(
          epoch,
          0,
          series(100, (i) => i),
        ),
      ]);
      const some = await harness.store.read({ point: POINT, from: T0 + 10_000, to: T0 + 20_000, limit: 1000 });
      expect(some.map((row) => row.value)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
      const few = await harness.store.read({ ...all, from: T0 + 10_000, limit: 3 });
      expect(few.map((row) => row.value)).toEqual([10, 11, 12]);
      expect(await harness.store.read({ ...all, point: pointId("park/gw-1/nobody/knows") })).toEqual([]);
    });

    it("has everything after closing and opening, and still ignores what it had", async () => {
      const samples = series(50, (i) => i / 10);
      await harness.store.write([batch(epoch, 0, samples)]);
      const store = await harness.reopen();
      expect((await store.read(all)).map(plain)).toEqual(samples);
      expect(
        await store.write([
          batch(
            epoch,
            40,
            series(20, (i) => (40 + i) / 10, POINT, T0 + 40_000),
          ),
        ]),
      ).toEqual({
        stored: 10,
        duplicates: 10,
      });
      expect(await store.ranges(GATEWAY)).toEqual([{ epoch, from: 0, to: 59 }]);
    });

    it("gives the same samples while old ones move into their final form, and after reopening", async () => {
      const other = pointId("park/gw-1/ahu-1/fan");
      const written: Sample[] = [];
      for (let b = 0; b < 40; b++) {
        const t0 = T0 + b * 60_000;
        const samples = [...series(50, (i) => b + i / 100, POINT, t0), ...series(10, (i) => i % 3 === 0, other, t0)];
        written.push(...samples);
        await harness.store.write([batch(epoch, b * 60, samples)]);
      }
      const expected = written.filter((sample) => sample.point === POINT);
      expect((await harness.store.read(all)).map(plain)).toEqual(expected);
      const store = await harness.reopen();
      expect((await store.read(all)).map(plain)).toEqual(expected);
      expect(await store.read({ ...all, point: other })).toHaveLength(400);
      const some = await store.read({ ...all, from: T0 + 20 * 60_000, limit: 60 });
      expect(some.map(plain)).toEqual(expected.slice(20 * 50, 20 * 50 + 60));
    });

    it("sums a day up in hours that add up to all samples", async () => {
      const hour = 3_600_000;
      const samples = Array.from({ length: 8640 }, (_, i): Sample => {
        return { point: POINT, value: (i % 100) / 10, quality: "good", observedAt: T0 + i * 10_000 };
      });
      for (let b = 0; b < 8640; b += 480) await harness.store.write([batch(epoch, b, samples.slice(b, b + 480))]);
      const query = { point: POINT, from: T0, to: T0 + DAY, bucketMs: hour, alignMs: T0 };
      const buckets = await harness.store.buckets(query);
      expect(buckets).toHaveLength(24);
      for (const [h, bucket] of buckets.entries()) {
        const own = samples.slice(h * 360, (h + 1) * 360).map((sample) => Number(sample.value));
        expect(bucket).toMatchObject({ t: T0 + h * hour, count: 360, min: Math.min(...own), max: Math.max(...own) });
        expect(bucket.mean).toBeCloseTo(own.reduce((a, b) => a + b, 0) / 360, 9);
        expect(bucket.last).toBe(own.at(-1));
      }
    });

    it("aligns buckets to the given start and leaves out the empty ones", async () => {
      await harness.store.write([
        batch(epoch, 0, [
          { point: POINT, value: 1, quality: "good", observedAt: T0 },
          { point: POINT, value: 3, quality: "good", observedAt: T0 + 59_999 },
          { point: POINT, value: 9, quality: "good", observedAt: T0 + 180_000 },
        ]),
      ]);
      const query = { point: POINT, from: T0, to: T0 + DAY, bucketMs: 60_000, alignMs: T0 - DAY };
      expect(await harness.store.buckets(query)).toEqual([
        { t: T0, min: 1, max: 3, mean: 2, last: 3, count: 2 },
        { t: T0 + 180_000, min: 9, max: 9, mean: 9, last: 9, count: 1 },
      ]);
    });

    it("never lets a bad value or no value into a bucket, and tells texts and booleans", async () => {
      await harness.store.write([
        batch(epoch, 0, [
          { point: POINT, value: 1, quality: "good", observedAt: T0 },
          { point: POINT, value: 999, quality: "bad", reason: "commLost", observedAt: T0 + 1 },
          { point: POINT, value: null, quality: "good", observedAt: T0 + 2 },
          { point: POINT, value: true, quality: "good", observedAt: T0 + 60_000 },
          { point: POINT, value: false, quality: "uncertain", reason: "stale", observedAt: T0 + 60_001 },
          { point: POINT, value: "auto", quality: "good", observedAt: T0 + 120_000 },
        ]),
      ]);
      const query = { point: POINT, from: T0, to: T0 + DAY, bucketMs: 60_000, alignMs: T0 };
      expect(await harness.store.buckets(query)).toEqual([
        { t: T0, min: 1, max: 1, mean: 1, last: 1, count: 1 },
        { t: T0 + 60_000, min: 0, max: 1, mean: 0.5, last: false, count: 2 },
        { t: T0 + 120_000, min: null, max: null, mean: null, last: "auto", count: 1 },
      ]);
    });

    it("refuses a batch whose offsets do not fit its samples, and stores nothing of it", async () => {
      const wrong = {
        ...batch(
          epoch,
          0,
          series(5, (i) => i),
        ),
        last: 9,
      };
      await expect(harness.store.write([wrong])).rejects.toMatchObject({
        code: "TELEMETRY_BATCH_INVALID",
        retriable: false,
      });
      expect(await harness.store.ranges(GATEWAY)).toEqual([]);
    });

    it("refuses to cut a long time into countless buckets", async () => {
      const query = { point: POINT, from: 0, to: T0, bucketMs: 1, alignMs: 0 };
      await expect(harness.store.buckets(query)).rejects.toMatchObject({ code: "HISTORY_TOO_MANY_BUCKETS" });
    });
  });
}
