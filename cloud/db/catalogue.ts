import { type RawBuilder, sql } from "kysely";
import type { Db } from "./database.ts";

/** Runs SQL that no builder makes; it must be of the database's own dialect. */
export function ask<R>({ kysely, sync }: Pick<Db, "kysely" | "sync">, query: RawBuilder<R>): R[] {
  return sync.all<R>({ compile: () => query.compile(kysely) });
}

/** A table as the database itself describes it. */
export interface TableShape {
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns of the primary key, in its order. */
  readonly key: readonly string[];
  /** Column whose numbers the database gives, if there is one. */
  readonly numbered: string | undefined;
}

const OURS = /^(kysely_|parkhub_|sqlite_)/;

function sqliteTables(db: Db): TableShape[] {
  const tables = ask(
    db,
    sql<{ name: string; sql: string }>`select name, sql from sqlite_schema where type = 'table' order by name`,
  );
  return tables.map(({ name, sql: definition }) => {
    const columns = ask(db, sql<{ name: string; pk: number }>`select name, pk from pragma_table_info(${name})`);
    const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
    return {
      name,
      columns: columns.map((column) => column.name),
      key: key.map((column) => column.name),
      numbered: /\bautoincrement\b/i.test(definition) ? key[0]?.name : undefined,
    };
  });
}

function postgresTables(db: Db): TableShape[] {
  const columns = ask(
    db,
    sql<{ name: string; column: string; identity: string }>`
      select table_name as name, column_name as "column", is_identity as identity
      from information_schema.columns where table_schema = current_schema() order by 1, ordinal_position`,
  );
  const keys = ask(
    db,
    sql<{ name: string; column: string }>`
      select c.table_name as name, k.column_name as "column"
      from information_schema.table_constraints c
      join information_schema.key_column_usage k using (constraint_schema, constraint_name)
      where c.constraint_type = 'PRIMARY KEY' and c.table_schema = current_schema()
      order by 1, k.ordinal_position`,
  );
  return [...Map.groupBy(columns, ({ name }) => name)].map(([name, own]) => ({
    name,
    columns: own.map(({ column }) => column),
    key: keys.filter((key) => key.name === name).map(({ column }) => column),
    numbered: own.find(({ identity }) => identity === "YES")?.column,
  }));
}

/** Every table that holds records, by name. */
export function tablesOf(db: Db): readonly TableShape[] {
  const tables = db.dialect === "sqlite" ? sqliteTables(db) : postgresTables(db);
  return tables.filter(({ name }) => !OURS.test(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Highest number that a numbered table has ever given; 0 when none. */
export function lastNumberOf(db: Db, { name, numbered }: TableShape): number {
  if (numbered === undefined) return 0;
  const query =
    db.dialect === "sqlite"
      ? sql<{ last: number | null }>`select seq as last from sqlite_sequence where name = ${name}`
      : sql<{ last: number | null }>`
          select last_value as last from pg_sequences where schemaname = current_schema()
          and sequencename = split_part(pg_get_serial_sequence(quote_ident(${name}), ${numbered}), '.', 2)`;
  const highest = ask(
    db,
    sql<{ last: number | null }>`select max(${sql.ref(numbered)}) as last from ${sql.table(name)}`,
  );
  return Math.max(ask(db, query)[0]?.last ?? 0, highest[0]?.last ?? 0);
}

/** The table's next number will be higher than this. */
export function numberFrom(db: Db, { name, numbered }: TableShape, last: number): void {
  if (numbered === undefined || last <= 0) return;
  if (db.dialect === "postgresql") {
    ask(db, sql`select setval(pg_get_serial_sequence(quote_ident(${name}), ${numbered}), ${last})`);
    return;
  }
  ask(db, sql`delete from sqlite_sequence where name = ${name}`);
  ask(db, sql`insert into sqlite_sequence (name, seq) values (${name}, ${last})`);
}

/** Takes all rows out of a table. */
export function emptyTable(db: Db, { name }: TableShape): void {
  // In PostgreSQL a DELETE of many rows would take longer than a statement may.
  ask(db, db.dialect === "sqlite" ? sql`delete from ${sql.table(name)}` : sql`truncate ${sql.table(name)}`);
}
