import type { Clock } from "#core/clock.ts";

/** How much of something may pass: so much a second in the long run, `burst` of it at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A token bucket on the monotonic clock; full at first. */
export class TokenBucket {
  readonly #rate: Rate;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate.burst;
    this.#filledAt = clock.monotonic();
  }

  /** Whole tokens that may be taken now. */
  get available(): number {
    const now = this.#clock.monotonic();
    const { perSecond, burst } = this.#rate;
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) * perSecond) / 1000);
    this.#filledAt = now;
    return Math.max(0, Math.floor(this.#tokens));
  }

  /** Takes what has passed. */
  take(count: number): void {
    this.#tokens -= count;
  }

  /** How long until so many are there, ms; never more than for a full bucket. */
  waitMs(count: number): number {
    const { perSecond, burst } = this.#rate;
    const missing = Math.min(count, burst) - this.available;
    return missing <= 0 ? 0 : Math.ceil((missing * 1000) / perSecond);
  }
}
