import { InvalidInputError } from "#core/errors.ts";
import type { PointId } from "#core/ids.ts";
import type { AggregateQuery, Bucket } from "../../telemetry-ports.ts";
import { InfluxError } from "./failure.ts";
import { MEASUREMENT } from "./line-encoder.ts";
import { addPart, bucketOf, isMixed, newPartial, type Partial } from "./partial.ts";
import { type InfluxSeries, SUM_MS } from "./query-client.ts";
import { type BucketWishes, RawBuckets } from "./raw-buckets.ts";
import { clampTime, type RawRows, type RawScope } from "./raw-rows.ts";
import { ofPoint, timeIn } from "./set-up.ts";
import { HOURLY_MEASUREMENT, HOURLY_SUMMARY, measurementIn, RAW_SUMMARY } from "./summary-fields.ts";

const HOUR_MS = 3_600_000;
const MOST_EDGES = 100_001;
/** Buckets of one statement, and of one request. */
const STATEMENT_BUCKETS = 10_000;
const REQUEST_BUCKETS = 20_000;
const REQUEST_STATEMENTS = 50;

/** What the summaries need to know of the store. */
export interface SummaryScope extends RawScope {
  /** Policy of the hourly summaries; undefined where nobody makes them. */
  readonly hourlyPolicy: () => string | undefined;
  /** Hourly summaries older than this are gone. Unix ms. */
  readonly hoursKeptFrom: () => number;
}

/** Equal buckets of one point, asked in one statement: bucket `index` + k begins at `at` + k * `widthMs`. */
interface Ask {
  readonly answer: PointAnswer;
  readonly statement: string;
  readonly buckets: number;
  readonly index: number;
  readonly at: number;
  readonly widthMs: number;
  /** Out of raw samples, which can be read one by one instead. */
  readonly raw: boolean;
}

/** What is known of one point. */
interface PointAnswer {
  readonly point: PointId;
  readonly wishes: BucketWishes;
  readonly partials: Map<number, Partial>;
  readonly whole: Map<number, Bucket>;
}

function checkEdges(edges: readonly number[]): void {
  if (edges.length > MOST_EDGES)
    throw new InvalidInputError(
      "HISTORY_TOO_MANY_BUCKETS",
      `${edges.length - 1} buckets: expected at most ${MOST_EDGES - 1}`,
    );
  const wrong = edges.findIndex((edge, i) => !Number.isFinite(edge) || edge <= (edges[i - 1] ?? -Infinity));
  if (edges.length < 2 || wrong >= 0)
    throw new InvalidInputError(
      "HISTORY_EDGES_INVALID",
      `edges of buckets: expected at least 2, ascending, got ${edges.length}${wrong < 0 ? "" : `, not so at ${wrong}`}`,
    );
}

/** Ends (exclusive) of runs of equal buckets between two indexes. */
function* evenRuns(edges: readonly number[], from: number, to: number): Generator<{ from: number; to: number }> {
  const width = (i: number): number => (edges[i + 1] ?? 0) - (edges[i] ?? 0);
  for (let begin = from; begin < to; ) {
    let end = begin + 1;
    while (end < to && end - begin < STATEMENT_BUCKETS && width(end) === width(begin)) end++;
    yield { from: begin, to: end };
    begin = end;
  }
}

/** Summaries, made by the server where it can, else out of the samples. */
export class InfluxSummaries {
  readonly #scope: SummaryScope;
  readonly #rows: RawRows;

  constructor(scope: SummaryScope, rows: RawRows) {
    this.#scope = scope;
    this.#rows = rows;
  }

