import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Jobs, and what the nightly pruning of the records looks for. What the columns mean: cloud/jobs/tables.ts. */
export const jobs: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createTable("jobs")
      .addColumn("kind", "text", (c) => c.notNull())
      .addColumn("key", "text", (c) => c.notNull())
      .addColumn("id", "text", (c) => c.notNull().unique())
      .addColumn("data", "text", (c) => c.notNull())
      .addColumn("run_at", "bigint", (c) => c.notNull())
      .addColumn("next_at", "bigint", (c) => c.notNull())
      .addColumn("failures", "integer", (c) => c.notNull())
      .addColumn("crashes", "integer", (c) => c.notNull())
      .addColumn("lease_until", "bigint")
      .addColumn("fence", "integer", (c) => c.notNull())
      .addColumn("handed_over", "integer", (c) => c.notNull())
      .addPrimaryKeyConstraint("jobs_key", ["kind", "key"])
      .execute();
    await schema.createIndex("jobs_next").on("jobs").columns(["next_at", "id"]).execute();
    await schema.createIndex("jobs_handed_over").on("jobs").columns(["handed_over", "next_at"]).execute();
    await schema
      .createTable("dead_jobs")
      .addColumn("kind", "text", (c) => c.notNull())
      .addColumn("key", "text", (c) => c.notNull())
      .addColumn("data", "text", (c) => c.notNull())
      .addColumn("run_at", "bigint", (c) => c.notNull())
      .addColumn("attempt", "integer", (c) => c.notNull())
      .addColumn("failed_at", "bigint", (c) => c.notNull())
      .addColumn("error", "text", (c) => c.notNull())
      .addPrimaryKeyConstraint("dead_jobs_key", ["kind", "key"])
      .execute();
    await schema.createIndex("dead_jobs_failed").on("dead_jobs").columns(["failed_at"]).execute();
    await schema
      .createTable("job_repeats")
      .addColumn("kind", "text", (c) => c.primaryKey().notNull())
      .addColumn("schedule", "text", (c) => c.notNull())
      .addColumn("next_at", "bigint", (c) => c.notNull())
      .execute();
    await schema.createIndex("commands_finished").on("commands").columns(["finished_at"]).execute();
    await schema.createIndex("runs_started").on("runs").columns(["started_at"]).execute();
    await schema.createIndex("alarm_acts_at").on("alarm_acts").columns(["at"]).execute();
  },
};
