import type { Clock } from "./clock.ts";

/** The wall clock is looked at again at least so often, ms: it may be set while a timer runs. */
const LOOK_AGAIN_MS = 30_000;
/** After a failure, or where something that is due was left undone, ms. */
const RETRY_MS = 1000;

/**
 * Does what is due at times of the wall clock that are kept elsewhere (Unix ms), so that a restart loses none of them. `work`
 * does all that is due by now and gives the next time, or undefined when nothing is left to wait for.
 */
export class DueTimer {
  readonly #clock: Clock;
  readonly #work: (now: number) => number | undefined;
  readonly #failed: (error: unknown) => void;
  #cancel: (() => void) | undefined;
  #at = Number.POSITIVE_INFINITY;
  #running = false;
  #failing = false;

  /** `failed` is told when the work fails, once until it succeeds again. */
  constructor(clock: Clock, work: (now: number) => number | undefined, failed: (error: unknown) => void) {
    this.#clock = clock;
    this.#work = work;
    this.#failed = failed;
  }

  /** Does what a former process has left and waits for the rest. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#fire();
  }

  stop(): void {
    this.#running = false;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Something will be due at `at`, Unix ms. Too early or for nothing does no harm. */
  expect(at: number): void {
    if (!this.#running || at >= this.#at) return;
    this.#at = at;
    this.#arm();
  }

  #arm(): void {
    this.#cancel?.();
    const wait = Math.min(Math.max(0, this.#at - this.#clock.now()), LOOK_AGAIN_MS);
    this.#cancel = this.#clock.after(wait, () => this.#fire());
  }

  #fire(): void {
    const now = this.#clock.now();
    if (this.#at !== Number.POSITIVE_INFINITY && now < this.#at) {
      this.#arm();
      return;
    }
    this.#cancel = undefined;
    this.#at = Number.POSITIVE_INFINITY;
    let next: number | undefined;
    try {
      next = this.#work(now);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#failed(error);
      this.#failing = true;
      next = now + RETRY_MS;
    }
    if (next !== undefined) this.expect(next <= now ? now + RETRY_MS : next);
  }
}

/** Does the work for each of them, also where it fails for another one. @throws the first failure, after all have had their turn */
export function doEach<T>(items: Iterable<T>, work: (item: T) => void): void {
  const failures: unknown[] = [];
  for (const item of items) {
    try {
      work(item);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
