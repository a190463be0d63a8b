import type { Client, Connection, Submittable } from "pg";
import { errorMessage } from "#core/errors.ts";
import { DbError } from "../errors.ts";
import { sqlStateOf } from "./errors.ts";
import type { Fault, Outcome, Row, Statement } from "./messages.ts";
import { type Column, rowOf, wireValue } from "./values.ts";

/** Statements the server keeps prepared, the least recently used ones dropped. */
const PREPARED_KEPT = 500;

interface Prepared {
  readonly name: string;
  columns: readonly Column[] | undefined;
}

/** What one connection has prepared at its server. Names are never used twice. */
export class PreparedStatements {
  readonly #bySql = new Map<string, Prepared>();
  /** Names the server may forget. */
  #dropped: string[] = [];
  #named = 0;

  /** The statement, and whether the server has yet to be told of it. */
  use(sql: string): { readonly prepared: Prepared; readonly fresh: boolean } {
    const known = this.#bySql.get(sql);
    if (known !== undefined) {
      this.#bySql.delete(sql);
      this.#bySql.set(sql, known);
      return { prepared: known, fresh: false };
    }
    const [oldest] = this.#bySql.size >= PREPARED_KEPT ? this.#bySql.keys() : [];
    if (oldest !== undefined) this.drop(oldest);
    const prepared = { name: `s${++this.#named}`, columns: undefined };
    this.#bySql.set(sql, prepared);
    return { prepared, fresh: true };
  }

  drop(sql: string): void {
    const known = this.#bySql.get(sql);
    if (known === undefined) return;
    this.#bySql.delete(sql);
    this.#dropped.push(known.name);
  }

  /** Names to close now. */
  takeDropped(): readonly string[] {
    const dropped = this.#dropped;
    this.#dropped = [];
    return dropped;
  }

  /** They were not closed after all. */
  putBack(names: readonly string[]): void {
    this.#dropped.push(...names);
  }
}

type Result = { readonly outcomes: readonly Outcome[] } | { readonly fault: Fault };

function changesOf(commandTag: string): number {
  const count = /\d+$/.exec(commandTag)?.[0];
  return count === undefined ? 0 : Number(count);
}

/**
 * Statements in one round trip: all are sent, then one Sync. The server skips what follows a statement that fails, up to the
 * Sync. [PostgreSQL 15 protocol-flow 55.2.3, 55.2.4]
 */
export class Pipeline implements Submittable {
  readonly #statements: readonly Statement[];
  readonly #prepared: PreparedStatements;
  readonly #done: (result: Result) => void;
  readonly #used: { readonly prepared: Prepared; readonly fresh: boolean }[] = [];
  readonly #outcomes: Outcome[] = [];
  #closing: readonly string[] = [];
  #rows: Row[] = [];
  #fault: Fault | undefined;
  #ended = false;

  private constructor(statements: readonly Statement[], prepared: PreparedStatements, done: (result: Result) => void) {
    this.#statements = statements;
    this.#prepared = prepared;
    this.#done = done;
  }

  /** Runs them on a connected client. Never rejects. */
  static run(client: Client, prepared: PreparedStatements, statements: readonly Statement[]): Promise<Result> {
    return new Promise((resolve) => client.query(new Pipeline(statements, prepared, resolve)));
  }

  submit(connection: Connection): void {
    connection.stream.cork();
    try {
      // Never those that this batch itself evicts: it may still use them.
      this.#closing = this.#prepared.takeDropped();
      for (const name of this.#closing) connection.close({ type: "S", name }, true);
      for (const { sql, parameters } of this.#statements) {
        const used = this.#prepared.use(sql);
        this.#used.push(used);
        const { name, columns } = used.prepared;
        if (used.fresh) connection.parse({ name, text: sql, types: [] }, true);
        connection.bind({ portal: "", statement: name, values: parameters.map(wireValue) }, true);
        if (columns === undefined) connection.describe({ type: "P", name: "" }, true);
        connection.execute({ portal: "" }, true);
      }
      connection.sync();
    } finally {
      connection.stream.uncork();
    }
  }

  handleRowDescription({ fields }: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    const prepared = this.#used[this.#outcomes.length]?.prepared;
    if (prepared !== undefined) prepared.columns = fields.map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID }));
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    if (this.#fault !== undefined) return;
    const index = this.#outcomes.length;
    try {
      this.#rows.push(rowOf(this.#used[index]?.prepared.columns ?? [], fields));
    } catch (error) {
      this.#fault = { kind: "refused", index, sqlState: "22003", message: errorMessage(error) };
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    const index = this.#outcomes.length;
    const used = this.#used[index]?.prepared;
    if (used !== undefined) used.columns ??= [];
    // [PostgreSQL 15 COMMIT] of a failed transaction rolls back and does not say so otherwise.
    if (text === "ROLLBACK" && this.#statements[index]?.sql === "COMMIT")
      this.#fault ??= { kind: "refused", index, sqlState: "25P02", message: "the transaction had failed before" };
    this.#outcomes.push({ changes: changesOf(text), rows: this.#rows });
    this.#rows = [];
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: "" });
  }

  handlePortalSuspended(): void {
    throw new DbError("DB_FAILED", "a portal was suspended although all rows were asked for");
  }

  handleCopyInResponse(connection: Connection): void {
    connection.stream.destroy(new DbError("DB_FAILED", "COPY is not supported"));
  }

  handleCopyData(): void {}

  /** From the server, or of the connection. pg does not call `handleReadyForQuery` after it. */
  handleError(error: unknown): void {
    const index = this.#outcomes.length;
    // All were answered and only the end of the batch was not: they are done.
    if (index < this.#statements.length) {
      const sqlState = sqlStateOf(error);
      const message = errorMessage(error);
      const fatal = error instanceof Error && "severity" in error && error.severity !== "ERROR";
      this.#fault ??=
        sqlState === undefined || fatal ? { kind: "lost", message } : { kind: "refused", index, sqlState, message };
      this.#prepared.putBack(this.#closing);
      for (const [i, { sql }] of this.#statements.entries())
        if (i >= index && this.#used[i]?.fresh !== false) this.#prepared.drop(sql);
    }
    this.#end();
  }

  handleReadyForQuery(): void {
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#done(this.#fault === undefined ? { outcomes: this.#outcomes } : { fault: this.#fault });
  }
}
