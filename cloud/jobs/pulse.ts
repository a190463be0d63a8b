import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";

/** A wall clock that is set moves no timer: what is due is looked for at least so often. */
const LONGEST_MS = 1000;
/** After a failure. */
const PAUSE_MS = 500;

/** Calls a beat when there may be something to do, and tells once when it begins to fail. */
export class Pulse {
  readonly #deps: { readonly clock: Clock; readonly logger: Logger };
  readonly #beat: () => number | undefined;
  #cancel: (() => void) | undefined;
  #running = false;
  #failing = false;

  /** `beat` does what is due and gives the time of the next thing, Unix ms. */
  constructor(deps: { readonly clock: Clock; readonly logger: Logger }, beat: () => number | undefined) {
    this.#deps = deps;
    this.#beat = beat;
  }

  start(): void {
    this.#running = true;
    this.kick();
  }

  stop(): void {
    this.#running = false;
    this.#cancel?.();
  }

  /** There may be something to do: the beat comes as soon as the running code, and its transaction, has ended. */
  kick(): void {
    if (this.#running) this.#after(0);
  }

  #after(delayMs: number): void {
    this.#cancel?.();
    this.#cancel = this.#deps.clock.after(delayMs, () => this.#run());
  }

  #run(): void {
    const { clock, logger } = this.#deps;
    if (!this.#running) return;
    let delayMs = PAUSE_MS;
    try {
      const next = this.#beat();
      delayMs = next === undefined ? LONGEST_MS : Math.min(LONGEST_MS, Math.max(1, next - clock.now()));
      if (this.#failing) logger.info({}, "jobs are looked after again");
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) logger.error({ err: error }, "jobs cannot be looked after, trying again");
      this.#failing = true;
    }
    this.#after(delayMs);
  }
}
