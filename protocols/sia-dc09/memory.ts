import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { errorMessage, HubError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";

const VERSION = 1;
const SCHEMA = `
CREATE TABLE state(account TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(account, key)) WITHOUT ROWID;
CREATE TABLE seen(id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX seen_at ON seen(at);
PRAGMA user_version = ${VERSION};`;

/** What is to be remembered. */
export interface Remembered {
  /** States of an account, as JSON values by key. */
  readonly states?: { readonly account: string; readonly values: ReadonlyMap<string, unknown> };
  /** A frame that was taken, by its identity and when, Unix ms, so that its repeats are known. */
  readonly seen?: { readonly id: string; readonly at: number };
}

interface Waiting {
  readonly what: Remembered;
  readonly done: (error?: unknown) => void;
}

function open(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  if (version > VERSION) {
    db.close();
    throw new HubError("SIA_MEMORY_NEWER", `${path} was written by a newer Parkhub (version ${version})`);
  }
  if (version === 0) db.exec(`BEGIN; ${SCHEMA} COMMIT`);
  return db;
}

/**
 * What the receiver knows of its panels over a restart: the states they told (a panel tells changes only) and the frames already
 * taken. What comes together is written in one transaction, and `remember` resolves in the order in which it was called.
 */
export class Memory {
  readonly #db: DatabaseSync;
  readonly #put: StatementSync;
  readonly #see: StatementSync;
  readonly #seen: StatementSync;
  readonly #forget: StatementSync;
  #waiting: Waiting[] = [];
  #closed = false;

  /** Opens or makes the file; a broken one is moved aside, told, and begun anew. @throws SIA_MEMORY_NEWER */
  constructor(folder: string, logger: Logger) {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, "panels.db");
    this.#db = openOrReplace(path, logger);
    this.#put = this.#db.prepare(
      "INSERT INTO state VALUES(?,?,?) ON CONFLICT(account, key) DO UPDATE SET value=excluded.value",
    );
    this.#see = this.#db.prepare("INSERT INTO seen VALUES(?,?) ON CONFLICT(id) DO UPDATE SET at=excluded.at");
    this.#seen = this.#db.prepare("SELECT at FROM seen WHERE id=?");
    this.#forget = this.#db.prepare("DELETE FROM seen WHERE at<?");
  }

  /** The states of an account. */
  states(account: string): Map<string, unknown> {
    const rows = this.#db.prepare("SELECT key, value FROM state WHERE account=?").all(account);
    return new Map(rows.map((row) => [String(row["key"]), JSON.parse(String(row["value"])) as unknown]));
  }

  /** When a frame was taken, Unix ms; undefined when it was not. */
  takenAt(id: string): number | undefined {
    const at = this.#seen.get(id)?.["at"];
    return at === undefined ? undefined : Number(at);
  }

  /** Resolves when it is on the disk. @throws what the disk says */
  async remember(what: Remembered): Promise<void> {
    if (this.#closed) throw new HubError("SIA_NOT_STARTED", "the receiver has been stopped");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#waiting.length === 0) setImmediate(() => this.#write());
    this.#waiting.push({ what, done: (error) => (error === undefined ? resolve() : reject(error)) });
    await promise;
  }

  #write(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    let failed: unknown;
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      for (const { what } of waiting) {
        const { states, seen } = what;
        if (seen !== undefined) this.#see.run(seen.id, seen.at);
        if (states === undefined) continue;
        for (const [key, value] of states.values) this.#put.run(states.account, key, JSON.stringify(value));
      }
      this.#db.exec("COMMIT");
    } catch (error) {
      failed = error;
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    }
    for (const { done } of waiting) done(failed);
  }

  /** Forgets frames taken before this moment, Unix ms. */
  forgetBefore(at: number): void {
    this.#forget.run(at);
  }

  /** Writes what waits and closes the file. */
  close(): void {
    this.#closed = true;
    this.#write();
    this.#db.close();
  }
}

function openOrReplace(path: string, logger: Logger): DatabaseSync {
  try {
    return open(path);
  } catch (error) {
    if (error instanceof HubError) throw error;
    logger.error(
      { cause: errorMessage(error) },
      "memory of the panels is broken: begun anew, states come with the next reports",
    );
    renameSync(path, `${path}.broken`);
    return open(path);
  }
}
