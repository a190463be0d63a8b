import type { Clock } from "#core/clock.ts";
import { HubError } from "#core/errors.ts";
import type { BlobStore, CommandPerformer, SnapshotService } from "../media-ports.ts";
import type { Actor } from "../ports.ts";
import { ARRIVAL_MS, arrivalOf, shaOf } from "./arrival.ts";

/** A picture that is no older serves everybody who asks meanwhile. */
const FRESH_MS = 1000;
/** Who looks on and on is recorded once in so long: a page without video asks every second. */
const RECORD_EVERY_MS = 600_000;
const COMMAND_MS = 8000;

export interface SnapshotDeps {
  readonly commands: CommandPerformer;
  readonly blobs: Pick<BlobStore, "find" | "onStored">;
  readonly clock: Clock;
}

/** A picture that did not come, and why. */
export class SnapshotError extends HubError {}

/** Pictures on demand: one at a time for each camera, for all who ask. */
export class CameraSnapshots implements SnapshotService {
  readonly #deps: SnapshotDeps;
  readonly #running = new Map<string, Promise<string>>();
  readonly #fresh = new Map<string, string>();
  /** Who looked at what and when that was recorded, monotonic ms, oldest first. */
  readonly #recorded = new Map<string, number>();

  constructor(deps: SnapshotDeps) {
    this.#deps = deps;
  }

  take(camera: string, actor: Actor): Promise<string> {
    const fresh = this.#fresh.get(camera);
    if (fresh !== undefined) return Promise.resolve(fresh);
    const running = this.#running.get(camera);
    if (running !== undefined) return running;
    const taken = this.#take(camera, actor)
      .then((sha256) => {
        this.#fresh.set(camera, sha256);
        this.#deps.clock.after(FRESH_MS, () => this.#fresh.delete(camera));
        return sha256;
      })
      .finally(() => this.#running.delete(camera));
    this.#running.set(camera, taken);
    return taken;
  }

  async #take(camera: string, { name, ip }: Actor): Promise<string> {
    const look = JSON.stringify([camera, name]);
    const recorded = this.#isRecorded(look);
    const { status, code, message, blob } = await this.#deps.commands.perform({
      request: { device: camera, action: "snapshot", expiresInMs: COMMAND_MS },
      requestedBy: name,
      ...(recorded ? { quiet: true } : {}),
      ...(ip === undefined ? {} : { ip }),
    });
    if (!recorded) this.#recorded.set(look, this.#deps.clock.monotonic());
    const why = [code, message].filter((part) => part !== undefined).join(": ");
    if (status === "timeout" || status === "expired")
      throw new SnapshotError("SNAPSHOT_TIMEOUT", `camera ${camera} gave no picture in time: ${why}`);
    if (status !== "done" || blob === undefined)
      throw new SnapshotError("SNAPSHOT_FAILED", `camera ${camera} gave no picture: ${why || status}`);
    const { blobs, clock } = this.#deps;
    const sha256 = shaOf(blob);
    if (await arrivalOf(sha256, blobs, clock)) return sha256;
    throw new SnapshotError("SNAPSHOT_TIMEOUT", `the picture of ${camera} did not arrive within ${ARRIVAL_MS} ms`);
  }

  #isRecorded(look: string): boolean {
    const now = this.#deps.clock.monotonic();
    for (const [old, at] of this.#recorded) {
      if (now - at < RECORD_EVERY_MS) break;
      this.#recorded.delete(old);
    }
    return this.#recorded.has(look);
  }
}
