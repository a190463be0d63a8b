import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { pino } from "pino";
import { lockDataFolder } from "#config/deploy/data-lock.ts";
import { type Environment, readEnvironment } from "#config/environment.ts";
import { type Clock, systemClock } from "#core/clock.ts";
import { ConfigError, errorCode, errorMessage, HubError } from "#core/errors.ts";
import { type GatewayId, gatewayId, type PointId, pointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import { copyRecords } from "./db/copy-records.ts";
import { type Db, openDatabase } from "./db/database.ts";
import { EmbeddedTelemetryStore } from "./history/embedded-store.ts";
import { QueryClient } from "./history/influx/query-client.ts";
import { InfluxTelemetryStore } from "./history/influx/store.ts";
import { RecordedRanges, type StoredRanges } from "./history/influx/stored-ranges.ts";
import { type InfluxTarget, influxTarget } from "./history/influx/target.ts";
import { openForReading } from "./history/schema.ts";
import { MigrateError } from "./migrate/errors.ts";
import { MoveProgress } from "./migrate/progress.ts";
import { recordsName } from "./migrate/target-names.ts";
import { copyTelemetry, type TelemetryAccount } from "./migrate/telemetry-copy.ts";
import { assertUnused } from "./migrate/unused.ts";
import { PointNumbers } from "./point-directory.ts";

/** Between two lines of progress. */
const TELL_EVERY_MS = 2000;
const EXIT_CONFIG = 2;
const HOUR_MS = 3_600_000;
/** Points of one question about hours. */
const POINTS_AT_ONCE = 100;

/** What is moved. */
export interface MigrateOptions {
  /** Data folder of the cloud, `$PARKHUB_DATA`. */
  readonly data: string;
  readonly urls: Pick<Environment, "PARKHUB_INFLUX_URL" | "PARKHUB_POSTGRES_URL">;
  /** Takes one line of progress or of the account. */
  readonly say: (line: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a move has done; undefined for a part that was not asked for, `done before` for one that was moved earlier. */
export interface MigrateAccount {
  readonly telemetry: TelemetryAccount | "done before" | undefined;
  readonly records: { readonly tables: number; readonly rows: number } | "done before" | undefined;
}

/** Everything that is to be closed, the last opened first. */
class Closers {
  readonly #closers: (() => void | Promise<void>)[] = [];
  add(closer: () => void | Promise<void>): void {
    this.#closers.push(closer);
  }
  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0).reverse()) await closer();
  }
}

interface Folder {
  readonly records: string;
  readonly telemetry: string;
}

/** InfluxDB's store notes ranges of offsets; a copy by series would note one a sample. They are noted at the end instead. */
const NO_RANGES: StoredRanges = { add: () => 0, of: () => [] };

/** What the file knows. `droppedBefore`: samples before this time, Unix ms, are kept no more; 0 when nothing was dropped. */
function keysOf(file: string): {
  readonly series: readonly PointId[];
  readonly gateways: readonly GatewayId[];
  readonly droppedBefore: number;
} {
  const db = openForReading(file);
  try {
    return {
      series: db
        .prepare("SELECT point FROM series ORDER BY point")
        .all()
        .map((row) => pointId(String(row["point"]))),
      gateways: db
        .prepare("SELECT DISTINCT gateway FROM epochs ORDER BY gateway")
        .all()
        .map((row) => gatewayId(String(row["gateway"]))),
      droppedBefore: Number(db.prepare("SELECT raw_before FROM retention").get()?.["raw_before"] ?? 0),
    };
  } finally {
    db.close();
  }
}

/** A move that has not begun yet wants an empty database. @throws MIGRATE_TARGET */
async function assertEmpty(target: InfluxTarget, clock: Clock): Promise<void> {
  const client = new QueryClient(target, clock);
  try {
    const [series = []] = await client.run(["SHOW MEASUREMENTS LIMIT 1"]);
    const found = series[0]?.values[0]?.[0];
    if (found !== undefined)
      throw new MigrateError(
        "MIGRATE_TARGET",
        `${target.label} is not empty: it holds the measurement ${String(found)}. Give an empty database`,
      );
  } catch (error) {
    // The store makes it.
    if (errorCode(error) !== "HISTORY_NO_DATABASE") throw error;
  } finally {
    client.close();
  }
}

