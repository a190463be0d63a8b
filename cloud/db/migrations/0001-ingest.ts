import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Cursors, gaps, quarantine, gateways, their credentials, blobs. What the columns mean: cloud/ingest/tables.ts. */
export const ingest: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("lane_cursors")
      .addColumn("gateway", "text", (c) => c.notNull())
      .addColumn("lane", "text", (c) => c.notNull())
      .addColumn("epoch", "text", (c) => c.notNull())
      .addColumn("from_offset", "bigint", (c) => c.notNull())
      .addColumn("up_to", "bigint", (c) => c.notNull())
      .addColumn("covered", "text", (c) => c.notNull())
      .addColumn("highest", "bigint", (c) => c.notNull())
      .addColumn("stored", "bigint", (c) => c.notNull())
      .addColumn("duplicates", "bigint", (c) => c.notNull())
      .addColumn("opened_at", "bigint", (c) => c.notNull())
      .addColumn("closed_at", "bigint")
      .addPrimaryKeyConstraint("lane_cursors_key", ["gateway", "lane", "epoch"])
      .execute();
    await db.schema
      .createTable("gateways")
      .addColumn("gateway", "text", (c) => c.primaryKey().notNull())
      .addColumn("last_seen_at", "bigint")
      .addColumn("config_version", "integer", (c) => c.notNull())
      .addColumn("config_errors", "text", (c) => c.notNull())
      .addColumn("quarantined", "bigint", (c) => c.notNull())
      .execute();
    await db.schema
      .createTable("quarantine")
      .addColumn("id", "integer", (c) => c.primaryKey().autoIncrement())
      .addColumn("gateway", "text", (c) => c.notNull())
      .addColumn("at", "bigint", (c) => c.notNull())
      .addColumn("topic", "text", (c) => c.notNull())
      .addColumn("lane", "text")
      .addColumn("epoch", "text")
      .addColumn("offset", "bigint")
      .addColumn("code", "text", (c) => c.notNull())
      .addColumn("reason", "text", (c) => c.notNull())
      .addColumn("bytes", "blob", (c) => c.notNull())
      .execute();
    await db.schema.createIndex("quarantine_gateway").on("quarantine").columns(["gateway", "id"]).execute();
    await db.schema
      .createTable("lane_gaps")
      .addColumn("gateway", "text", (c) => c.notNull())
      .addColumn("lane", "text", (c) => c.notNull())
      .addColumn("epoch", "text", (c) => c.notNull())
      .addColumn("from_offset", "bigint", (c) => c.notNull())
      .addColumn("to_offset", "bigint", (c) => c.notNull())
      .addColumn("reason", "text", (c) => c.notNull())
      .addColumn("at", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("lane_gaps_key", ["gateway", "lane", "epoch", "from_offset", "to_offset"])
      .execute();
    await db.schema
      .createTable("gateway_credentials")
      .addColumn("gateway", "text", (c) => c.primaryKey().notNull())
      .addColumn("username", "text", (c) => c.notNull().unique())
      .addColumn("salt", "blob", (c) => c.notNull())
      .addColumn("hash", "blob", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .execute();
    await db.schema
      .createTable("blobs")
      .addColumn("sha256", "text", (c) => c.primaryKey().notNull())
      .addColumn("content_type", "text", (c) => c.notNull())
      .addColumn("size", "bigint", (c) => c.notNull())
      .addColumn("retention", "text", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .execute();
  },
};
