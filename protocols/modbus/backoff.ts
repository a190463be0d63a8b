/** Growing, jittered delays between attempts, so that many links do not come back in step. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  #attempts = 0;

  /** `minMs` and `maxMs`: bounds of the delay before jitter. */
  constructor(minMs: number, maxMs: number) {
    this.#minMs = minMs;
    this.#maxMs = Math.max(minMs, maxMs);
  }

  /** The next delay, ms: doubled each time up to the bound, then 50-100 % of it at random. */
  next(): number {
    const ceiling = Math.min(this.#maxMs, this.#minMs * 2 ** Math.min(this.#attempts, 20));
    this.#attempts++;
    return ceiling * (0.5 + Math.random() / 2);
  }

  /** The next delay is the shortest again. */
  reset(): void {
    this.#attempts = 0;
  }
}
