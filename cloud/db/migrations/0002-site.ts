import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Versions of the site. What the columns mean: cloud/site/tables.ts. */
export const site: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("site_versions")
      .addColumn("version", "integer", (c) => c.primaryKey().notNull())
      .addColumn("at", "bigint", (c) => c.notNull())
      .addColumn("actor", "text", (c) => c.notNull())
      .addColumn("reason", "text", (c) => c.notNull())
      .addColumn("difference", "text", (c) => c.notNull())
      .addColumn("document", "text", (c) => c.notNull())
      .execute();
  },
};
