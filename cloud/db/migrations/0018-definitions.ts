import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Changes of alarm definitions. What the columns mean: cloud/definitions/tables.ts. */
export const definitions: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createTable("definition_changes")
      .addColumn("seq", "integer", (c) => c.primaryKey().autoIncrement())
      .addColumn("definition", "text", (c) => c.notNull())
      .addColumn("revision", "integer", (c) => c.notNull())
      .addColumn("kind", "text", (c) => c.notNull())
      .addColumn("at", "bigint", (c) => c.notNull())
      .addColumn("actor", "text", (c) => c.notNull())
      .addColumn("approved_by", "text")
      .addColumn("reason", "text", (c) => c.notNull())
      .addColumn("before", "text")
      .addColumn("after", "text")
      .addColumn("site_version", "integer", (c) => c.notNull())
      .execute();
    await schema
      .createIndex("definition_changes_revision")
      .unique()
      .on("definition_changes")
      .columns(["definition", "revision"])
      .execute();
    await schema
      .createTable("definition_proposals")
      .addColumn("id", "text", (c) => c.primaryKey().notNull())
      .addColumn("definition", "text", (c) => c.notNull())
      .addColumn("revision", "integer", (c) => c.notNull())
      .addColumn("kind", "text", (c) => c.notNull())
      .addColumn("before", "text")
      .addColumn("after", "text")
      .addColumn("reason", "text", (c) => c.notNull())
      .addColumn("requested_by", "text", (c) => c.notNull())
      .addColumn("requested_at", "bigint", (c) => c.notNull())
      .addColumn("status", "text", (c) => c.notNull())
      .addColumn("decided_by", "text")
      .addColumn("decided_at", "bigint")
      .addColumn("decision_reason", "text")
      .execute();
    await schema
      .createIndex("definition_proposals_status")
      .on("definition_proposals")
      .columns(["status", "definition"])
      .execute();
  },
};
