import { beforeEach, describe, expect, it } from "vitest";
import { verifyJournal } from "#cloud/alarms/journal-chain.ts";
import { type JournalDays, journalDays, pruneJournal } from "#cloud/alarms/journal-retention.ts";
import { AuditChain } from "#cloud/audit/log.ts";
import { ConfigError } from "#core/errors.ts";
import { silentLogger } from "#core/logger.ts";
import { ManualClock } from "#tests/manual-clock.ts";
import { alarmOf, closedAlarm, happeningOf, JournalPark, START } from "./journal-park.ts";

const DAY = 86_400_000;

let park: JournalPark;
let clock: ManualClock;
let audit: AuditChain;
let forgotten: string[];
beforeEach(async () => {
  park = await JournalPark.open();
  clock = new ManualClock(START);
  audit = new AuditChain(park.db, () => clock.now());
  forgotten = [];
});

const prune = (days: JournalDays = journalDays()) =>
  pruneJournal({
    db: park.db,
    days,
    forgetters: [(alarms) => forgotten.push(...alarms)],
    audit,
    clock,
    logger: silentLogger,
  });
const alarms = (): readonly string[] =>
  park.db.sync.all(park.db.kysely.selectFrom("alarms").select("id").orderBy("id")).map(({ id }) => id);

describe("the retention of the journal", () => {
  it("keeps everything for its time and removes closed alarms with their journal after it", async () => {
    park.raise(3, (i) => closedAlarm(`a-${i}`));
    clock.advance(400 * DAY);
    expect(await prune()).toEqual({ entries: 0, alarms: 0 });
    clock.advance(DAY);
    expect(await prune()).toEqual({ entries: 3, alarms: 3 });
    expect([alarms(), park.rows(), forgotten.toSorted()]).toEqual([[], [], ["a-1", "a-2", "a-3"]]);
    expect(audit.list({ limit: 1 }).items).toMatchObject([
      { actor: "system", action: "journal.prune", detail: { entries: 3, alarms: 3 } },
    ]);
    expect(await prune()).toEqual({ entries: 0, alarms: 0 });
  });

  it("never removes an alarm that is open, or to which something happened lately", async () => {
    const open = alarmOf("open");
    const remarked = closedAlarm("remarked");
    for (const alarm of [open, remarked]) {
      park.store.put(alarm, false);
      park.journal.write(happeningOf(alarm));
    }
    clock.advance(500 * DAY);
    const lately = clock.now() - DAY;
    park.journal.write(happeningOf(remarked, { transition: "commented", at: lately, receivedAt: lately, key: "1" }));
    expect(await prune()).toEqual({ entries: 0, alarms: 0 });
    expect(alarms()).toEqual(["open", "remarked"]);
  });

  it("keeps each category for its own time", async () => {
    for (const alarm of [closedAlarm("comfort"), closedAlarm("fire", { law: "security", category: "fire" })]) {
      park.store.put(alarm, false);
      park.journal.write(happeningOf(alarm));
    }
    clock.advance(100 * DAY);
    expect(await prune(journalDays("400,comfort=90"))).toEqual({ entries: 1, alarms: 1 });
    expect(alarms()).toEqual(["fire"]);
  });

  it("leaves a chain that is whole over what it has removed, and joins the cuts that meet", async () => {
    const ids = [1, 2, 3, 4, 5, 6, 7, 8];
    for (const i of ids) {
      const alarm = i % 2 === 0 ? closedAlarm(`a-${i}`) : closedAlarm(`a-${i}`, { category: "energy" });
      park.store.put(alarm, false);
      park.journal.write(happeningOf(alarm));
    }
    const head = park.rows().at(-1)?.hash;
    clock.advance(100 * DAY);
    await prune(journalDays("400,comfort=90"));
    expect(park.rows().map(({ alarm }) => alarm)).toEqual(["a-1", "a-3", "a-5", "a-7"]);
    expect(park.cuts().map(({ from_seq, to_seq }) => [from_seq, to_seq])).toEqual([
      [2, 2],
      [4, 4],
      [6, 6],
      [8, 8],
    ]);
    expect(await verifyJournal(park.db)).toEqual({ entries: 4, removed: 4, head: { seq: 8, hash: head } });
    await prune(journalDays("400,comfort=90,energy=90"));
    expect(park.cuts()).toMatchObject([{ from_seq: 1, to_seq: 8, entries: 8, hash: head }]);
    expect(await verifyJournal(park.db)).toEqual({ entries: 0, removed: 8, head: { seq: 8, hash: head } });
    park.journal.write(happeningOf(alarmOf("next")));
    expect(await verifyJournal(park.db)).toMatchObject({ entries: 1, removed: 8, head: { seq: 9 } });
    expect(await verifyJournal(park.db)).not.toHaveProperty("brokenAt");
  });

  it("lets nobody remove more under the cover of a cut", async () => {
    for (const i of [1, 2, 3]) {
      const alarm = i === 1 ? closedAlarm("a-1") : alarmOf(`a-${i}`);
      park.store.put(alarm, false);
      park.journal.write(happeningOf(alarm));
    }
    clock.advance(500 * DAY);
    await prune();
    park.tamper(() => park.db.sync.run(park.db.kysely.deleteFrom("alarm_journal").where("seq", "=", 2)));
    expect(await verifyJournal(park.db)).toMatchObject({ brokenAt: 2 });
  });

  it("removes an alarm that chattered for weeks in pieces, and the alarm with the last of them", async () => {
    const alarm = closedAlarm("chatter");
    park.store.put(alarm, false);
    park.db.sync.transaction(() => {
      for (let i = 1; i <= 1234; i++) park.journal.write(happeningOf({ ...alarm, occurrence: i, version: i }));
    });
    clock.advance(401 * DAY);
    expect(await prune()).toEqual({ entries: 1234, alarms: 1 });
    expect(park.cuts()).toMatchObject([{ from_seq: 1, to_seq: 1234, entries: 1234 }]);
    expect(await verifyJournal(park.db)).toMatchObject({ removed: 1234, head: { seq: 1234 } });
  });

  it("undoes the removal when somebody cannot let go of the alarm", async () => {
    park.store.put(closedAlarm("held"), false);
    park.journal.write(happeningOf(closedAlarm("held")));
    clock.advance(401 * DAY);
    const forgetters = [
      () => {
        throw new Error("still needed");
      },
    ];
    const deps = { db: park.db, days: journalDays(), forgetters, audit, clock, logger: silentLogger };
    await expect(pruneJournal(deps)).rejects.toThrow("still needed");
    expect([alarms(), park.rows().length, park.cuts()]).toEqual([["held"], 1, []]);
  });
});

describe("how long a journal is kept", () => {
  it("is 400 days, or what is said for all and for a category", () => {
    expect(journalDays()).toMatchObject({ comfort: 400, fire: 400 });
    expect(journalDays("730, comfort=90")).toMatchObject({ comfort: 90, fire: 730, system: 730 });
    expect(journalDays("fire=1000")).toMatchObject({ comfort: 400, fire: 1000 });
  });

  it.each([
    ["90", /access: expected 180.*\n.*intrusion/s],
    ["400,panic=179", /panic: expected 180 to/],
    ["400,comfort=29", /comfort: expected 30 to/],
    ["400,nonsense=90", /expected days, then category=days, got "nonsense=90"/],
    ["", /expected days/],
    ["400,90", /expected days/],
  ])("is never %j", (text, message) => {
    expect(() => journalDays(text)).toThrow(ConfigError);
    expect(() => journalDays(text)).toThrow(message);
  });
});
