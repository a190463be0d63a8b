import { Ajv } from "ajv";
import type { Redis } from "ioredis";
import { Type } from "typebox";
import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import { type GatewayId, gatewayOf, type PointId, pointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import { Quality } from "#core/model/quality.ts";
import { type Sample, Value } from "#core/model/sample.ts";
import type { LatestValues } from "../ports.ts";
import type { RedisConnect } from "./redis-connection.ts";

const FLUSH_MS = 1000;
/** While nothing changes, it is looked so often whether what was kept is still there: every so many flushes. */
const LOOK_EVERY = 5;
/** Values in one command, and commands in one pipeline. */
const VALUES = 500;
const COMMANDS = 20;
const SCAN = 1000;
/** How long loading and closing wait for a Redis that is away. */
const WAIT_MS = 5000;

const isSample = new Ajv({ strict: false }).compile<Omit<Sample, "point">>(
  Type.Object({
    value: Value,
    quality: Quality,
    reason: Type.Optional(Type.String()),
    sourceTime: Type.Optional(Type.Number()),
    observedAt: Type.Number(),
  }),
);

export interface RedisValuesDeps {
  readonly connect: RedisConnect;
  /** Begins every key; two hubs on one Redis need two. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The last values as far as they are known without Redis: asked when it has none or is away at the start. */
  readonly rebuild: () => Promise<readonly Sample[]>;
}

/**
 * The last value of each point in Redis: a hash a gateway, a field a point, and a set of the gateways that says that they are
 * there at all. Redis holds nothing that is not known elsewhere: when it was emptied everything is kept again.
 */
export class RedisValues implements LatestValues {
  readonly #deps: RedisValuesDeps;
  readonly #redis: Redis;
  readonly #index: string;
  readonly #lost: (() => void)[] = [];
  readonly #stop: () => void;
  /** Not kept yet, of each point the newest: never more than there are points. */
  #waiting = new Map<PointId, Sample>();
  #flushing: Promise<void> | undefined;
  #flushes = 0;
  /** Has this process seen its values there? */
  #there = false;
  #failing = false;

  constructor(deps: RedisValuesDeps) {
    this.#deps = deps;
    this.#index = `${deps.prefix}:values`;
    this.#redis = deps.connect("values", "brief");
    this.#stop = deps.clock.every(FLUSH_MS, () => void this.#flush());
  }

  /** Values that wait for Redis, for metrics. */
  get waiting(): number {
    return this.#waiting.size;
  }

  async load(): Promise<readonly Sample[]> {
    const kept = (await this.#isReady()) ? await this.#read() : undefined;
    if (kept !== undefined) {
      this.#there = true;
      return kept;
    }
    const samples = await this.#rebuilt();
    this.keep(samples);
    return samples;
  }

  keep(samples: Iterable<Sample>): void {
    for (const sample of samples) this.#waiting.set(sample.point, sample);
  }

  onLost(listener: () => void): void {
    this.#lost.push(listener);
  }

  async close(): Promise<void> {
    this.#stop();
    // One that is under way has taken what waited before; what came meanwhile takes another.
    await this.#flushing;
    if (this.#waiting.size > 0 && (await this.#isReady())) await this.#flush();
    this.#redis.disconnect();
  }

  /** A store that is away, too, must not keep the hub from starting: the births of the gateways bring what holds. */
  async #rebuilt(): Promise<readonly Sample[]> {
    const { logger, rebuild } = this.#deps;
    try {
      const samples = await rebuild();
      logger.info({ points: samples.length }, "Redis has no last values, they are made from what is stored");
      return samples;
    } catch (error) {
      logger.warn(
        { reason: errorMessage(error) },
        "last values are neither in Redis nor can be read from what is stored",
      );
      return [];
    }
  }

  /** Is Redis there, now or within seconds? */
  async #isReady(): Promise<boolean> {
    const redis = this.#redis;
    if (redis.status === "ready") return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const ready = (): void => resolve(true);
    redis.once("ready", ready);
    const cancel = this.#deps.clock.after(WAIT_MS, () => resolve(false));
    const answer = await promise;
    cancel();
    redis.off("ready", ready);
    return answer;
  }

  /** Everything kept; undefined where nothing is, or Redis does not answer. */
  async #read(): Promise<readonly Sample[] | undefined> {
    const { logger } = this.#deps;
    try {
      const gateways = await this.#redis.smembers(this.#index);
      if (gateways.length === 0) return undefined;
      const samples: Sample[] = [];
      let odd = 0;
      for (const gateway of gateways)
        for await (const [field, text] of this.#fields(this.#keyOf(gateway as GatewayId))) {
          const sample = sampleOf(field, text);
          if (sample === undefined) odd++;
          else samples.push(sample);
        }
      if (odd > 0) logger.warn({ fields: odd }, "last values in Redis are none and left out");
      return samples;
    } catch (error) {
      logger.warn({ reason: errorMessage(error) }, "last values cannot be read from Redis");
      return undefined;
    }
  }

  async *#fields(key: string): AsyncGenerator<readonly [string, string]> {
    let cursor = "0";
    do {
      const [next, fields] = await this.#redis.hscan(key, cursor, "COUNT", SCAN);
      for (let i = 0; i + 1 < fields.length; i += 2) yield [fields[i] ?? "", fields[i + 1] ?? ""];
      cursor = next;
    } while (cursor !== "0");
  }

  #keyOf(gateway: GatewayId): string {
    return `${this.#index}:${gateway}`;
  }

  #flush(): Promise<void> {
    this.#flushing ??= this.#write().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #write(): Promise<void> {
    if (this.#redis.status !== "ready") return;
    if (this.#waiting.size === 0 && ++this.#flushes % LOOK_EVERY !== 0) return;
    const taken = this.#waiting;
    this.#waiting = new Map();
    try {
      await this.#lookForLoss();
      await this.#put(taken);
      if (this.#failing) this.#deps.logger.info({}, "last values are kept in Redis again");
      this.#failing = false;
    } catch (error) {
      // What came meanwhile is newer.
      for (const [point, sample] of this.#waiting) taken.set(point, sample);
      this.#waiting = taken;
      if (!this.#failing)
        this.#deps.logger.warn({ reason: errorMessage(error) }, "last values cannot be kept in Redis, trying again");
      this.#failing = true;
    }
  }

  /** When somebody has emptied Redis, everything is asked for again. */
  async #lookForLoss(): Promise<void> {
    if (!this.#there || (await this.#redis.exists(this.#index)) === 1) return;
    this.#there = false;
    this.#deps.logger.warn({}, "Redis has lost the last values, they are kept again");
    for (const listener of this.#lost) listener();
  }

  async #put(samples: ReadonlyMap<PointId, Sample>): Promise<void> {
    const byGateway = Map.groupBy(samples.values(), ({ point }) => gatewayOf(point));
    const commands: { readonly gateway: GatewayId; readonly fields: readonly string[] }[] = [];
    for (const [gateway, all] of byGateway)
      for (let i = 0; i < all.length; i += VALUES)
        commands.push({
          gateway,
          fields: all.slice(i, i + VALUES).flatMap(({ point, ...rest }) => [point, JSON.stringify(rest)]),
        });
    for (let i = 0; i < commands.length; i += COMMANDS) {
      const pipeline = this.#redis.pipeline();
      for (const { gateway, fields } of commands.slice(i, i + COMMANDS)) {
        pipeline.hset(this.#keyOf(gateway), ...fields);
        pipeline.sadd(this.#index, gateway);
      }
      const failed = (await pipeline.exec())?.find(([error]) => error !== null)?.[0];
      if (failed) throw failed;
    }
    if (samples.size > 0) this.#there = true;
  }
}

/** The sample of a field, or undefined where it is none. */
function sampleOf(field: string, text: string): Sample | undefined {
  try {
    const rest: unknown = JSON.parse(text);
    return isSample(rest) ? { ...rest, point: pointId(field) } : undefined;
  } catch {
    return undefined;
  }
}
