import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Kysely } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { dbError } from "#cloud/db/dialect.ts";
import { MIGRATIONS } from "#cloud/db/migrations/index.ts";
import { silentLogger } from "#core/logger.ts";

let folder = "";
let file = "";
const opened: Db[] = [];

async function open(migrations = MIGRATIONS): Promise<Db> {
  const db = await openDatabase(file, silentLogger, migrations);
  opened.push(db);
  return db;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parkhub-db-"));
  file = join(folder, "data", "parkhub.db");
});
afterEach(async () => {
  for (const db of opened.splice(0)) await db.close();
  rmSync(folder, { recursive: true, force: true });
});

const blob = (sha256: string) => ({ sha256, content_type: "image/jpeg", size: 1, created_at: 1 });
const added = {
  up: (db: Kysely<unknown>) => db.schema.createTable("later").addColumn("id", "integer").execute(),
};
const count = (db: Db): number => db.sync.all(db.kysely.selectFrom("blobs").select("sha256")).length;

describe("the record database", () => {
  it("keeps what was committed across closing and opening", async () => {
    const first = await open();
    first.sync.run(first.kysely.insertInto("blobs").values(blob("a")));
    await first.close();
    opened.length = 0;
    const second = await open();
    expect(second.sync.get(second.kysely.selectFrom("blobs").select(["size", "content_type"]))).toEqual({
      size: 1,
      content_type: "image/jpeg",
    });
  });

  it("writes every commit through to the disk, in WAL", async () => {
    await open();
    const other = new DatabaseSync(file);
    expect(other.prepare("PRAGMA journal_mode").get()).toMatchObject({ journal_mode: "wal" });
    other.close();
  });

  it("rolls everything back when the work throws", async () => {
    const db = await open();
    expect(() =>
      db.sync.transaction(() => {
        db.sync.run(db.kysely.insertInto("blobs").values(blob("a")));
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(count(db)).toBe(0);
    expect(db.sync.inTransaction).toBe(false);
  });

  it("undoes only the inner transaction when the outer one catches its error", async () => {
    const db = await open();
    db.sync.transaction(() => {
      db.sync.run(db.kysely.insertInto("blobs").values(blob("outer")));
      try {
        db.sync.transaction(() => {
          db.sync.run(db.kysely.insertInto("blobs").values(blob("inner")));
          throw new Error("inner fails");
        });
      } catch {
        db.sync.run(db.kysely.insertInto("blobs").values(blob("instead")));
      }
    });
    const rows = db.sync.all(db.kysely.selectFrom("blobs").select("sha256").orderBy("sha256"));
    expect(rows.map((row) => row.sha256)).toEqual(["instead", "outer"]);
  });

  it("refuses asynchronous work inside a transaction and keeps nothing of it", async () => {
    const db = await open();
    const work = (): never => {
      db.sync.run(db.kysely.insertInto("blobs").values(blob("a")));
      return Promise.resolve() as never;
    };
    expect(() => db.sync.transaction(work)).toThrow(expect.objectContaining({ code: "DB_TRANSACTION_ASYNC" }));
    expect(count(db)).toBe(0);
  });

  it("names a broken constraint by its code and says that trying again is useless", async () => {
    const db = await open();
    const insert = db.kysely.insertInto("blobs").values(blob("a"));
    db.sync.run(insert);
    expect(() => db.sync.run(insert)).toThrow(expect.objectContaining({ code: "DB_CONSTRAINT", retriable: false }));
  });

  it("tells a full disk from a mistake: it is retriable and leaves no half transaction", async () => {
    const db = await open();
    const limiter = db.kysely.selectFrom("blobs").select("sha256");
    db.sync.all(limiter);
    const { sql } = await import("kysely");
    db.sync.all({ compile: () => sql`PRAGMA max_page_count=40`.compile(db.kysely) });
    const fill = (): void =>
      db.sync.transaction(() => {
        for (let i = 0; i < 100_000; i++) db.sync.run(db.kysely.insertInto("blobs").values(blob(`${i}-padding`)));
      });
    expect(fill).toThrow(expect.objectContaining({ code: "DB_FULL", retriable: true }));
    expect(db.sync.inTransaction).toBe(false);
    expect(count(db)).toBe(0);
  });

  it("refuses a file that a newer version has written, and leaves it as it is", async () => {
    const newer = await open({ ...MIGRATIONS, "9999-later": added });
    await newer.close();
    opened.length = 0;
    await expect(open()).rejects.toMatchObject({ code: "DB_NEWER", message: expect.stringContaining("9999-later") });
  });

  it("backs the file up before it changes an existing schema", async () => {
    const old = await open();
    old.sync.run(old.kysely.insertInto("blobs").values(blob("kept")));
    await old.close();
    opened.length = 0;
    await open({ ...MIGRATIONS, "9999-later": added });
    const backup = readdirSync(join(folder, "data")).find((name) => name.includes("before-upgrade-from"));
    expect(backup).toBeDefined();
    const copy = new DatabaseSync(join(folder, "data", backup ?? ""));
    expect(copy.prepare("SELECT sha256 FROM blobs").all()).toEqual([{ sha256: "kept" }]);
    expect(copy.prepare("SELECT 1 FROM sqlite_schema WHERE name='later'").get()).toBeUndefined();
    copy.close();
  });

  it("keeps pictures, commands and device events of before there were clips", async () => {
    const former = Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => name < "0007"));
    const old = await open(former);
    await old.close();
    opened.length = 0;
    const raw = new DatabaseSync(file);
    raw.exec(
      "INSERT INTO blobs (sha256, content_type, size, retention, created_at) VALUES ('a', 'image/jpeg', 9, 'alarm', 1)",
    );
    raw.exec(
      "INSERT INTO device_events (id, device, kind, observed_at, document) VALUES ('e', 'p/g/d', 'motion', 1, '{}')",
    );
    raw.close();
    const { sync, kysely } = await open();
    expect(sync.get(kysely.selectFrom("blobs").selectAll())).toEqual({
      sha256: "a",
      content_type: "image/jpeg",
      size: 9,
      created_at: 1,
      removed_at: null,
    });
    expect(sync.get(kysely.selectFrom("device_events").select(["id", "door", "space"]))).toEqual({
      id: "e",
      door: null,
      space: null,
    });
  });

  it("leaves the schema as it was when a migration fails halfway", async () => {
    const old = await open();
    await old.close();
    opened.length = 0;
    const halfway = {
      async up(db: Kysely<unknown>): Promise<void> {
        await added.up(db);
        throw new Error("halfway");
      },
    };
    await expect(open({ ...MIGRATIONS, "9999-later": halfway })).rejects.toThrow("halfway");
    const again = await open();
    expect(count(again)).toBe(0);
    expect(existsSync(file)).toBe(true);
  });

  it("says so when the file is no database", async () => {
    const db = await open();
    await db.close();
    opened.length = 0;
    for (const name of readdirSync(join(folder, "data"))) rmSync(join(folder, "data", name));
    writeFileSync(file, "this is a text file and not a database, long enough to be read as a header".repeat(50));
    await expect(open()).rejects.toMatchObject({ code: "DB_CORRUPT" });
  });
});

describe("an error of the database", () => {
  const sqlite = (errcode: number): Error => Object.assign(new Error("refused"), { errcode });

  it.each([
    ["busy", 5, "DB_BUSY"],
    ["out of memory", 7, "DB_IO"],
    ["of the disk", 10 | (3 << 8), "DB_IO"],
    ["full", 13, "DB_FULL"],
    ["without a file handle left", 14, "DB_IO"],
  ])("that is %s may pass: nothing is condemned for it", (_what, errcode, code) => {
    expect(dbError(sqlite(errcode), "write")).toMatchObject({ code, retriable: true });
  });

  it("that breaks a constraint stays", () => {
    expect(dbError(sqlite(19), "write")).toMatchObject({ code: "DB_CONSTRAINT", retriable: false });
  });
});
