import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Findings and statements. What the columns mean: cloud/completeness/tables.ts. */
export const completeness: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("findings")
      .addColumn("id", "text", (c) => c.primaryKey().notNull())
      .addColumn("gateway", "text", (c) => c.notNull())
      .addColumn("kind", "text", (c) => c.notNull())
      .addColumn("lane", "text")
      .addColumn("epoch", "text")
      .addColumn("from_offset", "bigint")
      .addColumn("to_offset", "bigint")
      .addColumn("times", "bigint", (c) => c.notNull())
      .addColumn("count", "bigint", (c) => c.notNull())
      .addColumn("reason", "text")
      .addColumn("started_at", "bigint", (c) => c.notNull())
      .addColumn("ended_at", "bigint")
      .execute();
    await db.schema.createIndex("findings_gateway").on("findings").columns(["gateway", "started_at", "id"]).execute();
    await db.schema
      .createTable("statements")
      .addColumn("id", "text", (c) => c.primaryKey().notNull())
      .addColumn("gateway", "text", (c) => c.notNull())
      .addColumn("day", "text", (c) => c.notNull())
      .addColumn("made_at", "bigint", (c) => c.notNull())
      .addColumn("body", "text", (c) => c.notNull())
      .addColumn("sha256", "text", (c) => c.notNull())
      .addColumn("key_id", "text", (c) => c.notNull())
      .addColumn("signature", "text", (c) => c.notNull())
      .execute();
    await db.schema.createIndex("statements_gateway").on("statements").columns(["gateway", "made_at"]).execute();
    await db.schema.createIndex("lane_gaps_time").on("lane_gaps").columns(["gateway", "at"]).execute();
  },
};
