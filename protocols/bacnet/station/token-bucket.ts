import type { Clock } from "#core/clock.ts";

// so many seconds' worth may go out at once after a rest
const BURST_S = 0.05;

/** Allows so many requests per second on the monotonic clock; without a rate it allows all. May run into debt. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perMs: number | undefined;
  readonly #depth: number;
  #tokens: number;
  #at: number;

  constructor(perS: number | undefined, clock: Clock) {
    this.#clock = clock;
    this.#perMs = perS === undefined ? undefined : perS / 1000;
    this.#depth = Math.max(1, (perS ?? 0) * BURST_S);
    this.#tokens = this.#depth;
    this.#at = clock.monotonic();
  }

  /** Nothing was taken lately, so that a new bucket would be the same. */
  get full(): boolean {
    this.#fill();
    return this.#tokens >= this.#depth;
  }

  /** Until the next one is allowed, ms; 0 for now. */
  waitMs(): number {
    if (this.#perMs === undefined) return 0;
    this.#fill();
    // rounding must not ask for a timer of a billionth of a millisecond
    return this.#tokens >= 1 - 1e-6 ? 0 : (1 - this.#tokens) / this.#perMs;
  }

  take(): void {
    if (this.#perMs === undefined) return;
    this.#fill();
    this.#tokens -= 1;
  }

  #fill(): void {
    if (this.#perMs === undefined) return;
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#depth, this.#tokens + (now - this.#at) * this.#perMs);
    this.#at = now;
  }
}
