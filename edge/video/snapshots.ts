import type { Clock } from "#core/clock.ts";
import type { ActionResult } from "#protocols/driver.ts";
import type { Count, Picture, VideoFailure } from "./picture.ts";

/** Asks the driver of a camera for something. Never rejects. */
export type AskCamera = (
  action: "streamUri" | "snapshot",
  params: Readonly<Record<string, string>>,
) => Promise<ActionResult>;

const EVERY_MS = 1_000;
const MAX_FAILURES = 3;
const MAX_BYTES = 4 * 1024 * 1024;

export interface SnapshotsOptions {
  readonly ask: AskCamera;
  readonly clock: Clock;
  readonly count: Count;
  readonly onPicture: (picture: Picture) => void;
  readonly onEnd: (failure: VideoFailure) => void;
}

/** A JPEG a second, of a camera whose video no browser shows. At most one is asked for at a time. */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  #failures = 0;
  #ended = false;
  #cancel: (() => void) | undefined;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock } = this.#options;
    const begun = clock.monotonic();
    void this.#take().then(() => {
      if (this.#ended) return;
      const restMs = Math.max(0, EVERY_MS - (clock.monotonic() - begun));
      this.#cancel = clock.after(restMs, () => this.start());
    });
  }

  async #take(): Promise<void> {
    const { ask, clock, count, onPicture, onEnd } = this.#options;
    const result = await ask("snapshot", {});
    if (this.#ended) return;
    const bytes = result.status === "done" ? result.blob?.bytes : undefined;
    if (bytes !== undefined && bytes.length <= MAX_BYTES) {
      this.#failures = 0;
      count("pictures");
      onPicture({
        key: true,
        gap: false,
        kind: "jpeg",
        at: clock.monotonic(),
        timeBase: "arrival",
        data: Uint8Array.from(bytes),
      });
      return;
    }
    count("snapshotFailures");
    if (++this.#failures < MAX_FAILURES) return;
    this.stop();
    const { code, message } =
      result.status === "done" ? { code: "VIDEO_SNAPSHOT_UNUSABLE", message: "no picture in the answer" } : result;
    onEnd({ code, message, retriable: true });
  }

  stop(): void {
    this.#ended = true;
    this.#cancel?.();
  }
}
