import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "#cloud/db/database.ts";
import { BullJobQueue } from "#cloud/jobs/bull-queue.ts";
import { RedisLiveBus } from "#cloud/live/redis-bus.ts";
import { redisConnect } from "#cloud/live/redis-connection.ts";
import { RedisValues } from "#cloud/live/redis-values.ts";
import { type Clock, systemClock } from "#core/clock.ts";
import { KeptLog } from "#tests/fixtures/cloud/logged.ts";
import { redisProgram, startRedis } from "#tests/servers/redis.ts";
import type { TestServer } from "#tests/servers/server.ts";

const HASTY: Clock = { ...systemClock, after: (ms, callback) => systemClock.after(ms > 1000 ? ms / 20 : ms, callback) };

it("a Redis is named by a URL, and a wrong one is refused without repeating it", () => {
  for (const url of ["", "http://:secret-word@host", "redis://", "secret-word"]) {
    const refused = (): unknown => redisConnect(url, new KeptLog());
    expect(refused).toThrow(expect.objectContaining({ code: "REDIS_URL_INVALID" }));
    expect(refused).not.toThrow("secret-word");
  }
});

describe.skipIf(redisProgram() === undefined)("a Redis with a password", () => {
  let redis: TestServer;
  let log: KeptLog;
  beforeAll(async () => {
    redis = await startRedis({ password: "the-right-word" });
  });
  afterAll(async () => await redis.remove());
  beforeEach(() => {
    log = new KeptLog();
  });

  /** Every part of the hub that uses Redis, with one password. */
  async function parts(password: string) {
    const connect = redisConnect(`redis://:${password}@127.0.0.1:${redis.port}`, log);
    const db = await openDatabase(":memory:", log);
    const deps = { connect, prefix: password, clock: HASTY, logger: log };
    const values = new RedisValues({ ...deps, rebuild: async () => [] });
    const bus = new RedisLiveBus(deps);
    const queue = new BullJobQueue({ ...deps, db });
    const done: string[] = [];
    queue.work("note", async ({ key }) => void done.push(key));
    await queue.start();
    const close = async (): Promise<void> => {
      bus.close();
      await values.close();
      await queue.close();
      await db.close();
    };
    return { queue, values, done, close };
  }

  it("is used with the right one", async () => {
    const { queue, done, close } = await parts("the-right-word");
    queue.add({ kind: "note", key: "a" });
    await expect.poll(() => done).toEqual(["a"]);
    await close();
    expect(log.lines.join()).not.toContain("the-right-word");
  });

  it("is told as refusing with a wrong one, which no line repeats, and jobs wait", async () => {
    const { queue, values, done, close } = await parts("the-wrong-word");
    queue.add({ kind: "note", key: "a" });
    expect(await values.load()).toEqual([]);
    await expect.poll(() => log.lines.join()).toMatch(/WRONGPASS|NOAUTH/);
    expect(queue.status.ready).toBe(false);
    expect(await queue.counts()).toMatchObject({ waiting: 1 });
    await close();
    expect(done).toEqual([]);
    expect(log.lines.join()).not.toContain("the-wrong-word");
    expect(queue.status.detail).not.toContain("the-wrong-word");
  });
});
