import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { SQLITE_FULL, sqliteCode } from "./outbox-file.ts";
import { fitToDisk, type OutboxLimits, type OutboxOptions, pageLimit } from "./outbox-limits.ts";
import { fileBytes, freeDisk, OutboxReserve } from "./outbox-reserve.ts";

/** Less than this free and the disk counts as full, also without a reserve, bytes. */
const LEAST_FREE = 256 * 1024;

/**
 * The disk under an outbox file: its page cap, and what is done when a write finds no page. In an emergency the reserve is given
 * up for the write-ahead log to grow into, and the file stays as large as it is: new rows take the places of old ones, so that
 * working the log into the file needs no disk.
 */
export class OutboxSpace {
  readonly limits: OutboxLimits;
  readonly #db: DatabaseSync;
  readonly #folder: string;
  readonly #reserve: OutboxReserve;
  readonly #logger: Logger;
  #emergency = false;
  #emergencies = 0;

  constructor(db: DatabaseSync, { path, logger }: OutboxOptions, limits: OutboxLimits) {
    this.#db = db;
    this.#folder = dirname(path);
    this.#logger = logger;
    const reserve = `${path}.reserve`;
    const own = [path, `${path}-wal`, reserve].reduce((sum, file) => sum + fileBytes(file), 0);
    this.limits = fitToDisk(limits, freeDisk(this.#folder) + own);
    if (this.limits.telemetryBytes < limits.telemetryBytes)
      logger.warn({ wanted: limits, fitting: this.limits }, "the disk is too small for the outbox as configured");
    this.#reserve = new OutboxReserve(reserve, this.limits.reserveBytes, logger);
    this.#cap(pageLimit(this.limits));
  }

  /** Is the disk full, so that the file may not grow? */
  get emergency(): boolean {
    return this.#emergency;
  }
  /** How often the disk was found full, since the start. */
  get emergencies(): number {
    return this.#emergencies;
  }

  /** Below the present size the cap becomes that size. */
  #cap(pages: number): void {
    this.#db.exec(`PRAGMA max_page_count = ${pages}`);
  }

  /** No page was to be had. True when there is more room now than before, so that the same write may be tried again. */
  relieve(): boolean {
    if (this.#emergency || freeDisk(this.#folder) >= Math.max(this.limits.reserveBytes, LEAST_FREE)) return false;
    this.#emergency = true;
    this.#emergencies++;
    this.#logger.error({ reserve: this.#reserve.bytes }, "disk full: giving up the reserve, old telemetry gives way");
    this.#reserve.release();
    this.settle();
    this.#cap(1);
    return true;
  }

  /** Works the write-ahead log into the file, so that it begins anew in the disk it has. */
  settle(): void {
    try {
      this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    } catch (error) {
      // nothing is lost by that: the log stays as it is, and the write that follows says whether it still has room
      if (sqliteCode(error) !== SQLITE_FULL) throw error;
      this.#logger.debug({ cause: errorMessage(error) }, "the log cannot be worked into the file");
    }
  }

  /** Lets the file grow again although the disk is full: what must not be lost has no old telemetry left to replace. */
  thaw(): void {
    this.#cap(pageLimit(this.limits));
  }

  /** Makes the reserve where it is not, and ends the emergency when it is there. Called about once a second. */
  maintain(): void {
    this.#reserve.maintain();
    if (!this.#emergency || !this.#reserve.held || freeDisk(this.#folder) < this.limits.reserveBytes / 4 + LEAST_FREE)
      return;
    this.#emergency = false;
    this.#cap(pageLimit(this.limits));
    this.#logger.info({}, "the disk has room again");
  }
}
