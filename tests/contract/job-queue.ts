import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import type { Job, JobQueue } from "#cloud/job-ports.ts";
import type { RetryWaits } from "#cloud/jobs/job-runner.ts";
import { systemClock } from "#core/clock.ts";
import { HubError } from "#core/errors.ts";
import { openRecords } from "#tests/fixtures/cloud/record-databases.ts";

/** One kind of queue under test. */
export interface QueueUnderTest {
  readonly name: string;
  /** Makes what the queues share. */
  readonly before?: () => Promise<void>;
  readonly after?: () => Promise<void>;
  /** A queue on a record database; `place` tells the queues of one test from those of another. */
  readonly make: (db: Db, place: string, waits: RetryWaits) => JobQueue;
}

/** Short waits between tries, for tests. */
export const SHORT_WAITS: RetryWaits = { firstMs: 40, longestMs: 200 };

let places = 0;

/** A folder with a record database and the queues on it. */
class Bench {
  readonly folder = mkdtempSync(path.join(tmpdir(), "parkhub-jobs-"));
  readonly place = `t${process.pid}-${places++}`;
  readonly #make: QueueUnderTest["make"];
  readonly #opened: { readonly queue: JobQueue; readonly db: Db }[] = [];

  constructor(make: QueueUnderTest["make"]) {
    this.#make = make;
  }

