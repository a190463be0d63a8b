/** How retries spread out: `firstMs`, then twice as long each time up to `longestMs`, each shortened at random by up to half. */
export interface BackoffOptions {
  readonly firstMs: number;
  readonly longestMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Jittered exponential back-off: many gateways that lost one cloud must not come back in step. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** How long to wait before the next try, ms. */
  next(): number {
    const { firstMs, longestMs, random } = this.#options;
    const full = Math.min(longestMs, firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return full * (0.5 + random() / 2);
  }

  /** It worked: the next failure starts from `firstMs` again. */
  reset(): void {
    this.#failures = 0;
  }
}
