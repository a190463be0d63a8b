import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { OutboxError, sqliteCode } from "./outbox-file.ts";

/** Runs callbacks so that none ends the gateway by what it throws; only a broken outbox file does. */
export class FaultGuard {
  readonly #logger: Logger;
  readonly #onFatal: (error: unknown) => void;
  #fatal = false;
  #fault: string | undefined;
  #faults = 0;

  constructor(logger: Logger, onFatal: (error: unknown) => void) {
    this.#logger = logger;
    this.#onFatal = onFatal;
  }

  /** Can the gateway not go on? */
  get fatal(): boolean {
    return this.#fatal;
  }
  /** Callbacks that failed, since the start. */
  get faults(): number {
    return this.#faults;
  }

  /** Runs a callback. */
  run(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.caught(error);
    }
  }

  /** Takes what a callback threw. */
  caught(error: unknown): void {
    if (this.#fatal) return;
    if (!(error instanceof OutboxError) && sqliteCode(error) === undefined) {
      this.#faults++;
      const fault = errorMessage(error);
      if (fault !== this.#fault) this.#logger.error({ err: error }, "a callback failed, the gateway goes on");
      this.#fault = fault;
      return;
    }
    this.#fatal = true;
    this.#logger.error({ cause: errorMessage(error) }, "gateway cannot go on");
    this.#onFatal(error);
  }
}
