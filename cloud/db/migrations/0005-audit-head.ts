import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Where the audit chain ends, so that rows cut off its end are missed. What the columns mean: cloud/audit/tables.ts. */
export const auditHead: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("audit_head")
      .addColumn("id", "integer", (c) => c.primaryKey().notNull())
      .addColumn("seq", "bigint", (c) => c.notNull())
      .addColumn("hash", "text", (c) => c.notNull())
      .execute();
    await sql`insert into audit_head (id, seq, hash) select 1, seq, hash from audit order by seq desc limit 1`.execute(
      db,
    );
  },
};
