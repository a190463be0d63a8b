import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { sql } from "kysely";
import { onTestFinished } from "vitest";
import { AlarmJournal, type Happening } from "#cloud/alarms/journal-store.ts";
import { AlarmStore } from "#cloud/alarms/store.ts";
import type { Db } from "#cloud/db/database.ts";
import type { Alarm } from "#core/model/alarm.ts";
import { openRecords, runSql } from "#tests/fixtures/cloud/record-databases.ts";

/** When the first thing happens, Unix ms. */
export const START = Date.UTC(2026, 10, 21, 8);
export const GATEWAY = "park/gw-1";

/** An alarm at the fence. */
export function alarmOf(id: string, more: Partial<Alarm> = {}): Alarm {
  return {
    id,
    occurrence: 1,
    origin: GATEWAY,
    definition: "fence-3",
    law: "security",
    category: "intrusion",
    priority: "urgent",
    condition: "active",
    live: true,
    acknowledged: false,
    suppression: [],
    source: "park/gw-1/panel/zone-3",
    point: "park/gw-1/panel/zone-3",
    zone: "zone-3",
    area: "perimeter",
    message: "东围墙 3 号防区入侵",
    messageEn: "Intrusion at the east fence, zone 3",
    raisedAt: START,
    receivedAt: START,
    version: 1,
    ...more,
  };
}

/** A facility alarm that is over. */
export function closedAlarm(id: string, more: Partial<Alarm> = {}): Alarm {
  const facility = { law: "facility", category: "comfort", priority: "low", condition: "inactive" } as const;
  return alarmOf(id, { ...facility, live: false, acknowledged: true, area: "tower", ...more });
}

/** A happening a second after the one before. */
export function happeningOf(alarm: Alarm, more: Partial<Happening> = {}): Happening {
  return { alarm, transition: "raised", at: START, receivedAt: START + 40, ...more };
}

/** A journal in a database of its own. */
export class JournalPark {
  readonly file: string;
  readonly db: Db;
  readonly journal: AlarmJournal;
  readonly store: AlarmStore;
  /** Clock of each gateway minus ours, ms. */
  readonly offsets = new Map<string, number>([[GATEWAY, -1250]]);

  constructor(file: string, db: Db) {
    this.file = file;
    this.db = db;
    this.journal = new AlarmJournal(db, (gateway) => this.offsets.get(gateway));
    this.store = new AlarmStore(db);
  }

  static async open(): Promise<JournalPark> {
    const folder = mkdtempSync(path.join(tmpdir(), "parkhub-journal-"));
    const file = path.join(folder, "records.db");
    const db = await openRecords(file);
    onTestFinished(async () => {
      await db.close();
      rmSync(folder, { recursive: true, force: true });
    });
    return new JournalPark(file, db);
  }

  /** Alarms `a-1` to `a-n`, each raised a second after the one before. */
  raise(count: number, more: (i: number) => Partial<Alarm> = () => ({})): void {
    this.db.sync.transaction(() => {
      for (let i = 1; i <= count; i++) {
        const at = START + i * 1000;
        const alarm = alarmOf(`a-${i}`, { raisedAt: at, ...more(i) });
        this.store.put(alarm, false);
        this.journal.write(happeningOf(alarm, { at: alarm.raisedAt, receivedAt: alarm.raisedAt + 40 }));
      }
    });
  }

  rows() {
    return this.db.sync.all(this.db.kysely.selectFrom("alarm_journal").selectAll().orderBy("seq"));
  }

  cuts() {
    return this.db.sync.all(this.db.kysely.selectFrom("alarm_journal_cuts").selectAll().orderBy("from_seq"));
  }

  /** What somebody with the whole database in his hand does: the guards are his too. */
  tamper(work: () => void): void {
    const run = (text: string): unknown => runSql(this.db, sql.raw(text));
    const { dialect } = this.db;
    if (dialect === "postgresql") run("alter table alarm_journal disable trigger user");
    else for (const name of ["update", "delete"]) run(`drop trigger alarm_journal_no_${name}`);
    work();
    if (dialect === "postgresql") run("alter table alarm_journal enable trigger user");
  }
}
