import type { DatabaseSync } from "node:sqlite";
import { errorCode } from "#core/errors.ts";
import type { Compaction } from "./compaction.ts";
import { decodeLayout1 } from "./layout-1.ts";
import { decodeLog } from "./log-codec.ts";
import { RowAppender, type SampleRows, sliceRows } from "./sample-rows.ts";
import { commitUpgrade } from "./schema.ts";

/** An upgrade holds no more rows in memory. */
const UPGRADE_ROWS = 1_048_576;

/** What the log is read with when a file is opened. */
export interface LogParts {
  readonly db: DatabaseSync;
  readonly compaction: Compaction;
  readonly transaction: <T>(work: () => T) => T;
  /** Something cannot be read and was set aside. */
  readonly onDamaged: (what: string) => void;
}

interface Block {
  readonly series: Uint32Array;
  readonly rows: SampleRows;
}

/** A block that cannot be read is set aside: the others are worth having. */
function readOrSetAside(parts: LogParts, data: Uint8Array, what: string, read: () => Block): Block | undefined {
  try {
    return read();
  } catch (error) {
    if (errorCode(error) !== "HISTORY_CORRUPT") throw error;
    parts.transaction(() => parts.db.prepare("INSERT INTO damaged(what, data) VALUES(?,?)").run(what, data));
    parts.onDamaged(what);
    return undefined;
  }
}

/** Reads the log into memory. @throws DB_* */
export function recoverLog(parts: LogParts): void {
  const { db, compaction } = parts;
  const progress = db.prepare("SELECT upto, done FROM progress").get();
  const upto = Number(progress?.["upto"] ?? 0);
  const done = Number(progress?.["done"] ?? 0);
  const left = new RowAppender(16);
  const leftSeries: number[] = [];
  const damaged: number[] = [];
  // Read one by one: all at once they are a copy of the whole log.
  for (const row of db.prepare("SELECT seq, n, data FROM log ORDER BY seq").iterate()) {
    const seq = Number(row["seq"]);
    const data = row["data"] as Uint8Array;
    const what = `${Number(row["n"])} samples of one commit (record ${seq} of the log)`;
    const record = readOrSetAside(parts, data, what, () => decodeLog(data));
    if (record === undefined) damaged.push(seq);
    else if (seq > upto) compaction.keep(seq, record.series, record.rows);
    else
      for (const [i, series] of record.series.entries())
        if (series > done) {
          left.add(record.rows, i);
          leftSeries.push(series);
        }
  }
  for (const seq of damaged) parts.transaction(() => db.prepare("DELETE FROM log WHERE seq=?").run(seq));
  if (progress !== undefined) logAnew(parts, upto, sliceRows(left.rows, 0, left.rows.length), leftSeries);
}

/** A compaction did not come to its end: what it had not come to is logged anew, so that the old records can go. */
function logAnew(
  { db, compaction, transaction }: LogParts,
  upto: number,
  rows: SampleRows,
  of: readonly number[],
): void {
  const series = Uint32Array.from(of);
  const seq = transaction(() => {
    db.prepare("DELETE FROM log WHERE seq<=?").run(upto);
    db.prepare("DELETE FROM progress").run();
    return rows.length === 0 ? 0 : compaction.log(series, rows);
  });
  if (seq > 0) compaction.keep(seq, series, rows);
}

/** Takes over what a file of the first layout holds, in the transaction that `openForWriting` has begun, and ends it. @throws DB_* */
export function upgradeFromLayout1(parts: LogParts): void {
  const { db, compaction } = parts;
  for (const table of ["old_chunks", "old_log"])
    for (const row of db.prepare(`SELECT n, data FROM ${table} ORDER BY rowid`).iterate()) {
      const data = row["data"] as Uint8Array;
      const what = `${Number(row["n"])} samples of the file's first layout (${table})`;
      const block = readOrSetAside(parts, data, what, () => decodeLayout1(data));
      if (block === undefined) continue;
      const seq = compaction.log(block.series, block.rows);
      compaction.keep(seq, block.series, block.rows);
      while (compaction.rows > UPGRADE_ROWS) {
        compaction.begin();
        while (compaction.isRunning) compaction.slice(() => false);
      }
    }
  commitUpgrade(db);
}
