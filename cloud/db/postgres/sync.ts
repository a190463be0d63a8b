import type { CompiledQuery } from "kysely";
import { toSqlValue } from "../dialect.ts";
import { DbError } from "../errors.ts";
import { type Changed, type Compilable, refusePromise, type SyncDb } from "../sync.ts";
import { postgresError } from "./errors.ts";
import type { PostgresLink } from "./link.ts";
import type { Fault, Outcome, Parameter, Statement } from "./messages.ts";

/** Most writes that wait for company, and most characters and bytes of their parameters. */
const WAITING_MOST = 200;
const WAITING_BYTES = 1_000_000;

const BEGIN: Statement = { sql: "BEGIN", parameters: [] };
const COMMIT: Statement = { sql: "COMMIT", parameters: [] };
const ROLLBACK: Statement = { sql: "ROLLBACK", parameters: [] };

function control(sql: string): Statement {
  return { sql, parameters: [] };
}

function parameter(value: unknown): Parameter {
  const sqlValue = toSqlValue(value);
  // A view would be cloned with all that lies around it, and a pool's memory may be used again before it is sent.
  return ArrayBuffer.isView(sqlValue) ? Uint8Array.from(sqlValue as Uint8Array) : sqlValue;
}

function sizeOf({ parameters }: Statement): number {
  let bytes = 0;
  for (const value of parameters)
    if (typeof value === "string") bytes += value.length;
    else if (value instanceof Uint8Array) bytes += value.length;
  return bytes;
}

/** Does it change nothing? Then nothing is in doubt when its answer is lost. */
function reads({ query }: CompiledQuery): boolean {
  return query.kind === "SelectQueryNode";
}

/** What a write has changed, asked for when somebody wants to know. */
class LaterChanged implements Changed {
  #changes: number | undefined;
  readonly #flush: () => void;
  constructor(flush: () => void) {
    this.#flush = flush;
  }

