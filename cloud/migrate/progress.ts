import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { PointId } from "#core/ids.ts";
import { openSqlite } from "../db/dialect.ts";

/** How far one series has come. Times are Unix ms. */
export interface SeriesProgress {
  /** Time of the first sample copied. */
  readonly first: number;
  /** Everything up to this time is in the target. */
  readonly upTo: number;
  readonly samples: number;
}

/** Layout of the file; PRAGMA user_version. */
const TABLES = `
CREATE TABLE IF NOT EXISTS series(target TEXT NOT NULL, point TEXT NOT NULL, first INTEGER NOT NULL, up_to INTEGER NOT NULL,
  samples INTEGER NOT NULL, PRIMARY KEY(target, point)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS moves(target TEXT PRIMARY KEY, begun INTEGER NOT NULL, done INTEGER) WITHOUT ROWID;`;

/**
 * What has been moved already, in a SQLite file of its own: a move that was killed goes on where it was. Targets are named by
 * their address without any secret.
 */
export class MoveProgress {
  readonly #db: DatabaseSync;
  readonly #get: StatementSync;
  readonly #set: StatementSync;
  readonly #forget: StatementSync;
  readonly #move: StatementSync;

  /** Opens or makes the file. @throws DB_* */
  constructor(file: string) {
    const db = openSqlite(file);
    db.exec(TABLES);
    this.#db = db;
    this.#get = db.prepare("SELECT first, up_to, samples FROM series WHERE target=? AND point=?");
    this.#set = db.prepare("INSERT OR REPLACE INTO series(target, point, first, up_to, samples) VALUES(?,?,?,?,?)");
    this.#forget = db.prepare("DELETE FROM series WHERE target=? AND point=?");
    this.#move = db.prepare("SELECT done FROM moves WHERE target=?");
  }

  /** Undefined: nothing of it is known to be in the target. */
  series(target: string, point: PointId): SeriesProgress | undefined {
    const row = this.#get.get(target, point);
    if (row === undefined) return undefined;
    return { first: Number(row["first"]), upTo: Number(row["up_to"]), samples: Number(row["samples"]) };
  }

  /** Durable when it returns; only called once the target has acknowledged what it says. */
  setSeries(target: string, point: PointId, { first, upTo, samples }: SeriesProgress): void {
    this.#set.run(target, point, first, upTo, samples);
  }

  /** The series is copied from its beginning next time. */
  forgetSeries(target: string, point: PointId): void {
    this.#forget.run(target, point);
  }

  /** Has a move to this target begun, and has it ended? */
  state(target: string): "unknown" | "begun" | "done" {
    const row = this.#move.get(target);
    if (row === undefined) return "unknown";
    return row["done"] === null ? "begun" : "done";
  }

  begin(target: string, now: number): void {
    this.#db.prepare("INSERT OR IGNORE INTO moves(target, begun) VALUES(?,?)").run(target, now);
  }

  end(target: string, now: number): void {
    this.#db.prepare("UPDATE moves SET done=? WHERE target=?").run(now, target);
  }

  close(): void {
    this.#db.close();
  }
}
