import type { Clock } from "#core/clock.ts";

/** Failures that are forgiven before waiting begins. [GB/T 22239-2019 8.1.4.1 b: limit failed sign-ins] */
const FREE = 5;
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 15 * 60_000;
const FORGET_MS = 60 * 60_000;
const MOST_KEYS = 10_000;

interface Failures {
  count: number;
  last: number;
  /** Has somebody been told in this waiting time? */
  told: boolean;
}

/** Slows down guessing: after some failures of one key (user, or address) the wait doubles with each further one. Bounded memory. */
export class SignInThrottle {
  readonly #clock: Clock;
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds until another attempt is allowed for all of these keys; 0 when it is now. */
  waitMs(keys: readonly string[]): number {
    const now = this.#clock.now();
    return Math.max(0, ...keys.map((key) => this.#waitOf(key, now)));
  }

  /** True for the first attempt refused in a waiting time: only that one is recorded, so that guessing fills no disk. */
  firstRefusal(keys: readonly string[]): boolean {
    const now = this.#clock.now();
    let first = false;
    for (const key of keys) {
      const known = this.#failures.get(key);
      if (known === undefined || known.told || this.#waitOf(key, now) === 0) continue;
      known.told = true;
      first = true;
    }
    return first;
  }

  /** Counts an attempt as failed; called before it is checked. */
  failed(keys: readonly string[]): void {
    const now = this.#clock.now();
    for (const key of keys) {
      const known = this.#failures.get(key);
      const count = known !== undefined && now - known.last < FORGET_MS ? known.count + 1 : 1;
      this.#failures.delete(key);
      this.#failures.set(key, { count, last: now, told: false });
    }
    for (const key of this.#failures.keys()) {
      if (this.#failures.size <= MOST_KEYS) break;
      this.#failures.delete(key);
    }
  }

  /** Forgets every failure of the key that succeeded. */
  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  /** Takes back one counted attempt. The others stay: an address must not clear itself by one account that it has. */
  takeBack(key: string): void {
    const known = this.#failures.get(key);
    if (known === undefined) return;
    known.count--;
    if (known.count <= 0) this.#failures.delete(key);
  }

  #waitOf(key: string, now: number): number {
    const known = this.#failures.get(key);
    if (known === undefined || known.count < FREE) return 0;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (known.count - FREE), LONGEST_WAIT_MS);
    return Math.max(0, known.last + wait - now);
  }
}
