import type { Fill } from "#core/contracts/history.ts";
import type { Value } from "#core/model/sample.ts";
import type { Bucket } from "../telemetry-ports.ts";

/** A bucket as answered; `filled` when nothing usable was measured in it. */
export type FilledBucket = Bucket & { readonly filled?: true };

const FIGURES = ["min", "max", "mean", "timeWeightedMean"] as const;

function emptyAt(t: number, bad: number): FilledBucket {
  return {
    t,
    count: 0,
    bad,
    min: null,
    max: null,
    mean: null,
    first: null,
    last: null,
    timeWeightedMean: null,
    increase: null,
    filled: true,
  };
}

/** A bucket in which a value simply went on. */
function heldAt(t: number, bad: number, value: Value): FilledBucket {
  const number = typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : null;
  const figures = { min: number, max: number, mean: number, timeWeightedMean: number };
  return { ...emptyAt(t, bad), ...figures, first: value, last: value, increase: number === null ? null : 0 };
}

/** A bucket on the line between two that were measured, `share` of the way. */
function between(t: number, bad: number, before: Bucket, after: Bucket, share: number): FilledBucket {
  const filled: Record<string, number | null> = {};
  for (const name of FIGURES) {
    const [a, b] = [before[name], after[name]];
    filled[name] = typeof a === "number" && typeof b === "number" ? a + (b - a) * share : null;
  }
  return { ...emptyAt(t, bad), ...filled, first: filled["mean"] ?? null, last: filled["mean"] ?? null };
}

function linear(beginnings: readonly number[], whole: (Bucket | undefined)[]): FilledBucket[] {
  const used = whole.flatMap((bucket, i) => (bucket !== undefined && bucket.count > 0 ? [{ bucket, i }] : []));
  let next = 0;
  return beginnings.map((t, i) => {
    const own = whole[i];
    while ((used[next]?.i ?? Number.POSITIVE_INFINITY) < i) next++;
    if (own !== undefined && own.count > 0) return own;
    const [before, after] = [used[next - 1], used[next]];
    if (before === undefined || after === undefined) return emptyAt(t, own?.bad ?? 0);
    return between(t, own?.bad ?? 0, before.bucket, after.bucket, (i - before.i) / (after.i - before.i));
  });
}

/**
 * Buckets of a series by what is wanted for those without a usable value. `beginnings`: of all buckets; `before`: the value
 * that held when the first began. Nothing is made up for `none` and `null`.
 */
export function fillBuckets(
  beginnings: readonly number[],
  buckets: readonly Bucket[],
  fill: Fill,
  before: Value,
): readonly FilledBucket[] {
  if (fill === "none") return buckets.filter(({ count, bad }) => count + bad > 0);
  const byTime = new Map(buckets.map((bucket) => [bucket.t, bucket]));
  const whole = beginnings.map((t) => byTime.get(t));
  if (fill === "linear") return linear(beginnings, whole);
  let held = before;
  return beginnings.map((t, i) => {
    const own = whole[i];
    if (own !== undefined && own.count > 0) {
      held = own.last;
      return own;
    }
    return fill === "null" || held === null ? emptyAt(t, own?.bad ?? 0) : heldAt(t, own?.bad ?? 0, held);
  });
}
