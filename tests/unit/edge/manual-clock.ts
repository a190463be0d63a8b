import type { Clock } from "#core/clock.ts";

interface Timer {
  at: number;
  readonly everyMs: number | undefined;
  readonly callback: () => void;
}

/** A clock that stands still until it is told; wall clock and monotonic time can move apart. */
export class ManualClock implements Clock {
  #now = 1_800_000_000_000;
  #monotonic = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#monotonic;
  }
  after(delayMs: number, callback: () => void): () => void {
    return this.#add({ at: this.#monotonic + delayMs, everyMs: undefined, callback });
  }
  every(periodMs: number, callback: () => void): () => void {
    return this.#add({ at: this.#monotonic + periodMs, everyMs: periodMs, callback });
  }
  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Sets the wall clock without any time passing. */
  setWallClock(now: number): void {
    this.#now = now;
  }

  /** Lets time pass; due timers fire in order. */
  advance(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#pass(due.at - this.#monotonic);
      if (due.everyMs === undefined) this.#timers.delete(due);
      else due.at += due.everyMs;
      due.callback();
    }
    this.#pass(end - this.#monotonic);
  }

  #pass(ms: number): void {
    this.#monotonic += ms;
    this.#now += ms;
  }
}
