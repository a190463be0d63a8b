import type { Clock } from "#core/clock.ts";
import { errorCode } from "#core/errors.ts";
import type { Picture } from "./picture-decoder.ts";

export interface SnapshotPollOptions<P extends Picture> {
  readonly clock: Clock;
  /** Fetches and decodes one picture. */
  readonly fetch: (signal: AbortSignal) => Promise<P>;
  readonly onPicture: (picture: P) => void;
  /** Code of what went wrong; it is tried again. */
  readonly onFailure: (code: string) => void;
}

const EVERY_MS = 1000;
/** After a failure: a camera that gives no picture is not asked each second. */
const AGAIN_MS = 5000;

/** A picture each second, where there is no video: one request at a time. */
export class SnapshotPoll<P extends Picture> {
  readonly #options: SnapshotPollOptions<P>;
  #abort: AbortController | undefined;
  #cancel: (() => void) | undefined;

  constructor(options: SnapshotPollOptions<P>) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#abort !== undefined;
  }

  start(): void {
    if (this.#abort !== undefined) return;
    this.#abort = new AbortController();
    void this.#ask(this.#abort);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#abort?.abort();
    this.#abort = undefined;
  }

  async #ask(abort: AbortController): Promise<void> {
    const { clock, fetch, onPicture, onFailure } = this.#options;
    const asked = clock.monotonic();
    let pauseMs: number;
    try {
      const picture = await fetch(abort.signal);
      if (abort.signal.aborted) {
        picture.close();
        return;
      }
      onPicture(picture);
      pauseMs = Math.max(0, EVERY_MS - (clock.monotonic() - asked));
    } catch (error) {
      if (abort.signal.aborted) return;
      onFailure(errorCode(error));
      pauseMs = AGAIN_MS;
    }
    // The receiver may have ended it.
    if (!abort.signal.aborted) this.#cancel = clock.after(pauseMs, () => void this.#ask(abort));
  }
}
