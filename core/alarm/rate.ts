/** Values that are remembered are so many parts of a window apart at least: more would take room and tell no more. */
const PARTS = 64;

interface Seen {
  /** Of the source where it gives one, ms. */
  readonly at: number;
  readonly value: number;
}

/**
 * How fast a value changes: its difference to what it was one window ago, by the times of the samples. Between two samples a value
 * stands still, because points are told when they change; so samples may come at any intervals. Exact to the 64th part of the window.
 * After a gap it begins anew, and what
 * is older than the first sample counts as equal to it: a rate is then too small rather than too great. So it does where the source's
 * clock was set back.
 */
export class RateWindow {
  readonly #windowMs: number;
  #seen: Seen[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Takes a value. One that is a little older than the last is passed over; by more than a window, the last one's time was wrong. */
  add(at: number, value: number): void {
    const newest = this.#seen.at(-1);
    if (newest !== undefined && at < newest.at - this.#windowMs) this.gap();
    const last = this.#seen.at(-1);
    if (last !== undefined && at < last.at) return;
    const before = this.#seen.at(-2);
    const close = before !== undefined && at - before.at < this.#windowMs / PARTS;
    if (last?.at === at || close) this.#seen.pop();
    this.#seen.push({ at, value });
    // the newest one at or before the beginning of the window is what the value was there
    const first = this.#seen.findLastIndex((one) => one.at <= at - this.#windowMs);
    if (first > 0) this.#seen.splice(0, first);
  }

  /** Forgets everything: nothing is known of what was in between. */
  gap(): void {
    this.#seen = [];
  }

  /** Has it known the value for a whole window at this time? */
  full(at: number): boolean {
    const [first] = this.#seen;
    return first !== undefined && first.at <= at - this.#windowMs;
  }

  /** Time of the newest value; undefined before the first. */
  get lastAt(): number | undefined {
    return this.#seen.at(-1)?.at;
  }

  /** Change over the window that ends at this time, per ms; the last value stands still since it came. */
  perMs(at: number): number {
    const last = this.#seen.at(-1);
    if (last === undefined) return 0;
    const from = this.#seen.findLast((one) => one.at <= at - this.#windowMs) ?? this.#seen[0] ?? last;
    return (last.value - from.value) / this.#windowMs;
  }
}
