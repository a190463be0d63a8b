import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { DeviceScan } from "./scan.ts";
import { isScan } from "./scan-file.ts";

/** The last scan of each device of a channel, one file a device: what a later one is compared with. */
export class ScanStore {
  readonly #folder: string;
  readonly #logger: Logger;

  /** `folder` is the channel's; a folder `scans` is made in it with the first scan. */
  constructor(folder: string, logger: Logger) {
    this.#folder = join(folder, "scans");
    this.#logger = logger;
  }

  /** The last scan; undefined where there is none that can be read. */
  load(instance: number): DeviceScan | undefined {
    const file = this.#file(instance);
    if (!existsSync(file)) return undefined;
    try {
      const scan: unknown = JSON.parse(readFileSync(file, "utf8"));
      return isScan(scan) && scan.instance === instance ? scan : undefined;
    } catch (error) {
      this.#logger.warn({ instance, cause: errorMessage(error) }, "the last scan of a device cannot be read");
      return undefined;
    }
  }

  /** Keeps a scan; where the disk refuses, the next one is compared with the one before. */
  save(scan: DeviceScan): void {
    const file = this.#file(scan.instance);
    try {
      mkdirSync(this.#folder, { recursive: true });
      writeFileSync(`${file}.new`, JSON.stringify(scan));
      renameSync(`${file}.new`, file);
    } catch (error) {
      this.#logger.warn({ instance: scan.instance, cause: errorMessage(error) }, "a scan could not be kept");
    }
  }

  #file(instance: number): string {
    return join(this.#folder, `${instance}.json`);
  }
}
