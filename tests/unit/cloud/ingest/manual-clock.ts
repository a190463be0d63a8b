import type { Clock } from "#core/clock.ts";

interface Due {
  at: number;
  readonly every: number | undefined;
  readonly callback: () => void;
}

/** A clock that moves only when told. */
export class ManualClock implements Clock {
  #now: number;
  #elapsed = 0;
  readonly #timers = new Set<Due>();
  constructor(now = 1_790_000_000_000) {
    this.#now = now;
  }
  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#elapsed;
  }
  after(delayMs: number, callback: () => void): () => void {
    return this.#add({ at: this.#elapsed + delayMs, every: undefined, callback });
  }
  every(periodMs: number, callback: () => void): () => void {
    return this.#add({ at: this.#elapsed + periodMs, every: periodMs, callback });
  }
  /** Moves both times on and calls what has become due, in order. */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#now += next.at - this.#elapsed;
      this.#elapsed = next.at;
      if (next.every === undefined) this.#timers.delete(next);
      else next.at += next.every;
      next.callback();
    }
    this.#now += end - this.#elapsed;
    this.#elapsed = end;
  }
  #add(timer: Due): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}
