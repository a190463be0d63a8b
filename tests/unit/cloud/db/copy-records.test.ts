import { sql } from "kysely";
import { afterEach, beforeEach, expect, it } from "vitest";
import { headOf, verifyJournal } from "#cloud/alarms/journal-chain.ts";
import { AuditChain } from "#cloud/audit/log.ts";
import { tablesOf } from "#cloud/db/catalogue.ts";
import { type CopyProgress, copyRecords } from "#cloud/db/copy-records.ts";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { MIGRATIONS } from "#cloud/db/migrations/index.ts";
import { JOURNAL_GENESIS } from "#core/journal-chain.ts";
import { silentLogger } from "#core/logger.ts";
import { AlarmHistory, aFacilityAlarm } from "#tests/fixtures/cloud/alarm-history.ts";
import { openRecords, runSql } from "#tests/fixtures/cloud/record-databases.ts";

const AUDIT_ROWS = 1200;

let from: Db;
let to: Db;
beforeEach(async () => {
  from = await openDatabase(":memory:", silentLogger);
  to = await openRecords(":memory:");
  fill(from);
});
afterEach(async () => {
  runSql(to, sql`drop table if exists parkhub_copy`);
  await from.close();
  await to.close();
});

const auditOf = (db: Db): AuditChain => new AuditChain(db, () => 1_790_000_000_000);
const notice = (text: string) => ({
  ...{ id: text, at: 1, text, text_en: "", popup: 1 },
  ...{ camera: null, alarm: null, rule: null },
});
const add = (db: Db, text: string): number =>
  db.sync.get(db.kysely.insertInto("notices").values(notice(text)).returning("seq"))?.seq ?? 0;
const texts = (db: Db): string[] =>
  db.sync.all(db.kysely.selectFrom("notices").select("text").orderBy("seq")).map(({ text }) => text);

/** Records of several shapes: long tables, keys of several columns, bytes, numbers with gaps, texts of any kind. */
function fill(db: Db): void {
  const { kysely, sync } = db;
  const audit = auditOf(db);
  sync.transaction(() => {
    for (let i = 0; i < AUDIT_ROWS; i++)
      audit.append({ actor: "li.wei", action: "test", target: `t${i}`, result: "ok" });
    for (const epoch of ["b", "a", "B"])
      sync.run(
        kysely.insertInto("lane_gaps").values({
          ...{ gateway: "p/g", lane: "events", epoch, from_offset: 1 },
          ...{ to_offset: Number.MAX_SAFE_INTEGER, reason: "中文 'quoted' \\", at: 1 },
        }),
      );
    sync.run(
      kysely.insertInto("gateway_credentials").values({
        ...{ gateway: "p/g", username: "u", created_at: 1 },
        ...{ salt: Uint8Array.from([0, 255]), hash: new Uint8Array(0) },
      }),
    );
    for (const text of ["first", "second", "last"]) add(db, text);
    sync.run(kysely.deleteFrom("notices").where("text", "=", "last"));
  });
}

/** Stops in the middle, as a process that is killed. */
const stopAfter = (rows: number): CopyProgress => {
  return (table, copied) => {
    if (table === "audit" && copied >= rows) throw new Error("killed");
  };
};

it("copies every row of every table, and says how many", async () => {
  const copied = await copyRecords(from, to);
  expect(copied.map(({ table }) => table)).toEqual(tablesOf(from).map(({ name }) => name));
  expect(copied.find(({ table }) => table === "audit")?.rows).toBe(AUDIT_ROWS);
  for (const { name, key } of tablesOf(from)) {
    const order = sql.join(key.map((column) => sql.ref(column)));
    const rows = (db: Db) => runSql(db, sql`select * from ${sql.table(name)} order by ${order}`);
    expect(rows(to)).toEqual(rows(from));
  }
  expect(auditOf(to).verify()).toBeUndefined();
});

it("numbers new rows behind every number that the source has ever given", async () => {
  await copyRecords(from, to);
  expect([texts(to), add(to, "new")]).toEqual([["first", "second"], 4]);
});

it("carries the journal of the alarms with its chain, which goes on in the target", async () => {
  const happen = (db: Db, id: string) =>
    new AlarmHistory(db).happened(aFacilityAlarm(id, 1_790_000_000_000), "raised", 1_790_000_000_000);
  expect(headOf(to)).toEqual({ seq: 0, hash: JOURNAL_GENESIS });
  happen(from, "a");
  happen(from, "b");
  await copyRecords(from, to);
  expect(headOf(to)).toEqual(headOf(from));
  happen(to, "c");
  expect(await verifyJournal(to)).toMatchObject({ entries: 3, head: { seq: 3 } });
  expect((await verifyJournal(to)).brokenAt).toBeUndefined();
});

it("goes on where it was stopped, without doing anything twice", async () => {
  await expect(copyRecords(from, to, stopAfter(600))).rejects.toThrow("killed");
  const steps: number[] = [];
  await copyRecords(from, to, (table, rows) => {
    if (table === "audit") steps.push(rows);
  });
  expect(steps[0]).toBeGreaterThan(600);
  expect(steps.at(-1)).toBe(AUDIT_ROWS);
  expect(auditOf(to).verify()).toBeUndefined();
});

it("copies a table again that the source has changed while the copy was stopped", async () => {
  await expect(copyRecords(from, to, stopAfter(600))).rejects.toThrow("killed");
  from.sync.run(from.kysely.updateTable("audit").set({ actor: "changed" }).where("seq", "=", 3));
  await copyRecords(from, to);
  const row = to.sync.get(to.kysely.selectFrom("audit").select("actor").where("seq", "=", 3));
  expect(row).toEqual({ actor: "changed" });
});

it("says the same when it is done again, and refuses once the target lives on", async () => {
  const copied = await copyRecords(from, to);
  expect(await copyRecords(from, to)).toEqual(copied);
  add(to, "of its own");
  await expect(copyRecords(from, to)).rejects.toMatchObject({ code: "DB_COPY_TARGET" });
  expect(texts(to)).toContain("of its own");
});

it("refuses a target that holds records, and leaves it as it is", async () => {
  add(to, "of its own");
  await expect(copyRecords(from, to)).rejects.toMatchObject({ code: "DB_COPY_TARGET" });
  expect(texts(to)).toEqual(["of its own"]);
});

it("refuses a source of another version", async () => {
  const older = Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => name < "0006"));
  const old = await openDatabase(":memory:", silentLogger, older);
  await expect(copyRecords(old, to)).rejects.toMatchObject({ code: "DB_COPY_SCHEMA" });
  await old.close();
});
