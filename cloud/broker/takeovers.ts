import type { Clock } from "#core/clock.ts";

/** So many takeovers of one identity within the window are a storm: two devices hold it and evict each other for ever. */
const STORM_COUNT = 5;
const STORM_WINDOW_MS = 60_000;
const CHECK_MS = 5_000;

/** Told when a storm begins (true) and when it has been quiet for a minute (false). */
export type StormListener<Id extends string> = (id: Id, storming: boolean) => void;

interface Seen {
  /** Monotonic times of the last takeovers, at most STORM_COUNT. */
  readonly times: number[];
  storming: boolean;
}

/** Tells one takeover after a silent cut, which is harmless, from a storm. */
export class Takeovers<Id extends string> {
  readonly #clock: Clock;
  readonly #listeners: StormListener<Id>[] = [];
  /** Only identities that were taken over within the window: bounded by those that may sign in. */
  readonly #seen = new Map<Id, Seen>();
  readonly #stop: () => void;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#stop = clock.every(CHECK_MS, () => this.#settle());
  }

  onStorm(listener: StormListener<Id>): void {
    this.#listeners.push(listener);
  }

  /** Notes one takeover. True when it makes a storm of those before. */
  note(id: Id): boolean {
    const now = this.#clock.monotonic();
    const seen = this.#seen.get(id) ?? { times: [], storming: false };
    this.#seen.set(id, seen);
    seen.times.push(now);
    if (seen.times.length > STORM_COUNT) seen.times.shift();
    const [first = now] = seen.times;
    if (seen.storming || seen.times.length < STORM_COUNT || now - first > STORM_WINDOW_MS) return false;
    seen.storming = true;
    for (const listener of this.#listeners) listener(id, true);
    return true;
  }

  close(): void {
    this.#stop();
  }

  #settle(): void {
    const now = this.#clock.monotonic();
    for (const [id, { times, storming }] of this.#seen) {
      if (now - (times.at(-1) ?? 0) < STORM_WINDOW_MS) continue;
      this.#seen.delete(id);
      if (storming) for (const listener of this.#listeners) listener(id, false);
    }
  }
}
