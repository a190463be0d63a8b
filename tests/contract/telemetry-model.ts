import type { Bucket } from "#cloud/telemetry-ports.ts";
import type { Sample, Value } from "#core/model/sample.ts";

/*
 * What the summaries of a telemetry store must come to, written down the plain way: one pass over all samples for each
 * bucket. Slow and obvious; every store is compared with it.
 */

/** Also these. */
export interface ModelOptions {
  readonly timeWeighted?: boolean;
  /** Present for a counter: the value at which it starts again at 0, or null. */
  readonly rollover?: number | null;
}

interface Seen {
  readonly t: number;
  readonly value: Value;
  /** Not bad, and there is a value. */
  readonly usable: boolean;
  /** Of a usable number or boolean. */
  readonly number: number | undefined;
}

function seen(sample: Sample): Seen {
  const usable = sample.quality !== "bad" && sample.value !== null;
  const { value } = sample;
  const number = typeof value === "boolean" ? Number(value) : typeof value === "number" ? value : undefined;
  return { t: sample.observedAt, value, usable, number: usable ? number : undefined };
}

function timeWeightedMean(all: readonly Seen[], from: number, to: number): number | null {
  let weighted = 0;
  let known = 0;
  for (const [i, { t, number }] of all.entries()) {
    const begin = Math.max(t, from);
    const end = Math.min(all[i + 1]?.t ?? to, to);
    if (number === undefined || end <= begin) continue;
    weighted += number * (end - begin);
    known += end - begin;
  }
  return known > 0 ? weighted / known : null;
}

function increase(all: readonly Seen[], from: number, to: number, rollover: number | null): number | null {
  const numbers = all.filter(({ number }) => number !== undefined);
  let sum: number | null = null;
  for (const [i, { t, number = 0 }] of numbers.entries()) {
    const before = numbers[i - 1]?.number;
    if (before === undefined || t < from || t >= to) continue;
    const step = number >= before ? number - before : rollover === null ? number : rollover - before + number;
    sum = (sum ?? 0) + step;
  }
  return sum;
}

/** Summaries of the samples of one point, which have one sample of each time and are in its order. */
export function modelBuckets(
  samples: readonly Sample[],
  edges: readonly number[],
  options: ModelOptions = {},
): readonly Bucket[] {
  const all = samples.map(seen);
  const buckets: Bucket[] = [];
  for (const [i, from] of edges.slice(0, -1).entries()) {
    const to = edges[i + 1] ?? from;
    const inside = all.filter(({ t }) => t >= from && t < to);
    const usable = inside.filter((one) => one.usable);
    const numbers = inside.flatMap(({ number }) => (number === undefined ? [] : [number]));
    if (inside.length === 0) continue;
    buckets.push({
      t: from,
      count: usable.length,
      bad: inside.length - usable.length,
      min: numbers.length > 0 ? Math.min(...numbers) : null,
      max: numbers.length > 0 ? Math.max(...numbers) : null,
      mean: numbers.length > 0 ? numbers.reduce((a, b) => a + b, 0) / numbers.length : null,
      first: usable[0]?.value ?? null,
      last: usable.at(-1)?.value ?? null,
      ...(options.timeWeighted === true ? { timeWeightedMean: timeWeightedMean(all, from, to) } : {}),
      ...(options.rollover === undefined ? {} : { increase: increase(all, from, to, options.rollover) }),
    });
  }
  return buckets;
}
