import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

async function objects({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable("notify_objects")
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("id", "text", (c) => c.notNull())
    .addColumn("version", "integer", (c) => c.notNull())
    .addColumn("document", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("notify_objects_key", ["kind", "id"])
    .execute();
  await schema
    .createTable("notify_versions")
    .addColumn("kind", "text", (c) => c.notNull())
    .addColumn("id", "text", (c) => c.notNull())
    .addColumn("version", "integer", (c) => c.notNull())
    .addColumn("document", "text")
    .addColumn("changed_by", "text", (c) => c.notNull())
    .addColumn("why", "text")
    .addColumn("at", "bigint", (c) => c.notNull())
    .addPrimaryKeyConstraint("notify_versions_key", ["kind", "id", "version"])
    .execute();
}

async function chains({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable("notify_chains")
    .addColumn("seq", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("rule", "text", (c) => c.notNull())
    .addColumn("alarm", "text", (c) => c.notNull())
    .addColumn("occurrence", "integer", (c) => c.notNull())
    .addColumn("transition", "text", (c) => c.notNull())
    .addColumn("law", "text", (c) => c.notNull())
    .addColumn("step", "integer", (c) => c.notNull())
    .addColumn("started_at", "bigint", (c) => c.notNull())
    .addColumn("next_at", "bigint")
    .addColumn("ended_at", "bigint")
    .addColumn("ended_because", "text")
    .addColumn("document", "text", (c) => c.notNull())
    .addUniqueConstraint("notify_chains_once", ["rule", "alarm", "occurrence", "transition"])
    .execute();
  await schema.createIndex("notify_chains_due").on("notify_chains").columns(["rule", "next_at"]).execute();
  await schema.createIndex("notify_chains_alarm").on("notify_chains").column("alarm").execute();
  await schema.createIndex("notify_chains_ended").on("notify_chains").column("ended_at").execute();
}

async function deliveries({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable("notify_deliveries")
    .addColumn("id", "text", (c) => c.primaryKey().notNull())
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("rule", "text")
    .addColumn("transition", "text", (c) => c.notNull())
    .addColumn("step", "integer", (c) => c.notNull())
    .addColumn("recipient", "text", (c) => c.notNull())
    .addColumn("contacts", "text", (c) => c.notNull())
    .addColumn("channel", "text")
    .addColumn("fallback", "text", (c) => c.notNull())
    .addColumn("alarms", "integer", (c) => c.notNull())
    .addColumn("alarm", "text")
    .addColumn("document", "text", (c) => c.notNull())
    .addColumn("attempts", "integer", (c) => c.notNull())
    .addColumn("reason", "text")
    .addColumn("told", "integer", (c) => c.notNull())
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .addColumn("finished_at", "bigint")
    .execute();
  await schema.createIndex("notify_deliveries_status").on("notify_deliveries").columns(["status", "id"]).execute();
  await schema.createIndex("notify_deliveries_created").on("notify_deliveries").column("created_at").execute();
  await schema.createIndex("notify_deliveries_told").on("notify_deliveries").columns(["told", "finished_at"]).execute();
  await schema
    .createTable("notify_marks")
    .addColumn("alarm", "text", (c) => c.notNull())
    .addColumn("occurrence", "integer", (c) => c.notNull())
    .addColumn("transition", "text", (c) => c.notNull())
    .addColumn("step", "integer", (c) => c.notNull())
    .addColumn("recipient", "text", (c) => c.notNull())
    .addColumn("channel", "text", (c) => c.notNull())
    .addColumn("delivery", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("notify_marks_key", ["alarm", "occurrence", "transition", "step", "recipient", "channel"])
    .execute();
  await schema.createIndex("notify_marks_delivery").on("notify_marks").column("delivery").execute();
}

/** Operator positions, rota, channels, rules of notification, and the ledger. What the columns mean: cloud/notify/tables.ts. */
export const notify: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await objects(db);
    await chains(db);
    await deliveries(db);
  },
};
