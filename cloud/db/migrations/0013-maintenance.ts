import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Maintenance permits and what they hold back. What the columns mean: cloud/maintenance/tables.ts. */
export const maintenance: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createTable("permits")
      .addColumn("id", "text", (c) => c.primaryKey().notNull())
      .addColumn("status", "text", (c) => c.notNull())
      .addColumn("scope", "text", (c) => c.notNull())
      .addColumn("from_at", "bigint", (c) => c.notNull())
      .addColumn("until_at", "bigint", (c) => c.notNull())
      .addColumn("reason", "text", (c) => c.notNull())
      .addColumn("work_order", "text")
      .addColumn("requested_by", "text", (c) => c.notNull())
      .addColumn("requested_at", "bigint", (c) => c.notNull())
      .addColumn("decided_by", "text")
      .addColumn("decided_at", "bigint")
      .addColumn("decision", "text")
      .addColumn("started_at", "bigint")
      .addColumn("ended_at", "bigint")
      .addColumn("ended_by", "text")
      .addColumn("digest", "text")
      .execute();
    await schema.createIndex("permits_status").on("permits").columns(["status", "until_at"]).execute();
    await schema.createIndex("permits_requested").on("permits").columns(["requested_at", "id"]).execute();
    await schema
      .createTable("permit_alarms")
      .addColumn("permit", "text", (c) => c.notNull())
      .addColumn("alarm", "text", (c) => c.notNull())
      .addColumn("occurrence", "integer", (c) => c.notNull())
      .addColumn("raised", "integer", (c) => c.notNull())
      .addColumn("taken", "integer", (c) => c.notNull())
      .addColumn("held_at", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("permit_alarms_key", ["permit", "alarm"])
      .execute();
    await schema.createIndex("permit_alarms_alarm").on("permit_alarms").column("alarm").execute();
  },
};
