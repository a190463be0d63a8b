import type { Clock } from "#core/clock.ts";

const IDS = 256;

/** The invoke ids of one peer: given out in turn; one whose answer may still be under way rests for a while. */
export class InvokeIds {
  readonly #clock: Clock;
  /** Monotonic ms until which an id must not be used again, in the order in which they went to rest. */
  readonly #resting = new Map<number, number>();
  #next = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Is none at rest? */
  get rested(): boolean {
    const now = this.#clock.monotonic();
    for (const [id, until] of this.#resting) {
      if (until > now) return false;
      this.#resting.delete(id);
    }
    return true;
  }

  /** The next id that neither is in use nor rests; with all of them resting, the one that has rested longest. */
  take(inUse: (id: number) => boolean): number {
    const now = this.#clock.monotonic();
    for (let tried = 0; tried < IDS; tried++) {
      const id = (this.#next + tried) % IDS;
      if (inUse(id) || (this.#resting.get(id) ?? 0) > now) continue;
      this.#resting.delete(id);
      this.#next = (id + 1) % IDS;
      return id;
    }
    // windows are below 256, so that one at rest is there
    const oldest = [...this.#resting.keys()].find((id) => !inUse(id)) ?? this.#next;
    this.#resting.delete(oldest);
    return oldest;
  }

  rest(id: number, forMs: number): void {
    this.#resting.delete(id);
    this.#resting.set(id, this.#clock.monotonic() + forMs);
  }
}
