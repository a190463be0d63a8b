import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Floods and decisions about proposals. What the columns mean: cloud/quality/tables.ts. */
export const quality: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("alarm_floods")
      .addColumn("scope", "text", (c) => c.notNull())
      .addColumn("began_at", "bigint", (c) => c.notNull())
      .addColumn("ended_at", "bigint")
      .addColumn("count", "bigint", (c) => c.notNull())
      .addColumn("peak", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("alarm_floods_key", ["scope", "began_at"])
      .execute();
    await db.schema.createIndex("alarm_floods_began").on("alarm_floods").column("began_at").execute();
    await db.schema
      .createTable("alarm_proposal_decisions")
      .addColumn("definition", "text", (c) => c.notNull())
      .addColumn("kind", "text", (c) => c.notNull())
      .addColumn("value", "double precision", (c) => c.notNull())
      .addColumn("decision", "text", (c) => c.notNull())
      .addColumn("reason", "text", (c) => c.notNull())
      .addColumn("decided_by", "text", (c) => c.notNull())
      .addColumn("decided_at", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("alarm_proposal_decisions_key", ["definition", "kind"])
      .execute();
  },
};
