import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { sql } from "kysely";
import { describe, expect, it, onTestFinished } from "vitest";
import { verifyJournal } from "#cloud/alarms/journal-chain.ts";
import { AlarmJournal } from "#cloud/alarms/journal-store.ts";
import { MIGRATIONS } from "#cloud/db/migrations/index.ts";
import { JOURNAL_GENESIS } from "#core/journal-chain.ts";
import { openRecords, runSql } from "#tests/fixtures/cloud/record-databases.ts";
import { alarmOf, GATEWAY, happeningOf, JournalPark, START } from "./journal-park.ts";

describe("the alarm journal", () => {
  it("keeps what the alarm said, who did it, where and why, and the clock of who told it", async () => {
    const park = await JournalPark.open();
    const alarm = alarmOf("a-1");
    park.journal.write(happeningOf(alarm, { toldBy: GATEWAY }));
    const acknowledged = { ...alarm, acknowledged: true, acknowledgedBy: "li.wei", acknowledgedAt: START + 9000 };
    const who = { actor: "li.wei", station: "消防控制室 2", comment: "cleaner, sent home" };
    park.journal.write(happeningOf(acknowledged, { transition: "acknowledged", at: START + 9000, ...who }));
    expect(park.journal.of("a-1")).toEqual([
      {
        id: "1",
        alarm: "a-1",
        occurrence: 1,
        transition: "raised",
        at: "2026-11-21T08:00:00.000Z",
        receivedAt: "2026-11-21T08:00:00.040Z",
        clockOffsetMs: -1250,
        law: "security",
        category: "intrusion",
        priority: "urgent",
        definition: "fence-3",
        source: "park/gw-1/panel/zone-3",
        point: "park/gw-1/panel/zone-3",
        zone: "zone-3",
        area: "perimeter",
        message: "东围墙 3 号防区入侵",
        messageEn: "Intrusion at the east fence, zone 3",
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      expect.objectContaining({ id: "2", transition: "acknowledged", ...who }),
    ]);
    expect(park.journal.of("a-1")[1]).not.toHaveProperty("clockOffsetMs");
  });

  it("writes a happening once, however often it is told, and an activation whatever names it", async () => {
    const park = await JournalPark.open();
    const alarm = alarmOf("a-1");
    expect(park.journal.write(happeningOf(alarm))).toBe(true);
    expect(park.journal.write(happeningOf(alarm, { receivedAt: START + 99_000 }))).toBe(false);
    expect(park.journal.write(happeningOf({ ...alarm, version: 7 }))).toBe(false);
    expect(park.journal.write(happeningOf({ ...alarm, version: 8, occurrence: 2 }))).toBe(true);
    expect(park.rows().map(({ seq, occurrence }) => [seq, occurrence])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it("writes many at once as it writes them one by one, each of them once", async () => {
    const [one, many] = [await JournalPark.open(), await JournalPark.open()];
    const alarms = Array.from({ length: 450 }, (_, at) =>
      alarmOf(`a-${at}`, { area: at % 2 === 0 ? "tower" : "roof" }),
    );
    const shelved = alarms.map((alarm) => happeningOf(alarm, { transition: "shelved", actor: "li.wei" }));
    const again = [...shelved.slice(0, 3), ...shelved, ...shelved.slice(10, 20)];
    one.journal.write(happeningOf(alarmOf("a-0")));
    many.journal.write(happeningOf(alarmOf("a-0")));
    const news = again.map((happening) => one.journal.write(happening));
    expect(many.journal.writeMany(again)).toEqual(news);
    expect(many.journal.writeMany(shelved)).toEqual(shelved.map(() => false));
    expect(many.journal.writeMany([])).toEqual([]);
    expect(many.rows()).toEqual(one.rows());
    expect(await verifyJournal(many.db)).toMatchObject({ entries: 451 });
  });

  it("writes an activation once also among many", async () => {
    const park = await JournalPark.open();
    const raised = happeningOf(alarmOf("a-1"));
    const renamed = happeningOf({ ...alarmOf("a-1"), version: 7 });
    expect(park.journal.writeMany([raised, renamed])).toEqual([true, false]);
  });

  it("chains its entries from the first one on", async () => {
    const park = await JournalPark.open();
    expect(await verifyJournal(park.db)).toEqual({ entries: 0, removed: 0, head: { seq: 0, hash: JOURNAL_GENESIS } });
    park.raise(3);
    const [first, second, third] = park.rows();
    expect(first?.prev_hash).toBe(JOURNAL_GENESIS);
    expect(second?.prev_hash).toBe(first?.hash);
    expect(third?.prev_hash).toBe(second?.hash);
    expect(await verifyJournal(park.db)).toEqual({ entries: 3, removed: 0, head: { seq: 3, hash: third?.hash } });
  });

  it("does not count what a transaction has undone", async () => {
    const park = await JournalPark.open();
    park.raise(2);
    const undone = (): void =>
      park.db.sync.transaction(() => {
        park.journal.write(happeningOf(alarmOf("lost")));
        throw new Error("undo");
      });
    expect(undone).toThrow("undo");
    park.journal.write(happeningOf(alarmOf("kept")));
    expect(park.rows().map(({ seq, alarm }) => [seq, alarm])).toEqual([
      [1, "a-1"],
      [2, "a-2"],
      [3, "kept"],
    ]);
    expect(await verifyJournal(park.db)).not.toHaveProperty("brokenAt");
  });

  it("is not changed and not deleted from by whoever is not its retention", async () => {
    const park = await JournalPark.open();
    park.raise(2);
    const { kysely, sync } = park.db;
    const changed = kysely.updateTable("alarm_journal").set({ comment: "never happened" }).where("seq", "=", 1);
    const deleted = kysely.deleteFrom("alarm_journal").where("seq", "=", 2);
    expect(() => sync.transaction(() => sync.run(changed).changes)).toThrow(/append-only/);
    expect(() => sync.transaction(() => sync.run(deleted).changes)).toThrow(/append-only/);
    expect(park.rows()).toHaveLength(2);
  });

  it.each<[string, number, (park: JournalPark) => void]>([
    [
      "a changed text",
      2,
      ({ db }) => db.sync.run(db.kysely.updateTable("alarm_journal").set({ message: "nichts" }).where("seq", "=", 2)),
    ],
    [
      "another time",
      3,
      ({ db }) => db.sync.run(db.kysely.updateTable("alarm_journal").set({ at: START }).where("seq", "=", 3)),
    ],
    ["a missing entry", 2, ({ db }) => db.sync.run(db.kysely.deleteFrom("alarm_journal").where("seq", "=", 2))],
    ["a missing beginning", 1, ({ db }) => db.sync.run(db.kysely.deleteFrom("alarm_journal").where("seq", "=", 1))],
    ["a missing end", 4, ({ db }) => db.sync.run(db.kysely.deleteFrom("alarm_journal").where("seq", "=", 4))],
    [
      "an entry that was put in",
      5,
      (park) => {
        const [row] = park.rows();
        if (row === undefined) throw new Error("no row");
        const forged = { ...row, seq: 5, happening: "forged", occurrence: 2 };
        park.db.sync.run(park.db.kysely.insertInto("alarm_journal").values(forged));
      },
    ],
  ])("shows %s", async (_name, brokenAt, change) => {
    const park = await JournalPark.open();
    park.raise(4);
    park.tamper(() => change(park));
    expect(await verifyJournal(park.db)).toMatchObject({ brokenAt });
  });

  it("goes on recording past an entry that is none of its own", async () => {
    const park = await JournalPark.open();
    park.raise(1);
    const [row] = park.rows();
    if (row === undefined) throw new Error("no row");
    const forged = { ...row, seq: 2, happening: "forged", occurrence: 2 };
    park.db.sync.run(park.db.kysely.insertInto("alarm_journal").values(forged));
    expect(park.journal.write(happeningOf(alarmOf("a-2")))).toBe(true);
    expect(park.rows().map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(await verifyJournal(park.db)).toMatchObject({ brokenAt: 2 });
  });

  it("takes the entries of a former version over, with what their alarms said, and chains them", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "parkhub-journal-"));
    const file = path.join(folder, "upgraded.db");
    const former = Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => name < "0017"));
    const old = await openRecords(file, former);
    const { message, messageEn, ...alarm } = alarmOf("a-1");
    const document = JSON.stringify({ ...alarm, message, messageEn });
    runSql(
      old,
      sql`insert into alarms (id, origin, definition, occurrence, law, category, priority, condition, acknowledged, "open", raised_at, search, document)
        values ('a-1', ${GATEWAY}, 'fence-3', 1, 'security', 'intrusion', 'urgent', 'active', 0, 1, ${START}, '', ${document})`,
    );
    for (let i = 1; i <= 450; i++)
      runSql(
        old,
        sql`insert into alarm_journal (happening, alarm, occurrence, transition, at, received_at, actor, comment)
          values (${`h-${i}`}, ${i === 450 ? "gone" : "a-1"}, 1, ${i === 1 ? "raised" : "commented"}, ${START + i}, ${START + i}, ${i === 1 ? null : "li.wei"}, null)`,
      );
    await old.close();
    const db = await openRecords(file, { ...MIGRATIONS });
    onTestFinished(async () => {
      await db.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const journal = new AlarmJournal(db);
    expect(await verifyJournal(db)).toMatchObject({ entries: 450, head: { seq: 450 } });
    expect(journal.of("a-1")).toHaveLength(449);
    expect(journal.of("a-1")[1]).toMatchObject({ id: "2", actor: "li.wei", message, messageEn, area: "perimeter" });
    expect(journal.of("gone")).toMatchObject([{ id: "450", law: "facility", message: "" }]);
    expect(journal.write(happeningOf(alarmOf("a-2")))).toBe(true);
    expect(await verifyJournal(db)).toMatchObject({ entries: 451, head: { seq: 451 } });
  });
});
