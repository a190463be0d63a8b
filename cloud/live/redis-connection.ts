import { Redis, type RedisOptions } from "ioredis";
import { errorMessage, HubError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";

/** Redis cannot be used as it was asked for. */
export class RedisError extends HubError {}

/**
 * What a connection is for. `work`: commands wait while Redis is away, and blocking ones never end of themselves. `brief`:
 * commands fail at once while Redis is away, and after seconds when it does not answer. `listen`: subscriptions only.
 */
export type RedisUse = "work" | "brief" | "listen";

/** Opens a connection of the hub; who asks for it closes it. */
export type RedisConnect = (name: string, use: RedisUse) => Redis;

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1000;
const CONNECT_MS = 5000;
const ANSWER_MS = 5000;
/** A connection that says nothing for so long while it should is taken for dead: longer than BullMQ's longest blocking call. */
const SILENT_MS = 20_000;

const COMMON = {
  connectTimeout: CONNECT_MS,
  keepAlive: 10_000,
  retryStrategy: (times: number) => Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(times, 10)),
} satisfies RedisOptions;
const BY_USE = {
  work: { maxRetriesPerRequest: null, socketTimeout: SILENT_MS },
  // Never sent twice: a message that may have arrived is not repeated, its receivers are told of a gap instead.
  brief: {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: ANSWER_MS,
    socketTimeout: ANSWER_MS,
  },
  listen: { maxRetriesPerRequest: null },
} satisfies Record<RedisUse, RedisOptions>;

/**
 * Opens connections to one Redis. Each comes back by itself; whether it is there is logged
 * when it changes, without the URL: it holds a password.
 * @throws REDIS_URL_INVALID
 */
export function redisConnect(url: string, logger: Logger): RedisConnect {
  let parsed: URL | undefined;
  try {
    parsed = new URL(url);
  } catch {
    parsed = undefined;
  }
  if (parsed === undefined || !["redis:", "rediss:"].includes(parsed.protocol) || parsed.hostname === "")
    throw new RedisError(
      "REDIS_URL_INVALID",
      "expected redis://[user:password@]host[:port][/database] or rediss://...",
    );
  const server = parsed.host;
  return (name, use) => {
    const redis = new Redis(url, { ...COMMON, ...BY_USE[use], connectionName: `parkhub-${name}` });
    let away = false;
    let last: string | undefined;
    // The message alone: with it an error carries the command that failed, and that may be the password's.
    redis.on("error", (error: Error) => {
      last = errorMessage(error);
    });
    // Not told of a connection that was closed on purpose.
    redis.on("reconnecting", () => {
      if (!away) logger.warn({ reason: last, server, connection: name }, "Redis is away, trying again");
      away = true;
    });
    redis.on("ready", () => {
      if (away) logger.info({ server, connection: name }, "Redis is there again");
      away = false;
      last = undefined;
    });
    return redis;
  };
}
