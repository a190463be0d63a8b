import { type RawBuilder, type SqlBool, sql } from "kysely";
import { HubError } from "#core/errors.ts";
import { ask, emptyTable, lastNumberOf, numberFrom, type TableShape, tablesOf } from "./catalogue.ts";
import type { Db } from "./database.ts";
import { storedText } from "./dialect.ts";

/** Rows read at once, and written in one transaction: few at first, more while they are small. */
const PAGE_FIRST = 16;
const PAGE_MOST = 500;
const PAGE_CHARACTERS = 4_000_000;

/** Records cannot be copied. */
export class CopyError extends HubError {}

/** What was copied of one table, and compared. */
export interface CopiedTable {
  readonly table: string;
  readonly rows: number;
}

/** Told after each page: rows that are in the target by now, of all. */
export type CopyProgress = (table: string, rows: number, of: number) => void;

type Value = string | number | Uint8Array | null;
type Row = Readonly<Record<string, Value>>;

function countOf(db: Db, table: string): number {
  return ask(db, sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`)[0]?.n ?? 0;
}

function list(names: readonly string[]): RawBuilder<unknown> {
  return sql.join(names.map((name) => sql.ref(name)));
}

/** The next rows in the order of the key. */
function pageOf(db: Db, { name, columns, key }: TableShape, after: Row | undefined, limit: number): Row[] {
  const beyond =
    after === undefined
      ? sql<SqlBool>`1 = 1`
      : sql<SqlBool>`(${list(key)}) > (${sql.join(key.map((column) => after[column] ?? null))})`;
  return ask(
    db,
    sql<Row>`select ${list(columns)} from ${sql.table(name)} where ${beyond} order by ${list(key)} limit ${limit}`,
  );
}

function lastKeyOf(db: Db, { name, key }: TableShape): Row | undefined {
  const downwards = sql.join(key.map((column) => sql`${sql.ref(column)} desc`));
  return ask(db, sql<Row>`select ${list(key)} from ${sql.table(name)} order by ${downwards} limit 1`)[0];
}

function insert(db: Db, { name, columns }: TableShape, row: Row): void {
  const values = sql.join(columns.map((column) => row[column] ?? null));
  const query = sql`insert into ${sql.table(name)} (${list(columns)}) values (${values})`;
  db.sync.run({ compile: () => query.compile(db.kysely) });
}

/** The values of a row as any record database gives them back. */
function textOf(row: Row | undefined, columns: readonly string[]): string {
  const values = columns.map((column) => {
    const value = row?.[column] ?? null;
    if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
    return typeof value === "string" ? storedText(value) : value;
  });
  return JSON.stringify(row === undefined ? undefined : values) ?? "";
}

/** How many rows to read next: a table of whole documents must not come into memory at once. */
function nextLimit(limit: number, page: readonly Row[]): number {
  const sizeOf = (value: Value): number => (value === null || typeof value === "number" ? 8 : value.length);
  const size = page.reduce(
    (sum, row) => sum + Object.values(row).reduce<number>((all, one) => all + sizeOf(one), 0),
    0,
  );
  return size > PAGE_CHARACTERS ? Math.max(1, limit >> 2) : Math.min(PAGE_MOST, limit * 2);
}

/** Lets others run between two pages. */
function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function isEqual(from: Db, to: Db, table: TableShape): Promise<boolean> {
  if (countOf(from, table.name) !== countOf(to, table.name)) return false;
  let limit = PAGE_FIRST;
  for (let after: Row | undefined; ; ) {
    const [given, found] = [pageOf(from, table, after, limit), pageOf(to, table, after, limit)];
    const same = given.every((row, i) => textOf(row, table.columns) === textOf(found[i], table.columns));
    if (!same || given.length !== found.length) return false;
    after = given.at(-1);
    if (after === undefined) return true;
    limit = nextLimit(limit, given);
    await breath();
  }
}

async function copyTable(from: Db, to: Db, table: TableShape, told: CopyProgress): Promise<void> {
  const all = countOf(from, table.name);
  // Pages are written whole and in the order of the key: the last key says how far a former run came.
  let after = lastKeyOf(to, table);
  let rows = countOf(to, table.name);
  let limit = PAGE_FIRST;
  for (;;) {
    const page = pageOf(from, table, after, limit);
    if (page.length === 0) break;
    to.sync.transaction(() => {
      for (const row of page) insert(to, table, row);
    });
    after = page.at(-1);
    rows += page.length;
    limit = nextLimit(limit, page);
    told(table.name, rows, all);
    await breath();
  }
  numberFrom(to, table, lastNumberOf(from, table));
}

/** Both must have the same tables with the same columns, or rows would be left behind. @throws DB_COPY_SCHEMA */
function commonTables(from: Db, to: Db): readonly TableShape[] {
  const shapeOf = ({ name, columns, key }: TableShape): string => JSON.stringify([name, columns.toSorted(), key]);
  const [given, target] = [tablesOf(from), tablesOf(to)];
  const expected = given.map(shapeOf).join("\n");
  if (expected !== target.map(shapeOf).join("\n"))
    throw new CopyError(
      "DB_COPY_SCHEMA",
      "the two record databases have different tables: start both with one version",
    );
  const keyless = given.find(({ key }) => key.length === 0);
  if (keyless !== undefined) throw new CopyError("DB_COPY_SCHEMA", `table ${keyless.name} has no primary key`);
  return given;
}

function stateOf(db: Db): string | undefined {
  ask(db, sql`create table if not exists parkhub_copy (id integer primary key, state text not null)`);
  return ask(db, sql<{ state: string }>`select state from parkhub_copy where id = 1`)[0]?.state;
}

function setState(db: Db, state: "copying" | "done"): void {
  ask(
    db,
    sql`insert into parkhub_copy (id, state) values (1, ${state}) on conflict (id) do update set state = excluded.state`,
  );
}

/**
 * Copies every record into an empty database of the same version and compares both row by row. One that was interrupted goes on
 * where it was; what was changed in the source meanwhile is copied again. Nothing may write to either of them meanwhile.
 * @throws DB_COPY_SCHEMA, DB_COPY_TARGET when the target holds other records, DB_COPY_DIFFERS, DB_*
 */
export async function copyRecords(
  from: Db,
  to: Db,
  told: CopyProgress = () => undefined,
): Promise<readonly CopiedTable[]> {
  const tables = commonTables(from, to);
  const state = stateOf(to);
  const taken = tables.find(({ name }) => countOf(to, name) > 0);
  if (state === undefined && taken !== undefined)
    throw new CopyError("DB_COPY_TARGET", `the target is not empty: table ${taken.name} holds records of its own`);
  if (state !== "done") setState(to, "copying");
  const copied: CopiedTable[] = [];
  for (const table of tables) {
    if (state !== "done") {
      await copyTable(from, to, table, told);
      if (state === "copying" && !(await isEqual(from, to, table))) {
        emptyTable(to, table);
        await copyTable(from, to, table, told);
      }
    }
    if (!(await isEqual(from, to, table)))
      throw new CopyError(
        state === "done" ? "DB_COPY_TARGET" : "DB_COPY_DIFFERS",
        `table ${table.name}: the target holds other records than the source`,
      );
    copied.push({ table: table.name, rows: countOf(to, table.name) });
  }
  setState(to, "done");
  return copied;
}
