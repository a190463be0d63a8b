import { mkdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { pino } from "pino";
import { hostPort, readEnvironment } from "#config/environment.ts";
import { ConfigError, errorCode, errorMessage } from "#core/errors.ts";
import { startCloud } from "./app.ts";

const EXIT_CONFIG = 2;
const BYTES_PER_GB = 1e9;

async function start(): Promise<void> {
  const environment = readEnvironment(process.env);
  const logger = pino({ level: environment.PARKHUB_LOG, base: { part: "cloud" } });
  const data = path.resolve(environment.PARKHUB_DATA);
  mkdirSync(path.join(data, "cloud"), { recursive: true });
  const root = path.resolve(import.meta.dirname, "..");
  const cloud = await startCloud({
    data,
    http: hostPort(environment.PARKHUB_HTTP),
    mqtt: hostPort(environment.PARKHUB_MQTT),
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
    logger,
  });
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, "stopping");
    cloud.close().then(
      () => process.exit(0),
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
