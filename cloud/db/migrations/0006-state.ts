import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Last known values. What the columns mean: cloud/state/tables.ts. */
export const state: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("last_values")
      .addColumn("point", "text", (c) => c.primaryKey().notNull())
      .addColumn("sample", "text", (c) => c.notNull())
      .execute();
  },
};
