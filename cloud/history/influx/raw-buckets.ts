import type { Bucket, StoredSample } from "../../telemetry-ports.ts";

/** What else is asked of the buckets of one point. */
export interface BucketWishes {
  readonly timeWeighted: boolean;
  /** Where a counter starts again at 0, or null; undefined for what is no counter. */
  readonly rollover: number | null | undefined;
}

interface Open {
  readonly t: number;
  count: number;
  bad: number;
  numbers: number;
  sum: number;
  min: number;
  max: number;
  first: StoredSample["value"];
  last: StoredSample["value"];
  weighted: number;
  knownMs: number;
  increase: number | null;
}

function isUsable({ quality, value }: StoredSample): boolean {
  return quality !== "bad" && value !== null;
}

/** The number of a usable number or boolean. */
function numberOf(sample: StoredSample): number | undefined {
  if (!isUsable(sample)) return undefined;
  const { value } = sample;
  return typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : undefined;
}

/** Buckets out of the samples of one point, given in order of time. */
export class RawBuckets {
  readonly #edges: readonly number[];
  readonly #wishes: BucketWishes;
  readonly #done: Bucket[] = [];
  #index = 0;
  #open: Open | undefined;
  /** What holds since when; undefined while nothing is known. */
  #held: { readonly number: number; since: number } | undefined;
  #counted: number | undefined;

  /** `edges`: bucket i is [edges[i], edges[i + 1]), Unix ms, ascending. */
  constructor(edges: readonly number[], wishes: BucketWishes) {
    this.#edges = edges;
    this.#wishes = wishes;
  }

  /** The sample before the first bucket, and the newest number before it. */
  before(newest: StoredSample | undefined, counted: StoredSample | undefined): void {
    const number = newest === undefined ? undefined : numberOf(newest);
    if (number !== undefined) this.#held = { number, since: this.#edges[0] ?? 0 };
    this.#counted = counted === undefined ? undefined : numberOf(counted);
  }

  add(sample: StoredSample): void {
    const t = sample.observedAt;
    while (t >= (this.#edges[this.#index + 1] ?? Number.POSITIVE_INFINITY)) this.#close();
    const bucket = this.#bucket();
    this.#hold(t, sample);
    if (!isUsable(sample)) {
      bucket.bad++;
      return;
    }
    if (bucket.count++ === 0) bucket.first = sample.value;
    bucket.last = sample.value;
    const number = numberOf(sample);
    if (number === undefined) return;
    bucket.numbers++;
    bucket.sum += number;
    bucket.min = Math.min(bucket.min, number);
    bucket.max = Math.max(bucket.max, number);
    this.#count(bucket, number);
  }

  /** The buckets that had samples. */
  result(): readonly Bucket[] {
    while (this.#index < this.#edges.length - 1) this.#close();
    return this.#done;
  }

  #bucket(): Open {
    this.#open ??= {
      t: this.#edges[this.#index] ?? 0,
      count: 0,
      bad: 0,
      numbers: 0,
      sum: 0,
      min: Number.POSITIVE_INFINITY,
      max: Number.NEGATIVE_INFINITY,
      first: null,
      last: null,
      weighted: 0,
      knownMs: 0,
      increase: null,
    };
    return this.#open;
  }

  /** Weighs what held until `t`, and lets the sample hold from then on. */
  #hold(t: number, sample: StoredSample): void {
    if (!this.#wishes.timeWeighted) return;
    this.#weigh(t);
    const number = numberOf(sample);
    this.#held = number === undefined ? undefined : { number, since: t };
  }

  #weigh(until: number): void {
    if (this.#held === undefined) return;
    const { number, since } = this.#held;
    if (this.#open !== undefined && until > since) {
      this.#open.weighted += number * (until - since);
      this.#open.knownMs += until - since;
    }
    this.#held.since = until;
  }

  #count(bucket: Open, number: number): void {
    const { rollover } = this.#wishes;
    if (rollover === undefined) return;
    const before = this.#counted;
    this.#counted = number;
    if (before === undefined) return;
    const step = number >= before ? number - before : rollover === null ? number : rollover - before + number;
    bucket.increase = (bucket.increase ?? 0) + step;
  }

  #close(): void {
    const end = this.#edges[this.#index + 1] ?? 0;
    this.#weigh(end);
    const open = this.#open;
    this.#open = undefined;
    this.#index++;
    if (open === undefined) return;
    const { t, count, bad, numbers, first, last } = open;
    this.#done.push({
      t,
      count,
      bad,
      min: numbers > 0 ? open.min : null,
      max: numbers > 0 ? open.max : null,
      mean: numbers > 0 ? open.sum / numbers : null,
      first,
      last,
      ...(this.#wishes.timeWeighted
        ? { timeWeightedMean: open.knownMs > 0 ? open.weighted / open.knownMs : null }
        : {}),
      ...(this.#wishes.rollover === undefined ? {} : { increase: open.increase }),
    });
  }
}