/** How many samples live on in hourly summaries only, because they were too old to be kept themselves. */
async function onlyInHours(
  store: EmbeddedTelemetryStore,
  { series, droppedBefore }: ReturnType<typeof keysOf>,
): Promise<number> {
  const end = Math.floor(droppedBefore / HOUR_MS) * HOUR_MS;
  let samples = 0;
  for (let at = 0; at < series.length && end > 0; at += POINTS_AT_ONCE) {
    const points = series.slice(at, at + POINTS_AT_ONCE);
    for (const buckets of await store.aggregate({ points, edges: [0, end] }))
      for (const { count, bad } of buckets) samples += count + bad;
  }
  return samples;
}

class Move {
  readonly #options: MigrateOptions;
  readonly #files: Folder;
  readonly #progress: MoveProgress;
  readonly #closers: Closers;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(options: MigrateOptions, files: Folder, progress: MoveProgress, closers: Closers) {
    this.#options = options;
    this.#files = files;
    this.#progress = progress;
    this.#closers = closers;
  }

  async run(): Promise<MigrateAccount> {
    const { urls, logger, clock, say } = this.#options;
    const { PARKHUB_POSTGRES_URL: postgres, PARKHUB_INFLUX_URL: influx } = urls;
    const recordsTarget = postgres === undefined ? undefined : recordsName(postgres);
    const recordsDone = recordsTarget !== undefined && this.#progress.state(recordsTarget) === "done";
    // Opened before the long part, so that a wrong password or a database in use is told at once.
    const target = postgres === undefined ? undefined : await this.#database(postgres);
    const source = recordsDone ? undefined : await this.#database(this.#files.records);
    const holder = source ?? target;
    const telemetry = influx === undefined || holder === undefined ? undefined : await this.#telemetry(influx, holder);
    let records: MigrateAccount["records"] = recordsDone ? "done before" : undefined;
    if (source !== undefined && target !== undefined && recordsTarget !== undefined) {
      this.#progress.begin(recordsTarget, clock.now());
      const tables = await copyRecords(source, target, (table, rows, of) =>
        this.#tell(`records: ${table}, ${rows} of ${of} rows`),
      );
      records = { tables: tables.length, rows: tables.reduce((sum, { rows }) => sum + rows, 0) };
      say(`records: ${records.tables} tables, ${records.rows} rows copied, ${records.rows} verified`);
    }
    logger.info({ telemetry, records }, "stores moved");
    return { telemetry, records };
  }

  /** Says of both parts that they are moved. */
  end(): void {
    const { urls, clock } = this.#options;
    const { PARKHUB_POSTGRES_URL: postgres, PARKHUB_INFLUX_URL: influx } = urls;
    if (postgres !== undefined) this.#progress.end(recordsName(postgres), clock.now());
    if (influx !== undefined) this.#progress.end(telemetryName(influx), clock.now());
  }

  async #database(target: string): Promise<Db> {
    const db = await openDatabase(target, this.#options.logger);
    this.#closers.add(() => db.close());
    return db;
  }

  async #telemetry(url: string, records: Db): Promise<MigrateAccount["telemetry"]> {
    const { clock, logger, say } = this.#options;
    const name = telemetryName(url);
    const state = this.#progress.state(name);
    if (state === "done") {
      say("telemetry: was moved before");
      return "done before";
    }
    if (state === "unknown") await assertEmpty(influxTarget(url), clock);
    const directory = new PointNumbers();
    const from = await EmbeddedTelemetryStore.open({ file: this.#files.telemetry, points: new PointNumbers() }, logger);
    this.#closers.add(() => from.close());
    const to = await InfluxTelemetryStore.open({ url, points: directory, ranges: NO_RANGES, clock, logger });
    this.#closers.add(() => to.close());
    const { ready, detail } = to.status;
    if (!ready) throw new MigrateError("MIGRATE_AWAY", detail ?? "InfluxDB does not take samples", { retriable: true });
    this.#progress.begin(name, clock.now());
    const keys = keysOf(this.#files.telemetry);
    const account = await copyTelemetry({
      from,
      to,
      directory,
      series: keys.series,
      progress: this.#progress,
      target: name,
      told: ({ series: through, of, samples }) =>
        this.#tell(`telemetry: ${through} of ${of} series, ${samples} samples`),
    });
    const ranges = new RecordedRanges(records);
    for (const gateway of keys.gateways)
      ranges.add(
        (await from.ranges(gateway)).map(({ epoch, from: first, to: last }) => ({ gateway, epoch, first, last })),
      );
    say(`telemetry: ${account.series} series, ${account.samples} samples copied, ${account.verified} verified`);
    const left = await onlyInHours(from, keys);
    if (left > 0)
      say(`telemetry: hourly summaries of ${left} samples that are kept no more stay behind in the data folder`);
    return account;
  }

  #tell(line: string): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#toldAt < TELL_EVERY_MS) return;
    this.#toldAt = now;
    this.#options.say(line);
  }
}

