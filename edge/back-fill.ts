import type { Sample } from "#core/model/sample.ts";
import type { Outbox } from "./outbox.ts";
import type { Pipeline } from "./pipeline.ts";

const TOLD = "backFill";

/** From one row time to another, Unix ms, both included: what was told of a point in one go. */
type Stretch = readonly [from: number, to: number];

/** Stretches kept for each point; a further one costs the narrowest gap between two of them. */
const MOST_STRETCHES = 8;

/**
 * Values of the past that drivers read out of devices' own records: each goes into the telemetry lane once, marked historical. Which
 * stretches were told is kept for each point, so that a driver may read the same one again after a crash, and a hole that is older
 * than what was filled already is still filled.
 */
export class BackFill {
  readonly #outbox: Outbox;
  readonly #pipeline: Pipeline;
  /** By point, in order of time, none touching another. */
  readonly #told = new Map<string, readonly Stretch[]>();
  #counters = { taken: 0, known: 0 };

  constructor(outbox: Outbox, pipeline: Pipeline) {
    this.#outbox = outbox;
    this.#pipeline = pipeline;
    for (const [point, kept] of outbox.records(TOLD)) this.#told.set(point, stretchesOf(kept));
  }

  /** Monotonic counters since the start. */
  get counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }

  /** Queues what is new of these samples. */
  take(samples: readonly Sample[]): void {
    const fresh = this.#pipeline
      .historical(samples)
      .filter(({ point, observedAt }) => !within(this.#told.get(point) ?? [], observedAt));
    this.#counters.taken += fresh.length;
    this.#counters.known += samples.length - fresh.length;
    if (fresh.length === 0) return;
    this.#outbox.appendSamples(fresh);
    const news = new Map<string, Stretch[]>();
    for (const { point, observedAt } of fresh) extend(news, point, observedAt, this.#told.get(point) ?? []);
    for (const [point, stretches] of news) {
      const told = stretches.reduce(withStretch, this.#told.get(point) ?? []);
      this.#told.set(point, told);
      this.#outbox.put(TOLD, point, told);
    }
  }
}

/** A single number is how it was kept before there were stretches: everything up to then. */
function stretchesOf(kept: unknown): readonly Stretch[] {
  return typeof kept === "number" ? [[Number.MIN_SAFE_INTEGER, kept]] : (kept as readonly Stretch[]);
}

function within(stretches: readonly Stretch[], at: number): boolean {
  return stretches.some(([from, to]) => at >= from && at <= to);
}

/** What is told in one go is one stretch, but for what lies between and was told before. */
function extend(news: Map<string, Stretch[]>, point: string, at: number, told: readonly Stretch[]): void {
  const mine = news.get(point) ?? [];
  news.set(point, mine);
  const near = mine.findIndex(([from, to]) => {
    const [low, high] = [Math.min(from, at), Math.max(to, at)];
    return !told.some((known) => known[0] > low && known[1] < high);
  });
  const [from, to] = mine[near] ?? [at, at];
  const stretch: Stretch = [Math.min(from, at), Math.max(to, at)];
  if (near < 0) mine.push(stretch);
  else mine[near] = stretch;
}

function withStretch(stretches: readonly Stretch[], [from, to]: Stretch): readonly Stretch[] {
  const apart = stretches.filter((one) => one[1] < from || one[0] > to);
  const touching = stretches.filter((one) => !apart.includes(one));
  const joined: Stretch = [
    Math.min(from, ...touching.map((one) => one[0])),
    Math.max(to, ...touching.map((one) => one[1])),
  ];
  const all = [...apart, joined].toSorted((a, b) => a[0] - b[0]);
  return all.length <= MOST_STRETCHES ? all : withoutNarrowestGap(all);
}

function withoutNarrowestGap(stretches: readonly Stretch[]): readonly Stretch[] {
  const gaps = stretches.slice(1).map(([from], i) => from - (stretches[i]?.[1] ?? from));
  const at = gaps.indexOf(Math.min(...gaps));
  const [left, right] = [stretches[at], stretches[at + 1]];
  if (left === undefined || right === undefined) return stretches;
  return [...stretches.slice(0, at), [left[0], right[1]], ...stretches.slice(at + 2)];
}
