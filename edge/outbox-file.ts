import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errorMessage, HubError } from "#core/errors.ts";
import { newEpoch } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";

/** What `PRAGMA user_version` of an outbox file says. */
export const OUTBOX_VERSION = 1;

/** Something is wrong with the outbox file itself. `OUTBOX_NEWER`, `OUTBOX_IN_USE`, `OUTBOX_UNUSABLE`. */
export class OutboxError extends HubError {}

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
/** No page left: the disk or the file's own cap. */
export const SQLITE_FULL = 13;

/** SQLite's primary result code of a thrown error, undefined for any other error. @see https://sqlite.org/rescode.html */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

/** Does the error say that the file's content is broken? */
export function isCorruption(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

const SCHEMA = `
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- AUTOINCREMENT: a number once given is never given again, also after its point is gone
CREATE TABLE point(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE);
CREATE TABLE telemetry(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, device TEXT NOT NULL, payload BLOB NOT NULL);
CREATE TABLE events(first INTEGER PRIMARY KEY, at INTEGER NOT NULL, item TEXT NOT NULL);
CREATE TABLE ledger(first INTEGER PRIMARY KEY, at INTEGER NOT NULL, item TEXT NOT NULL);
CREATE TABLE record(kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;
PRAGMA user_version = ${OUTBOX_VERSION};`;

/** An opened file, and what was lost when the former one was broken. */
export interface OpenedOutbox {
  readonly db: DatabaseSync;
  /** Set when a broken file was moved aside: its new name, and its epoch where that could still be read. */
  readonly quarantined?: { readonly file: string; readonly epoch?: string };
}

function version(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
}

/** The write-ahead log is cut back to this after it has been worked into the file, bytes. */
const LOG_BYTES = 8 * 1024 * 1024;

function open(path: string, synchronous: "FULL" | "NORMAL"): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    // one process a file: a second gateway on the same data folder would hand out the same offsets
    db.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};`);
    // nothing beside the file may need disk when the disk is full
    db.exec(`PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = ${LOG_BYTES};`);
    const found = version(db);
    if (found > OUTBOX_VERSION)
      throw new OutboxError(
        "OUTBOX_NEWER",
        `${path} was written by a newer Parkhub (version ${found}); this one knows version ${OUTBOX_VERSION}. Update this gateway, or move the file away to start empty`,
      );
    if (found === 0) {
      db.exec(`BEGIN EXCLUSIVE; ${SCHEMA}`);
      db.prepare("INSERT INTO meta VALUES ('epoch', ?)").run(newEpoch());
      db.exec("COMMIT");
    } else {
      const check = db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
      if (check !== "ok") throw Object.assign(new Error(String(check)), { errcode: SQLITE_CORRUPT });
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function epochOf(path: string): string | undefined {
  try {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      const epoch = db.prepare("SELECT value FROM meta WHERE key = 'epoch'").get()?.["value"];
      return typeof epoch === "string" ? epoch : undefined;
    } finally {
      db.close();
    }
  } catch {
    return undefined; // that it cannot be read is why we are here; the caller reports the quarantine
  }
}

function quarantine(path: string, now: number): string {
  const target = `${path}.broken-${now}`;
  for (const suffix of ["", "-wal", "-shm"]) if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
  return target;
}

/**
 * Opens or makes the file. A broken one is renamed to `<path>.broken-<Unix ms>` and a new one, with a new epoch, takes its place.
 * @throws OUTBOX_NEWER | OUTBOX_IN_USE | OUTBOX_UNUSABLE
 */
export function openOutboxFile(
  path: string,
  now: number,
  logger: Logger,
  synchronous: "FULL" | "NORMAL" = "FULL",
): OpenedOutbox {
  mkdirSync(dirname(path), { recursive: true });
  try {
    return { db: open(path, synchronous) };
  } catch (error) {
    if (error instanceof OutboxError) throw error;
    if (sqliteCode(error) === SQLITE_BUSY)
      throw new OutboxError("OUTBOX_IN_USE", `${path} is held by another gateway process`, { cause: error });
    if (!isCorruption(error))
      throw new OutboxError("OUTBOX_UNUSABLE", `${path}: ${errorMessage(error)}`, { cause: error });
    const epoch = epochOf(path);
    const file = quarantine(path, now);
    logger.error({ file, cause: errorMessage(error) }, "outbox file broken: moved aside, starting a new one");
    return { db: open(path, synchronous), quarantined: { file, ...(epoch === undefined ? {} : { epoch }) } };
  }
}

/** Runs `work` in one transaction: all of it or nothing. */
export function inTransaction(db: DatabaseSync, work: () => void): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    work();
    db.exec("COMMIT");
  } catch (error) {
    // some failures have ended the transaction already
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