  /** As TelemetryStore.aggregate. @throws HISTORY_TOO_MANY_BUCKETS, HISTORY_EDGES_INVALID */
  async aggregate({ points, edges, timeWeighted = false, counters }: AggregateQuery): Promise<(readonly Bucket[])[]> {
    checkEdges(edges);
    const answers = new Map<PointId, PointAnswer>();
    const asks: Ask[] = [];
    const hours = this.#hoursEnd(edges);
    for (const point of new Set(points)) {
      const wishes = { timeWeighted, rollover: counters?.get(point) };
      const answer: PointAnswer = { point, wishes, partials: new Map(), whole: new Map() };
      answers.set(point, answer);
      asks.push(...this.#hourlyAsks(answer, edges, hours));
      // What depends on the order of samples is counted here, one by one.
      if (timeWeighted || wishes.rollover !== undefined) await this.#readThrough(answer, edges, hours.next);
      else asks.push(...this.#rawAsks(answer, edges, hours.next, edges.length - 1));
    }
    await this.#ask(asks);
    for (const answer of answers.values()) await this.#sortMixed(answer, edges, hours.next);
    return points.map((point) => this.#bucketsOf(answers.get(point), edges));
  }

  /**
   * Where hourly summaries end and samples begin. `next`: the first bucket that samples make alone; `until`: time up to
   * which the hours before are asked.
   */
  #hoursEnd(edges: readonly number[]): { readonly next: number; readonly until: number } {
    const keptFrom = this.#scope.keptFrom();
    if (this.#scope.hourlyPolicy() === undefined || (edges[0] ?? 0) >= keptFrom) return { next: 0, until: -Infinity };
    const until = Math.ceil(keptFrom / HOUR_MS) * HOUR_MS;
    let next = 0;
    while (next < edges.length - 1 && (edges[next] ?? 0) < until) {
      if ((edges[next] ?? 0) % HOUR_MS !== 0 || (edges[next + 1] ?? 0) % HOUR_MS !== 0) break;
      next++;
    }
    return { next, until };
  }

  /** Buckets before `next`: out of hours up to `until`, and the rest of the last one out of samples. */
  *#hourlyAsks(
    answer: PointAnswer,
    edges: readonly number[],
    { next, until }: { readonly next: number; readonly until: number },
  ): Generator<Ask> {
    const from = measurementIn(this.#scope.hourlyPolicy(), HOURLY_MEASUREMENT);
    const floor = this.#scope.hoursKeptFrom();
    for (const run of evenRuns(edges, 0, next))
      yield this.#statement(answer, edges, run, { select: HOURLY_SUMMARY, from, after: floor, before: until });
    if (next > 0 && (edges[next] ?? 0) > until) yield* this.#rawAsks(answer, edges, next - 1, next, until);
  }

  *#rawAsks(
    answer: PointAnswer,
    edges: readonly number[],
    begin: number,
    end: number,
    after: number = this.#scope.keptFrom(),
  ): Generator<Ask> {
    const from = measurementIn(this.#scope.policy(), MEASUREMENT);
    for (const run of evenRuns(edges, begin, end))
      yield this.#statement(answer, edges, run, { select: RAW_SUMMARY, from, after, before: Infinity });
  }

  #statement(
    answer: PointAnswer,
    edges: readonly number[],
    run: { readonly from: number; readonly to: number },
    source: { readonly select: string; readonly from: string; readonly after: number; readonly before: number },
  ): Ask {
    const at = edges[run.from] ?? 0;
    const widthMs = (edges[run.from + 1] ?? 0) - at;
    const shiftMs = ((at % widthMs) + widthMs) % widthMs;
    const begin = clampTime(Math.max(at, source.after));
    const end = clampTime(Math.min(edges[run.to] ?? 0, source.before));
    const where = `${ofPoint(answer.point)} AND ${timeIn(begin, end)}`;
    return {
      answer,
      statement: `SELECT ${source.select} FROM ${source.from} WHERE ${where} GROUP BY time(${widthMs}ms, ${shiftMs}ms) fill(none)`,
      buckets: run.to - run.from,
      index: run.from,
      at,
      widthMs,
      raw: source.select === RAW_SUMMARY,
    };
  }

  async #ask(asks: readonly Ask[]): Promise<void> {
    for (let at = 0; at < asks.length; ) {
      const some: Ask[] = [];
      let buckets = 0;
      for (let ask = asks[at]; ask !== undefined && some.length < REQUEST_STATEMENTS; ask = asks[++at]) {
        buckets += ask.buckets;
        if (some.length > 0 && buckets > REQUEST_BUCKETS) break;
        some.push(ask);
      }
      await this.#askSome(some);
    }
  }

  async #askSome(asks: readonly Ask[]): Promise<void> {
    try {
      const statements = asks.map(({ statement }) => statement);
      const answers = await this.#scope.client.run(statements, { timeoutMs: SUM_MS });
      for (const [i, ask] of asks.entries()) for (const series of answers[i] ?? []) this.#take(ask, series);
    } catch (error) {
      // A sum beyond the largest number: JSON has no word for it.
      const beyond = error instanceof InfluxError && error.code === "HISTORY_ANSWER_INVALID";
      if (!beyond || !asks.every(({ raw }) => raw)) throw error;
      for (const ask of asks) await this.#readBuckets(ask);
    }
  }

