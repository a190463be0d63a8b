import path from "node:path";
import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { PartState } from "./api/deps.ts";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "./broker/embedded-broker.ts";
import type { Violations } from "./broker/violations.ts";
import type { Db } from "./db/database.ts";
import { EmbeddedTelemetryStore } from "./history/embedded-store.ts";
import type { JobQueue } from "./job-ports.ts";
import { EmbeddedJobQueue } from "./jobs/embedded-queue.ts";
import { ProcessLiveBus } from "./live/bus.ts";
import { portTaken } from "./port-taken.ts";
import type { Broker, LatestValues, LiveBus } from "./ports.ts";
import { TableValues } from "./state/table-values.ts";
import type { PointDirectory, TelemetryStore } from "./telemetry-ports.ts";

/*
 * Which engine does what: embedded ones by default, each replaced by a server where its URL is given. What is not used is not
 * loaded. Part of the composition root.
 */

/** Servers of the production profile; each absent one is embedded. They hold passwords: never logged. */
export interface EngineUrls {
  readonly influx?: string;
  readonly redis?: string;
  readonly postgres?: string;
  readonly broker?: string;
}

/** Where the records are: a PostgreSQL URL or a file. */
export function recordsTarget(data: string, { postgres }: EngineUrls): string {
  return postgres ?? path.join(data, "cloud", "records.db");
}

/** The telemetry store. @throws HISTORY_NEWER, DB_CORRUPT, DB_IO, INFLUX_* for a configuration that can never work */
export async function openTelemetry(deps: {
  readonly data: string;
  readonly urls: EngineUrls;
  readonly db: Db;
  readonly points: PointDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<TelemetryStore> {
  const { data, urls, db, points, clock, logger } = deps;
  if (urls.influx === undefined)
    return EmbeddedTelemetryStore.open({ file: path.join(data, "cloud", "telemetry.db"), points }, logger);
  const { InfluxTelemetryStore } = await import("./history/influx/store.ts");
  const { RecordedRanges } = await import("./history/influx/stored-ranges.ts");
  return InfluxTelemetryStore.open({ url: urls.influx, points, ranges: new RecordedRanges(db), clock, logger });
}

/** A broker with how it does and, where it can tell, what it notices. */
export interface RunningBroker {
  readonly broker: Broker;
  status(): PartState;
  /** Tells when two devices with one gateway's identity evict each other. An external broker cannot. */
  readonly onTakeoverStorm?: EmbeddedBroker["onTakeoverStorm"];
  /** Ends the connection of a client whose credential was withdrawn. An external broker has its own way. */
  readonly evict?: EmbeddedBroker["evict"];
}

/** The MQTT broker. @throws PORT_TAKEN, BROKER_URL */
export async function startBroker(deps: {
  readonly url: string | undefined;
  readonly mqtt: { readonly host: string; readonly port: number };
  readonly site: string;
  readonly host: string;
  readonly authenticate: EmbeddedBrokerOptions["authenticate"];
  readonly foreignClient: NonNullable<EmbeddedBrokerOptions["foreignClient"]>;
  /** Is this a gateway, or a foreign edge node, of ours? */
  readonly knows: (gateway: string) => boolean;
  readonly violations: Violations;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<RunningBroker> {
  const { url, mqtt, site, host, authenticate, foreignClient, knows, violations, clock, logger } = deps;
  if (url !== undefined) {
    const { ExternalBroker } = await import("./broker/external-broker.ts");
    const broker = new ExternalBroker({ url, site, host, knows, violations, clock, logger });
    return { broker, status: () => broker.status };
  }
  try {
    const broker = await EmbeddedBroker.start({ ...mqtt, authenticate, foreignClient, violations, clock, logger });
    return {
      broker,
      status: () => ({ ready: broker.port > 0 }),
      onTakeoverStorm: (listener) => broker.onTakeoverStorm(listener),
      evict: (clientId) => broker.evict(clientId),
    };
  } catch (error) {
    throw portTaken(error, mqtt, "PARKHUB_MQTT");
  }
}

/** Live updates, last values and jobs: what is shared between processes where there is a Redis. */
export interface LiveEngines {
  readonly bus: LiveBus;
  readonly values: LatestValues;
  /** How often changed values are kept, ms; the default when absent. */
  readonly keepEveryMs?: number;
  readonly jobs: JobQueue;
  /** Ends the bus; values and jobs are closed by whoever uses them. */
  close(): Promise<void>;
}

/** @throws REDIS_URL_INVALID */
export async function openLive(deps: {
  readonly url: string | undefined;
  readonly site: string;
  readonly db: Db;
  /** The last values as the telemetry store has them, for a Redis that was emptied. */
  readonly rebuild: () => Promise<readonly Sample[]>;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<LiveEngines> {
  const { url, site, db, rebuild, clock, logger } = deps;
  const queue = { db, clock, logger: logger.child({ module: "jobs" }) };
  if (url === undefined)
    return {
      bus: new ProcessLiveBus((error) => logger.error({ err: error }, "a live listener failed")),
      values: new TableValues(db, logger),
      jobs: new EmbeddedJobQueue(queue),
      close: () => Promise.resolve(),
    };
  const { redisConnect } = await import("./live/redis-connection.ts");
  const { RedisLiveBus } = await import("./live/redis-bus.ts");
  const { RedisValues } = await import("./live/redis-values.ts");
  const { BullJobQueue } = await import("./jobs/bull-queue.ts");
  const prefix = `parkhub:${site}`;
  const connect = redisConnect(url, logger.child({ module: "redis" }));
  const bus = new RedisLiveBus({ connect, prefix, clock, logger });
  return {
    bus,
    values: new RedisValues({ connect, prefix, clock, logger, rebuild }),
    keepEveryMs: 2000,
    jobs: new BullJobQueue({ ...queue, connect, prefix }),
    close: () => Promise.resolve(bus.close()),
  };
}