  async open(): Promise<{ queue: JobQueue; db: Db }> {
    const db = await openRecords(path.join(this.folder, "records.db"));
    const opened = { db, queue: this.#make(db, this.place, SHORT_WAITS) };
    this.#opened.push(opened);
    return opened;
  }

  /** Closes what is open; the data stays. */
  async shut(): Promise<void> {
    for (const { queue, db } of this.#opened.splice(0)) {
      await queue.close();
      await db.close();
    }
  }

  async clear(): Promise<void> {
    await this.shut();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Keeps what a handler was given. */
function keeper(): { readonly done: (Job & { readonly at: number })[]; handler: (job: Job) => Promise<void> } {
  const done: (Job & { readonly at: number })[] = [];
  return { done, handler: async (job) => void done.push({ ...job, at: Date.now() }) };
}

/** A door that handlers wait at. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

/** What every JobQueue keeps to. */
export function jobQueueContract({ name, before, after, make }: QueueUnderTest): void {
  describe(`the ${name} queue of jobs`, () => {
    let bench: Bench;
    let queue: JobQueue;
    let db: Db;
    beforeAll(async () => await before?.());
    afterAll(async () => await after?.());
    beforeEach(async () => {
      bench = new Bench(make);
      ({ queue, db } = await bench.open());
    });
    afterEach(() => bench.clear());

    it("does a job that is added once, with its data, and then knows it no more", async () => {
      const { done, handler } = keeper();
      queue.work("note", handler);
      await queue.start();
      queue.add({ kind: "note", key: "a:1/ü", data: { text: "hello", n: 1, flag: true, none: null } });
      await expect.poll(() => done).toHaveLength(1);
      expect(done[0]).toMatchObject({
        kind: "note",
        key: "a:1/ü",
        data: { text: "hello", n: 1, flag: true, none: null },
        attempt: 1,
      });
      await expect.poll(() => queue.counts()).toEqual({ waiting: 0, active: 0, dead: 0 });
    });

    it("does a job not before it is due", async () => {
      const { done, handler } = keeper();
      queue.work("note", handler);
      await queue.start();
      const runAt = Date.now() + 400;
      queue.add({ kind: "note", key: "later", runAt });
      queue.add({ kind: "note", key: "now" });
      await expect.poll(() => done.map(({ key }) => key)).toEqual(["now", "later"]);
      expect(done[1]?.at).toBeGreaterThanOrEqual(runAt);
      expect(done[1]?.runAt).toBe(runAt);
    });

    it("keeps a job exactly when the transaction that asks for it commits", async () => {
      const { done, handler } = keeper();
      queue.work("note", handler);
      await queue.start();
      const broken = (): void =>
        db.sync.transaction(() => {
          queue.add({ kind: "note", key: "rolled-back" });
          throw new Error("no");
        });
      expect(broken).toThrow("no");
      db.sync.transaction(() => queue.add({ kind: "note", key: "committed" }));
      await expect.poll(() => done.map(({ key }) => key)).toEqual(["committed"]);
      expect(await queue.counts()).toMatchObject({ waiting: 0 });
    });

    it("has one waiting job of a kind and key: the newest", async () => {
      const { done, handler } = keeper();
      queue.work("note", handler);
      queue.work("other", handler);
      await queue.start();
      const soon = Date.now() + 300;
      queue.add({ kind: "note", key: "a", data: { n: 1 }, runAt: soon });
      queue.add({ kind: "other", key: "a", data: { n: 3 }, runAt: soon });
      queue.add({ kind: "note", key: "a", data: { n: 2 }, runAt: soon + 50 });
      expect(await queue.counts()).toMatchObject({ waiting: 2 });
      await expect.poll(() => done.map(({ kind, data }) => `${kind} ${data["n"]}`)).toEqual(["other 3", "note 2"]);
      await expect.poll(() => queue.counts()).toEqual({ waiting: 0, active: 0, dead: 0 });
      expect(done).toHaveLength(2);
    });

    it("does not do what was taken away before it was due", async () => {
      const { done, handler } = keeper();
      queue.work("note", handler);
      await queue.start();
      queue.add({ kind: "note", key: "away", runAt: Date.now() + 250 });
      queue.add({ kind: "note", key: "stays", runAt: Date.now() + 400 });
      queue.cancel("note", "away");
      queue.cancel("note", "never there");
      await expect.poll(() => done.map(({ key }) => key)).toEqual(["stays"]);
    });

    it("does a job that is added while one of its key is under way after that one, never beside it", async () => {
      const { done, handler } = keeper();
      const first = gate();
      let atOnce = 0;
      let most = 0;
      queue.work("note", async (job) => {
        most = Math.max(most, ++atOnce);
        if (job.data["n"] === 1) await first.opened;
        await handler(job);
        atOnce--;
      });
      queue.work("free", handler);
      await queue.start();
      queue.add({ kind: "note", key: "a", data: { n: 1 } });
      await expect.poll(() => atOnce).toBe(1);
      queue.add({ kind: "note", key: "a", data: { n: 2 } });
      queue.add({ kind: "free", key: "b", data: { n: 0 } });
      await expect.poll(() => done.map(({ data }) => data["n"])).toEqual([0]);
      first.open();
      await expect.poll(() => done.map(({ data }) => data["n"])).toEqual([0, 1, 2]);
      expect(most).toBe(1);
    });

    it("tries a failed job again, later each time, and at last lays it with the dead, who can be given another round", async () => {
      const { done, handler } = keeper();
      let broken = true;
      queue.work(
        "fails",
        async (job) => {
          await handler(job);
          if (broken) throw new HubError("NOT_TODAY", "it rains");
        },
        { attempts: 3 },
      );
      await queue.start();
      queue.add({ kind: "fails", key: "k:1", data: { n: 7 } });
      await expect.poll(() => queue.counts()).toEqual({ waiting: 0, active: 0, dead: 1 });
      expect(done.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
      const waits = done.slice(1).map(({ at }, i) => at - (done[i]?.at ?? 0));
      expect(waits[0]).toBeGreaterThanOrEqual(SHORT_WAITS.firstMs / 2);
      expect(waits[1]).toBeGreaterThanOrEqual(SHORT_WAITS.firstMs);
      const [dead] = await queue.dead();
      expect(dead).toMatchObject({
        kind: "fails",
        key: "k:1",
        data: { n: 7 },
        attempt: 3,
        error: "NOT_TODAY: it rains",
      });
      expect(Math.abs((dead?.failedAt ?? 0) - Date.now())).toBeLessThan(60_000);

      broken = false;
      expect(await queue.retry("fails", "unknown")).toBe(false);
      expect(await queue.retry("fails", "k:1")).toBe(true);
      await expect.poll(() => done.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 1]);
      // A nightly job that is tried again at noon still does the work of its night.
      expect(done[3]?.runAt).toBe(done[0]?.runAt);
      await expect.poll(() => queue.counts()).toEqual({ waiting: 0, active: 0, dead: 0 });
    });

    it("keeps jobs over a restart, and those of a kind nobody does until somebody does it", async () => {
      const { done, handler } = keeper();
      queue.work("note", handler);
      await queue.start();
      const runAt = Date.now() + 500;
      queue.add({ kind: "note", key: "later", runAt });
      queue.add({ kind: "unknown", key: "waits", data: { n: 1 } });
      queue.add({ kind: "note", key: "now" });
      await expect.poll(() => done.map(({ key }) => key)).toEqual(["now"]);
      await bench.shut();
      expect(done.map(({ key }) => key)).toEqual(["now"]);

      const again = await bench.open();
      again.queue.work("note", handler);
      again.queue.work("unknown", handler);
      await again.queue.start();
      await expect.poll(() => done.map(({ key }) => key)).toEqual(["now", "waits", "later"]);
      expect(done[2]?.at).toBeGreaterThanOrEqual(runAt);
    });

    it("makes a repeated job at each of its times, and after a pause one for all that was missed", async () => {
      const { done, handler } = keeper();
      queue.work("tick", handler);
      const from = Date.now();
      queue.repeat("tick", { everyMs: 250 });
      await queue.start();
      await expect.poll(() => done.length).toBeGreaterThanOrEqual(3);
      expect(done[2]?.at).toBeGreaterThanOrEqual(from + 3 * 250);
      const times = done.map(({ runAt }) => runAt);
      expect(new Set(times).size).toBe(times.length);
      for (const { at, runAt } of done) expect(at).toBeGreaterThanOrEqual(runAt);
      await bench.shut();
      const last = done.at(-1)?.runAt ?? 0;
      const before = done.length;
      await expect.poll(() => Date.now()).toBeGreaterThan(last + 4 * 250);

      const again = await bench.open();
      again.queue.work("tick", handler);
      again.queue.repeat("tick", { everyMs: 250 });
      const restarted = Date.now();
      await again.queue.start();
      await expect.poll(() => done.length).toBeGreaterThanOrEqual(before + 2);
      const missed = done.slice(before).filter(({ runAt }) => runAt < restarted);
      expect(missed).toHaveLength(1);
    });

    it("refuses a schedule that is none", () => {
      expect(() => queue.repeat("tick", { everyMs: 0 })).toThrow(
        expect.objectContaining({ code: "JOB_SCHEDULE_INVALID" }),
      );
      expect(() => queue.repeat("tick", { dailyAtMinute: 1440, timeZone: "UTC" })).toThrow("0 to 1439");
      expect(() => queue.repeat("tick", { dailyAtMinute: 0, timeZone: "Mars/Olympus" })).toThrow("Mars/Olympus");
    });

    it("finishes what is under way when it is closed, and begins nothing more", async () => {
      const { done, handler } = keeper();
      const first = gate();
      let begun = 0;
      queue.work("slow", async (job) => {
        begun++;
        await first.opened;
        await handler(job);
      });
      await queue.start();
      queue.add({ kind: "slow", key: "a" });
      await expect.poll(() => begun).toBe(1);
      const closed = queue.close();
      queue.add({ kind: "slow", key: "b" });
      first.open();
      await closed;
      expect(done.map(({ key }) => key)).toEqual(["a"]);
      expect(await queue.counts()).toEqual({ waiting: 1, active: 0, dead: 0 });
      expect(queue.status.ready).toBe(false);
    });

    it("is ready once it is started", async () => {
      expect(queue.status.ready).toBe(false);
      queue.work("note", keeper().handler);
      await queue.start();
      await expect.poll(() => queue.status).toEqual({ ready: true });
    });

    it("does a thousand jobs added in one transaction, each once", async () => {
      const { done, handler } = keeper();
      queue.work("many", handler);
      await queue.start();
      db.sync.transaction(() => {
        for (let n = 0; n < 1000; n++) queue.add({ kind: "many", key: String(n), data: { n } });
      });
      await expect.poll(() => done.length, { timeout: 18_000 }).toBe(1000);
      expect(new Set(done.map(({ key }) => key)).size).toBe(1000);
      await expect.poll(() => queue.counts()).toEqual({ waiting: 0, active: 0, dead: 0 });
    });
  });
}

/** The clock of the queues under test. */
export const CLOCK = systemClock;