  #take({ answer, index, at, widthMs }: Ask, { columns, values }: InfluxSeries): void {
    const places = new Map(columns.map((name, i) => [name, i]));
    const time = places.get("time") ?? 0;
    for (const row of values) {
      const bucket = index + Math.round((Number(row[time]) - at) / widthMs);
      let partial = answer.partials.get(bucket);
      if (partial === undefined) {
        partial = newPartial();
        answer.partials.set(bucket, partial);
      }
      addPart(partial, (name) => row[places.get(name) ?? -1]);
    }
  }

  /** The buckets of one statement, out of the samples. */
  async #readBuckets({ answer, index, at, widthMs, buckets }: Ask): Promise<void> {
    const edges = Array.from({ length: buckets + 1 }, (_, i) => at + i * widthMs);
    for (const bucket of await this.#read(answer, edges)) {
      const place = index + Math.round((bucket.t - at) / widthMs);
      answer.whole.set(place, bucket);
    }
  }

  /** Buckets from `begin` on, out of the samples, with what was before them. */
  async #readThrough(answer: PointAnswer, edges: readonly number[], begin: number): Promise<void> {
    const own = edges.slice(begin);
    if (own.length < 2) return;
    const places = new Map(own.map((edge, i) => [edge, begin + i]));
    for (const bucket of await this.#read(answer, own)) answer.whole.set(places.get(bucket.t) ?? -1, bucket);
  }

  async #read({ point, wishes }: PointAnswer, edges: readonly number[]): Promise<readonly Bucket[]> {
    const buckets = new RawBuckets(edges, wishes);
    const [from = 0, to = 0] = [edges[0], edges.at(-1)];
    if (wishes.timeWeighted || wishes.rollover !== undefined) {
      const [newest] = await this.#rows.at([point], from - 1);
      const counted = wishes.rollover === undefined ? undefined : await this.#rows.numberAt(point, from - 1);
      buckets.before(newest, counted);
    }
    for await (const page of this.#rows.pages({ point, from, to, limit: Number.POSITIVE_INFINITY }))
      for (const sample of page) buckets.add(sample);
    return buckets.result();
  }

  /** Where numbers, booleans and texts meet in one bucket, only the samples tell which was first and last. */
  async #sortMixed(answer: PointAnswer, edges: readonly number[], begin: number): Promise<void> {
    for (const [index, partial] of answer.partials) {
      if (index < begin || !isMixed(partial)) continue;
      const at = edges[index] ?? 0;
      await this.#readBuckets({
        answer,
        statement: "",
        buckets: 1,
        index,
        at,
        widthMs: (edges[index + 1] ?? 0) - at,
        raw: true,
      });
    }
  }

  #bucketsOf(answer: PointAnswer | undefined, edges: readonly number[]): readonly Bucket[] {
    if (answer === undefined) return [];
    const { timeWeighted, rollover } = answer.wishes;
    // Hours do not say in which order their values came.
    const unknown = {
      ...(timeWeighted ? { timeWeightedMean: null } : {}),
      ...(rollover === undefined ? {} : { increase: null }),
    };
    const buckets = new Map<number, Bucket>();
    for (const [index, partial] of answer.partials)
      buckets.set(index, { ...bucketOf(edges[index] ?? 0, partial), ...unknown });
    for (const [index, bucket] of answer.whole) buckets.set(index, bucket);
    return [...buckets].sort(([a], [b]) => a - b).map(([, bucket]) => bucket);
  }
}
