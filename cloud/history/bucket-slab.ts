import type { Bucket } from "../telemetry-ports.ts";
import { valueOfKind } from "./summary-codec.ts";

/** Columns of a slab that are there for every question, and what time-weighted means and counters add. */
const PLAIN = ["sum", "min", "max", "first", "last"] as const;
/** Whole numbers below 2^32. */
const WHOLE = ["count", "bad", "numeric", "bucket"] as const;
const FULL = ["integral", "known", "increase"] as const;
const NOTHING = new Float64Array(0);

/**
 * Buckets of one series on their way from the store's thread: columns in one piece of memory, with room for `capacity` buckets,
 * of which `length` are there. `slabColumns` looks into it.
 */
export interface BucketSlab {
  readonly length: number;
  readonly capacity: number;
  /** With what time-weighted means and counters add. */
  readonly full: boolean;
  readonly buffer: ArrayBuffer;
  readonly texts: readonly string[];
}

/** The columns of a slab: row i of each belongs to one bucket. The last three are empty in a slab that is not full. */
export interface BucketColumns
  extends Readonly<Record<(typeof PLAIN)[number] | (typeof FULL)[number], Float64Array<ArrayBuffer>>>,
    /** `bucket`: number of the bucket, which is the edge it begins at. */
    Readonly<Record<(typeof WHOLE)[number], Uint32Array<ArrayBuffer>>> {
  /** Kinds (KIND) of first and last: first * 8 + last. */
  readonly kinds: Uint8Array<ArrayBuffer>;
}

/** Memory for so many buckets, with anything in it. */
export function newSlabBuffer(capacity: number, full: boolean): ArrayBuffer {
  const numbers = PLAIN.length + (full ? FULL.length : 0);
  const bytes =
    capacity * (numbers * Float64Array.BYTES_PER_ELEMENT + WHOLE.length * Uint32Array.BYTES_PER_ELEMENT + 1);
  // Every field of every bucket is written, and a month of many series is much to fill with zeros before.
  return Buffer.allocUnsafeSlow(bytes).buffer;
}

/** The columns in the memory of a slab. */
export function slabColumns({
  buffer,
  capacity,
  full,
}: Pick<BucketSlab, "buffer" | "capacity" | "full">): BucketColumns {
  let at = 0;
  const next = (): Float64Array<ArrayBuffer> => {
    const column = new Float64Array(buffer, at, capacity);
    at += column.byteLength;
    return column;
  };
  const nextWhole = (): Uint32Array<ArrayBuffer> => {
    const column = new Uint32Array(buffer, at, capacity);
    at += column.byteLength;
    return column;
  };
  const numbers = {
    sum: next(),
    min: next(),
    max: next(),
    first: next(),
    last: next(),
    integral: full ? next() : NOTHING,
    known: full ? next() : NOTHING,
    increase: full ? next() : NOTHING,
  };
  const whole = { count: nextWhole(), bad: nextWhole(), numeric: nextWhole(), bucket: nextWhole() };
  return { ...numbers, ...whole, kinds: new Uint8Array(buffer, at, capacity) };
}

/** The same buckets in twice the room. */
export function growSlab(columns: BucketColumns, capacity: number, full: boolean): BucketSlab {
  const slab = { length: 0, capacity: capacity * 2, full, buffer: newSlabBuffer(capacity * 2, full), texts: [] };
  const grown = slabColumns(slab);
  for (const name of [...PLAIN, ...(full ? FULL : [])]) grown[name].set(columns[name]);
  for (const name of WHOLE) grown[name].set(columns[name]);
  grown.kinds.set(columns.kinds);
  return slab;
}

/** Row `i` as an object; `texts` is what its texts point into. */
export function plainBucket(c: BucketColumns, i: number, edges: readonly number[], texts: readonly string[]): Bucket {
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
