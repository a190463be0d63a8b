import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import {
  type DialectAdapter,
  type RawBuilder,
  type SqlBool,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteStatement,
  sql,
} from "kysely";
import { HubError } from "#core/errors.ts";
import { DbError } from "./errors.ts";

/** Is it the URL of a PostgreSQL database, and no file? */
export function isPostgresUrl(target: string): boolean {
  return /^postgres(ql)?:\/\//.test(target);
}

/** Primary result codes of SQLite that get their own code. @see https://sqlite.org/rescode.html */
const RESULT_CODES: Readonly<Record<number, { code: string; retriable: boolean }>> = {
  5: { code: "DB_BUSY", retriable: true },
  6: { code: "DB_BUSY", retriable: true },
  7: { code: "DB_IO", retriable: true }, // no memory
  8: { code: "DB_READ_ONLY", retriable: true },
  10: { code: "DB_IO", retriable: true },
  11: { code: "DB_CORRUPT", retriable: false },
  13: { code: "DB_FULL", retriable: true },
  14: { code: "DB_IO", retriable: true }, // cannot open: no file handle left, for one
  15: { code: "DB_BUSY", retriable: true }, // locking protocol
  19: { code: "DB_CONSTRAINT", retriable: false },
  26: { code: "DB_CORRUPT", retriable: false },
};

/** Translates what node:sqlite throws, once. A HubError passes unchanged. */
export function dbError(error: unknown, doing: string): HubError {
  if (error instanceof HubError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const errcode = error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode : 0;
  const { code, retriable } = RESULT_CODES[errcode & 0xff] ?? { code: "DB_FAILED", retriable: false };
  return new DbError(code, `${doing}: ${message}`, { cause: error, retriable });
}

/**
 * Opens a SQLite file the way every file of the hub is opened: WAL, every COMMIT on disk before it returns (FULL),
 * foreign keys on, a short wait for a lock. Makes the folder. `file` may be `:memory:`.
 * @throws DB_CORRUPT, DB_IO, DB_READ_ONLY, DB_FAILED
 */
export function openSqlite(file: string): DatabaseSync {
  if (file !== ":memory:") mkdirSync(dirname(file), { recursive: true });
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file);
    db.exec("PRAGMA busy_timeout=3000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON");
    return db;
  } catch (error) {
    db?.close();
    throw dbError(error, `cannot open ${file}`);
  }
}

/**
 * A text as every record database gives it back: PostgreSQL takes no NUL, and UTF-8 has no lone surrogates. Whoever hashes what
 * it stores, hashes this.
 */
export function storedText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes("\0") ? whole.replaceAll("\0", "\u{fffd}") : whole;
}

/** A value of a parameter: no booleans and no undefined; everything else that is no SQL value is a mistake of the caller. */
export function toSqlValue(value: unknown): Exclude<SQLInputValue, NodeJS.ArrayBufferView> | Uint8Array {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "string") return storedText(value);
  if (value === null || typeof value === "number" || typeof value === "bigint") return value;
  if (value instanceof Uint8Array) return value;
  throw new DbError(
    "DB_VALUE_INVALID",
    `a ${typeof value} is no SQL value: write JSON as text and leave out undefined`,
  );
}

/**
 * Holds a lower case text this part? As LIKE, which SQLite takes regardless of case and PostgreSQL does not: so both sides are
 * in lower case before they come here.
 */
export function holdsText(column: string, part: string): RawBuilder<SqlBool> {
  const pattern = `%${part.toLowerCase().replace(/[\\%_]/g, (sign) => `\\${sign}`)}%`;
  return sql<SqlBool>`${sql.ref(column)} like ${pattern} escape '\\'`;
}

/** Prepared statements by their text, the least recently used ones dropped. */
export class Statements {
  readonly #db: DatabaseSync;
  readonly #cache = new Map<string, StatementSync>();
  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  get(sql: string): StatementSync {
    let statement = this.#cache.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      const oldest = this.#cache.size >= 500 ? this.#cache.keys().next().value : undefined;
      if (oldest !== undefined) this.#cache.delete(oldest);
    } else this.#cache.delete(sql);
    this.#cache.set(sql, statement);
    return statement;
  }

  clear(): void {
    this.#cache.clear();
  }
}

/** SQLite rolls back what defines tables like everything else, so an upgrade is one transaction. [SQLite lang_transaction] */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class TransactionalDialect extends SqliteDialect {
  override createAdapter(): DialectAdapter {
    return new TransactionalAdapter();
  }
}

/** kysely's own SqliteDialect on node:sqlite: the thin shim between the two statement interfaces. */
export function nodeSqliteDialect(db: DatabaseSync): SqliteDialect {
  const statement = (sql: string): SqliteStatement => {
    const prepared = db.prepare(sql);
    return {
      reader: prepared.columns().length > 0,
      all: (parameters) => prepared.all(...parameters.map(toSqlValue)),
      run: (parameters) => prepared.run(...parameters.map(toSqlValue)),
      iterate: (parameters) => prepared.iterate(...parameters.map(toSqlValue)),
    };
  };
  const database: SqliteDatabase = { prepare: statement, close: () => db.close() };
  return new TransactionalDialect({ database });
}
