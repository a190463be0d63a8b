import { Kysely, PostgresDialect, sql } from "kysely";
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from "kysely/migration";
import { Pool } from "pg";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../database.ts";
import { DbError } from "../errors.ts";
import { pendingMigrations } from "../pending.ts";
import type { Tables } from "../tables.ts";
import { PostgresSchemaPlugin, postgresBuilding } from "./dialect.ts";
import { postgresFault } from "./errors.ts";
import { PostgresLink } from "./link.ts";
import { PostgresSync } from "./sync.ts";

const CONNECT_MS = 5000;

type Migrations = Readonly<Record<string, Migration>>;

async function appliedMigrations(db: Kysely<Tables>, schema: string): Promise<readonly string[]> {
  const table = sql.table(`${schema}.${DEFAULT_MIGRATION_TABLE}`);
  const known = await sql<{ known: boolean }>`
    select exists (
      select from pg_tables where schemaname = ${schema} and tablename = ${DEFAULT_MIGRATION_TABLE}
    ) as known`.execute(db);
  if (known.rows[0]?.known !== true) return [];
  const { rows } = await sql<{ name: string }>`select name from ${table} order by name collate "C"`.execute(db);
  return rows.map(({ name }) => name);
}

/** Brings the schema up to date, in one transaction: a process that dies meanwhile leaves it as it was. */
async function migrate(url: string, name: string, migrations: Migrations, logger: Logger): Promise<void> {
  const pool = new Pool({ connectionString: url, max: 1, connectionTimeoutMillis: CONNECT_MS });
  pool.on("error", (error) => logger.warn({ database: name, reason: error.message }, "upgrade connection lost"));
  const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }), plugins: [new PostgresSchemaPlugin()] });
  try {
    const found = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(kysely);
    const schema = found.rows[0]?.schema ?? "public";
    const pending = pendingMigrations(name, await appliedMigrations(kysely, schema), migrations);
    if (pending.length === 0) return;
    const { error } = await new Migrator({
      db: kysely,
      provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
      migrationTableSchema: schema,
    }).migrateToLatest();
    if (error !== undefined) throw error;
    logger.info({ database: name, migrations: pending }, "database upgraded");
  } finally {
    await kysely.destroy();
  }
}

function fault(error: unknown, doing: string): DbError {
  // What a migration itself throws is no fault of the connection.
  if (error instanceof Error && !("code" in error) && !("severity" in error))
    return new DbError("DB_FAILED", `${doing}: ${error.message}`, { cause: error });
  return postgresFault(error, doing);
}

/**
 * The record database on PostgreSQL. This process holds it alone until it is closed or dies.
 * @throws DB_NEWER, DB_IN_USE, DB_REFUSED, DB_URL_INVALID, DB_UNAVAILABLE, DB_FAILED
 */
export async function openPostgres(url: string, logger: Logger, migrations: Migrations): Promise<Db> {
  const link = await PostgresLink.open({ url, logger });
  const kysely = new Kysely<Tables>({ dialect: postgresBuilding });
  const close = async (): Promise<void> => {
    await kysely.destroy();
    await link.close();
  };
  try {
    await migrate(url, link.name, migrations, logger);
  } catch (error) {
    await close();
    throw fault(error, `cannot open ${link.name}`);
  }
  const onLost = (listener: (error: Error) => void): void => link.onLost(listener);
  return { dialect: "postgresql", kysely, sync: new PostgresSync(link), onLost, close };
}
