import type { Sample } from "#core/model/sample.ts";
import type { Outbox } from "./outbox.ts";
import type { Pipeline } from "./pipeline.ts";

const TOLD = "backFill";

/**
 * Values of the past that drivers read out of devices' own records: each goes into the telemetry lane once, marked historical. What
 * was told up to which source time is kept for each point, so that a driver may read the same stretch again after a crash.
 */
export class BackFill {
  readonly #outbox: Outbox;
  readonly #pipeline: Pipeline;
  readonly #told = new Map<string, number>();
  #counters = { taken: 0, known: 0 };

  constructor(outbox: Outbox, pipeline: Pipeline) {
    this.#outbox = outbox;
    this.#pipeline = pipeline;
    for (const [point, at] of outbox.records(TOLD)) this.#told.set(point, Number(at));
  }

  /** Monotonic counters since the start. */
  get counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }

  /** Queues what is new of these samples. */
  take(samples: readonly Sample[]): void {
    const fresh = this.#pipeline
      .historical(samples)
      .filter(({ point, observedAt }) => observedAt > (this.#told.get(point) ?? -Infinity));
    this.#counters.taken += fresh.length;
    this.#counters.known += samples.length - fresh.length;
    if (fresh.length === 0) return;
    this.#outbox.appendSamples(fresh);
    const last = new Map<string, number>();
    for (const { point, observedAt } of fresh) last.set(point, Math.max(observedAt, last.get(point) ?? -Infinity));
    for (const [point, at] of last) {
      this.#told.set(point, at);
      this.#outbox.put(TOLD, point, at);
    }
  }
}
