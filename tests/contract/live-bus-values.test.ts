import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Db } from "#cloud/db/database.ts";
import { openDatabase } from "#cloud/db/database.ts";
import { redisConnect } from "#cloud/live/redis-connection.ts";
import { RedisValues } from "#cloud/live/redis-values.ts";
import type { LatestValues } from "#cloud/ports.ts";
import { KeptValues } from "#cloud/state/kept-values.ts";
import { TableValues } from "#cloud/state/table-values.ts";
import { systemClock } from "#core/clock.ts";
import { HubError } from "#core/errors.ts";
import type { PointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { KeptLog } from "#tests/fixtures/cloud/logged.ts";
import { redisProgram, redisUrl, startRedis } from "#tests/servers/redis.ts";
import type { TestServer } from "#tests/servers/server.ts";

const AT = 1_790_000_000_000;
const sampleOf = (point: string, value: Sample["value"], more: Partial<Sample> = {}): Sample => ({
  point: `park/${point}` as PointId,
  value,
  quality: "good",
  observedAt: AT,
  ...more,
});
const ODD: readonly Sample[] = [
  sampleOf("gw-1/ahu-1/t", 21.5, { sourceTime: AT - 5 }),
  sampleOf("gw-1/ahu-1/on", true),
  sampleOf("gw-2/panel/text", "门 'open' {}"),
  sampleOf("gw-2/panel/none", null, { quality: "bad", reason: "commLost" }),
];
const sorted = (samples: readonly Sample[]): readonly Sample[] =>
  samples.toSorted((a, b) => (a.point < b.point ? -1 : 1));

/** What both ways of keeping the last values have in common. `open` gives a new process on the same place. */
function latestValuesContract(name: string, place: () => { open(): LatestValues; clear(): Promise<void> }): void {
  describe(`the last values in ${name}`, () => {
    let at: ReturnType<typeof place>;
    let values: LatestValues;
    beforeEach(() => {
      at = place();
      values = at.open();
    });
    afterEach(async () => {
      await values.close();
      await at.clear();
    });
    const again = async (): Promise<readonly Sample[]> => {
      await values.close();
      values = at.open();
      return sorted(await values.load());
    };

    it("are there after a restart as they were", async () => {
      expect(await values.load()).toEqual([]);
      values.keep(ODD);
      expect(await again()).toEqual(sorted(ODD));
    });

    it("are the newest of each point", async () => {
      values.keep([sampleOf("gw-1/ahu-1/t", 1), sampleOf("gw-1/ahu-1/t", 2)]);
      values.keep([sampleOf("gw-1/ahu-1/t", 3, { quality: "uncertain", reason: "stale" })]);
      values.keep([sampleOf("gw-1/ahu-1/on", false)]);
      expect(await again()).toEqual(
        sorted([
          sampleOf("gw-1/ahu-1/t", 3, { quality: "uncertain", reason: "stale" }),
          sampleOf("gw-1/ahu-1/on", false),
        ]),
      );
    });

    it("of many points are all kept", async () => {
      const many = Array.from({ length: 12_000 }, (_, n) => sampleOf(`gw-${n % 3}/device/p${n}`, n));
      values.keep(many);
      expect(await again()).toEqual(sorted(many));
    });
  });
}

let databases: Db[] = [];
const tables: Db[] = [];
beforeEach(async () => {
  const db = await openDatabase(":memory:", silentLogger);
  databases = [db];
});
afterEach(async () => {
  for (const db of [...databases.splice(0), ...tables.splice(0)]) await db.close();
});

latestValuesContract("the record database", () => {
  const [db] = databases;
  if (db === undefined) throw new Error("no database");
  return { open: () => new TableValues(db, silentLogger), clear: async () => undefined };
});

describe.skipIf(redisProgram() === undefined)("with Redis", () => {
  let redis: TestServer;
  let admin: Redis;
  let parks = 0;
  let prefix = "";
  let log: KeptLog;
  let stored: readonly Sample[];
  const open = (): RedisValues =>
    new RedisValues({
      connect: redisConnect(redisUrl(redis), silentLogger),
      prefix,
      clock: systemClock,
      logger: log,
      rebuild: async () => stored,
    });

  beforeAll(async () => {
    redis = await startRedis();
    admin = new Redis(redisUrl(redis));
    admin.on("error", () => undefined); // killed on purpose
  });
  afterAll(async () => {
    admin.disconnect();
    await redis.remove();
  });
  beforeEach(() => {
    prefix = `values-${parks++}`;
    log = new KeptLog();
    stored = [];
  });

  latestValuesContract("Redis", () => ({ open, clear: async () => undefined }));

  describe("the last values in Redis, when it fails", () => {
    it("are there after Redis was killed", async () => {
      const values = open();
      await values.load();
      values.keep(ODD);
      await expect.poll(() => admin.scard(`${prefix}:values`)).toBe(2);
      await redis.kill();
      values.keep([sampleOf("gw-1/ahu-1/t", 99)]);
      await redis.start();
      await expect.poll(() => admin.hget(`${prefix}:values:park/gw-1`, "park/gw-1/ahu-1/t")).toContain("99");
      await values.close();
      const next = open();
      expect(sorted(await next.load())).toEqual(sorted([...ODD.slice(1), sampleOf("gw-1/ahu-1/t", 99)]));
      await next.close();
    });

    it("are made from what is stored where Redis has none, and kept from then on", async () => {
      stored = ODD;
      const values = open();
      expect(await values.load()).toEqual(ODD);
      await values.close();
      stored = [];
      const next = open();
      expect(sorted(await next.load())).toEqual(sorted(ODD));
      await next.close();
    });

    it("are unknown, and keep nobody from starting, where Redis has none and the store is away", async () => {
      const values = new RedisValues({
        connect: redisConnect(redisUrl(redis), silentLogger),
        prefix,
        clock: systemClock,
        logger: log,
        rebuild: () => Promise.reject(new HubError("HISTORY_UNAVAILABLE", "nobody there", { retriable: true })),
      });
      expect(await values.load()).toEqual([]);
      expect(log.lines.some((line) => line.includes("nobody there"))).toBe(true);
      values.keep(ODD);
      await values.close();
      const next = open();
      expect(sorted(await next.load())).toEqual(sorted(ODD));
      await next.close();
    });

    it("are kept again as a whole when somebody empties Redis", async () => {
      const values = open();
      await values.load();
      const db = await openDatabase(":memory:", silentLogger);
      tables.push(db);
      const [changing, ...others] = [sampleOf("gw-1/ahu-1/t", 5), ...ODD.slice(1)] as const;
      let revision = 1;
      const kept = new KeptValues({
        db,
        clock: systemClock,
        logger: silentLogger,
        values,
        everyMs: 50,
        // After the first time only the one that changes is told, unless all are asked for.
        changedSince: (since) => ({ revision: ++revision, samples: since === 0 ? [changing, ...others] : [changing] }),
      });
      await expect.poll(() => admin.hlen(`${prefix}:values:park/gw-2`)).toBe(2);
      await admin.flushall();
      await expect.poll(() => admin.hlen(`${prefix}:values:park/gw-2`)).toBe(2);
      await expect.poll(() => admin.hget(`${prefix}:values:park/gw-1`, "park/gw-1/ahu-1/t")).toContain('"value":5');
      await kept.close();
      expect(log.lines.filter((line) => line.includes("has lost"))).toHaveLength(1);
    });

    it("are read without those that are none", async () => {
      await admin.sadd(`${prefix}:values`, "park/gw-1");
      await admin.hset(`${prefix}:values:park/gw-1`, "park/gw-1/a/t", '{"value":1,"quality":"good","observedAt":5}');
      await admin.hset(`${prefix}:values:park/gw-1`, "park/gw-1/a/broken", "{", "no point", '{"value":1}');
      await admin.hset(`${prefix}:values:park/gw-1`, "park/gw-1/a/odd", '{"value":[],"quality":"good","observedAt":5}');
      const values = open();
      expect(await values.load()).toEqual([sampleOf("gw-1/a/t", 1, { observedAt: 5 })]);
      expect(log.lines.filter((line) => line.includes("left out"))).toHaveLength(1);
      await values.close();
    });

    it("wait bounded while Redis hangs, the newest of each point, and then are kept", async () => {
      const values = open();
      await values.load();
      redis.signal("SIGSTOP");
      try {
        for (let n = 0; n < 50; n++) values.keep(ODD.map((sample) => ({ ...sample, value: n })));
        expect(values.waiting).toBeLessThanOrEqual(ODD.length);
      } finally {
        redis.signal("SIGCONT");
      }
      await expect.poll(() => admin.hget(`${prefix}:values:park/gw-1`, "park/gw-1/ahu-1/t")).toContain('"value":49');
      await values.close();
    });
  });
});
