import { type CreateTableBuilder, type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Columns by name; `?` behind the type allows null. */
type Columns = Readonly<Record<string, "text" | "text?" | "bigint" | "bigint?" | "integer">>;

function withColumns(table: CreateTableBuilder<string, string>, columns: Columns): CreateTableBuilder<string, string> {
  return Object.entries(columns).reduce((builder, [name, type]) => {
    const nullable = type.endsWith("?");
    const sqlType = type === "text" || type === "text?" ? "text" : type === "integer" ? "integer" : "bigint";
    return builder.addColumn(name, sqlType, (c) => (nullable ? c : c.notNull()));
  }, table);
}

async function alarms(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await withColumns(
    schema.createTable("alarms").addColumn("id", "text", (c) => c.primaryKey().notNull()),
    {
      origin: "text",
      definition: "text",
      occurrence: "integer",
      law: "text",
      category: "text",
      priority: "text",
      condition: "text",
      acknowledged: "integer",
      open: "integer",
      area: "text?",
      raised_at: "bigint",
      shelved_until: "bigint?",
      search: "text",
      document: "text",
    },
  ).execute();
  await schema.createIndex("alarms_open").on("alarms").columns(["open", "raised_at", "id"]).execute();
  await schema.createIndex("alarms_raised").on("alarms").columns(["raised_at", "id"]).execute();
  await schema.createIndex("alarms_definition").on("alarms").columns(["definition", "open"]).execute();
  await withColumns(
    schema.createTable("alarm_journal").addColumn("seq", "integer", (c) => c.primaryKey().autoIncrement()),
    {
      happening: "text",
      alarm: "text",
      occurrence: "integer",
      transition: "text",
      at: "bigint",
      received_at: "bigint",
      actor: "text?",
      comment: "text?",
    },
  ).execute();
  await schema.createIndex("alarm_journal_happening").unique().on("alarm_journal").column("happening").execute();
  await schema.createIndex("alarm_journal_alarm").on("alarm_journal").columns(["alarm", "seq"]).execute();
  // Exactly one: an activation is raised once.
  await schema
    .createIndex("alarm_journal_raised")
    .unique()
    .on("alarm_journal")
    .columns(["alarm", "occurrence"])
    .where(sql.ref("transition"), "=", "raised")
    .execute();
  await withColumns(schema.createTable("alarm_acts"), {
    actor: "text",
    idempotency_key: "text",
    alarm: "text",
    occurrence: "integer",
    kind: "text",
    at: "bigint",
  })
    .addPrimaryKeyConstraint("alarm_acts_key", ["actor", "idempotency_key"])
    .execute();
  await withColumns(
    schema.createTable("alarm_commands").addColumn("seq", "integer", (c) => c.primaryKey().autoIncrement()),
    {
      id: "text",
      gateway: "text",
      alarm: "text",
      occurrence: "integer",
      action: "text",
      requested_by: "text",
      expires_at: "bigint",
      document: "text",
    },
  ).execute();
  await schema.createIndex("alarm_commands_id").unique().on("alarm_commands").column("id").execute();
  await schema.createIndex("alarm_commands_alarm").on("alarm_commands").column("alarm").execute();
  await withColumns(
    schema.createTable("alarm_episodes").addColumn("definition", "text", (c) => c.primaryKey().notNull()),
    { epoch: "text", episode: "integer" },
  ).execute();
  await withColumns(schema.createTable("alarm_snapshots"), {
    alarm: "text",
    sha256: "text",
    gateway: "text",
    occurrence: "bigint?",
    run: "text?",
    camera: "text",
    bytes: "bigint",
    content_type: "text",
    taken_at: "bigint",
  })
    .addPrimaryKeyConstraint("alarm_snapshots_key", ["alarm", "sha256"])
    .execute();
}

async function commands(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await withColumns(
    schema.createTable("commands").addColumn("id", "text", (c) => c.primaryKey().notNull()),
    {
      gateway: "text",
      status: "text",
      requested_by: "text",
      idempotency_key: "text?",
      request: "text",
      created_at: "bigint",
      expires_at: "bigint",
      sent_at: "bigint?",
      finished_at: "bigint?",
      code: "text?",
      message: "text?",
      read_back: "text?",
      document: "text",
    },
  ).execute();
  await schema
    .createIndex("commands_key")
    .unique()
    .on("commands")
    .columns(["requested_by", "idempotency_key"])
    .execute();
  await schema.createIndex("commands_open").on("commands").columns(["status", "expires_at"]).execute();
}

async function linkage(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await withColumns(
    schema.createTable("runs").addColumn("id", "text", (c) => c.primaryKey().notNull()),
    { rule: "text", alarm: "text?", outcome: "text", started_at: "bigint", document: "text" },
  ).execute();
  await schema.createIndex("runs_rule").on("runs").columns(["rule", "started_at", "id"]).execute();
  await schema.createIndex("runs_alarm").on("runs").columns(["alarm", "started_at", "id"]).execute();
  await withColumns(
    schema.createTable("open_runs").addColumn("id", "text", (c) => c.primaryKey().notNull()),
    { started_at: "bigint", document: "text" },
  ).execute();
  await withColumns(
    schema.createTable("rule_memory").addColumn("rule", "text", (c) => c.primaryKey().notNull()),
    { document: "text" },
  ).execute();
}

async function notices(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await withColumns(
    schema.createTable("notices").addColumn("seq", "integer", (c) => c.primaryKey().autoIncrement()),
    {
      id: "text",
      at: "bigint",
      text: "text",
      text_en: "text",
      popup: "integer",
      camera: "text?",
      alarm: "text?",
      rule: "text?",
    },
  ).execute();
  await withColumns(
    schema.createTable("device_events").addColumn("seq", "integer", (c) => c.primaryKey().autoIncrement()),
    { id: "text", device: "text", kind: "text", observed_at: "bigint", document: "text" },
  ).execute();
  await schema.createIndex("device_events_id").unique().on("device_events").column("id").execute();
}

/** Alarms, commands, runs, notices and device events. What the columns mean: `tables.ts` of each domain. */
export const domain: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await alarms(db);
    await commands(db);
    await linkage(db);
    await notices(db);
  },
};
