import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { errorMessage } from "#core/errors.ts";
import { MigrateError } from "./errors.ts";

/**
 * Has no other process the file open? Every connection to a SQLite file in WAL mode holds a shared lock on it for as long as
 * it lives, and exclusive mode wants a lock that stands no other. A file that is not there is unused.
 * @throws MIGRATE_RUNNING
 */
export function assertUnused(file: string): void {
  if (!existsSync(file)) return;
  const db = new DatabaseSync(file);
  try {
    db.exec("PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
  } catch (cause) {
    throw new MigrateError(
      "MIGRATE_RUNNING",
      `${file} is in use (${errorMessage(cause)}): stop the cloud on this data folder first`,
      { cause },
    );
  } finally {
    db.close();
  }
}
