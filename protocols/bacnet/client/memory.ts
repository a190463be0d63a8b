import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errorMessage, HubError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Learned } from "./abilities.ts";
import type { Lease } from "./writing/lease.ts";

const FILE = "devices.db";
const VERSION = 1;
const MOST_LEARNED = 5000;
/** A driver that was ended by force may still hold the file for a moment, ms. */
const BUSY_MS = 2000;
const SCHEMA = `
CREATE TABLE learned(instance INTEGER PRIMARY KEY, at INTEGER NOT NULL, value TEXT NOT NULL);
CREATE TABLE subscriber(id INTEGER PRIMARY KEY CHECK (id = 1), process INTEGER NOT NULL);
CREATE TABLE lease(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE note(kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;
PRAGMA user_version = ${VERSION};`;

function open(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
    if (version > VERSION) {
      throw new HubError("BACNET_MEMORY_NEWER", `${path} was written by a newer Parkhub (version ${version})`);
    }
    const found = db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
    if (found !== "ok") throw new Error(`${path}: ${String(found)}`);
    if (version === 0) db.exec(`BEGIN; ${SCHEMA} COMMIT`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * What a channel keeps over a restart, in one SQLite file of its folder: what its devices can take, and the leases of what was
 * written to them. The file is made when the first thing is to be kept.
 */
export class DeviceMemory {
  readonly #folder: string;
  readonly #logger: Logger;
  #db: DatabaseSync | undefined;
  #closed = false;

  /** Opens the file where there is one; a broken one is moved aside and told. @throws BACNET_MEMORY_NEWER */
  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
    const path = join(folder, FILE);
    if (existsSync(path)) this.#db = this.#openOrReplace(path);
  }

  /** What was learned of a device. */
  learned(instance: number): Learned | undefined {
    const row = this.#db?.prepare("SELECT value FROM learned WHERE instance=?").get(instance);
    return row === undefined ? undefined : (JSON.parse(String(row["value"])) as Learned);
  }

  /** Keeps what was learned; when the disk refuses, it is learned anew after the next start. */
  learn(instance: number, learned: Learned): void {
    try {
      const db = this.#opened();
      db.prepare("INSERT OR REPLACE INTO learned VALUES(?,?,?)").run(instance, learned.at, JSON.stringify(learned));
      db.prepare(
        "DELETE FROM learned WHERE instance IN (SELECT instance FROM learned ORDER BY at DESC LIMIT -1 OFFSET ?)",
      ).run(MOST_LEARNED);
    } catch (error) {
      this.#logger.warn({ instance, cause: errorMessage(error) }, "what was learned of a device could not be kept");
    }
  }

  /** Takes the place of the subscriber process of the former start, and gives that; undefined where none is known. */
  replaceProcess(process: number): number | undefined {
    try {
      const db = this.#opened();
      const former = db.prepare("SELECT process FROM subscriber").get()?.["process"];
      db.prepare("INSERT OR REPLACE INTO subscriber VALUES(1,?)").run(process);
      return former === undefined ? undefined : Number(former);
    } catch (error) {
      this.#logger.warn({ cause: errorMessage(error) }, "the subscriber process of this start could not be kept");
      return undefined;
    }
  }

  /** Every lease by its key. */
  leases(): ReadonlyMap<string, Lease> {
    const rows = this.#db?.prepare("SELECT key, value FROM lease").all() ?? [];
    return new Map(rows.map((row) => [String(row["key"]), JSON.parse(String(row["value"])) as Lease]));
  }

  /** The lease is on the disk when this returns. @throws what the disk says */
  keep(key: string, lease: Lease): void {
    this.#opened().prepare("INSERT OR REPLACE INTO lease VALUES(?,?)").run(key, JSON.stringify(lease));
  }

  /** @throws what the disk says */
  drop(key: string): void {
    this.#db?.prepare("DELETE FROM lease WHERE key=?").run(key);
  }

  /** What `remember` kept under this kind and key, as plain data. */
  remembered(kind: string, key: string): unknown {
    const row = this.#db?.prepare("SELECT value FROM note WHERE kind=? AND key=?").get(kind, key);
    return row === undefined ? undefined : JSON.parse(String(row["value"]));
  }

  /** All that is kept of a kind, as key and plain data. */
  rememberedAll(kind: string): readonly (readonly [key: string, value: unknown])[] {
    const rows = this.#db?.prepare("SELECT key, value FROM note WHERE kind=?").all(kind) ?? [];
    return rows.map((row) => [String(row["key"]), JSON.parse(String(row["value"]))]);
  }

  /** Keeps plain data; when the disk refuses, it is found out anew after the next start. */
  remember(kind: string, key: string, value: unknown): void {
    try {
      this.#opened().prepare("INSERT OR REPLACE INTO note VALUES(?,?,?)").run(kind, key, JSON.stringify(value));
    } catch (error) {
      this.#logger.warn({ kind, key, cause: errorMessage(error) }, "what is known of a device could not be kept");
    }
  }

  /** Drops what was kept; when the disk refuses, it comes up again after the next start. */
  forget(kind: string, key: string): void {
    try {
      this.#db?.prepare("DELETE FROM note WHERE kind=? AND key=?").run(kind, key);
    } catch (error) {
      this.#logger.warn({ kind, key, cause: errorMessage(error) }, "what was known of a device could not be dropped");
    }
  }

  /** What is to be kept afterwards is not, and logged. */
  close(): void {
    this.#closed = true;
    this.#db?.close();
    this.#db = undefined;
  }

  #opened(): DatabaseSync {
    if (this.#closed) throw new Error("the channel has ended");
    if (this.#db === undefined) {
      mkdirSync(this.#folder, { recursive: true });
      this.#db = this.#openOrReplace(join(this.#folder, FILE));
    }
    return this.#db;
  }

  #openOrReplace(path: string): DatabaseSync {
    try {
      return open(path);
    } catch (error) {
      if (error instanceof HubError) throw error;
      this.#logger.error(
        { cause: errorMessage(error) },
        "memory of the BACnet devices is broken and begun anew: values written before must be given back by hand",
      );
      renameSync(path, `${path}.broken`);
      return open(path);
    }
  }
}
