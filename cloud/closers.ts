import { HubError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";

/** Ends a part that runs. */
export type Closer = () => void | Promise<void>;

/** How the parts that run are ended: the latest first. Part of the composition root. */
export class Closers {
  readonly #closers: Closer[] = [];

  /** Adds how a part that has begun to run is ended. */
  push(...closers: readonly Closer[]): void {
    this.#closers.push(...closers);
  }

  /** Starts a part that is to be stopped at the end. */
  begin(part: { start(): void; stop(): void | Promise<void> }): void {
    part.start();
    this.push(() => part.stop());
  }

  /**
   * Ends every part, also those that come after one that fails; none is ended twice.
   * @throws CLOUD_NOT_CLOSED when some failed; why is in the log
   */
  async close(logger: Logger): Promise<void> {
    const faults: unknown[] = [];
    // what comes after one that fails is closed all the same: the records database is the last
    for (const closer of this.#closers.splice(0).reverse())
      await Promise.resolve()
        .then(closer)
        .catch((error: unknown) => faults.push(error));
    for (const error of faults) logger.error({ err: error }, "a part did not close cleanly");
    if (faults.length > 0) throw new HubError("CLOUD_NOT_CLOSED", `${faults.length} parts did not close cleanly`);
  }
}
