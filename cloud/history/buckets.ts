import type { Sample } from "#core/model/sample.ts";
import type { Bucket, BucketQuery } from "../ports.ts";
import { type Columns, KIND, valueAt } from "./columns.ts";

/**
 * What a set of samples comes to. Only usable samples count: quality is not bad and the value is not null. Booleans
 * enter min, max and mean as 0 and 1; texts only enter `count` and `last`.
 */
export interface Summary {
  count: number;
  numeric: number;
  sum: number;
  min: number;
  max: number;
  /** Time of `last`; -Infinity while there is none. */
  lastAt: number;
  last: Sample["value"];
}

/** The summary of nothing. */
export function newSummary(): Summary {
  return { count: 0, numeric: 0, sum: 0, min: Infinity, max: -Infinity, lastAt: -Infinity, last: null };
}

function usableQualities(c: Columns): readonly boolean[] {
  return c.qualities.map((quality) => quality !== "bad" && !quality.startsWith("bad|"));
}

function addRow(summary: Summary, c: Columns, at: number): void {
  const kind = c.kind[at];
  summary.count++;
  const time = c.time[at] ?? 0;
  if (time >= summary.lastAt) {
    summary.lastAt = time;
    summary.last = valueAt(c, at);
  }
  if (kind === KIND.text) return;
  const number = kind === KIND.number ? (c.number[at] ?? 0) : kind === KIND.true ? 1 : 0;
  summary.numeric++;
  summary.sum += number;
  if (number < summary.min) summary.min = number;
  if (number > summary.max) summary.max = number;
}

/** Hands every usable row (of `rows`, or all) to the summary that `pick` names for its time. */
export function summarize(
  c: Columns,
  pick: (time: number) => Summary | undefined,
  rows: Iterable<number> = c.time.subarray(0, c.length).keys(),
): void {
  const usable = usableQualities(c);
  for (const at of rows) {
    if (c.kind[at] === KIND.null || usable[c.quality[at] ?? 0] !== true) continue;
    const summary = pick(c.time[at] ?? 0);
    if (summary !== undefined) addRow(summary, c, at);
  }
}

function join(into: Summary, other: Summary): void {
  if (other.lastAt >= into.lastAt) {
    into.lastAt = other.lastAt;
    into.last = other.last;
  }
  into.count += other.count;
  into.numeric += other.numeric;
  into.sum += other.sum;
  into.min = Math.min(into.min, other.min);
  into.max = Math.max(into.max, other.max);
}

/** The buckets of one query, filled by summaries of whole chunks or by rows. */
export class BucketSet {
  readonly #query: BucketQuery;
  readonly #buckets = new Map<number, Summary>();
  constructor(query: BucketQuery) {
    this.#query = query;
  }

  #index(time: number): number {
    return Math.floor((time - this.#query.alignMs) / this.#query.bucketMs);
  }

  /** Does everything between the two times (inclusive) fall into one bucket inside the query? */
  holdsWhole(fromTime: number, toTime: number): boolean {
    return fromTime >= this.#query.from && toTime < this.#query.to && this.#index(fromTime) === this.#index(toTime);
  }

  /** The summary a sample of this time belongs to; undefined outside the query. */
  readonly at = (time: number): Summary | undefined => {
    if (time < this.#query.from || time >= this.#query.to) return undefined;
    const index = this.#index(time);
    let summary = this.#buckets.get(index);
    if (summary === undefined) {
      summary = newSummary();
      this.#buckets.set(index, summary);
    }
    return summary;
  };

  /** Adds a chunk that `holdsWhole` by its summary. */
  addWhole(fromTime: number, summary: Summary): void {
    const into = summary.count > 0 ? this.at(fromTime) : undefined;
    if (into !== undefined) join(into, summary);
  }

  /** The buckets in order of time; one without usable samples is left out. */
  result(): Bucket[] {
    return [...this.#buckets]
      .sort(([a], [b]) => a - b)
      .map(([index, s]) => ({
        t: index * this.#query.bucketMs + this.#query.alignMs,
        min: s.numeric > 0 ? s.min : null,
        max: s.numeric > 0 ? s.max : null,
        mean: s.numeric > 0 ? s.sum / s.numeric : null,
        last: s.last,
        count: s.count,
      }));
  }
}
