import { mkdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { pino } from "pino";
import { lockDataFolder } from "#config/deploy/data-lock.ts";
import { type Environment, hostPort, readEnvironment } from "#config/environment.ts";
import { ConfigError, errorCode, errorMessage } from "#core/errors.ts";
import { journalDays } from "./alarms/journal-retention.ts";
import { startCloud } from "./app.ts";
import type { EngineUrls } from "./engines.ts";

const EXIT_CONFIG = 2;
const BYTES_PER_GB = 1e9;

function engineUrls(environment: Environment): EngineUrls {
  const { PARKHUB_INFLUX_URL: influx, PARKHUB_REDIS_URL: redis } = environment;
  const { PARKHUB_POSTGRES_URL: postgres, PARKHUB_BROKER_URL: broker } = environment;
  return {
    ...(influx === undefined ? {} : { influx }),
    ...(redis === undefined ? {} : { redis }),
    ...(postgres === undefined ? {} : { postgres }),
    ...(broker === undefined ? {} : { broker }),
  };
}

async function start(): Promise<void> {
  const environment = readEnvironment(process.env);
  const logger = pino({ level: environment.PARKHUB_LOG, base: { part: "cloud" } });
  const data = path.resolve(environment.PARKHUB_DATA);
  for (const folder of ["cloud", "run"]) mkdirSync(path.join(data, folder), { recursive: true });
  const unlock = lockDataFolder(data, "cloud.lock");
  if (unlock === undefined)
    throw new ConfigError("CONFIG_INVALID", [
      `${data} is in use by another cloud or is being moved (pid in run/cloud.lock): expected a data folder of its own`,
    ]);
  const root = path.resolve(import.meta.dirname, "..");
  let stopping = false;
  const cloud = await startCloud({
    data,
    http: hostPort(environment.PARKHUB_HTTP),
    trustedProxies: environment.PARKHUB_TRUSTED_PROXY?.split(",") ?? [],
    mqtt: hostPort(environment.PARKHUB_MQTT),
    egress: environment.PARKHUB_EGRESS?.split(",") ?? [],
    siteFolder: path.join(root, "config/sites", environment.PARKHUB_SITE),
    profilesFolder: path.join(root, "config/profiles"),
    consoleFolder: path.join(root, "cloud/console/dist"),
    ...(environment.PARKHUB_ADMIN_PASSWORD === undefined ? {} : { adminPassword: environment.PARKHUB_ADMIN_PASSWORD }),
    blobLimits: {
      bytes: Number(environment.PARKHUB_BLOB_LIMIT_GB) * BYTES_PER_GB,
      days: {
        clip: Number(environment.PARKHUB_KEEP_CLIPS_DAYS),
        snapshot: Number(environment.PARKHUB_KEEP_SNAPSHOTS_DAYS),
        picture: Number(environment.PARKHUB_KEEP_PICTURES_DAYS),
        result: Number(environment.PARKHUB_KEEP_RESULTS_DAYS),
      },
    },
    keep: {
      raw: Number(environment.PARKHUB_KEEP_RAW_DAYS),
      hours: Number(environment.PARKHUB_KEEP_HOURS_DAYS),
      records: Number(environment.PARKHUB_KEEP_RECORDS_DAYS),
      journal: journalDays(environment.PARKHUB_KEEP_JOURNAL_DAYS),
    },
    urls: engineUrls(environment),
    logger,
    // At once: what this process knows is old, and another one speaks to the gateways. Whoever started it may start it again.
    onLost: () => {
      if (!stopping) process.exit(1);
    },
  });
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, "stopping");
    cloud.close().then(
      () => {
        unlock();
        process.exit(0);
      },
      (error: unknown) => {
        logger.error({ err: error }, "could not stop cleanly");
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop(signal));
  // The launcher is gone without having stopped us.
  process.once("disconnect", () => stop("disconnect"));
}

/** `npm run cloud`: the cloud service. Wrong configuration ends the process with code 2 and every fault on stderr, before anything was started. */
export async function runCloud(): Promise<void> {
  try {
    await start();
  } catch (error) {
    const text =
      error instanceof ConfigError ? error.problems.join("\n") : `${errorCode(error)} ${errorMessage(error)}`;
    process.stderr.write(`${text}\n`);
    process.exit(error instanceof ConfigError || errorCode(error) === "PORT_TAKEN" ? EXIT_CONFIG : 1);
  }
}
