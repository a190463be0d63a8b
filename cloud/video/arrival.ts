import type { Clock } from "#core/clock.ts";
import type { BlobStore } from "../media-ports.ts";

/** After a command is done, what it produced is on its way. */
export const ARRIVAL_MS = 5000;

/** The SHA-256 in the address of a command's result. */
export function shaOf(address: string): string {
  return address.slice(address.lastIndexOf("/") + 1);
}

/** True once a blob is here, false when it does not come within `ARRIVAL_MS`. */
export function arrivalOf(sha256: string, blobs: Pick<BlobStore, "find" | "onStored">, clock: Clock): Promise<boolean> {
  if (blobs.find(sha256)?.state === "here") return Promise.resolve(true);
  return new Promise((resolve) => {
    const done = (here: boolean): void => {
      stop();
      cancel();
      resolve(here);
    };
    const stop = blobs.onStored((stored) => {
      if (stored === sha256) done(true);
    });
    const cancel = clock.after(ARRIVAL_MS, () => done(false));
  });
}
