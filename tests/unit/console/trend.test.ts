import { describe, expect, it } from "vitest";
import { bucketLines, carriedOn, sampleLines } from "#cloud/console/live/history-lines.ts";
import { boundsOf, LONGEST_MS, moved, TREND_SPANS, windowOf, zoomedOut } from "#cloud/console/live/trend-window.ts";

const t = (second: number): string => new Date(second * 1000).toISOString();

describe("a trend of samples", () => {
  it("holds a value until the next, apart by quality, and breaks where there was none to believe", () => {
    const lines = sampleLines([
      { t: t(1), value: 5, quality: "good" },
      { t: t(2), value: 6, quality: "uncertain", reason: "stale" },
      { t: t(3), value: null, quality: "bad", reason: "commLost" },
      { t: t(4), value: true, quality: "good" },
    ]);
    expect(lines.times).toEqual([1, 1.999, 2, 2.999, 3, 3.999, 4]);
    expect(lines.main).toEqual([5, 5, null, null, null, null, 1]);
    expect(lines.uncertain).toEqual([null, null, 6, 6, null, null, null]);
    expect(lines.notes[4]).toBe("bad|commLost");
  });

  it("marks what was taken from the device's own record", () => {
    const lines = sampleLines([
      { t: t(1), value: 5, quality: "good" },
      { t: t(2), value: null, quality: "bad", reason: "commLost" },
      { t: t(3), value: 6, quality: "good", historical: true },
      { t: t(4), value: 7, quality: "good", historical: true },
      { t: t(5), value: 8, quality: "good" },
    ]);
    expect(lines.historical?.map((at) => [lines.times[at], lines.main[at]])).toEqual([
      [3, 6],
      [4, 7],
    ]);
    const end = { fromMs: 0, nowMs: 9000, observedMs: 5000, height: 8 };
    expect(carriedOn(lines, end).historical).toEqual(lines.historical);
  });

  it("is carried on to now, for a value holds until the next is reported", () => {
    const end = { fromMs: 0, nowMs: 9000, observedMs: 5000, height: 7 };
    const one = { times: [1], main: [6], uncertain: [null], notes: [undefined] };
    expect(carriedOn(one, end)).toMatchObject({ times: [1, 5, 9], main: [6, 7, 7], uncertain: [null, null, null] });
    expect(carriedOn(one, { ...end, height: null }).main).toEqual([6, null, null]);
  });

  it("holds all through the range when the value was last reported before it", () => {
    const empty = { times: [], main: [], notes: [] };
    const end = { fromMs: 4000, nowMs: 9000, observedMs: 1000, height: 7 };
    expect(carriedOn(empty, end)).toMatchObject({ times: [4, 9], main: [7, 7] });
    expect(carriedOn(empty, { ...end, observedMs: Number.NaN })).toBe(empty);
  });
});

describe("a trend of buckets", () => {
  it("breaks where a bucket holds no usable value, and says how many were bad", () => {
    const whole = { count: 4, bad: 0, min: 1, max: 3, mean: 2, last: 2 };
    const none = { count: 0, bad: 9, min: null, max: null, mean: null, last: null };
    const lines = bucketLines([
      { t: t(0), ...whole },
      { t: t(60), ...none },
      { t: t(120), ...none, bad: 0 },
      { t: t(180), ...whole, mean: null, last: true },
    ]);
    expect(lines.main).toEqual([2, null, null, 1]);
    expect(lines.band?.max).toEqual([3, null, null, 3]);
    expect(lines.notes).toEqual([undefined, 9, undefined, undefined]);
  });
});

describe("the window of a trend", () => {
  const now = 1_000_000_000;
  it("moves with now until somebody looks back", () => {
    expect(boundsOf({ spanMs: 1000 }, now)).toEqual({ fromMs: now - 1000, toMs: now });
    expect(boundsOf({ spanMs: 1000, endMs: 5000 }, now)).toEqual({ fromMs: 4000, toMs: 5000 });
  });
  it("is what was dragged over, from a second to five years", () => {
    expect(windowOf(9000, 4000, now)).toEqual({ spanMs: 5000, endMs: 9000 });
    expect(windowOf(4000, 4001, now)).toEqual({ spanMs: 1000, endMs: 4001 });
    expect(windowOf(now - 5000, now + 1, now)).toEqual({ spanMs: 5001 });
    expect(windowOf(-LONGEST_MS * 2, 0, now).spanMs).toBe(LONGEST_MS);
    expect(TREND_SPANS.at(-1)?.spanMs).toBe(LONGEST_MS);
  });
  it("widens around its middle and moves by half, never into the future", () => {
    expect(zoomedOut({ spanMs: 1000, endMs: 5000 }, now)).toEqual({ spanMs: 2000, endMs: 5500 });
    expect(zoomedOut({ spanMs: 2000 }, now)).toEqual({ spanMs: 3000 });
    expect(moved({ spanMs: 1000 }, -1, now)).toEqual({ spanMs: 1000, endMs: now - 500 });
    expect(moved({ spanMs: 1000, endMs: now - 500 }, 1, now)).toEqual({ spanMs: 1000 });
  });
});
