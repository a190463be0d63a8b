import type { AggregateQuery, Bucket } from "../telemetry-ports.ts";
import { type BucketColumns, type BucketSlab, slabColumns } from "./bucket-slab.ts";
import { valueOfKind } from "./summary-codec.ts";

interface Asked {
  readonly edges: readonly number[];
  readonly timeWeighted: boolean;
  readonly counter: boolean;
}

function plainBucket(c: BucketColumns, i: number, edges: readonly number[], texts: readonly string[]): Bucket {
  const kinds = c.kinds[i] ?? 0;
  const numeric = c.numeric[i] ?? 0;
  const count = c.count[i] ?? 0;
  return {
    t: edges[c.bucket[i] ?? 0] ?? 0,
    count,
    bad: c.bad[i] ?? 0,
    min: numeric > 0 ? (c.min[i] ?? null) : null,
    max: numeric > 0 ? (c.max[i] ?? null) : null,
    mean: numeric > 0 ? (c.sum[i] ?? 0) / numeric : null,
    first: count > 0 ? valueOfKind(kinds >> 3, c.first[i] ?? 0, texts) : null,
    last: count > 0 ? valueOfKind(kinds & 7, c.last[i] ?? 0, texts) : null,
  };
}

function bucketAt(c: BucketColumns, i: number, asked: Asked, texts: readonly string[]): Bucket {
  const bucket = plainBucket(c, i, asked.edges, texts);
  if (!asked.timeWeighted && !asked.counter) return bucket;
  const known = c.known[i] ?? 0;
  const increase = c.increase[i] ?? Number.NaN;
  return {
    ...bucket,
    ...(asked.timeWeighted ? { timeWeightedMean: known > 0 ? (c.integral[i] ?? 0) / known : null } : {}),
    ...(asked.counter ? { increase: Number.isNaN(increase) ? null : increase } : {}),
  };
}

function bucketsOf(slab: BucketSlab, asked: Asked): readonly Bucket[] {
  const columns = slabColumns(slab);
  return Array.from({ length: slab.length }, (_, row) => bucketAt(columns, row, asked, slab.texts));
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
        const value = bucketsOf(slab, asked);
        Object.defineProperty(lists, i, { enumerable: true, configurable: true, writable: true, value });
        return value;
      },
    });
  }
  return lists;
}