  get changes(): number {
    if (this.#changes === undefined) this.#flush();
    if (this.#changes === undefined) throw new DbError("DB_ROLLED_BACK", "this write was rolled back");
    return this.#changes;
  }

  settle({ changes }: Outcome): void {
    this.#changes = changes;
  }
}

interface Waiting {
  readonly statement: Statement;
  /** What has to be rolled back when it is refused: 1 the whole transaction, n the savepoint of level n. 0: nothing helps. */
  level: number;
  readonly changed?: LaterChanged;
}

/** An inner transaction. Its savepoint is made before its first write, so that one that only asks costs nothing. */
interface Inner {
  readonly name: string;
  savepoint: Waiting | undefined;
}

/**
 * A SyncDb on PostgreSQL. Inside a transaction writes wait and travel with the next statement that needs an answer, or with
 * COMMIT, so that a transaction costs as many round trips as it asks questions. A write that the server refuses is told there;
 * PostgreSQL then refuses all that follows in the transaction, so everything is rolled back to the savepoint that it lies in.
 */
export class PostgresSync implements SyncDb {
  readonly #link: PostgresLink;
  #level = 0;
  /** The connection of the running transaction. */
  #connection = 0;
  /** Has BEGIN been sent? */
  #begun = false;
  #wrote = false;
  /** Those inside the outermost, that of level 2 first. */
  readonly #inners: Inner[] = [];
  #waiting: Waiting[] = [];
  #bytes = 0;
  /** What made the transaction useless, and the level that has to be rolled back for it. */
  #failed: { readonly error: DbError; readonly level: number } | undefined;

  constructor(link: PostgresLink) {
    this.#link = link;
  }

  get inTransaction(): boolean {
    return this.#level > 0;
  }

  run(query: Compilable<unknown>): Changed {
    const compiled = query.compile();
    if (this.#level === 0) return this.#alone(compiled);
    const changed = new LaterChanged(() => this.#flush());
    this.#beforeWrite();
    this.#push({ statement: statementOf(compiled), level: this.#level, changed });
    if (this.#waiting.length >= WAITING_MOST || this.#bytes >= WAITING_BYTES) this.#flush();
    return changed;
  }

  all<R>(query: Compilable<R>): R[] {
    const compiled = query.compile();
    if (this.#level === 0) return this.#alone(compiled).rows as R[];
    if (!reads(compiled)) this.#beforeWrite();
    this.#push({ statement: statementOf(compiled), level: this.#undoLevel() });
    return (this.#flush().at(-1)?.rows ?? []) as R[];
  }

  get<R>(query: Compilable<R>): R | undefined {
    return this.all(query)[0];
  }

  transaction<T>(work: () => T extends PromiseLike<unknown> ? never : T): T {
    return this.#level === 0 ? this.#outer<T>(work) : this.#inner<T>(work, false);
  }

  attempt<T>(work: () => T extends PromiseLike<unknown> ? never : T): T {
    return this.#level === 0 ? this.#outer<T>(work) : this.#inner<T>(work, true);
  }

  /** A statement that is a transaction of its own. */
  #alone(compiled: CompiledQuery): Outcome {
    const { connection } = this.#link;
    if (connection === 0) throw this.#link.away();
    const statement = statementOf(compiled);
    const reply = this.#link.exchange([statement], connection);
    if (!reply.ok) throw this.#errorOf(reply.fault, [statement], !reads(compiled));
    return reply.outcomes[0] ?? { changes: 0, rows: [] };
  }

  #outer<T>(work: () => T extends PromiseLike<unknown> ? never : T): T {
    this.#connection = this.#link.connection;
    if (this.#connection === 0) throw this.#link.away();
    this.#waiting = [{ statement: BEGIN, level: 0 }];
    this.#level = 1;
    try {
      const result: T = work();
      refusePromise(result);
      this.#commit();
      return result;
    } catch (error) {
      if (this.#begun) this.#link.post([ROLLBACK], this.#connection);
      throw error;
    } finally {
      this.#level = 0;
      this.#begun = false;
      this.#wrote = false;
      this.#failed = undefined;
      this.#dropWaiting(0);
    }
  }

  #commit(): void {
    this.#check();
    if (this.#wrote) {
      this.#waiting.push({ statement: COMMIT, level: 0 });
      this.#flush(true);
    } else if (this.#begun) this.#link.post([COMMIT], this.#connection);
    this.#begun = false;
  }

  #inner<T>(work: () => T extends PromiseLike<unknown> ? never : T, checked: boolean): T {
    this.#check();
    const inner: Inner = { name: `s${this.#level}`, savepoint: undefined };
    this.#inners.push(inner);
    this.#level++;
    try {
      const result: T = work();
      refusePromise(result);
      this.#check();
      this.#release(inner, checked);
      return result;
    } catch (error) {
      this.#undo(inner);
      throw error;
    } finally {
      this.#inners.pop();
      this.#level--;
    }
  }

  /** Whatever is written belongs to all transactions that it lies in: each can take it back. */
  #beforeWrite(): void {
    this.#check();
    this.#wrote = true;
    for (const [i, inner] of this.#inners.entries()) {
      if (inner.savepoint !== undefined) continue;
      inner.savepoint = { statement: control(`SAVEPOINT ${inner.name}`), level: i + 1 };
      this.#waiting.push(inner.savepoint);
    }
  }

  /** The innermost level that has a savepoint. */
  #undoLevel(): number {
    return this.#inners.findLastIndex(({ savepoint }) => savepoint !== undefined) + 2;
  }

  #release({ name, savepoint }: Inner, checked: boolean): void {
    if (savepoint === undefined) return;
    const at = this.#waiting.indexOf(savepoint);
    if (checked || at < 0) {
      const unchecked = this.#waiting.length > at + 1;
      this.#waiting.push({ statement: control(`RELEASE ${name}`), level: this.#level });
      if (checked && unchecked) this.#flush();
      return;
    }
    // Nobody will go back to it any more, and the server has not heard of it: what it holds is the outer one's.
    this.#waiting.splice(at, 1);
    for (const waiting of this.#waiting.slice(at)) waiting.level = this.#level - 1;
  }

  /** Takes back what was written inside, unless what failed lies outside. */
  #undo({ name, savepoint }: Inner): void {
    if (savepoint === undefined || (this.#failed !== undefined && this.#failed.level < this.#level)) return;
    const at = this.#waiting.indexOf(savepoint);
    this.#dropWaiting(Math.max(at, 0));
    if (at >= 0) return; // the server has heard of none of it
    this.#failed = undefined;
    for (const sql of [`ROLLBACK TO ${name}`, `RELEASE ${name}`])
      this.#waiting.push({ statement: control(sql), level: this.#level - 1 });
  }

  /** @throws what has made the transaction useless */
  #check(): void {
    if (this.#failed !== undefined) throw this.#failed.error;
  }

  #push(waiting: Waiting): void {
    this.#check();
    this.#waiting.push(waiting);
    this.#bytes += sizeOf(waiting.statement);
  }

  #dropWaiting(from: number): void {
    this.#waiting.length = from;
    this.#bytes = 0;
  }

  /** Sends what waits. @throws DbError; from then on everything in the transaction does, up to where it is rolled back */
  #flush(commits = false): readonly Outcome[] {
    this.#check();
    const batch = this.#waiting;
    if (batch.length === 0) return [];
    this.#waiting = [];
    this.#bytes = 0;
    const statements = batch.map(({ statement }) => statement);
    const reply = this.#link.exchange(statements, this.#connection);
    if (!reply.ok) {
      const { fault } = reply;
      // What was refused lies in a session that still waits for ROLLBACK; a lost session takes everything with it.
      const refused = fault.kind === "refused" ? batch[fault.index] : undefined;
      this.#begun = fault.kind === "refused";
      this.#failed = { error: this.#errorOf(fault, statements, commits), level: refused?.level ?? 0 };
      throw this.#failed.error;
    }
    this.#begun = true;
    for (const [i, outcome] of reply.outcomes.entries()) batch[i]?.changed?.settle(outcome);
    return reply.outcomes;
  }

  #errorOf(fault: Fault, statements: readonly Statement[], commits: boolean): DbError {
    const { name } = this.#link;
    if (fault.kind === "refused")
      return postgresError(fault.sqlState, `${statements[fault.index]?.sql ?? name}: ${fault.message}`);
    if (fault.kind === "lost" && commits)
      return new DbError("DB_COMMIT_UNKNOWN", `${name} was lost while it committed: ${fault.message}`, {
        retriable: true,
      });
    return new DbError("DB_UNAVAILABLE", `${name} was lost: ${fault.message}`, { retriable: true });
  }
}

function statementOf({ sql, parameters }: CompiledQuery): Statement {
  return { sql, parameters: parameters.map(parameter) };
}
