import { describe } from "vitest";
import { BullJobQueue } from "#cloud/jobs/bull-queue.ts";
import { redisConnect } from "#cloud/live/redis-connection.ts";
import { silentLogger } from "#core/logger.ts";
import { redisProgram, redisUrl, startRedis } from "#tests/servers/redis.ts";
import type { TestServer } from "#tests/servers/server.ts";
import { CLOCK, jobQueueContract } from "./job-queue.ts";

const there = redisProgram() !== undefined;
let redis: TestServer | undefined;

function urlOf(server: TestServer | undefined): string {
  if (server === undefined) throw new Error("Redis was not started");
  return redisUrl(server);
}

describe.skipIf(!there)("with Redis", () => {
  jobQueueContract({
    name: "BullMQ",
    before: async () => {
      redis = await startRedis();
    },
    after: async () => {
      await redis?.remove();
    },
    make: (db, place, waits) =>
      new BullJobQueue({
        db,
        clock: CLOCK,
        logger: silentLogger,
        waits,
        prefix: place,
        connect: redisConnect(urlOf(redis), silentLogger),
      }),
  });
});
