import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Users, sessions, tokens and the audit chain. What the columns mean: cloud/auth/tables.ts, cloud/audit/tables.ts. */
export const access: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("users")
      .addColumn("name", "text", (c) => c.primaryKey().notNull())
      .addColumn("display_name", "text", (c) => c.notNull())
      .addColumn("password", "text", (c) => c.notNull())
      .addColumn("grants", "text", (c) => c.notNull())
      .addColumn("disabled", "integer", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .addColumn("changed_at", "bigint", (c) => c.notNull())
      .execute();
    await db.schema
      .createTable("sessions")
      .addColumn("hash", "text", (c) => c.primaryKey().notNull())
      .addColumn("user", "text", (c) => c.notNull())
      .addColumn("csrf", "text", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .addColumn("seen_at", "bigint", (c) => c.notNull())
      .addColumn("ip", "text", (c) => c.notNull())
      .execute();
    await db.schema
      .createTable("tokens")
      .addColumn("id", "text", (c) => c.primaryKey().notNull())
      .addColumn("hash", "text", (c) => c.notNull().unique())
      .addColumn("user", "text", (c) => c.notNull())
      .addColumn("name", "text", (c) => c.notNull())
      .addColumn("grants", "text", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .addColumn("expires_at", "bigint")
      .addColumn("used_at", "bigint")
      .execute();
    await db.schema
      .createTable("audit")
      .addColumn("seq", "bigint", (c) => c.primaryKey().notNull())
      .addColumn("at", "bigint", (c) => c.notNull())
      .addColumn("actor", "text", (c) => c.notNull())
      .addColumn("action", "text", (c) => c.notNull())
      .addColumn("target", "text")
      .addColumn("result", "text", (c) => c.notNull())
      .addColumn("detail", "text")
      .addColumn("ip", "text")
      .addColumn("prev_hash", "text", (c) => c.notNull())
      .addColumn("hash", "text", (c) => c.notNull())
      .execute();
  },
};
