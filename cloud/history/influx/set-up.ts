import { errorMessage } from "#core/errors.ts";
import { InfluxError } from "./failure.ts";
import { type InfluxSeries, identifier, literal, type QueryClient } from "./query-client.ts";
import { downsample } from "./summary-fields.ts";

/** Retention policy of the samples, and of the hourly summaries. */
export const RAW_POLICY = "raw";
export const HOURLY_POLICY = "hourly";
/** The number goes up whenever what it selects changes. */
const HOURLY_QUERY = "parkhub_hourly_1";
/** Longest that setting up may take, per statement. */
const TIMEOUT_MS = 10_000;

/** What the server can do, as found out and set up. */
export interface InfluxSetUp {
  /** `X-Influxdb-Version`; undefined where a proxy hides it. */
  readonly version: string | undefined;
  /** Policy of the samples; undefined: the database's default one, which we do not change. */
  readonly rawPolicy: string | undefined;
  /** How long samples are kept, ms; undefined: for ever, or not ours to know. */
  readonly rawKeptMs: number | undefined;
  /** Policy of the hourly summaries; undefined: no down-sampling. */
  readonly hourlyPolicy: string | undefined;
  /** What is not as it could be, in words. */
  readonly remarks: readonly string[];
}

interface Policy {
  readonly keptMs: number | undefined;
}

/** `168h0m0s` in ms; `0s` is for ever. */
function durationMs(text: unknown): number | undefined {
  const [, h = 0, m = 0, s = 0] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(String(text)) ?? [];
  const ms = ((Number(h) * 60 + Number(m)) * 60 + Number(s)) * 1000;
  return ms > 0 ? ms : undefined;
}

function policiesOf(series: readonly InfluxSeries[]): Map<string, Policy> {
  const found = new Map<string, Policy>();
  for (const { columns, values } of series)
    for (const row of values)
      found.set(String(row[columns.indexOf("name")]), { keptMs: durationMs(row[columns.indexOf("duration")]) });
  return found;
}

/** Finds out what the server can do and makes what is missing, as far as it lets us. */
export class InfluxAdministration {
  readonly #client: QueryClient;
  readonly #database: string;

  constructor(client: QueryClient, database: string) {
    this.#client = client;
    this.#database = database;
  }

  /**
   * Database, policies, continuous query. What only later versions or administrators may do is left out, with a remark.
   * @throws HISTORY_UNAVAILABLE, HISTORY_UNAUTHORIZED, HISTORY_NO_DATABASE, all retriable
   */
  async setUp(version: string | undefined): Promise<InfluxSetUp> {
    const remarks: string[] = [];
    let policies = await this.#policies();
    if (policies === undefined) {
      await this.#createDatabase(remarks);
      policies = (await this.#policies()) ?? new Map();
    }
    const raw = await this.#policy(policies, RAW_POLICY, "7d", remarks);
    const hourly = raw === undefined ? undefined : await this.#policy(policies, HOURLY_POLICY, "84d", remarks);
    const continuous = hourly !== undefined && (await this.#continuousQuery(remarks));
    return {
      version,
      rawPolicy: raw === undefined ? undefined : RAW_POLICY,
      rawKeptMs: raw?.keptMs,
      hourlyPolicy: continuous ? HOURLY_POLICY : undefined,
      remarks,
    };
  }

  /** Sets how long a policy keeps what it has; the size of its shards follows. @throws HISTORY_QUERY_FAILED where the server has it otherwise */
  async keep(policy: string, keptMs: number): Promise<void> {
    const hours = Math.max(1, Math.ceil(keptMs / 3_600_000));
    // The server's own rule for shards: no shard longer than what is kept, not too many of them.
    const shard =
      policy === HOURLY_POLICY && hours > 24 * 365 ? "84d" : hours < 48 ? "1h" : hours < 24 * 180 ? "1d" : "7d";
    const name = `${identifier(policy)} ON ${identifier(this.#database)}`;
    await this.#run(`ALTER RETENTION POLICY ${name} DURATION ${hours}h SHARD DURATION ${shard}`);
  }

  /** Policies by name; undefined when there is no such database. */
  async #policies(): Promise<Map<string, Policy> | undefined> {
    try {
      return policiesOf(await this.#run(`SHOW RETENTION POLICIES ON ${identifier(this.#database)}`));
    } catch (error) {
      if (error instanceof InfluxError && error.code === "HISTORY_NO_DATABASE") return undefined;
      if (error instanceof InfluxError && error.code === "HISTORY_QUERY_FAILED") return new Map();
      throw error;
    }
  }

  async #createDatabase(remarks: string[]): Promise<void> {
    const kept = `WITH DURATION INF REPLICATION 1 SHARD DURATION 7d NAME ${identifier(RAW_POLICY)}`;
    const failure = await this.#attempt(`CREATE DATABASE ${identifier(this.#database)} ${kept}`);
    if (failure === undefined) return;
    remarks.push(failure);
    throw new InfluxError(
      "HISTORY_NO_DATABASE",
      `InfluxDB has no database ${this.#database} and does not let us make it: ${failure}`,
      { retriable: true },
    );
  }

  async #policy(
    policies: ReadonlyMap<string, Policy>,
    name: string,
    shard: string,
    remarks: string[],
  ): Promise<Policy | undefined> {
    const known = policies.get(name);
    if (known !== undefined) return known;
    const failure = await this.#attempt(
      `CREATE RETENTION POLICY ${identifier(name)} ON ${identifier(this.#database)} DURATION INF REPLICATION 1 SHARD DURATION ${shard}`,
    );
    if (failure === undefined) return { keptMs: undefined };
    remarks.push(`no retention policy "${name}": ${failure}`);
    return undefined;
  }

  async #continuousQuery(remarks: string[]): Promise<boolean> {
    const select = downsample(identifier(this.#database), RAW_POLICY, HOURLY_POLICY, "");
    if (await this.#hasContinuousQuery()) return true;
    // The hour before is summed up once more, for what came late; `maintain` does so for the last time.
    const create = `CREATE CONTINUOUS QUERY ${identifier(HOURLY_QUERY)} ON ${identifier(this.#database)} RESAMPLE EVERY 1h FOR 2h BEGIN ${select} END`;
    const failure = await this.#attempt(create);
    if (failure !== undefined) remarks.push(`no continuous query: ${failure}`);
    return failure === undefined;
  }

  async #hasContinuousQuery(): Promise<boolean> {
    try {
      const series = await this.#run("SHOW CONTINUOUS QUERIES");
      return series.some(
        ({ name, values }) => name === this.#database && values.some(([query]) => query === HOURLY_QUERY),
      );
    } catch (error) {
      if (error instanceof InfluxError && !error.retriable) return false;
      throw error;
    }
  }

  /** Undefined when the server did it, else why it did not. @throws HISTORY_UNAVAILABLE when it did not answer */
  async #attempt(statement: string): Promise<string | undefined> {
    try {
      await this.#run(statement);
      return undefined;
    } catch (error) {
      if (error instanceof InfluxError && error.code === "HISTORY_UNAVAILABLE") throw error;
      return errorMessage(error);
    }
  }

  async #run(statement: string): Promise<readonly InfluxSeries[]> {
    const [series = []] = await this.#client.run([statement], { timeoutMs: TIMEOUT_MS });
    return series;
  }
}

/** A condition on the time, Unix ms, `from` inclusive, `to` exclusive. */
export function timeIn(from: number, to: number): string {
  return `time >= ${from}ms AND time < ${to}ms`;
}

/** A condition on the point. */
export function ofPoint(point: string): string {
  return `"point" = ${literal(point)}`;
}
