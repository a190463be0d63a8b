import type { Clock } from "#core/clock.ts";
import { HubError } from "#core/errors.ts";
import type { BlobStore, CommandPerformer, SnapshotService } from "../media-ports.ts";
import type { Actor } from "../ports.ts";

/** A picture that is no older serves everybody who asks meanwhile. */
const FRESH_MS = 1000;
const COMMAND_MS = 8000;
/** After the command is done its picture is on its way. */
const ARRIVAL_MS = 5000;

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
    const { status, code, message, blob } = await this.#deps.commands.perform({
      request: { device: camera, action: "snapshot", expiresInMs: COMMAND_MS },
      requestedBy: name,
      ...(ip === undefined ? {} : { ip }),
    });
    const why = [code, message].filter((part) => part !== undefined).join(": ");
    if (status === "timeout" || status === "expired")
      throw new SnapshotError("SNAPSHOT_TIMEOUT", `camera ${camera} gave no picture in time: ${why}`);
    if (status !== "done" || blob === undefined)
      throw new SnapshotError("SNAPSHOT_FAILED", `camera ${camera} gave no picture: ${why || status}`);
    const sha256 = blob.slice(blob.lastIndexOf("/") + 1);
    await this.#arrival(camera, sha256);
    return sha256;
  }

  #arrival(camera: string, sha256: string): Promise<void> {
    const { blobs, clock } = this.#deps;
    if (blobs.find(sha256)?.state === "here") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const done = (): void => {
        stop();
        cancel();
      };
      const stop = blobs.onStored((stored) => {
        if (stored !== sha256) return;
        done();
        resolve();
      });
      const cancel = clock.after(ARRIVAL_MS, () => {
        done();
        reject(
          new SnapshotError("SNAPSHOT_TIMEOUT", `the picture of ${camera} did not arrive within ${ARRIVAL_MS} ms`),
        );
      });
    });
  }
}
