import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RedisLiveBus } from "#cloud/live/redis-bus.ts";
import { redisConnect } from "#cloud/live/redis-connection.ts";
import type { LiveChange } from "#cloud/ports.ts";
import { systemClock } from "#core/clock.ts";
import { type Logger, silentLogger } from "#core/logger.ts";
import { KeptLog } from "#tests/fixtures/cloud/logged.ts";
import { redisProgram, redisUrl, startRedis } from "#tests/servers/redis.ts";
import type { TestServer } from "#tests/servers/server.ts";
import { changeOf, liveBusContract } from "./live-bus.ts";

const there = redisProgram() !== undefined;
let redis: TestServer;
let parks = 0;

const make = (logger: Logger, prefix: string): RedisLiveBus =>
  new RedisLiveBus({ connect: redisConnect(redisUrl(redis), logger), prefix, clock: systemClock, logger });

describe.skipIf(!there)("with Redis", () => {
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(async () => await redis.remove());

  liveBusContract({
    name: "Redis",
    make: (onError) =>
      make({ ...silentLogger, error: (fields) => onError((fields as { err?: unknown }).err) }, `contract-${parks++}`),
  });

  describe("the live bus of several processes", () => {
    let here: RedisLiveBus;
    let other: RedisLiveBus;
    let log: KeptLog;
    let heard: { readonly id: string; readonly item: unknown }[];
    let echoed: string[];
    let gaps: number;
    let admin: Redis;
    let prefix: string;
    const last = (): unknown => heard.at(-1)?.item;

    beforeEach(async () => {
      prefix = `park-${parks++}`;
      log = new KeptLog();
      here = make(log, prefix);
      other = make(silentLogger, prefix);
      heard = [];
      echoed = [];
      gaps = 0;
      here.subscribe(({ id }) => echoed.push(id));
      other.subscribe(({ id, item }: LiveChange) => heard.push({ id, item }));
      other.onGap(() => gaps++);
      admin = new Redis(redisUrl(redis));
      admin.on("error", () => undefined); // killed on purpose
      await expect.poll(() => here.counters.peers + other.counters.peers).toBe(2);
    });
    afterEach(() => {
      here.close();
      other.close();
      admin.disconnect();
    });

    it("tells the others what has changed and what has left, and does not hear itself", async () => {
      here.publish(changeOf("a", { value: 21 }));
      here.publish({ kind: "alarms", id: "gone", item: undefined });
      await expect
        .poll(() => heard)
        .toEqual([
          { id: "a", item: { value: 21 } },
          { id: "gone", item: undefined },
        ]);
      expect(echoed).toEqual(["a", "gone"]);
      expect(other.counters).toMatchObject({ received: 2, gaps: 0, malformed: 0 });
    });

    it("tells of an item that changes often the newest state, and builds that alone", async () => {
      let built = 0;
      for (let n = 1; n <= 1000; n++) here.publish(changeOf("a", n, () => built++));
      await expect.poll(last).toBe(1000);
      expect(heard.length).toBeLessThan(10);
      expect(built).toBe(heard.length);
    });

    it("builds nothing when there is no other process", async () => {
      const alone = make(silentLogger, `${prefix}-alone`);
      let built = 0;
      for (let n = 0; n < 100; n++) alone.publish(changeOf(`p${n}`, n, () => built++));
      here.publish(changeOf("a", 1));
      await expect.poll(last).toBe(1);
      expect(built).toBe(0);
      expect(alone.counters.sent).toBe(0);
      alone.close();
    });

    it("tells many changes in order, none missed", async () => {
      for (let n = 0; n < 3000; n++) here.publish(changeOf(`p${n}`, n));
      await expect.poll(() => heard.length).toBe(3000);
      expect(heard.map(({ item }) => item)).toEqual(Array.from({ length: 3000 }, (_, n) => n));
      expect(other.counters.gaps).toBe(0);
    });

    it("goes on here while Redis is away, says so once, and the others look anew when it is back", async () => {
      await redis.kill();
      for (let n = 0; n < 50; n++) here.publish(changeOf("a", n));
      expect(echoed).toHaveLength(50);
      await expect.poll(() => log.lines.filter((line) => line.includes("Redis is away")).length).toBeGreaterThan(0);
      await expect.poll(() => here.counters.dropped).toBeGreaterThan(0);
      await redis.start();
      await expect.poll(() => gaps).toBeGreaterThan(0);
      here.publish(changeOf("a", "after"));
      await expect.poll(last).toBe("after");
      // one line a connection
      expect(log.lines.filter((line) => line.includes("Redis is away"))).toHaveLength(2);
    });

    it("holds a bounded number of changes while Redis is slow, and the others learn that they missed some", async () => {
      redis.signal("SIGSTOP");
      try {
        for (let n = 0; n < 45_000; n++) here.publish(changeOf(`p${n}`, n));
        expect(here.counters.dropped).toBe(40_000);
        expect(echoed).toHaveLength(45_000);
      } finally {
        redis.signal("SIGCONT");
      }
      await expect.poll(last).toBe(44_999);
      await expect.poll(() => gaps).toBeGreaterThan(0);
    });

    it("tells whose subscription was cut to look anew", async () => {
      here.publish(changeOf("a", 1));
      await expect.poll(last).toBe(1);
      await admin.call("CLIENT", "KILL", "TYPE", "pubsub");
      here.publish(changeOf("a", 2));
      await expect.poll(() => here.counters.sent).toBe(2);
      here.publish(changeOf("a", 3));
      await expect.poll(last).toBe(3);
      await expect.poll(() => gaps + heard.filter(({ item }) => item === 2).length).toBeGreaterThan(0);
    });

    it("leaves out what is no message, and says so once", async () => {
      for (const text of ["", "{", "[]", '{"from":"x"}', '{"from":"x","seq":1,"changes":[{"kind":"moons","id":"a"}]}'])
        await admin.publish(`${prefix}:live`, text);
      await expect.poll(() => other.counters.malformed).toBe(5);
      expect(heard).toEqual([]);
      expect(other.counters.peers).toBe(1);
      expect(log.lines.filter((line) => line.includes("is none"))).toHaveLength(1);
    });

    it("tells the others that something is missing when an item cannot be built", async () => {
      here.publish(
        changeOf("bad", 0, () => {
          throw new Error("no item");
        }),
      );
      here.publish(changeOf("good", 1));
      await expect.poll(last).toBe(1);
      await expect.poll(() => gaps).toBe(1);
      expect(heard.map(({ id }) => id)).toEqual(["good"]);
    });
  });
});
