import type { Clock } from "./clock.ts";

/** The wall clock is looked at again at least so often, ms: it may be set while a timer runs. */
const LOOK_AGAIN_MS = 30_000;
/** The wall clock was set back when it lost so much against the time that has passed, ms. Steering it stays far below. */
const SET_BACK_MS = 2000;
/** After a failure, or where something that is due was left undone, ms. */
const RETRY_MS = 1000;

/**
 * Does what is due at times of the wall clock that are kept elsewhere (Unix ms), so that a restart loses none of them. `work`
 * does all that is due by now and gives the next time, or undefined when nothing is left to wait for.
 *
 * What is due at a time that people have named follows the wall clock. What is due after so long must not wait for hours because that
 * clock was set back: `setBack` is told by how much it was, ms, within half a minute and before the work is done again, and moves all
 * that waits. What begins to wait between the step and that must wait in the same time as the rest: `behind` says by how much. A clock
 * that is set forward makes both due at once: it looks the same when the machine slept, and then they are.
 */
export class DueTimer {
  readonly #clock: Clock;
  readonly #work: (now: number) => number | undefined;
  readonly #failed: (error: unknown) => void;
  readonly #setBack: ((byMs: number) => void) | undefined;
  /** What both clocks showed when they were last compared, while it waits. */
  #compared: { readonly wall: number; readonly monotonic: number } | undefined;
  /** By how much the wall clock was set back and nobody has taken it yet, ms. */
  #lostMs = 0;
  #cancel: (() => void) | undefined;
  #at = Number.POSITIVE_INFINITY;
  #running = false;
  #failing = false;

  /** `failed` is told when the work fails, once until it succeeds again. */
  constructor(
    clock: Clock,
    work: (now: number) => number | undefined,
    failed: (error: unknown) => void,
    setBack?: (byMs: number) => void,
  ) {
    this.#clock = clock;
    this.#work = work;
    this.#failed = failed;
    this.#setBack = setBack;
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
    this.#compared = undefined;
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Something will be due at `at`, Unix ms. Too early or for nothing does no harm. */
  expect(at: number): void {
    if (!this.#running || at >= this.#at) return;
    this.#at = at;
    this.#arm();
  }

  /**
   * By how much the wall clock was set back since what waits was reckoned, ms; 0 where it was not. `setBack` is told it soon: until
   * then what is due after so long is kept as due so much later.
   */
  behind(): number {
    if (!this.#running || this.#setBack === undefined || this.#compared === undefined) return this.#lostMs;
    const lostMs = this.#lost();
    if (lostMs > 0) {
      this.#lostMs += lostMs;
      this.expect(this.#clock.now());
    }
    return this.#lostMs;
  }

  #arm(): void {
    this.#cancel?.();
    this.#compared ??= this.#clocks();
    const wait = Math.min(Math.max(0, this.#at - this.#clock.now()), LOOK_AGAIN_MS);
    this.#cancel = this.#clock.after(wait, () => this.#fire());
  }

  #clocks(): { readonly wall: number; readonly monotonic: number } {
    return { wall: this.#clock.now(), monotonic: this.#clock.monotonic() };
  }

  /** By how much the wall clock was set back since it was last compared, ms; 0 where it was not. */
  #lost(): number {
    const before = this.#compared;
    const { wall, monotonic } = this.#clocks();
    this.#compared = { wall, monotonic };
    if (before === undefined) return 0;
    const lostMs = Math.round(monotonic - before.monotonic - (wall - before.wall));
    return lostMs >= SET_BACK_MS ? lostMs : 0;
  }

  #fire(): void {
    const now = this.#clock.now();
    if (this.#setBack !== undefined) this.#lostMs += this.#lost();
    if (this.#lostMs === 0 && this.#at !== Number.POSITIVE_INFINITY && now < this.#at) {
      this.#arm();
      return;
    }
    this.#cancel = undefined;
    this.#compared = undefined;
    this.#at = Number.POSITIVE_INFINITY;
    let next: number | undefined;
    try {
      if (this.#lostMs > 0) this.#setBack?.(this.#lostMs);
      this.#lostMs = 0;
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
