import { createHash } from "node:crypto";
import { type Kysely, PostgresAdapter, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { type ChainedEntry, chainedText, JOURNAL_GENESIS } from "#core/journal-chain.ts";
import type { Alarm } from "#core/model/alarm.ts";

/** Rows carried over at once: few enough for the parameters of one statement. */
const PAGE = 200;

interface OldRow {
  /** PostgreSQL's driver gives 64 bits as text. */
  readonly seq: number | string;
  readonly happening: string;
  readonly alarm: string;
  readonly occurrence: number | string;
  readonly transition: string;
  readonly at: number | string;
  readonly received_at: number | string;
  readonly actor: string | null;
  readonly comment: string | null;
  readonly document: string | null;
}

interface NewRow extends ChainedEntry {
  readonly search: string;
  readonly hash: string;
}

type Carried = {
  alarm_journal_0003: Omit<OldRow, "document">;
  alarms: { id: string; document: string };
  alarm_journal: NewRow;
  alarm_journal_head: { id: number; seq: number; hash: string };
};

/** What the journal knows of an alarm whose record is gone. */
const NO_ALARM = { law: "facility", category: "system", priority: "low", definition: "", source: "" } as const;

function newRow(old: OldRow, previous: string): NewRow {
  const alarm: Partial<Alarm> = old.document === null ? {} : (JSON.parse(old.document) as Alarm);
  const facts = { ...NO_ALARM, message: "", messageEn: "", ...alarm };
  const entry: ChainedEntry = {
    prev_hash: previous,
    seq: Number(old.seq),
    happening: old.happening,
    alarm: old.alarm,
    occurrence: Number(old.occurrence),
    transition: old.transition,
    at: Number(old.at),
    received_at: Number(old.received_at),
    clock_offset_ms: null,
    actor: old.actor,
    station: null,
    comment: old.comment,
    law: facts.law,
    category: facts.category,
    priority: facts.priority,
    definition: facts.definition,
    source: facts.source,
    point: alarm.point ?? null,
    device: alarm.device ?? null,
    zone: alarm.zone ?? null,
    area: alarm.area ?? null,
    message: facts.message,
    message_en: facts.messageEn,
  };
  const { message, message_en, source, definition, zone, area, actor, comment } = entry;
  const search = [message, message_en, source, definition, zone, area, actor, comment]
    .filter((part) => part !== null && part !== "")
    .join("\n")
    .toLowerCase();
  return { ...entry, search, hash: createHash("sha256").update(chainedText(entry)).digest("hex") };
}

async function makeTables({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable("alarm_journal")
    .addColumn("seq", "integer", (c) => c.primaryKey().notNull())
    .addColumn("happening", "text", (c) => c.notNull())
    .addColumn("alarm", "text", (c) => c.notNull())
    .addColumn("occurrence", "integer", (c) => c.notNull())
    .addColumn("transition", "text", (c) => c.notNull())
    .addColumn("at", "bigint", (c) => c.notNull())
    .addColumn("received_at", "bigint", (c) => c.notNull())
    .addColumn("clock_offset_ms", "bigint")
    .addColumn("law", "text", (c) => c.notNull())
    .addColumn("category", "text", (c) => c.notNull())
    .addColumn("priority", "text", (c) => c.notNull())
    .addColumn("area", "text")
    .addColumn("actor", "text")
    .addColumn("station", "text")
    .addColumn("definition", "text", (c) => c.notNull())
    .addColumn("source", "text", (c) => c.notNull())
    .addColumn("point", "text")
    .addColumn("device", "text")
    .addColumn("zone", "text")
    .addColumn("search", "text", (c) => c.notNull())
    .addColumn("comment", "text")
    .addColumn("message", "text", (c) => c.notNull())
    .addColumn("message_en", "text", (c) => c.notNull())
    .addColumn("prev_hash", "text", (c) => c.notNull())
    .addColumn("hash", "text", (c) => c.notNull())
    .execute();
  await schema
    .createTable("alarm_journal_head")
    .addColumn("id", "integer", (c) => c.primaryKey().notNull())
    .addColumn("seq", "bigint", (c) => c.notNull())
    .addColumn("hash", "text", (c) => c.notNull())
    .execute();
  await schema
    .createTable("alarm_journal_cuts")
    .addColumn("from_seq", "bigint", (c) => c.primaryKey().notNull())
    .addColumn("to_seq", "bigint", (c) => c.notNull())
    .addColumn("entries", "bigint", (c) => c.notNull())
    .addColumn("prev_hash", "text", (c) => c.notNull())
    .addColumn("hash", "text", (c) => c.notNull())
    .addColumn("cut_at", "bigint", (c) => c.notNull())
    .execute();
}

/** What a search looks at before it wants whole rows. */
const LOOKED_AT = ["area", "law", "category", "priority", "search"];

async function makeIndices(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  const table = "alarm_journal";
  await schema.createIndex("alarm_journal_happening").unique().on(table).column("happening").execute();
  // Exactly one: an activation is raised once.
  await schema
    .createIndex("alarm_journal_raised")
    .unique()
    .on(table)
    .columns(["alarm", "occurrence"])
    .where(sql.ref("transition"), "=", "raised")
    .execute();
  for (const column of ["alarm", "point", "actor", "transition", "priority"])
    await schema.createIndex(`alarm_journal_${column}`).on(table).columns([column, "seq"]).execute();
  // A search that finds little reads all of what it looks at: SQLite then reads no whole rows. PostgreSQL bounds what an index holds.
  const looked = isPostgres(db) ? [] : LOOKED_AT;
  await schema
    .createIndex("alarm_journal_at")
    .on(table)
    .columns(["at", "seq", ...looked])
    .execute();
  if (looked.length > 0)
    await schema
      .createIndex("alarm_journal_looked_at")
      .on(table)
      .columns(["seq", ...looked])
      .execute();
  await schema.createIndex("commands_created").on("commands").columns(["created_at", "id"]).execute();
  await schema.createIndex("audit_target").on("audit").columns(["target", "seq"]).execute();
}

async function carryOver(db: Kysely<Carried>): Promise<void> {
  let head = { seq: 0, hash: JOURNAL_GENESIS };
  for (;;) {
    const rows: readonly OldRow[] = await db
      .selectFrom("alarm_journal_0003")
      .leftJoin("alarms", "alarms.id", "alarm_journal_0003.alarm")
      .selectAll("alarm_journal_0003")
      .select("alarms.document")
      .where("seq", ">", head.seq)
      .orderBy("seq")
      .limit(PAGE)
      .execute();
    const carried: NewRow[] = [];
    for (const row of rows) {
      const entry = newRow(row, head.hash);
      carried.push(entry);
      head = { seq: entry.seq, hash: entry.hash };
    }
    if (carried.length > 0) await db.insertInto("alarm_journal").values(carried).execute();
    if (rows.length < PAGE) break;
  }
  // A database without records has no row at all: copyRecords takes only such a one as its target.
  if (head.seq === 0) return;
  await db
    .insertInto("alarm_journal_head")
    .values({ id: 1, ...head })
    .execute();
}

function isPostgres(db: Kysely<unknown>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}

/** The database itself refuses to change an entry, and to remove one that no cut of the retention covers. */
async function makeGuards(db: Kysely<unknown>): Promise<void> {
  const covered = sql`exists (select 1 from alarm_journal_cuts where old.seq between from_seq and to_seq)`;
  if (isPostgres(db)) {
    await sql`create function alarm_journal_guard() returns trigger language plpgsql as $$
      begin
        if tg_op = 'DELETE' and ${covered} then return old; end if;
        raise exception 'the alarm journal is append-only' using errcode = 'integrity_constraint_violation';
      end $$`.execute(db);
    await sql`create trigger alarm_journal_append_only before update or delete on alarm_journal
      for each row execute function alarm_journal_guard()`.execute(db);
    return;
  }
  await sql`create trigger alarm_journal_no_update before update on alarm_journal
    begin select raise(abort, 'the alarm journal is append-only'); end`.execute(db);
  await sql`create trigger alarm_journal_no_delete before delete on alarm_journal when not ${covered}
    begin select raise(abort, 'the alarm journal is append-only'); end`.execute(db);
}

/** The journal with what the alarms said, chained. What the columns mean: cloud/alarms/journal-tables.ts. */
export const journal: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const { schema } = db;
    for (const index of ["happening", "alarm", "raised"]) await schema.dropIndex(`alarm_journal_${index}`).execute();
    await schema.alterTable("alarm_journal").renameTo("alarm_journal_0003").execute();
    await makeTables(db);
    await carryOver(db.withTables<Carried>());
    await schema.dropTable("alarm_journal_0003").execute();
    await makeIndices(db);
    await makeGuards(db);
  },
};
