import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import type { Job } from "#cloud/job-ports.ts";
import { EmbeddedJobQueue } from "#cloud/jobs/embedded-queue.ts";
import { silentLogger } from "#core/logger.ts";
import { KeptLog } from "#tests/fixtures/cloud/logged.ts";
import { ManualClock } from "#tests/manual-clock.ts";

const START = Date.UTC(2026, 10, 21, 12);
const LEASE_MS = 3000;
const MINUTE_MS = 60_000;

let db: Db;
let clock: ManualClock;
let log: KeptLog;
const opened: { readonly queue: EmbeddedJobQueue; readonly clock: ManualClock }[] = [];
beforeEach(async () => {
  db = await openDatabase(":memory:", silentLogger);
  clock = new ManualClock(START);
  log = new KeptLog();
});
afterEach(async () => {
  for (const { queue, clock: its } of opened.splice(0)) {
    const closed = queue.close();
    its.advance(10_000); // closing waits for handlers that never end
    await closed;
  }
  await db.close();
});

/** A process's queue on the database. */
function process(
  work: (job: Job) => Promise<void>,
  { attempts, its = clock }: { attempts?: number; its?: ManualClock } = {},
): EmbeddedJobQueue {
  const queue = new EmbeddedJobQueue({ db, clock: its, logger: log });
  queue.work("note", work, attempts === undefined ? {} : { attempts });
  opened.push({ queue, clock: its });
  return queue;
}

/** Lets time pass in steps, with everything that was asked for in between. */
async function pass(ms: number, stepMs = 500): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(stepMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const never = (): Promise<void> => new Promise(() => undefined);

describe("a job whose worker went away", () => {
  it("is done by another one when its lease is over, not before, as the same try", async () => {
    const its = new ManualClock(START);
    const gone = process(never, { its });
    await gone.start();
    gone.add({ kind: "note", key: "a" });
    its.advance(1); // and then its time stands still
    expect(await gone.counts()).toEqual({ waiting: 0, active: 1, dead: 0 });

    const attempts: number[] = [];
    const other = process(async ({ attempt }) => void attempts.push(attempt));
    await other.start();
    await pass(LEASE_MS - 500);
    expect(attempts).toEqual([]);
    await pass(1500);
    expect(attempts).toEqual([1]);
    expect(await other.counts()).toEqual({ waiting: 0, active: 0, dead: 0 });
  });

  it("is held for as long as its worker lives", async () => {
    let begun = 0;
    const slow = process(() => {
      begun++;
      return never();
    });
    const other = process(async () => {
      begun += 100;
    });
    await slow.start();
    slow.add({ kind: "note", key: "a" });
    await pass(500);
    await other.start();
    await pass(LEASE_MS * 4);
    expect(begun).toBe(1);
  });

  it("is not begun twice by the same process when the clock leaps ahead", async () => {
    let begun = 0;
    const slow = process(() => {
      begun++;
      return never();
    });
    await slow.start();
    slow.add({ kind: "note", key: "a" });
    await pass(500);
    clock.setWallClock(START + 60 * MINUTE_MS);
    await pass(3000);
    expect(begun).toBe(1);
  });

  it("is laid with the dead when it has taken a hundred workers with it", async () => {
    const row = { kind: "note", key: "poison" };
    const first = process(never);
    first.add(row);
    const { kysely, sync } = db;
    sync.run(kysely.updateTable("jobs").set({ lease_until: START - 1, crashes: 100, fence: 101 }));
    await first.start();
    await pass(1000);
    const [dead] = await first.dead();
    expect(dead).toMatchObject({ ...row, error: expect.stringMatching(/^JOB_CRASHED/) });
    expect(await first.counts()).toEqual({ waiting: 0, active: 0, dead: 1 });
  });
});

describe("the time of a job", () => {
  it("is the wall clock's: it comes when the clock is set ahead, and later when it is set back", async () => {
    const done: string[] = [];
    const queue = process(async ({ key }) => void done.push(key));
    await queue.start();
    queue.add({ kind: "note", key: "hour", runAt: START + 60 * MINUTE_MS });
    queue.add({ kind: "note", key: "day", runAt: START + 24 * 60 * MINUTE_MS });
    await pass(2000);
    expect(done).toEqual([]);
    clock.setWallClock(START + 61 * MINUTE_MS);
    await pass(1500);
    expect(done).toEqual(["hour"]);
    clock.setWallClock(START);
    await pass(60 * MINUTE_MS, 5000);
    expect(done).toEqual(["hour"]);
  });

  it("of a try after a failure doubles up to a limit", async () => {
    const tries: number[] = [];
    const queue = process(
      async () => {
        tries.push(clock.now());
        throw new Error("again");
      },
      { attempts: 14 },
    );
    await queue.start();
    queue.add({ kind: "note", key: "a" });
    await pass(90 * MINUTE_MS, 1000);
    expect(tries).toHaveLength(14);
    const waits = tries.slice(1).map((time, i) => time - (tries[i] ?? 0));
    waits.forEach((wait, i) => {
      const longest = Math.min(10 * MINUTE_MS, 2000 * 2 ** i);
      expect(wait, `wait ${i}`).toBeGreaterThanOrEqual(longest / 2);
      expect(wait, `wait ${i}`).toBeLessThanOrEqual(longest + 2000);
    });
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, dead: 1 });
  });
});

