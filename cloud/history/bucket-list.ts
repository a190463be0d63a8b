import type { AggregateQuery, Bucket } from "../telemetry-ports.ts";
import { type BucketColumns, type BucketSlab, plainBucket, slabColumns } from "./bucket-slab.ts";
import { type PackedHours, PackedHoursReader } from "./packed-hours.ts";

/** The buckets of one series on their way from the store's thread: those of whole days that are packed, and those after them. */
export interface SeriesBuckets {
  readonly packed?: PackedHours;
  readonly slab: BucketSlab;
}

interface Asked {
  readonly edges: readonly number[];
  readonly timeWeighted: boolean;
  readonly counter: boolean;
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
export function bucketLists(answer: readonly SeriesBuckets[], query: AggregateQuery): readonly (readonly Bucket[])[] {
  const lists: (readonly Bucket[])[] = new Array(answer.length);
  const reader = new PackedHoursReader(query.edges);
  for (const [i, { packed, slab }] of answer.entries()) {
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
        const after = bucketsOf(slab, asked);
        const value = packed === undefined ? after : [...reader.buckets(packed), ...after];
        Object.defineProperty(lists, i, { enumerable: true, configurable: true, writable: true, value });
        return value;
      },
    });
  }
  return lists;
}
