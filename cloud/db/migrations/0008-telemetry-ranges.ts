import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Which offsets an engine holds that cannot tell by itself. What the columns mean: cloud/history/influx/tables.ts. */
export const telemetryRanges: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema
      .createTable("telemetry_ranges")
      .addColumn("gateway", "text", (c) => c.notNull())
      .addColumn("epoch", "text", (c) => c.notNull())
      .addColumn("from_offset", "bigint", (c) => c.notNull())
      .addColumn("to_offset", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("telemetry_ranges_key", ["gateway", "epoch", "from_offset"])
      .execute();
  },
};
