import type { DatabaseSync } from "node:sqlite";
import type { CompiledQuery } from "kysely";
import { DbError, dbError, Statements, toSqlValue } from "./dialect.ts";

/** Anything kysely can compile: a builder, or a query compiled before. */
export interface Compilable<R> {
  compile(): CompiledQuery<R>;
}

/** What a statement changed. `lastInsertId` is the rowid of the last inserted row. */
export interface Changed {
  readonly changes: number;
  readonly lastInsertId: number;
}

/** The synchronous face of the record database: kysely builds, this runs, on one connection, in the caller's own tick. */
export interface SyncDb {
  /** Runs an insert, update or delete. @throws DB_CONSTRAINT, DB_FULL, DB_BUSY, DB_IO, DB_FAILED */
  run(query: Compilable<unknown>): Changed;
  /** All rows of a select or of a `returning` clause. */
  all<R>(query: Compilable<R>): R[];
  /** The first row, or undefined. */
  get<R>(query: Compilable<R>): R | undefined;
  /**
   * BEGIN IMMEDIATE ... COMMIT; whatever `work` throws rolls everything back and is thrown on. Inside another
   * transaction it is a savepoint: caught there, only its own changes are undone. `work` must not be async.
   */
  transaction<T>(work: () => T extends PromiseLike<unknown> ? never : T): T;
  /** Is a transaction open right now? */
  readonly inTransaction: boolean;
}

/** A SyncDb on an open connection. */
export class SqliteSync implements SyncDb {
  readonly #db: DatabaseSync;
  readonly #statements: Statements;
  #depth = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#statements = new Statements(db);
  }

  get inTransaction(): boolean {
    return this.#depth > 0;
  }

  run(query: Compilable<unknown>): Changed {
    const { sql, parameters } = query.compile();
    try {
      const { changes, lastInsertRowid } = this.#statements.get(sql).run(...parameters.map(toSqlValue));
      return { changes: Number(changes), lastInsertId: Number(lastInsertRowid) };
    } catch (error) {
      throw dbError(error, sql);
    }
  }

  all<R>(query: Compilable<R>): R[] {
    const { sql, parameters } = query.compile();
    try {
      return this.#statements.get(sql).all(...parameters.map(toSqlValue)) as R[];
    } catch (error) {
      throw dbError(error, sql);
    }
  }

  get<R>(query: Compilable<R>): R | undefined {
    const { sql, parameters } = query.compile();
    try {
      return this.#statements.get(sql).get(...parameters.map(toSqlValue)) as R | undefined;
    } catch (error) {
      throw dbError(error, sql);
    }
  }

  transaction<T>(work: () => T extends PromiseLike<unknown> ? never : T): T {
    const depth = this.#depth;
    const savepoint = `s${depth}`;
    this.#exec(depth === 0 ? "BEGIN IMMEDIATE" : `SAVEPOINT ${savepoint}`);
    this.#depth = depth + 1;
    try {
      const result: T = work();
      if (result instanceof Promise)
        throw new DbError(
          "DB_TRANSACTION_ASYNC",
          "a transaction's work must be synchronous, and it returned a promise",
        );
      this.#exec(depth === 0 ? "COMMIT" : `RELEASE ${savepoint}`);
      return result;
    } catch (error) {
      // SQLite may have rolled back by itself (full, I/O): then there is nothing left to undo.
      if (this.#db.isTransaction)
        this.#exec(depth === 0 ? "ROLLBACK" : `ROLLBACK TO ${savepoint}; RELEASE ${savepoint}`);
      throw error;
    } finally {
      this.#depth = depth;
    }
  }

  /** Forgets the prepared statements, before the connection is closed. */
  dispose(): void {
    this.#statements.clear();
  }

  #exec(sql: string): void {
    try {
      this.#db.exec(sql);
    } catch (error) {
      throw dbError(error, sql);
    }
  }
}
