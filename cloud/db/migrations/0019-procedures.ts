import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

async function procedureTables({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable("procedures")
    .addColumn("id", "text", (c) => c.primaryKey().notNull())
    .addColumn("draft", "text")
    .addColumn("revision", "integer", (c) => c.notNull())
    .addColumn("draft_at", "bigint")
    .addColumn("draft_by", "text")
    .addColumn("version", "integer")
    .addColumn("retired", "integer", (c) => c.notNull())
    .execute();
  await schema
    .createTable("procedure_versions")
    .addColumn("procedure", "text", (c) => c.notNull())
    .addColumn("version", "integer", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    .addColumn("actor", "text", (c) => c.notNull())
    .addColumn("reason", "text", (c) => c.notNull())
    .addColumn("document", "text", (c) => c.notNull())
    .addPrimaryKeyConstraint("procedure_versions_key", ["procedure", "version"])
    .execute();
}

async function runTables({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable("procedure_runs")
    .addColumn("id", "text", (c) => c.primaryKey().notNull())
    .addColumn("alarm", "text", (c) => c.notNull())
    .addColumn("occurrence", "integer", (c) => c.notNull())
    .addColumn("procedure", "text", (c) => c.notNull())
    .addColumn("version", "integer", (c) => c.notNull())
    .addColumn("status", "text", (c) => c.notNull())
    .addColumn("started_at", "bigint", (c) => c.notNull())
    .addColumn("started_by", "text", (c) => c.notNull())
    .addColumn("ended_at", "bigint")
    .execute();
  // One run an occurrence, whoever begins at the same time.
  await schema
    .createIndex("procedure_runs_alarm")
    .unique()
    .on("procedure_runs")
    .columns(["alarm", "occurrence"])
    .execute();
  await schema.createIndex("procedure_runs_status").on("procedure_runs").columns(["status", "started_at"]).execute();
  await schema
    .createTable("procedure_acts")
    .addColumn("seq", "integer", (c) => c.primaryKey().autoIncrement())
    .addColumn("run", "text", (c) => c.notNull())
    .addColumn("act", "text", (c) => c.notNull())
    .addColumn("step", "integer")
    .addColumn("at", "bigint", (c) => c.notNull())
    .addColumn("actor", "text", (c) => c.notNull())
    .addColumn("station", "text")
    .addColumn("name", "text")
    .addColumn("reason", "text")
    .addColumn("idempotency_key", "text")
    .execute();
  await schema.createIndex("procedure_acts_run").on("procedure_acts").columns(["run", "seq"]).execute();
  await schema
    .createIndex("procedure_acts_key")
    .unique()
    .on("procedure_acts")
    .columns(["actor", "idempotency_key"])
    .execute();
}

/** Response procedures and their runs. What the columns mean: cloud/procedures/tables.ts. */
export const procedures: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await procedureTables(db);
    await runTables(db);
  },
};
