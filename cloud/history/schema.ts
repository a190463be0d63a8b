import { existsSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { HubError } from "#core/errors.ts";
import { dbError, openSqlite } from "../db/dialect.ts";

/** Layout of telemetry.db; PRAGMA user_version. */
export const LAYOUT_VERSION = 2;

/** Tables that every layout has had. */
const KEYS = `
CREATE TABLE series(id INTEGER PRIMARY KEY, point TEXT NOT NULL UNIQUE);
CREATE TABLE epochs(id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, epoch TEXT NOT NULL, UNIQUE(gateway, epoch));
CREATE TABLE ranges(epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY(epoch, first)) WITHOUT ROWID;`;

/*
 * log: one record a commit, until its rows are in chunks. chunks: rows of one series; chunks of one series never overlap in
 * time, so a sample is in exactly one. `numbers`: usable numbers in it. summaries: hourly, by day, group of series and part
 * (see summary-store.ts). damaged: what cannot be read any more, kept for whoever may want to repair it.
 * progress: at most one row, while the log up to `upto` is being turned into chunks: series up to `done` are through, so
 * their rows up to there count no more.
 */
const DATA = `
CREATE TABLE log(seq INTEGER PRIMARY KEY, n INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE chunks(id INTEGER PRIMARY KEY, series INTEGER NOT NULL, t_from INTEGER NOT NULL, t_to INTEGER NOT NULL,
  n INTEGER NOT NULL, numbers INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX chunks_time ON chunks(series, t_from);
CREATE INDEX chunks_small ON chunks(series, t_from) WHERE n < 512;
CREATE TABLE summaries(id INTEGER PRIMARY KEY, data BLOB NOT NULL, extra BLOB NOT NULL);
CREATE INDEX summaries_parts ON summaries(id) WHERE id & 1023 > 0;
CREATE TABLE damaged(id INTEGER PRIMARY KEY, what TEXT NOT NULL, data BLOB NOT NULL);
CREATE TABLE progress(upto INTEGER NOT NULL, done INTEGER NOT NULL);
CREATE TABLE retention(raw_before INTEGER NOT NULL);
PRAGMA user_version=${LAYOUT_VERSION};`;

/** Small pages waste the ends of chunks and of long blobs. */
const PAGE_BYTES = 16_384;
/** A writer looks at what it appends to; a reader at a few chunks. */
const CACHE_KIB = 16_384;

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
}

/** A whole copy beside the file: written aside first, so that a half copy is never taken for one. */
function backUp(db: DatabaseSync, file: string, version: number): string {
  const target = `${file}.before-upgrade-from-${version}`;
  const partial = `${target}.partial`;
  if (existsSync(partial)) rmSync(partial);
  db.prepare("VACUUM INTO ?").run(partial);
  renameSync(partial, target);
  return target;
}

/** What was found when the file was opened. */
export interface OpenedFile {
  readonly db: DatabaseSync;
  /** The file is of an older layout: `upgrade` what it holds, then commit. */
  readonly upgrade?: { readonly from: number; readonly backup: string };
}

/**
 * Opens the file for the one who writes, and makes its tables. A file of an older layout comes back inside a transaction, with
 * its old tables named `old_log` and `old_chunks`: whoever upgrades ends the transaction.
 * @throws HISTORY_NEWER, DB_*
 */
export function openForWriting(file: string): OpenedFile {
  let db: DatabaseSync | undefined;
  try {
    db = openSqlite(file);
    const version = versionOf(db);
    if (version > LAYOUT_VERSION)
      throw new HubError(
        "HISTORY_NEWER",
        `${file} was written by a newer version of Parkhub (layout ${version}, this one knows ${LAYOUT_VERSION})`,
      );
    if (version === 0) {
      // The page size can only be chosen before the first page, and not in WAL mode.
      db.exec(`PRAGMA journal_mode=DELETE; PRAGMA page_size=${PAGE_BYTES}; VACUUM; PRAGMA journal_mode=WAL`);
      db.exec(`BEGIN IMMEDIATE; ${KEYS} ${DATA} COMMIT`);
    }
    // Checkpoints are taken between writes, not inside one.
    db.exec(`PRAGMA cache_size=-${CACHE_KIB}; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864`);
    if (version !== 1) return { db };
    const backup = backUp(db, file, version);
    db.exec(`BEGIN IMMEDIATE; ALTER TABLE log RENAME TO old_log; ALTER TABLE chunks RENAME TO old_chunks;
      DROP INDEX chunks_time; ${DATA}`);
    return { db, upgrade: { from: version, backup } };
  } catch (error) {
    db?.close();
    throw dbError(error, `cannot open ${file}`);
  }
}

/** Ends the upgrade that `openForWriting` has begun. */
export function commitUpgrade(db: DatabaseSync): void {
  db.exec("DROP TABLE old_log; DROP TABLE old_chunks; COMMIT");
}

/** Opens the file for a reader: what it reads in one transaction stays as it is, whatever is written meanwhile. */
export function openForReading(file: string): DatabaseSync {
  try {
    const db = new DatabaseSync(file, { readOnly: true });
    db.exec("PRAGMA busy_timeout=3000; PRAGMA cache_size=-8192; PRAGMA mmap_size=268435456");
    return db;
  } catch (error) {
    throw dbError(error, `cannot read ${file}`);
  }
}
