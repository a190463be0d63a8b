import { existsSync, renameSync, rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { Kysely } from "kysely";
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from "kysely/migration";
import type { Logger } from "#core/logger.ts";
import { dbError, isPostgresUrl, nodeSqliteDialect, openSqlite } from "./dialect.ts";
import { MIGRATIONS } from "./migrations/index.ts";
import { pendingMigrations } from "./pending.ts";
import { SqliteSync, type SyncDb } from "./sync.ts";
import type { Tables } from "./tables.ts";

/**
 * The record database, a SQLite file or PostgreSQL: configuration, users, alarms, commands, audit, cursors. One process, one
 * connection. kysely BUILDS every query and `sync` RUNS it, in the caller's own tick: so a lane item, what it changes
 * and the cursor are one transaction, and no other code can run between BEGIN and COMMIT. Never execute a kysely
 * query (`.execute()`, `.transaction()`) outside migrations: its awaits would let other work into the transaction.
 * Both take the same builders: keep SQL that only one understands out of the domains; what differs is in dialect.ts.
 *
 * @example
 * ```ts
 * export class NoteStore {
 *   readonly #db: Db;
 *   constructor(db: Db) {
 *     this.#db = db;
 *   }
 *   add(note: { id: string; text: string; at: number }): void {
 *     const { kysely, sync } = this.#db;
 *     sync.transaction(() => {
 *       sync.run(kysely.insertInto("notes").values(note).onConflict((c) => c.column("id").doNothing()));
 *       sync.run(kysely.updateTable("note_counts").set((e) => ({ count: e("count", "+", 1) })));
 *     });
 *   }
 *   find(id: string): { text: string } | undefined {
 *     return this.#db.sync.get(this.#db.kysely.selectFrom("notes").select("text").where("id", "=", id));
 *   }
 * }
 * ```
 */
export interface Db {
  readonly dialect: "sqlite" | "postgresql";
  /** Builds queries. Rows are those of `Tables`. */
  readonly kysely: Kysely<Tables>;
  /** Runs them. */
  readonly sync: SyncDb;
  /**
   * Calls back when the records are lost to this process for good, because another one has taken them over: what it holds in memory
   * is old, and only its end helps. Never for a file.
   */
  onLost(listener: (error: Error) => void): void;
  /** Closes the file or the connection. Nothing may be run afterwards. */
  close(): Promise<void>;
}

/** Names of the migrations the file has already seen, oldest first. */
function appliedMigrations(db: DatabaseSync): readonly string[] {
  const known = db.prepare("SELECT 1 FROM sqlite_schema WHERE type='table' AND name=?").get(DEFAULT_MIGRATION_TABLE);
  if (known === undefined) return [];
  return db
    .prepare(`SELECT name FROM ${DEFAULT_MIGRATION_TABLE} ORDER BY name`)
    .all()
    .map((row) => String(row["name"]));
}

/** A whole copy beside the file, named after what it was: written aside first, so that a half copy is never taken for one. */
function backUp(db: DatabaseSync, file: string, version: string): string {
  const target = `${file}.before-upgrade-from-${version}`;
  const partial = `${target}.partial`;
  if (existsSync(partial)) rmSync(partial);
  db.prepare("VACUUM INTO ?").run(partial);
  renameSync(partial, target);
  return target;
}

async function migrate(
  raw: DatabaseSync,
  kysely: Kysely<Tables>,
  file: string,
  migrations: Readonly<Record<string, Migration>>,
  logger: Logger,
): Promise<void> {
  const applied = appliedMigrations(raw);
  const pending = pendingMigrations(file, applied, migrations);
  if (pending.length === 0) return;
  const last = applied.at(-1);
  if (last !== undefined && file !== ":memory:")
    logger.info({ file, backup: backUp(raw, file, last) }, "database backed up before its upgrade");
  const { error } = await new Migrator({
    db: kysely,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
  }).migrateToLatest();
  if (error !== undefined) throw dbError(error, `cannot upgrade ${file}`);
  logger.info({ file, migrations: pending }, "database upgraded");
}

async function openFile(file: string, logger: Logger, migrations: Readonly<Record<string, Migration>>): Promise<Db> {
  const raw = openSqlite(file);
  const kysely = new Kysely<Tables>({ dialect: nodeSqliteDialect(raw) });
  const sync = new SqliteSync(raw);
  const close = async (): Promise<void> => {
    sync.dispose();
    await kysely.destroy();
    if (raw.isOpen) raw.close();
  };
  try {
    await migrate(raw, kysely, file, migrations, logger);
  } catch (error) {
    await close();
    throw dbError(error, `cannot open ${file}`);
  }
  return { dialect: "sqlite", kysely, sync, onLost: () => undefined, close };
}

/**
 * Opens (and makes) the record database and brings its schema up to date. `target` is a file (or `:memory:`), or a `postgres://`
 * URL. A backup lies beside a file before its schema is changed; in PostgreSQL an upgrade is done whole or not at all, and
 * backups are the operator's. `migrations` is for tests of the upgrade itself.
 * @throws DB_NEWER when a newer version has written it; DB_CORRUPT, DB_IO, DB_FULL, DB_FAILED; of PostgreSQL also DB_IN_USE when
 * another process holds it, DB_REFUSED, DB_URL_INVALID, DB_UNAVAILABLE
 */
export async function openDatabase(
  target: string,
  logger: Logger,
  migrations: Readonly<Record<string, Migration>> = MIGRATIONS,
): Promise<Db> {
  if (!isPostgresUrl(target)) return openFile(target, logger, migrations);
  // Not loaded where nobody uses it.
  const { openPostgres } = await import("./postgres/open.ts");
  return openPostgres(target, logger, migrations);
}