describe("a repeated job", () => {
  it("of every night is done once after a week in which nothing ran", async () => {
    const done: number[] = [];
    const nightly = { dailyAtMinute: 150, timeZone: "Asia/Shanghai" };
    const first = process(async () => undefined);
    first.repeat("note", nightly);
    await first.close();
    clock.setWallClock(START + 7 * 24 * 60 * MINUTE_MS);
    const next = process(async ({ runAt }) => void done.push(runAt));
    next.repeat("note", nightly);
    await next.start();
    await pass(3000);
    expect(done).toEqual([Date.UTC(2026, 10, 21, 18, 30)]);
    await pass(7 * 60 * MINUTE_MS, 30_000);
    expect(done).toEqual([Date.UTC(2026, 10, 21, 18, 30), Date.UTC(2026, 10, 28, 18, 30)]);
  });

  it("begins anew when its schedule is another one, and when its next time was reckoned by a clock that ran ahead", async () => {
    const done: number[] = [];
    const queue = process(async ({ runAt }) => void done.push(runAt));
    queue.repeat("note", { everyMs: 60 * MINUTE_MS });
    queue.repeat("note", { everyMs: 10_000 });
    await queue.start();
    await pass(11_000);
    expect(done).toEqual([START + 10_000]);
    await queue.close();
    clock.setWallClock(START - 365 * 24 * 60 * MINUTE_MS);
    const next = process(async ({ runAt }) => void done.push(runAt));
    next.repeat("note", { everyMs: 10_000 });
    await next.start();
    await pass(11_000);
    expect(done).toHaveLength(2);
  });
});

describe("a record database that refuses", () => {
  it("stops nothing for good: jobs are done when it takes them again, and it is told once", async () => {
    const done: string[] = [];
    const queue = process(async ({ key }) => void done.push(key));
    await queue.start();
    const raw = (sql: string): void => {
      db.sync.run({ compile: () => ({ ...db.kysely.selectFrom("jobs").selectAll().compile(), sql }) });
    };
    queue.add({ kind: "note", key: "a" });
    raw("ALTER TABLE jobs RENAME TO hidden");
    await pass(5000);
    expect(queue.status.ready).toBe(false);
    expect(() => queue.add({ kind: "note", key: "b" })).toThrow();
    raw("ALTER TABLE hidden RENAME TO jobs");
    await pass(2000);
    expect(done).toEqual(["a"]);
    expect(queue.status).toEqual({ ready: true });
    expect(log.lines.filter((line) => line.startsWith("error"))).toHaveLength(1);
  });

  it("at the end of a job has it done again: nothing is lost with what could not be kept", async () => {
    let tries = 0;
    const raw = (sql: string): void => {
      db.sync.run({ compile: () => ({ ...db.kysely.selectFrom("jobs").selectAll().compile(), sql }) });
    };
    const queue = process(async () => {
      if (tries++ === 0)
        raw("CREATE TRIGGER refusing BEFORE DELETE ON jobs BEGIN SELECT RAISE(ABORT, 'the disk refuses'); END");
    });
    await queue.start();
    queue.add({ kind: "note", key: "a" });
    await pass(1000);
    raw("DROP TRIGGER refusing");
    await pass(LEASE_MS + 1000);
    expect(tries).toBe(2);
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, dead: 0 });
  });
});
