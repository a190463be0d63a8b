import { afterEach } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";

/** Opens record databases in memory that are closed after each test. Call at the top of a test file. */
export function recordDatabases(): () => Promise<Db> {
  const open: Db[] = [];
  afterEach(async () => {
    for (const db of open.splice(0)) await db.close();
  });
  return async () => {
    const db = await openRecords(":memory:");
    open.push(db);
    return db;
  };
}
