import type { DatabaseSync } from "node:sqlite";
import type { CompiledQuery } from "kysely";
import { dbError, Statements, toSqlValue } from "./dialect.ts";
import { DbError } from "./errors.ts";

/** Anything kysely can compile: a builder, or a query compiled before. */
export interface Compilable<R> {
  compile(): CompiledQuery<R>;
}

/** What a statement changed. Of a row's new number `returning` tells. */
export interface Changed {
  /** How many rows. On PostgreSQL reading it costs a round trip in a transaction: leave it where nobody needs it. */
  readonly changes: number;
}

/** The synchronous face of the record database: kysely builds, this runs, on one connection, in the caller's own tick. */
export interface SyncDb {
  /**
   * Runs an insert, update or delete. In a transaction its refusal may be told later: by the next statement that gives an
   * answer, or by COMMIT.
   * @throws DB_CONSTRAINT, DB_VALUE_INVALID, DB_FULL, DB_BUSY, DB_IO, DB_UNAVAILABLE, DB_COMMIT_UNKNOWN, DB_FAILED
   */
  run(query: Compilable<unknown>): Changed;
  /** All rows of a select or of a `returning` clause. */
  all<R>(query: Compilable<R>): R[];
  /** The first row, or undefined. */
  get<R>(query: Compilable<R>): R | undefined;
  /**
   * BEGIN ... COMMIT; whatever `work` throws rolls everything back and is thrown on. Inside another transaction it is a
   * savepoint: caught there, only its own changes are undone. A statement that the database refuses may be told only after
   * the savepoint and then undoes the outer one too: who goes on after it says `attempt`. `work` must not be async.
   * @throws DB_COMMIT_UNKNOWN when the database was lost while it committed: it may have
   */
  transaction<T>(work: () => T extends PromiseLike<unknown> ? never : T): T;
  /** As `transaction`, and what the database refuses of `work` is thrown from here and undoes no more than `work`. */
  attempt<T>(work: () => T extends PromiseLike<unknown> ? never : T): T;
  /** Is a transaction open right now? */
  readonly inTransaction: boolean;
}

/** @throws DB_TRANSACTION_ASYNC when a transaction's work has returned a promise: the rest of it would run outside */
export function refusePromise(result: unknown): void {
  if (result instanceof Promise)
    throw new DbError("DB_TRANSACTION_ASYNC", "a transaction's work must be synchronous, and it returned a promise");
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
      const { changes } = this.#statements.get(sql).run(...parameters.map(toSqlValue));
      return { changes: Number(changes) };
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
      refusePromise(result);
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

  attempt<T>(work: () => T extends PromiseLike<unknown> ? never : T): T {
    return this.transaction<T>(work);
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
