import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Shift times and handovers. What the columns mean: cloud/shifts/tables.ts. */
export const shifts: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("shift_plans")
      .addColumn("version", "integer", (c) => c.primaryKey().notNull())
      .addColumn("starts", "text", (c) => c.notNull())
      .addColumn("reason", "text", (c) => c.notNull())
      .addColumn("changed_by", "text", (c) => c.notNull())
      .addColumn("changed_at", "bigint", (c) => c.notNull())
      .execute();
    await db.schema
      .createTable("shift_handovers")
      .addColumn("id", "text", (c) => c.primaryKey().notNull())
      .addColumn("position", "text")
      .addColumn("shift_from", "bigint", (c) => c.notNull())
      .addColumn("shift_to", "bigint", (c) => c.notNull())
      .addColumn("status", "text", (c) => c.notNull())
      .addColumn("revision", "integer", (c) => c.notNull())
      .addColumn("notes", "text", (c) => c.notNull())
      .addColumn("drafted_by", "text", (c) => c.notNull())
      .addColumn("outgoing", "text")
      .addColumn("outgoing_at", "bigint")
      .addColumn("incoming", "text")
      .addColumn("incoming_at", "bigint")
      .addColumn("content", "text", (c) => c.notNull())
      .addColumn("sha256", "text")
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .addColumn("open", "integer", (c) => c.notNull())
      .execute();
    await db.schema
      .createIndex("shift_handovers_created")
      .on("shift_handovers")
      .columns(["created_at", "id"])
      .execute();
  },
};
