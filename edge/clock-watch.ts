import type { Clock } from "#core/clock.ts";

/** The machine's clock was set when it moved by so much more or less than time passed, ms. Steering it stays far below. */
const JUMP_MS = 2_000;
/** Row times so far ahead of the clock are told: it was set back, ms. */
const AHEAD_MS = 5_000;

/** Sees when the machine's clock is set, and that row times still run ahead of one that was set back. */
export class ClockWatch {
  readonly #clock: Clock;
  readonly #elapsed: () => number;
  readonly #onJump: (byMs: number) => void;
  #wall: number;
  #at: number;

  /** `elapsed`: milliseconds that no setting of the clock moves and that also pass while the machine sleeps. */
  constructor(clock: Clock, elapsed: () => number, onJump: (byMs: number) => void) {
    this.#clock = clock;
    this.#elapsed = elapsed;
    this.#onJump = onJump;
    this.#wall = clock.now();
    this.#at = elapsed();
  }

  /** Looks at the clock. Called about once a second. */
  look(): void {
    const wall = this.#clock.now();
    const at = this.#elapsed();
    const byMs = wall - this.#wall - (at - this.#at);
    this.#wall = wall;
    this.#at = at;
    if (Math.abs(byMs) >= JUMP_MS) this.#onJump(Math.round(byMs));
  }

  /** Is the newest row time, Unix ms, ahead of the clock? */
  isBehind(lastObservedAt: number): boolean {
    return lastObservedAt - this.#clock.now() >= AHEAD_MS;
  }
}