const telemetryName = (url: string): string => `telemetry ${influxTarget(url).label}`;

/**
 * Moves a stopped cloud from the embedded stores to the servers of the production profile: records to PARKHUB_POSTGRES_URL,
 * telemetry to PARKHUB_INFLUX_URL, each where it is set. Can be killed at any time and started again. The embedded files
 * stay as they are.
 * @throws MIGRATE_NOTHING, MIGRATE_RUNNING, MIGRATE_TARGET, MIGRATE_AWAY, MIGRATE_DIFFERS, DB_*, HISTORY_*
 */
export async function migrateStore(options: MigrateOptions): Promise<MigrateAccount> {
  const { data, urls, say } = options;
  if (urls.PARKHUB_INFLUX_URL === undefined && urls.PARKHUB_POSTGRES_URL === undefined)
    throw new MigrateError("MIGRATE_NOTHING", "set PARKHUB_POSTGRES_URL, PARKHUB_INFLUX_URL or both: where to move to");
  const folder = path.join(data, "cloud");
  const files = { records: path.join(folder, "records.db"), telemetry: path.join(folder, "telemetry.db") };
  if (!existsSync(files.records))
    throw new MigrateError("MIGRATE_NOTHING", `${data} holds no records of a cloud: is PARKHUB_DATA right?`);
  mkdirSync(path.join(data, "run"), { recursive: true });
  const unlock = lockDataFolder(data);
  if (unlock === undefined)
    throw new MigrateError("MIGRATE_RUNNING", `${data} is in use by a running park: stop it first`);
  const closers = new Closers();
  closers.add(unlock);
  const unlockCloud = lockDataFolder(data, "cloud.lock");
  if (unlockCloud === undefined) {
    unlock();
    throw new MigrateError("MIGRATE_RUNNING", `${data} is in use by a running cloud: stop it first`);
  }
  closers.add(unlockCloud);
  const inUse = (): void => [files.records, files.telemetry].forEach(assertUnused);
  try {
    inUse();
    const progress = new MoveProgress(path.join(folder, "migrate-store.db"));
    closers.add(() => progress.close());
    const opened = new Closers();
    const move = new Move(options, files, progress, opened);
    const account = await move.run().finally(() => opened.close());
    // A cloud that was started meanwhile may have written what is not in the targets.
    inUse();
    move.end();
    say("not moved: pictures, clips and credentials stay in the data folder; Redis fills itself");
    return account;
  } finally {
    await closers.close();
  }
}

/** `npm run migrate-store`. */
async function main(): Promise<void> {
  try {
    const environment = readEnvironment(process.env);
    await migrateStore({
      data: path.resolve(environment.PARKHUB_DATA),
      urls: environment,
      say: (line) => process.stdout.write(`${line}\n`),
      clock: systemClock,
      logger: pino({ level: "error", base: { part: "migrate-store" } }, process.stderr),
    });
    process.stdout.write("done: start the cloud with the same addresses\n");
  } catch (error) {
    const again = error instanceof HubError && error.retriable ? "\nrun it again: it goes on where it was" : "";
    const text =
      error instanceof ConfigError ? error.problems.join("\n") : `${errorCode(error)} ${errorMessage(error)}${again}`;
    process.stderr.write(`${text}\n`);
    process.exitCode = error instanceof ConfigError ? EXIT_CONFIG : 1;
  }
}

if (import.meta.main) await main();
