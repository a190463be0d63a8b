import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Who looks after an alarm, and when it is told further. What the columns mean: cloud/alarms/tables.ts. */
export const alarmOperations: Migration = {
  async up({ schema }: Kysely<unknown>): Promise<void> {
    await schema.alterTable("alarms").addColumn("assignee", "text").execute();
    await schema.alterTable("alarms").addColumn("escalation_of", "integer").execute();
    await schema.alterTable("alarms").addColumn("escalate_at", "bigint").execute();
    await schema.alterTable("alarms").addColumn("escalated_at", "bigint").execute();
    await schema.createIndex("alarms_escalate").on("alarms").column("escalate_at").execute();
    await schema.createIndex("alarms_shelved").on("alarms").column("shelved_until").execute();
  },
};
