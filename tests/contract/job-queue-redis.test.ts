import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Db, openDatabase } from "#cloud/db/database.ts";
import { BullJobQueue } from "#cloud/jobs/bull-queue.ts";
import { EmbeddedJobQueue } from "#cloud/jobs/embedded-queue.ts";
import { redisConnect } from "#cloud/live/redis-connection.ts";
import { type Clock, systemClock } from "#core/clock.ts";
import { silentLogger } from "#core/logger.ts";
import { KeptLog } from "#tests/fixtures/cloud/logged.ts";
import { redisProgram, redisUrl, startRedis } from "#tests/servers/redis.ts";
import type { TestServer } from "#tests/servers/server.ts";

/** Waits as long as it takes, but not the seconds a start may wait. */
const HASTY: Clock = { ...systemClock, after: (ms, callback) => systemClock.after(ms > 1000 ? ms / 50 : ms, callback) };

describe.skipIf(redisProgram() === undefined)("the BullMQ queue of jobs and its Redis", () => {
  let redis: TestServer;
  let admin: Redis;
  let folder: string;
  let db: Db;
  let queue: BullJobQueue;
  let log: KeptLog;
  let done: string[];
  let tests = 0;
  const make = (clock: Clock = systemClock): BullJobQueue => {
    const made = new BullJobQueue({
      db,
      clock,
      logger: log,
      waits: { firstMs: 40, longestMs: 200 },
      prefix: `r${tests}`,
      connect: redisConnect(redisUrl(redis), log),
    });
    made.work("note", async ({ key }) => void done.push(key));
    return made;
  };

  beforeAll(async () => {
    redis = await startRedis();
    admin = new Redis(redisUrl(redis));
    admin.on("error", () => undefined); // killed on purpose
  });
  afterAll(async () => {
    admin.disconnect();
    await redis.remove();
  });
  beforeEach(async () => {
    tests++;
    folder = mkdtempSync(path.join(tmpdir(), "parkhub-bull-"));
    db = await openDatabase(path.join(folder, "records.db"), silentLogger);
    log = new KeptLog();
    done = [];
    queue = make();
  });
  afterEach(async () => {
    await queue.close();
    await db.close();
    rmSync(folder, { recursive: true, force: true });
    await admin.config("SET", "appendonly", "yes");
    await admin.config("SET", "maxmemory-policy", "noeviction");
  });

  it("[catalogue 29] refuses one that keeps no append-only file, and says what to set", async () => {
    await admin.config("SET", "appendonly", "no");
    await expect(queue.start()).rejects.toMatchObject({
      code: "JOBS_REDIS_NOT_DURABLE",
      message: expect.stringContaining('"appendonly yes"'),
    });
    expect(queue.status.ready).toBe(false);
  });

  it("refuses one that may drop keys for want of memory, and says what to set", async () => {
    await admin.config("SET", "maxmemory-policy", "allkeys-lru");
    await expect(queue.start()).rejects.toMatchObject({
      code: "JOBS_REDIS_EVICTS",
      message: expect.stringContaining("allkeys-lru"),
    });
  });

  it("does nothing more when it comes back without its append-only file, until it has one again", async () => {
    await queue.start();
    await admin.config("SET", "appendonly", "no");
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await expect.poll(() => queue.status.ready).toBe(false);
    await expect.poll(() => queue.status.detail).toContain("appendonly yes");
    queue.add({ kind: "note", key: "waits" });
    expect(await queue.counts()).toMatchObject({ waiting: 1 });
    await admin.config("SET", "appendonly", "yes");
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await expect.poll(() => done).toEqual(["waits"]);
    expect(queue.status).toEqual({ ready: true });
  });

  it("goes on as soon as its append-only file is switched on at run time", async () => {
    queue = make({ ...systemClock, every: (ms, callback) => systemClock.every(ms / 20, callback) });
    await queue.start();
    await admin.config("SET", "appendonly", "no");
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await expect.poll(() => queue.status.detail).toContain("appendonly yes");
    queue.add({ kind: "note", key: "waits" });
    await admin.config("SET", "appendonly", "yes");
    await expect.poll(() => done).toEqual(["waits"]);
    expect(queue.status).toEqual({ ready: true });
  });

  it("starts without it, keeps what is added, and does it when it comes", async () => {
    await redis.kill();
    queue = make(HASTY);
    await queue.start();
    expect(queue.status).toEqual({ ready: false, detail: "Redis is away" });
    queue.add({ kind: "note", key: "early" });
    await redis.start();
    await expect.poll(() => done).toEqual(["early"]);
    expect(queue.status).toEqual({ ready: true });
  });

  it("waits while it is away, says so once, and goes on when it is back", async () => {
    await queue.start();
    queue.add({ kind: "note", key: "before" });
    await expect.poll(() => done).toEqual(["before"]);
    await redis.kill();
    await expect.poll(() => queue.status.ready).toBe(false);
    for (let n = 0; n < 20; n++) queue.add({ kind: "note", key: `meanwhile-${n}` });
    expect(await queue.counts()).toMatchObject({ waiting: 20 });
    await redis.start();
    await expect.poll(() => done.length).toBe(21);
    expect(new Set(done).size).toBe(21);
    expect(log.lines.filter((line) => line.includes("Redis is away"))).toHaveLength(1);
    expect(log.lines.filter((line) => line.includes("has trouble")).length).toBeLessThan(6);
  });

  it("does what is delayed when all that Redis knew is gone", async () => {
    queue = make();
    await queue.start();
    const runAt = Date.now() + 1500;
    let at = 0;
    queue.work("late", async () => {
      at = Date.now();
    });
    queue.add({ kind: "late", key: "a", runAt });
    queue.add({ kind: "note", key: "b" });
    await expect.poll(() => done).toEqual(["b"]);
    await admin.flushall();
    await expect.poll(() => at, { timeout: 15_000 }).toBeGreaterThanOrEqual(runAt);
    await expect.poll(() => queue.counts()).toEqual({ waiting: 0, active: 0, dead: 0 });
  });

  it("keeps no history of what is done", async () => {
    await queue.start();
    for (let n = 0; n < 50; n++) queue.add({ kind: "note", key: `k:${n}` });
    await expect.poll(() => done.length).toBe(50);
    await expect.poll(() => queue.counts()).toEqual({ waiting: 0, active: 0, dead: 0 });
    await expect.poll(async () => (await admin.keys(`r${tests}:jobs:note/*`)).length).toBe(0);
  });

  it("clears from Redis what was replaced or taken away long before it would be due", async () => {
    await queue.start();
    const later = Date.now() + 86_400_000;
    queue.add({ kind: "note", key: "stays", runAt: later });
    let added = 0;
    for (; added < 700; added += 100) {
      for (let n = added; n < added + 100; n++) queue.add({ kind: "note", key: `away-${n}`, runAt: later });
      await expect.poll(() => admin.zcard(`r${tests}:jobs:delayed`)).toBe(added + 101);
    }
    for (let n = 0; n < added; n++) queue.cancel("note", `away-${n}`);
    await expect.poll(() => admin.zcard(`r${tests}:jobs:delayed`)).toBe(1);
    expect(await queue.counts()).toMatchObject({ waiting: 1 });
  });

  it("closes when it is away", async () => {
    await queue.start();
    queue.add({ kind: "note", key: "a" });
    await expect.poll(() => done).toEqual(["a"]);
    await redis.kill();
    await queue.close();
    expect(queue.status.ready).toBe(false);
    await redis.start();
  });

  it("takes adds at once and does them later when it hangs", async () => {
    await queue.start();
    redis.signal("SIGSTOP");
    try {
      queue.add({ kind: "note", key: "a" });
      expect(await queue.counts()).toMatchObject({ waiting: 1 });
    } finally {
      redis.signal("SIGCONT");
    }
    await expect.poll(() => done).toEqual(["a"]);
  });

  it("takes over the jobs of the embedded queue, and gives them back", async () => {
    const embedded = new EmbeddedJobQueue({ db, clock: systemClock, logger: log });
    embedded.add({ kind: "note", key: "of-embedded" });
    await queue.start();
    await expect.poll(() => done).toEqual(["of-embedded"]);
    queue.add({ kind: "note", key: "of-bullmq", runAt: Date.now() + 300 });
    await queue.close();
    embedded.work("note", async ({ key }) => void done.push(key));
    await embedded.start();
    await expect.poll(() => done).toEqual(["of-embedded", "of-bullmq"]);
    await embedded.close();
  });
});
