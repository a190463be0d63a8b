import type { Clock } from "#core/clock.ts";

interface Timer {
  at: number;
  readonly periodMs: number | undefined;
  readonly callback: () => void;
}

/** A clock that stands still until the test moves it. Wall clock and monotonic time can move apart; timers follow the latter. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>();
  #now: number;
  #elapsed = 0;

  /** `startMs`: what the wall clock shows at first, Unix ms. */
  constructor(startMs: number) {
    this.#now = startMs;
  }

  /** Timers that are armed. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
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

  /** Sets the wall clock without any time passing. */
  setWallClock(now: number): void {
    this.#now = now;
  }

  /** Lets time pass; timers that come due fire in order of their time. */
  advance(ms: number): void {
    const end = this.#elapsed + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#pass(due.at - this.#elapsed);
      if (due.periodMs === undefined) this.#timers.delete(due);
      else due.at += due.periodMs;
      due.callback();
    }
    this.#pass(end - this.#elapsed);
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  #pass(ms: number): void {
    this.#elapsed += Math.max(0, ms);
    this.#now += Math.max(0, ms);
  }
}
