import { afterEach } from "vitest";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { silentLogger } from "#core/logger.ts";

/** Opens record databases in memory that are closed after each test. Call at the top of a test file. */
export function recordDatabases(): () => Promise<Db> {
  const open: Db[] = [];
  afterEach(async () => {
    for (const db of open.splice(0)) await db.close();
  });
  return async () => {
    const db = await openDatabase(":memory:", silentLogger);
    open.push(db);
    return db;
  };
}
