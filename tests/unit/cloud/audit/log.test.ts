import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditChain } from "#cloud/audit/log.ts";
import type { Db } from "#cloud/db/database.ts";
import { MIGRATIONS } from "#cloud/db/migrations/index.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";

let folder: string;
let db: Db;
let chain: AuditChain;
let now: number;
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "parkhub-audit-"));
  db = await openRecords(path.join(folder, "records.db"));
  now = 1_700_000_000_000;
  chain = new AuditChain(db, () => now++);
});
afterEach(async () => {
  await db.close();
  rmSync(folder, { recursive: true });
});

const write = (count: number, of = chain): void => {
  for (let i = 1; i <= count; i++)
    of.append({
      actor: "li.wei",
      action: "alarm.acknowledge",
      target: `alarm-${i}`,
      result: "ok",
      detail: { n: i },
      ip: "::1",
    });
};
const rows = () => db.sync.all(db.kysely.selectFrom("audit").selectAll().orderBy("seq"));
const row = (seq: number) => {
  const found = rows().find((one) => one.seq === seq);
  if (found === undefined) throw new Error(`no row ${seq}`);
  return found;
};

describe("the audit log", () => {
  it("numbers its rows from 1 without a gap, each hashed with the one before", () => {
    write(3);
    expect(rows().map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(row(1).prev_hash).toBe("0".repeat(64));
    expect(row(2).prev_hash).toBe(row(1).hash);
    expect(row(3).hash).toMatch(/^[0-9a-f]{64}$/);
    expect(chain.verify()).toBeUndefined();
  });

  it("goes on where it was after a restart", async () => {
    write(2);
    await db.close();
    db = await openRecords(path.join(folder, "records.db"));
    chain = new AuditChain(db, () => now++);
    write(2);
    expect(rows().map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(chain.verify()).toBeUndefined();
  });

  it("is whole when it is empty, and over more rows than are read at once", () => {
    expect(chain.verify()).toBeUndefined();
    db.sync.transaction(() => write(2_500));
    expect(chain.verify()).toBeUndefined();
    db.sync.run(db.kysely.updateTable("audit").set({ actor: "x" }).where("seq", "=", 2_001));
    expect(chain.verify()).toBe(2_001);
  });

  it("is written with what it records or not at all", () => {
    write(1);
    expect(() =>
      db.sync.transaction(() => {
        write(1);
        throw new Error("the act failed");
      }),
    ).toThrow("the act failed");
    expect(rows()).toHaveLength(1);
    write(1);
    expect(chain.verify()).toBeUndefined();
  });

  it("stays whole when somebody asks for a name that no database keeps as it was given", () => {
    for (const target of ["a \0 inside", "half a \ud83d sign"])
      chain.append({
        actor: target,
        action: "command.write",
        target,
        result: "refused",
        detail: { target },
        ip: target,
      });
    expect(chain.verify()).toBeUndefined();
  });

  it("is read newest first, page by page", () => {
    write(5);
    const first = chain.list({ limit: 2, count: true });
    expect([first.items.map(({ seq }) => seq), first.total]).toEqual([[5, 4], 5]);
    write(1);
    const second = chain.list({ limit: 2, ...(first.nextCursor ? { cursor: first.nextCursor } : {}) });
    expect(second.items.map(({ seq }) => seq)).toEqual([3, 2]);
    const last = chain.list({ limit: 2, ...(second.nextCursor ? { cursor: second.nextCursor } : {}) });
    expect([last.items.map(({ seq }) => seq), last.nextCursor]).toEqual([[1], undefined]);
    expect(last.items[0]).toMatchObject({
      at: "2023-11-14T22:13:20.000Z",
      actor: "li.wei",
      action: "alarm.acknowledge",
      target: "alarm-1",
      detail: { n: 1 },
      ip: "::1",
    });
    expect(() => chain.list({ limit: 2, cursor: "nonsense" })).toThrow(
      expect.objectContaining({ code: "CURSOR_INVALID" }),
    );
  });
});

describe("verification", () => {
  beforeEach(() => write(5));

  it.each([
    ["at", 1],
    ["actor", "somebody"],
    ["action", "alarm.reset"],
    ["target", "alarm-9"],
    ["target", null],
    ["result", "refused"],
    ["detail", '{"n":4}'],
    ["detail", null],
    ["ip", null],
    ["prev_hash", "f".repeat(64)],
    ["hash", "f".repeat(64)],
  ] as const)("finds a row whose %s was changed to %s", (column, value) => {
    db.sync.run(
      db.kysely
        .updateTable("audit")
        .set({ [column]: value })
        .where("seq", "=", 3),
    );
    expect(chain.verify()).toBe(3);
  });

  it.each([1, 3, 5])("finds that row %i was removed", (seq) => {
    db.sync.run(db.kysely.deleteFrom("audit").where("seq", "=", seq));
    expect(chain.verify()).toBe(seq);
  });

  it("finds that the last rows were removed, also when others have been written since, and that all were", () => {
    db.sync.run(db.kysely.deleteFrom("audit").where("seq", ">", 3));
    expect(chain.verify()).toBe(4);
    write(1);
    expect(chain.verify()).toBe(4);
    db.sync.run(db.kysely.deleteFrom("audit"));
    expect(chain.verify()).toBe(1);
  });

  it("finds a row that was inserted at the end, and recording goes on", () => {
    // Made by the chain's own rule, so that it fits the row before it; only the kept end gives it away.
    write(1);
    const forged = row(6);
    const { seq, hash } = row(5);
    db.sync.run(db.kysely.updateTable("audit_head").set({ seq, hash }));
    expect(row(6)).toEqual(forged);
    expect(chain.verify()).toBe(6);
    write(1);
    expect(rows().at(-1)?.seq).toBe(7);
    expect(chain.verify()).toBe(7);
  });

  it("finds a last row that was replaced by another that fits the one before it", () => {
    const head = db.sync.get(db.kysely.selectFrom("audit_head").selectAll());
    db.sync.run(db.kysely.deleteFrom("audit").where("seq", "=", 5));
    db.sync.run(db.kysely.updateTable("audit_head").set({ seq: 4, hash: row(4).hash }));
    write(1);
    db.sync.run(db.kysely.updateTable("audit_head").set(head ?? {}));
    expect(row(5).prev_hash).toBe(row(4).hash);
    expect(chain.verify()).toBe(5);
  });

  it("finds two rows that were swapped", () => {
    const [three, four] = [row(3), row(4)];
    db.sync.run(db.kysely.deleteFrom("audit").where("seq", "in", [3, 4]));
    db.sync.run(
      db.kysely.insertInto("audit").values([
        { ...three, seq: 4 },
        { ...four, seq: 3 },
      ]),
    );
    expect(chain.verify()).toBe(3);
  });
});

/** The first row of a log; the hash was made by Python's hashlib, not by our code. */
const FIRST_ROW = {
  seq: 1,
  at: 1_700_000_000_000,
  actor: "li.wei",
  action: "session.signIn",
  target: null,
  result: "ok",
  detail: null,
  ip: null,
  prev_hash: "0".repeat(64),
  hash: "f412b41733cdb6e876dbe9e15c8a79587527b666980c4cb70d12aebde3a1d9bf",
} as const;

it("takes over a log that was written before its end was kept", async () => {
  const before = Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => name < "0005"));
  const file = path.join(folder, "older.db");
  const older = await openRecords(file, before);
  older.sync.run(older.kysely.insertInto("audit").values(FIRST_ROW));
  await older.close();
  const upgraded = await openRecords(file);
  const log = new AuditChain(upgraded, () => now);
  expect(log.verify()).toBeUndefined();
  write(1, log);
  expect([log.verify(), log.list({ limit: 9 }).items.map(({ seq }) => seq)]).toEqual([undefined, [2, 1]]);
  await upgraded.close();
});
