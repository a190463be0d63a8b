import type { AggregateQuery, Bucket } from "../telemetry-ports.ts";
import { type BucketSlab, SLAB } from "./store-messages.ts";
import { valueOfKind } from "./summary-codec.ts";

interface Asked {
  readonly edges: readonly number[];
  readonly timeWeighted: boolean;
  readonly counter: boolean;
}

function plainBucket({ numbers, width, texts }: BucketSlab, i: number, edges: readonly number[]): Bucket {
  const at = i * width;
  const kinds = numbers[at + SLAB.kinds] ?? 0;
  const numeric = numbers[at + SLAB.numeric] ?? 0;
  const count = numbers[at + SLAB.count] ?? 0;
  return {
    t: edges[numbers[at + SLAB.bucket] ?? 0] ?? 0,
    count,
    bad: numbers[at + SLAB.bad] ?? 0,
    min: numeric > 0 ? (numbers[at + SLAB.min] ?? null) : null,
    max: numeric > 0 ? (numbers[at + SLAB.max] ?? null) : null,
    mean: numeric > 0 ? (numbers[at + SLAB.sum] ?? 0) / numeric : null,
    first: count > 0 ? valueOfKind(kinds >> 3, numbers[at + SLAB.first] ?? 0, texts) : null,
    last: count > 0 ? valueOfKind(kinds & 7, numbers[at + SLAB.last] ?? 0, texts) : null,
  };
}

function bucketAt(slab: BucketSlab, i: number, asked: Asked): Bucket {
  const bucket = plainBucket(slab, i, asked.edges);
  if (!asked.timeWeighted && !asked.counter) return bucket;
  const at = i * slab.width;
  const known = slab.numbers[at + SLAB.known] ?? 0;
  const increase = slab.numbers[at + SLAB.increase] ?? Number.NaN;
  return {
    ...bucket,
    ...(asked.timeWeighted
      ? { timeWeightedMean: known > 0 ? (slab.numbers[at + SLAB.integral] ?? 0) / known : null }
      : {}),
    ...(asked.counter ? { increase: Number.isNaN(increase) ? null : increase } : {}),
  };
}

/**
 * The buckets of an answer. Those of a series become objects when they are looked at for the first time: a month of a thousand
 * series is most of a million of them, and who streams them needs only some at a time.
 */
export function bucketLists(slabs: readonly BucketSlab[], query: AggregateQuery): readonly (readonly Bucket[])[] {
  const lists: (readonly Bucket[])[] = new Array(slabs.length);
  for (const [i, slab] of slabs.entries()) {
    const point = query.points[i];
    const asked: Asked = {
      edges: query.edges,
      timeWeighted: query.timeWeighted === true,
      counter: point !== undefined && query.counters?.has(point) === true,
    };
    Object.defineProperty(lists, i, {
      enumerable: true,
      configurable: true,
      get: () => {
        const value = Array.from({ length: slab.length }, (_, row) => bucketAt(slab, row, asked));
        Object.defineProperty(lists, i, { enumerable: true, configurable: true, writable: true, value });
        return value;
      },
    });
  }
  return lists;
}
