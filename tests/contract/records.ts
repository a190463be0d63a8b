import { type Kysely, sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { holdsText } from "#cloud/db/dialect.ts";
import { MIGRATIONS } from "#cloud/db/migrations/index.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";

const blob = (sha256: string, size = 1) => ({ sha256, content_type: "image/jpeg", size, created_at: 1 });
const notice = (id: string) => ({ id, at: 1, text: "", text_en: "", popup: 0, camera: null, alarm: null, rule: null });
const quarantined = (topic: string, bytes: Uint8Array, at = 1) => ({
  ...{ gateway: "p/g", at, topic, lane: null, epoch: null, offset: null },
  ...{ code: "C", reason: "", bytes },
});
const later = {
  up: (db: Kysely<unknown>) => db.schema.createTable("later").addColumn("id", "integer").execute(),
};

/** What every record database does alike. `folder`: where files may lie that `openRecords` is asked for. */
export function recordsContract(folder: () => string): void {
  let db: Db;
  beforeEach(async () => {
    db = await openRecords(":memory:");
  });
  afterEach(() => db.close());

  const add = (...names: string[]): void => {
    for (const name of names) db.sync.run(db.kysely.insertInto("blobs").values(blob(name)));
  };
  const names = (): string[] =>
    db.sync.all(db.kysely.selectFrom("blobs").select("sha256").orderBy("sha256")).map(({ sha256 }) => sha256);
  const constraint = expect.objectContaining({ code: "DB_CONSTRAINT", retriable: false });

  describe("a transaction", () => {
    it("is kept whole, however many writes it has", () => {
      db.sync.transaction(() => add(...Array.from({ length: 450 }, (_, i) => `n${1000 + i}`)));
      expect(names()).toHaveLength(450);
      expect(db.sync.inTransaction).toBe(false);
    });

    it("is rolled back whole when its work throws", () => {
      expect(() =>
        db.sync.transaction(() => {
          add("a", "b");
          throw new Error("no");
        }),
      ).toThrow("no");
      expect([names(), db.sync.inTransaction]).toEqual([[], false]);
    });

    it("is rolled back whole when the database refuses one of its writes, wherever that is told", () => {
      add("a");
      expect(() => db.sync.transaction(() => add("b", "a", "c"))).toThrow(constraint);
      expect(names()).toEqual(["a"]);
      db.sync.transaction(() => add("d"));
      expect(names()).toEqual(["a", "d"]);
    });

    it("shows its own writes to its own questions", () => {
      db.sync.transaction(() => {
        add("a");
        expect(names()).toEqual(["a"]);
        db.sync.run(db.kysely.deleteFrom("blobs"));
        expect(names()).toEqual([]);
      });
    });

    it("tells of each write how many rows it has changed, in any order of asking", () => {
      add("a", "b");
      const { kysely, sync } = db;
      sync.transaction(() => {
        const known = sync.run(
          kysely
            .insertInto("blobs")
            .values(blob("a"))
            .onConflict((c) => c.column("sha256").doNothing()),
        );
        const fresh = sync.run(kysely.insertInto("blobs").values([blob("c"), blob("d")]));
        const updated = sync.run(kysely.updateTable("blobs").set({ size: 7 }).where("sha256", "in", ["a", "b", "x"]));
        const deleted = sync.run(kysely.deleteFrom("blobs").where("size", "=", 1));
        expect([deleted.changes, known.changes, updated.changes, fresh.changes]).toEqual([2, 0, 2, 2]);
      });
      expect(sync.run(kysely.deleteFrom("blobs")).changes).toBe(2);
    });

    it("refuses asynchronous work and keeps nothing of it", () => {
      const work = (): never => {
        add("a");
        return Promise.resolve() as never;
      };
      expect(() => db.sync.transaction(work)).toThrow(expect.objectContaining({ code: "DB_TRANSACTION_ASYNC" }));
      expect(names()).toEqual([]);
    });

    it("inside another one undoes only its own writes when the outer one catches its error", () => {
      db.sync.transaction(() => {
        add("outer");
        for (const asks of [false, true])
          try {
            db.sync.transaction(() => {
              add("inner");
              if (asks) expect(names()).toContain("inner");
              throw new Error("inner fails");
            });
          } catch {
            add(`instead ${asks}`);
          }
      });
      expect(names()).toEqual(["instead false", "instead true", "outer"]);
    });
  });

  describe("an attempt", () => {
    it("undoes only itself when the database refuses its last write, and is told at once", () => {
      db.sync.transaction(() => {
        add("before");
        for (const name of ["one", "before", "two"])
          try {
            db.sync.attempt(() => add(`${name} too`, name));
          } catch (error) {
            expect(error).toEqual(constraint);
          }
        add("after");
      });
      expect(names()).toEqual(["after", "before", "one", "one too", "two", "two too"]);
    });

    it("undoes what lies in transactions inside it as well", () => {
      db.sync.transaction(() => {
        expect(() =>
          db.sync.attempt(() => {
            db.sync.transaction(() => add("a"));
            db.sync.transaction(() => add("a"));
          }),
        ).toThrow(constraint);
        add("b");
      });
      expect(names()).toEqual(["b"]);
    });

    it("alone is a transaction", () => {
      add("a");
      expect(() => db.sync.attempt(() => add("b", "a"))).toThrow(constraint);
      expect(names()).toEqual(["a"]);
    });
  });

  describe("a value", () => {
    it.each([
      ["the largest whole number", Number.MAX_SAFE_INTEGER],
      ["the smallest", Number.MIN_SAFE_INTEGER],
      ["nought", 0],
    ])("comes back as it was: %s", (_what, size) => {
      db.sync.run(db.kysely.insertInto("blobs").values(blob("a", size)));
      expect(db.sync.get(db.kysely.selectFrom("blobs").select(["size", "removed_at"]))).toEqual({
        size,
        removed_at: null,
      });
    });

    it.each(["", "中文 é \u{1f525}", "line\nline\ttab", `it's "quoted" \\ $1 :a ?`, "\\x41"])(
      "comes back as it was: the text %j",
      (text) => {
        db.sync.run(db.kysely.insertInto("blobs").values(blob(text)));
        expect(names()).toEqual([text]);
        expect(db.sync.get(db.kysely.selectFrom("blobs").select("size").where("sha256", "=", text))).toEqual({
          size: 1,
        });
      },
    );

    it("that is no text anywhere is kept as the replacement character, and found by what was given", () => {
      for (const text of ["nul \0 inside", "lone \ud800 surrogate"]) {
        add(text);
        expect(db.sync.get(db.kysely.selectFrom("blobs").select("sha256").where("sha256", "=", text))).toEqual({
          sha256: text.replace(/[\0\ud800]/u, "\u{fffd}"),
        });
      }
    });

    it("of bytes comes back byte for byte, of whatever memory it was a part", () => {
      const every = Uint8Array.from({ length: 256 }, (_, i) => i);
      const large = new Uint8Array(2_500_000).fill(0xa5);
      const given = [every, every.subarray(7, 9), Buffer.from("pooled"), new Uint8Array(0), large];
      db.sync.transaction(() => {
        for (const [i, bytes] of given.entries())
          db.sync.run(db.kysely.insertInto("quarantine").values(quarantined(`t${i}`, bytes)));
      });
      const rows = db.sync.all(db.kysely.selectFrom("quarantine").select("bytes").orderBy("id"));
      expect(rows.map(({ bytes }) => Buffer.from(bytes).toString("base64"))).toEqual(
        given.map((bytes) => Buffer.from(bytes).toString("base64")),
      );
      expect(rows[0]?.bytes).toBeInstanceOf(Uint8Array);
    });

    it("that is none of SQL is refused before it is sent", () => {
      const wrong = { ...blob("a"), size: { json: true } as unknown as number };
      expect(() => db.sync.run(db.kysely.insertInto("blobs").values(wrong))).toThrow(
        expect.objectContaining({ code: "DB_VALUE_INVALID" }),
      );
    });

    it("that is computed is a number: sums, counts, comparisons", () => {
      add("a", "b");
      const { kysely, sync } = db;
      const computed = kysely
        .selectFrom("blobs")
        .select((e) => [
          e.fn.countAll<number>().as("n"),
          e.fn.sum<number>("size").as("sum"),
          e.fn.max("size").as("most"),
          e.case().when("sha256", "=", "none").then(e.lit(1)).else(e.lit(0)).end().as("held"),
        ])
        .groupBy("sha256");
      expect(sync.all(computed)[0]).toEqual({ n: 1, sum: 1, most: 1, held: 0 });
    });
  });

  describe("a question", () => {
    it("orders and compares texts by their bytes", () => {
      const sorted = ["", "B", "Z", "a", "a b", "a-b", "aB", "ab", "é", "中", "\u{1f525}"];
      add(...sorted.toReversed());
      expect(names()).toEqual(sorted);
      const behind = db.kysely.selectFrom("blobs").select("sha256").where("sha256", ">", "a-b").orderBy("sha256");
      expect(db.sync.all(behind).map(({ sha256 }) => sha256)).toEqual(sorted.slice(6));
    });

    it("of an empty list finds nothing, and of none of an empty list everything", () => {
      add("a");
      const { kysely, sync } = db;
      expect(sync.all(kysely.selectFrom("blobs").select("size").where("sha256", "in", []))).toEqual([]);
      expect(sync.all(kysely.selectFrom("blobs").select("size").where("sha256", "not in", []))).toHaveLength(1);
    });

    it("finds a part of a text whatever the case it is asked in, and takes no sign for a wild card", () => {
      add("100% sure", "100 percent", "under_score", "back\\slash", "ünder");
      const found = (part: string): string[] =>
        db.sync
          .all(db.kysely.selectFrom("blobs").select("sha256").where(holdsText("sha256", part)).orderBy("sha256"))
          .map(({ sha256 }) => sha256);
      expect([found("0%"), found("R_S"), found("K\\S"), found("ÜNDER"), found("SURE")]).toEqual([
        ["100% sure"],
        ["under_score"],
        ["back\\slash"],
        ["ünder"],
        ["100% sure"],
      ]);
    });
  });

  it("numbers rows upwards, tells the number, and takes one that is given", () => {
    const { kysely, sync } = db;
    const insert = (row: ReturnType<typeof notice> & { seq?: number }) =>
      sync.get(kysely.insertInto("notices").values(row).returning("seq"))?.seq ?? 0;
    const [first, second] = [insert(notice("a")), insert(notice("b"))];
    expect(second).toBeGreaterThan(first);
    expect(insert({ ...notice("c"), seq: 5000 })).toBe(5000);
  });

  it.each([
    ["a key that is there", () => blob("a")],
    ["a missing value", () => ({ ...blob("b"), size: null as unknown as number })],
  ])("names a broken constraint by its code: %s", (_what, row) => {
    add("a");
    expect(() => db.sync.run(db.kysely.insertInto("blobs").values(row()))).toThrow(constraint);
  });

  describe("an upgrade", () => {
    const file = (): string => `${folder()}/upgraded.db`;
    const columns = async (table: string): Promise<boolean> => {
      const opened = await openRecords(file(), { ...MIGRATIONS, "9998-last": { up: () => Promise.resolve() } });
      try {
        opened.sync.all({ compile: () => sql`select * from ${sql.ref(table)}`.compile(opened.kysely) });
        return true;
      } catch {
        return false;
      } finally {
        await opened.close();
      }
    };

    it("keeps what is there; a version that does not know it refuses to start", async () => {
      const last = { ...MIGRATIONS, "9998-last": { up: () => Promise.resolve() } };
      const old = await openRecords(file(), last);
      old.sync.run(old.kysely.insertInto("blobs").values(blob("kept")));
      await old.close();
      const upgraded = await openRecords(file(), { ...last, "9999-later": later });
      expect(upgraded.sync.all(upgraded.kysely.selectFrom("blobs").select("sha256"))).toEqual([{ sha256: "kept" }]);
      await upgraded.close();
      await expect(openRecords(file(), last)).rejects.toMatchObject({
        code: "DB_NEWER",
        message: expect.stringContaining("9999-later"),
      });
    });

    it("that fails halfway leaves the schema as it was", async () => {
      const last = { ...MIGRATIONS, "9998-last": { up: () => Promise.resolve() } };
      await (await openRecords(file(), last)).close();
      const halfway = {
        async up(kysely: Kysely<unknown>): Promise<void> {
          await later.up(kysely);
          throw new Error("halfway");
        },
      };
      await expect(openRecords(file(), { ...last, "9999-later": halfway })).rejects.toThrow("halfway");
      expect(await columns("later")).toBe(false);
    });
  });
}
