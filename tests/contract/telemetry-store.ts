import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PointDirectory, TelemetryStore } from "#cloud/telemetry-ports.ts";
import { gatewayId, newEpoch, pointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import { propertyMs, telemetryAggregateContract } from "./telemetry-store-aggregates.ts";
import {
  bad,
  DAY,
  EVERYTHING,
  GATEWAY,
  good,
  HOUR,
  MINUTE,
  OTHER_POINT,
  oneASecond,
  POINT,
  T0,
  type TestBatch,
  telemetryWrite,
  withoutKey,
} from "./telemetry-writes.ts";

/** One implementation under test. `reopen` closes the store and opens it again on the same data. */
export interface TelemetryStoreHarness {
  readonly store: TelemetryStore;
  readonly points: PointDirectory;
  reopen(): Promise<TelemetryStore>;
  remove(): Promise<void>;
}

/** In what stores may differ. */
export interface TelemetryStoreTraits {
  /** Does it count the rows it already had? A store that overwrites them in place cannot. */
  readonly knowsDuplicates: boolean;
  /** Is what is too old gone when `maintain` has ended? */
  readonly dropsAtOnce: boolean;
  /** Runs of each property. */
  readonly runs: number;
}

/** Writes batches and gives back what the store said. */
export type WriteBatches = (
  ...batches: readonly TestBatch[]
) => Promise<{ readonly stored: number; readonly duplicates: number }>;

/** What every TelemetryStore must do; `open` makes an empty one. */
export function telemetryStoreContract(
  name: string,
  open: () => Promise<TelemetryStoreHarness>,
  traits: TelemetryStoreTraits = { knowsDuplicates: true, dropsAtOnce: true, runs: 30 },
): void {
  describe(`telemetry store: ${name}`, () => {
    let harness: TelemetryStoreHarness;
    let store: TelemetryStore;
    let epoch = "";
    beforeEach(async () => {
      harness = await open();
      store = harness.store;
      epoch = newEpoch();
    });
    afterEach(() => harness.remove());

    const write: WriteBatches = (...batches) => store.write(telemetryWrite(harness.points, batches));
    const batch = (first: number, samples: readonly Sample[], of = epoch): TestBatch => {
      return { gateway: GATEWAY, epoch: of, first, samples };
    };
    const all = async (point = POINT): Promise<readonly Sample[]> =>
      (await store.read({ ...EVERYTHING, point })).map(withoutKey);
    const finish = (): Promise<void> => store.maintain({ rawBefore: 0, summariesBefore: 0 });

    it("gives back every field of every sample in order of time, and under its key", async () => {
      const samples: Sample[] = [
        { ...good(21.5, T0), sourceTime: T0 - 40 },
        bad(null, T0 + 1),
        { point: POINT, value: "auto", quality: "uncertain", reason: "stale", observedAt: T0 + 2 },
        { ...good(true, T0 + 3), sourceTime: T0 + 3 },
        good(false, T0 + 4),
        { point: POINT, value: -0.1, quality: "bad", observedAt: T0 + 5 },
        good('自动 "a"\\, =b\n', T0 + 6),
        good("", T0 + 7),
        good(-0, T0 + 8),
      ];
      expect(await write(batch(7, samples))).toEqual({ stored: 9, duplicates: 0 });
      for (const prepare of [() => Promise.resolve(), finish]) {
        await prepare();
        const read = await store.read(EVERYTHING);
        expect(read.map(withoutKey)).toEqual(samples);
        expect(read.map(({ offset }) => offset)).toEqual([7, 8, 9, 10, 11, 12, 13, 14, 15]);
        expect(new Set(read.map((row) => row.epoch))).toEqual(new Set([epoch]));
      }
    });

    it("shows and sums a sample once that a restored outbox offers again in a new epoch", async () => {
      const samples = oneASecond(10, (i) => i);
      await write(batch(1, samples.slice(0, 6)));
      await write(batch(4, samples.slice(3), newEpoch()));
      const edges = [T0, T0 + HOUR];
      for (const prepare of [() => Promise.resolve(), finish]) {
        await prepare();
        expect(await all()).toEqual(samples);
        expect((await store.read({ ...EVERYTHING, limit: 5 })).map(withoutKey)).toEqual(samples.slice(0, 5));
        expect((await store.aggregate({ points: [POINT], edges }))[0]).toMatchObject([{ count: 10, mean: 4.5 }]);
      }
    });

    it("shows and sums a sample once that comes again when the first is already in its final form", async () => {
      const samples = oneASecond(7200, (i) => i % 50);
      await write(batch(1, samples));
      await finish();
      await write(batch(1, samples.slice(3000, 5000), newEpoch()));
      for (const prepare of [() => Promise.resolve(), finish]) {
        await prepare();
        expect(await all()).toEqual(samples);
        const [buckets] = await store.aggregate({ points: [POINT], edges: [T0, T0 + HOUR, T0 + 2 * HOUR] });
        expect(buckets?.map(({ count }) => count)).toEqual([3600, 3600]);
      }
    });

    it(
      "keeps numbers and offsets to the last bit, whatever their shape",
      async () => {
        const number = fc.oneof(
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.float({ noNaN: true, noDefaultInfinity: true }),
          fc.integer(),
          fc.integer({ min: -1000, max: 1000 }).map((i) => i / 10),
          fc.integer({ min: -1000, max: 1000 }).map((i) => Math.fround(i / 100)),
          fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_VALUE, -0, Number.MAX_VALUE),
        );
        const few = fc.array(number, { minLength: 1, maxLength: 60 });
        await fc.assert(
          fc.asyncProperty(few, fc.nat(1_000_000), async (values, at) => {
            const e = newEpoch();
            const point = pointId(`park/gw-1/d/p-${e}`);
            const samples = oneASecond(values.length, (i) => values[i] ?? 0, point);
            await write(batch(2 ** 52 + at, samples, e));
            const read = await store.read({ ...EVERYTHING, point });
            expect(read.map((row) => row.value)).toEqual(values);
            expect(read.map((row) => row.offset)).toEqual(values.map((_, i) => 2 ** 52 + at + i));
          }),
          { numRuns: traits.runs },
        );
      },
      propertyMs(traits.runs),
    );

    it("ignores and counts what it already has, whole or in part", async () => {
      const samples = oneASecond(30, (i) => i);
      await write(batch(0, samples.slice(0, 20)));
      const whole = await write(batch(0, samples.slice(0, 20)));
      const part = await write(batch(10, samples.slice(10, 30)));
      if (traits.knowsDuplicates) {
        expect(whole).toEqual({ stored: 0, duplicates: 20 });
        expect(part).toEqual({ stored: 10, duplicates: 10 });
      }
      expect(await all()).toEqual(samples);
    });

    it("ignores a duplicate inside one and the same write", async () => {
      const samples = oneASecond(10, (i) => i);
      const answer = await write(batch(0, samples), batch(5, samples.slice(5)));
      if (traits.knowsDuplicates) expect(answer).toEqual({ stored: 10, duplicates: 5 });
      expect(await all()).toEqual(samples);
      expect(await store.ranges(GATEWAY)).toEqual([{ epoch, from: 0, to: 9 }]);
    });

    it("takes batches in any order, knows the hole between them and lets it be filled", async () => {
      const samples = oneASecond(30, (i) => i);
      await write(batch(20, samples.slice(20)));
      await write(batch(0, samples.slice(0, 10)));
      expect(await store.ranges(GATEWAY)).toEqual([
        { epoch, from: 0, to: 9 },
        { epoch, from: 20, to: 29 },
      ]);
      await write(batch(10, samples.slice(10, 20)));
      expect(await store.ranges(GATEWAY)).toEqual([{ epoch, from: 0, to: 29 }]);
      expect(await all()).toEqual(samples);
    });

    it("keeps equal offsets of another epoch and of another gateway apart", async () => {
      const gw2 = gatewayId("park/gw-2");
      const theirs = pointId("park/gw-2/d/p");
      await write(
        batch(
          0,
          oneASecond(5, (i) => i),
        ),
      );
      const later = oneASecond(5, (i) => 100 + i, POINT, T0 + DAY);
      await write(batch(0, later, newEpoch()));
      const samples = oneASecond(5, (i) => i, theirs);
      await write({ gateway: gw2, epoch, first: 0, samples });
      expect(await all()).toHaveLength(10);
      expect(await all(theirs)).toEqual(samples);
      expect(await store.ranges(gw2)).toEqual([{ epoch, from: 0, to: 4 }]);
      expect(await store.ranges(GATEWAY)).toHaveLength(2);
    });

    it("takes many batches of several gateways in one write, and two writes at once", async () => {
      const gateways = ["park/gw-1", "park/gw-2", "park/gw-3"].map(gatewayId);
      const batches = (first: number): TestBatch[] =>
        gateways.flatMap((gateway) =>
          [first, first + 10].map((at) => {
            const samples = oneASecond(10, (i) => at + i, pointId(`${gateway}/d/p`), T0 + at * 1000);
            return { gateway, epoch, first: at, samples };
          }),
        );
      const answers = await Promise.all([write(...batches(0)), write(...batches(20))]);
      expect(answers.map(({ stored }) => stored)).toEqual([60, 60]);
      for (const gateway of gateways) {
        expect(await store.ranges(gateway)).toEqual([{ epoch, from: 0, to: 39 }]);
        const values = (await all(pointId(`${gateway}/d/p`))).map(({ value }) => value);
        expect(values).toEqual(Array.from({ length: 40 }, (_, i) => i));
      }
    });

    it("reads from inclusive to exclusive, and no more than the limit, the oldest first", async () => {
      await write(
        batch(
          0,
          oneASecond(100, (i) => i),
        ),
      );
      const some = await store.read({ point: POINT, from: T0 + 10_000, to: T0 + 20_000, limit: 1000 });
      expect(some.map((row) => row.value)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
      const few = await store.read({ ...EVERYTHING, from: T0 + 10_000, limit: 3 });
      expect(few.map((row) => row.value)).toEqual([10, 11, 12]);
      expect(await all(pointId("park/gw-1/nobody/knows"))).toEqual([]);
    });

    it("has everything after closing and opening, and goes on", async () => {
      const samples = oneASecond(60, (i) => i / 10);
      await write(batch(0, samples.slice(0, 50)));
      store = await harness.reopen();
      expect(await all()).toEqual(samples.slice(0, 50));
      const answer = await write(batch(40, samples.slice(40)));
      if (traits.knowsDuplicates) expect(answer).toEqual({ stored: 10, duplicates: 10 });
      expect(await store.ranges(GATEWAY)).toEqual([{ epoch, from: 0, to: 59 }]);
      expect(await all()).toEqual(samples);
    });

    it("gives the same samples while old ones move into their final form, and after reopening", async () => {
      const written: Sample[] = [];
      for (let b = 0; b < 40; b++) {
        const t0 = T0 + b * MINUTE;
        const numbers = oneASecond(50, (i) => b + i / 100, POINT, t0);
        const flags = oneASecond(10, (i) => i % 3 === 0, OTHER_POINT, t0);
        written.push(...numbers, ...flags);
        await write(batch(b * 60, [...numbers, ...flags]));
        if (b === 20) await finish();
      }
      const expected = written.filter((sample) => sample.point === POINT);
      expect(await all()).toEqual(expected);
      store = await harness.reopen();
      expect(await all()).toEqual(expected);
      expect(await all(OTHER_POINT)).toHaveLength(400);
      const some = await store.read({ ...EVERYTHING, from: T0 + 20 * MINUTE, limit: 60 });
      expect(some.map(withoutKey)).toEqual(expected.slice(20 * 50, 20 * 50 + 60));
    });

    it("sorts samples in that come days later, as a gateway tells them after a cut", async () => {
      const samples = oneASecond(3000, (i) => (i % 90) / 10);
      const isLate = (i: number): boolean => i < 100 || (i >= 1200 && i < 1900) || i % 500 === 7;
      const late = samples.filter((_, i) => isLate(i));
      const inTime = samples.filter((_, i) => !isLate(i));
      await write(batch(0, inTime));
      await finish();
      await write(batch(inTime.length, late));
      expect(await all()).toEqual(samples);
      await finish();
      expect(await all()).toEqual(samples);
      store = await harness.reopen();
      expect(await all()).toEqual(samples);
    });

    it("tells what a point was at a time: the newest sample at or before it, good or not", async () => {
      const samples = [good(1, T0), good(2, T0 + MINUTE), bad(null, T0 + 2 * MINUTE)];
      const switched = good(true, T0 + 30_000, OTHER_POINT);
      await write(batch(0, [...samples.slice(0, 2), switched, ...samples.slice(2)]));
      const points = [OTHER_POINT, POINT, pointId("park/gw-1/nobody/knows")];
      const at = async (time: number) =>
        (await store.at(points, time)).map((sample) => (sample === undefined ? undefined : withoutKey(sample)));
      for (const prepare of [() => Promise.resolve(), finish]) {
        await prepare();
        expect(await at(T0 - 1)).toEqual([undefined, undefined, undefined]);
        expect(await at(T0)).toEqual([undefined, samples[0], undefined]);
        expect(await at(T0 + MINUTE - 1)).toEqual([switched, samples[0], undefined]);
        expect(await at(T0 + MINUTE)).toEqual([switched, samples[1], undefined]);
        expect(await at(T0 + DAY)).toEqual([switched, samples[2], undefined]);
      }
      await write(batch(4, [good(3, T0 + 3 * MINUTE)]));
      expect((await at(T0 + DAY))[1]).toMatchObject({ value: 3 });
      expect((await at(T0 + MINUTE))[1]).toEqual(samples[1]);
    });

    it("refuses a batch that is not inside the columns, and stores nothing of it", async () => {
      const { columns, spans } = telemetryWrite(harness.points, [
        batch(
          0,
          oneASecond(5, (i) => i),
        ),
      ]);
      const tooLong = spans.map((span) => ({ ...span, last: 9 }));
      await expect(store.write({ columns, spans: tooLong })).rejects.toMatchObject({
        code: "TELEMETRY_BATCH_INVALID",
        retriable: false,
      });
      expect(await store.ranges(GATEWAY)).toEqual([]);
      expect(await all()).toEqual([]);
    });

    it("says that it takes writes, and that nothing is on its way when all are answered", async () => {
      await write(
        batch(
          0,
          oneASecond(5, (i) => i),
        ),
      );
      expect(store.status).toMatchObject({ ready: true, pending: 0 });
    });

    it("keeps what is young enough, and tells of all that was ever stored", async () => {
      const samples = Array.from({ length: 500 }, (_, i) => good(i, T0 + i * HOUR));
      await write(batch(0, samples));
      await store.maintain({ rawBefore: T0 + 300 * HOUR, summariesBefore: T0 + 200 * HOUR });
      const raw = await all();
      expect(raw.slice(-200)).toEqual(samples.slice(300));
      const [buckets = []] = await store.aggregate({ points: [POINT], edges: [T0 + 300 * HOUR, T0 + 500 * HOUR] });
      expect(buckets).toMatchObject([{ count: 200, min: 300, max: 499 }]);
      expect(await store.ranges(GATEWAY)).toEqual([{ epoch, from: 0, to: 499 }]);
      if (!traits.dropsAtOnce) return;
      expect(raw).toHaveLength(200);
      expect((await store.at([POINT], T0 + 299 * HOUR))[0]).toBeUndefined();
      const hours = await store.aggregate({ points: [POINT], edges: [T0, T0 + 216 * HOUR, T0 + 300 * HOUR] });
      // summaries go by whole days: the day that holds the limit stays
      expect(hours[0]?.at(-1)).toMatchObject({ count: 84, first: 216, last: 299 });
      expect(hours[0]?.[0]?.count ?? 0).toBeLessThanOrEqual(24);
    });

    telemetryAggregateContract(() => ({ store, write, batch, finish, points: harness.points }), traits.runs);
  });
}
