import type { Redis } from "ioredis";
import { JobError } from "./job-error.ts";

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)$`, "m").exec(info)?.[1]?.trim();
}

/**
 * Refuses a Redis that loses jobs. Asked by INFO, which more servers allow than CONFIG.
 * @throws JOBS_REDIS_NOT_DURABLE without append-only file; JOBS_REDIS_EVICTS when it may drop keys for want of memory
 */
export async function requireDurable(redis: Pick<Redis, "info">): Promise<void> {
  const persistence = await redis.info("persistence");
  if (field(persistence, "aof_enabled") !== "1")
    throw new JobError(
      "JOBS_REDIS_NOT_DURABLE",
      'Redis keeps no append-only file and would lose jobs when it stops: set "appendonly yes" in redis.conf, or at run time by CONFIG SET appendonly yes followed by CONFIG REWRITE',
    );
  const policy = field(await redis.info("memory"), "maxmemory_policy");
  if (policy !== "noeviction")
    throw new JobError(
      "JOBS_REDIS_EVICTS",
      `Redis may drop jobs for want of memory: set "maxmemory-policy noeviction" in redis.conf, got ${policy ?? "no answer"}`,
    );
}
