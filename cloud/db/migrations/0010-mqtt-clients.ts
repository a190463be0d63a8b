import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Foreign clients of the broker and the points of foreign edge nodes. What the columns mean: cloud/gateways/tables.ts, cloud/ingest/tables.ts. */
export const mqttClients: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createTable("mqtt_clients")
      .addColumn("name", "text", (c) => c.primaryKey().notNull())
      .addColumn("kind", "text", (c) => c.notNull())
      .addColumn("client_id", "text", (c) => c.notNull().unique())
      .addColumn("node", "text", (c) => c.unique())
      .addColumn("space", "text")
      .addColumn("may_command", "integer", (c) => c.notNull())
      .addColumn("salt", "blob", (c) => c.notNull())
      .addColumn("hash", "blob", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .execute();
    await schema
      .createTable("foreign_points")
      .addColumn("id", "text", (c) => c.primaryKey().notNull())
      .addColumn("node", "text", (c) => c.notNull())
      .addColumn("device", "text", (c) => c.notNull())
      .addColumn("metric", "text", (c) => c.notNull())
      .addColumn("kind", "text", (c) => c.notNull())
      .addColumn("unit", "text")
      .addColumn("seen_at", "bigint", (c) => c.notNull())
      .execute();
    await schema.createIndex("foreign_points_node").on("foreign_points").columns(["node", "id"]).execute();
  },
};
