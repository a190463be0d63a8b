import type { Clock } from "#core/clock.ts";

interface Due {
  at: number;
  readonly periodMs: number | undefined;
  readonly callback: () => void;
}

/** A clock that stands still until `advance`; timers run in order of their time. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Due>();
  #elapsed = 0;
  readonly #startMs: number;

  constructor(startMs = Date.UTC(2026, 4, 12, 2, 0, 0)) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#add({ at: this.#elapsed + delayMs, periodMs: undefined, callback });
  }

  every(periodMs: number, callback: () => void): () => void {
    return this.#add({ at: this.#elapsed + periodMs, periodMs, callback });
  }

  /** Moves time on by `ms` and runs all that becomes due. */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (;;) {
      const next = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#elapsed = Math.max(this.#elapsed, next.at);
      if (next.periodMs === undefined) this.#timers.delete(next);
      else next.at += next.periodMs;
      next.callback();
    }
    this.#elapsed = end;
  }

  #add(timer: Due): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}
