import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditChain } from "#cloud/audit/log.ts";
import type { Db } from "#cloud/db/database.ts";
import { EmbeddedJobQueue } from "#cloud/jobs/embedded-queue.ts";
import { pruneRecords, type RecordRetentionDeps, scheduleRecordRetention } from "#cloud/jobs/records-retention.ts";
import { silentLogger } from "#core/logger.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 21, 12);
const LIMITS = { commands: 90, runs: 60, alarmActs: 30, deadJobs: 10, permits: 20 };

let db: Db;
let clock: ManualClock;
let audit: AuditChain;
let deps: RecordRetentionDeps;
beforeEach(async () => {
  db = await openRecords(":memory:");
  clock = new ManualClock(NOW);
  audit = new AuditChain(db, () => clock.now());
  deps = { db, audit, clock, logger: silentLogger, limits: LIMITS };
});
afterEach(() => db.close());

const ago = (days: number): number => NOW - days * DAY_MS;

function addCommand(id: string, status: "done" | "pending" | "sent" | "expired", finishedAt: number | null): void {
  const row = {
    id,
    gateway: "park/gw-1",
    status,
    requested_by: "li.wei",
    idempotency_key: null,
    request: "{}",
    created_at: ago(1000),
    expires_at: ago(999),
    sent_at: null,
    finished_at: finishedAt,
    code: null,
    message: null,
    read_back: null,
    blob: null,
    document: "{}",
  };
  db.sync.run(db.kysely.insertInto("commands").values(row));
}
function addAlarm(id: string, open: 0 | 1): void {
  const row = {
    id,
    origin: "park/gw-1/a/t",
    definition: id,
    occurrence: 1,
    law: "facility",
    category: "comfort",
    priority: "low",
    condition: "inactive",
    acknowledged: 1,
    open,
    area: null,
    raised_at: ago(1000),
    shelved_until: null,
    search: "",
    document: "{}",
  };
  db.sync.run(db.kysely.insertInto("alarms").values(row));
}
function addRun(id: string, alarm: string | null, startedAt: number): void {
  const row = { id, rule: "rule-1", alarm, outcome: "fired", started_at: startedAt, document: "{}" };
  db.sync.run(db.kysely.insertInto("runs").values(row));
}
function addAct(key: string, alarm: string, at: number): void {
  const row = { actor: "li.wei", idempotency_key: key, alarm, occurrence: 1, kind: "acknowledge", at } as const;
  db.sync.run(db.kysely.insertInto("alarm_acts").values(row));
}
function addDeadJob(key: string, failedAt: number): void {
  const row = { kind: "note", key, data: "{}", run_at: failedAt, attempt: 8, failed_at: failedAt, error: "E: e" };
  db.sync.run(db.kysely.insertInto("dead_jobs").values(row));
}
const idsOf = (table: "commands" | "runs" | "alarms"): readonly string[] =>
  db.sync.all(db.kysely.selectFrom(table).select("id").orderBy("id")).map(({ id }) => id);

describe("records that are too old", () => {
  it("go by their own limits, and what is not finished stays however old it is", async () => {
    addCommand("c-old", "done", ago(91));
    addCommand("c-old-expired", "expired", ago(200));
    addCommand("c-young", "done", ago(89));
    addCommand("c-open", "pending", null);
    addCommand("c-sent", "sent", null);
    addRun("r-old", null, ago(61));
    addRun("r-young", null, ago(59));
    addDeadJob("old", ago(11));
    addDeadJob("young", ago(9));
    expect(await pruneRecords(deps)).toEqual({ commands: 2, runs: 1, alarmActs: 0, deadJobs: 1, permits: 0 });
    expect(idsOf("commands")).toEqual(["c-open", "c-sent", "c-young"]);
    expect(idsOf("runs")).toEqual(["r-young"]);
    expect(await pruneRecords(deps)).toEqual({ commands: 0, runs: 0, alarmActs: 0, deadJobs: 0, permits: 0 });
  });

  it("stay while the alarm they belong to is open, and alarms themselves stay in any case", async () => {
    addAlarm("a-open", 1);
    addAlarm("a-over", 0);
    for (const alarm of ["a-open", "a-over", "a-unknown"]) {
      addRun(`r-${alarm}`, alarm, ago(500));
      addAct(`k-${alarm}`, alarm, ago(500));
      addAct(`k-young-${alarm}`, alarm, ago(29));
    }
    expect(await pruneRecords(deps)).toEqual({ commands: 0, runs: 2, alarmActs: 2, deadJobs: 0, permits: 0 });
    expect(idsOf("alarms")).toEqual(["a-open", "a-over"]);
    expect(idsOf("runs")).toEqual(["r-a-open"]);
    const acts = db.sync.all(db.kysely.selectFrom("alarm_acts").select("idempotency_key").orderBy("idempotency_key"));
    expect(acts.map(({ idempotency_key: key }) => key)).toEqual([
      "k-a-open",
      "k-young-a-open",
      "k-young-a-over",
      "k-young-a-unknown",
    ]);
  });

  it("go in slices, with turns for others in between", async () => {
    db.sync.transaction(() => {
      for (let n = 0; n < 1700; n++) addRun(`r-${n}`, null, ago(100));
    });
    let turns = 0;
    let done = false;
    const take = (): void => {
      turns++;
      if (!done) setImmediate(take);
    };
    setImmediate(take);
    const pruned = await pruneRecords(deps);
    done = true;
    expect(pruned.runs).toBe(1700);
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  it("are written into the audit log, which keeps all of its own", async () => {
    audit.append({ actor: "li.wei", action: "user.add", result: "ok" });
    addRun("r-old", null, ago(61));
    clock.advance(5000 * DAY_MS);
    await pruneRecords(deps);
    expect(audit.list({ limit: 10 }).items).toMatchObject([
      { actor: "system", action: "records.prune", detail: { runs: 1, commands: 0 } },
      { action: "user.add" },
    ]);
    expect(audit.verify()).toBeUndefined();
  });
});

it("records are pruned every night of the site by a job", async () => {
  const queue = new EmbeddedJobQueue({ db, clock, logger: silentLogger });
  scheduleRecordRetention(queue, "Asia/Shanghai", deps);
  await queue.start();
  addRun("r-old", null, ago(61));
  const pass = async (until: number): Promise<void> => {
    clock.setWallClock(until);
    clock.advance(1500);
    await new Promise((resolve) => setImmediate(resolve));
  };
  await pass(Date.UTC(2026, 10, 21, 18, 29));
  expect(idsOf("runs")).toEqual(["r-old"]);
  await pass(Date.UTC(2026, 10, 21, 18, 30));
  expect(idsOf("runs")).toEqual([]);
  await queue.close();
});
