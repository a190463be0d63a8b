import type { Clock } from "#core/clock.ts";

/** How often the clock looks for a sleep, ms. */
const LOOK_MS = 500;
/** A look that is late by so much means that the process stood still, ms. */
const SLEPT_MS = 2_000;
/** A timer that comes so early is not set anew, ms. */
const SLACK_MS = 20;

export interface AwakeOptions {
  /** Told after a sleep, with its length, ms. */
  readonly onSlept?: (ms: number) => void;
  /** Milliseconds that also pass while the machine sleeps; where they do not differ from `monotonic` there was no such sleep. */
  readonly elapsed?: () => number;
}

/**
 * A clock whose monotonic time stands still while the process does: stopped, starved, or on a sleeping machine. What a peer has
 * sent meanwhile lies in the socket, and a deadline that passed in the sleep would be judged before it is read. Timers wait
 * likewise for their time awake.
 */
export class AwakeClock implements Clock {
  readonly #inner: Clock;
  readonly #onSlept: (ms: number) => void;
  readonly #elapsed: () => number;
  readonly #cancel: () => void;
  #lookedAt: number;
  #elapsedAt: number;
  #slept = 0;

  constructor(inner: Clock, { onSlept, elapsed }: AwakeOptions = {}) {
    this.#inner = inner;
    this.#onSlept = onSlept ?? (() => undefined);
    this.#elapsed = elapsed ?? (() => inner.monotonic());
    this.#lookedAt = inner.monotonic();
    this.#elapsedAt = this.#elapsed();
    this.#cancel = inner.every(LOOK_MS, () => this.#look());
  }

  now(): number {
    return this.#inner.now();
  }

  monotonic(): number {
    return this.#stoodStill() - this.#slept;
  }

  /** Present time of the inner clock, once what was slept before it is counted. */
  #stoodStill(): number {
    const now = this.#inner.monotonic();
    const late = now - this.#lookedAt - LOOK_MS;
    if (late < SLEPT_MS) return now;
    // first, because whoever is told may ask for the time
    this.#lookedAt = now;
    this.#elapsedAt = this.#elapsed();
    this.#slept += late;
    this.#onSlept(late);
    return now;
  }

  #look(): void {
    this.#lookedAt = this.#stoodStill();
    const elapsed = this.#elapsed();
    const machineSlept = elapsed - this.#elapsedAt - LOOK_MS;
    this.#elapsedAt = elapsed;
    if (machineSlept >= SLEPT_MS) this.#onSlept(machineSlept);
  }

  after(delayMs: number, callback: () => void): () => void {
    const due = this.monotonic() + delayMs;
    let cancel = (): void => undefined;
    const arm = (waitMs: number): void => {
      cancel = this.#inner.after(waitMs, () => {
        const left = due - this.monotonic();
        if (left > SLACK_MS) arm(left);
        else callback();
      });
    };
    arm(delayMs);
    return () => cancel();
  }

  every(periodMs: number, callback: () => void): () => void {
    return this.#inner.every(periodMs, () => {
      this.#stoodStill();
      callback();
    });
  }

  /** Looks no more. */
  stop(): void {
    this.#cancel();
  }
}
