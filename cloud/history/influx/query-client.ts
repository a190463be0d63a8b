import { type IClusterConfig, InfluxDB } from "influx";
import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import { InfluxError, unreachable } from "./failure.ts";
import { Poster } from "./poster.ts";
import type { InfluxTarget } from "./target.ts";

/** Requests for queries at once. */
const CONNECTIONS = 4;
/** Longest wait for the answer to statements that read, and to those that sum many samples up. */
const READ_MS = 20_000;
export const SUM_MS = 60_000;

/** One series of an answer: its columns and rows; times are Unix ms. */
export interface InfluxSeries {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
  /** The server left rows out (its `max-row-limit`). */
  readonly partial: boolean;
}

/** A text as InfluxQL takes it. */
export function literal(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&").replaceAll("\n", "\\n")}'`;
}

/** A name as InfluxQL takes it. */
export function identifier(name: string): string {
  return `"${name.replaceAll(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((text) => typeof text === "string");

function seriesOf(raw: unknown): InfluxSeries {
  const { name, tags, columns, values, partial } = isRecord(raw) ? raw : {};
  return {
    name: typeof name === "string" ? name : "",
    tags: isRecord(tags)
      ? Object.fromEntries(Object.entries(tags).filter((tag): tag is [string, string] => typeof tag[1] === "string"))
      : {},
    columns: isTexts(columns) ? columns : [],
    values: Array.isArray(values) ? values.filter((row) => Array.isArray(row)) : [],
    partial: partial === true,
  };
}

function queryFailed(reason: string): InfluxError {
  const message = `InfluxDB: ${reason.slice(0, 300)}`;
  // Both come back when the store has set up again what an operator has lost.
  if (/(database|retention policy) not found/i.test(reason))
    return new InfluxError("HISTORY_NO_DATABASE", message, { retriable: true });
  return new InfluxError("HISTORY_QUERY_FAILED", message);
}

/** The results of each statement. @throws HISTORY_QUERY_FAILED with what the server says of the first that failed */
function resultsOf(answer: unknown, statements: number): readonly (readonly InfluxSeries[])[] {
  const results: unknown = isRecord(answer) ? answer["results"] : undefined;
  if (!Array.isArray(results)) throw new InfluxError("HISTORY_QUERY_FAILED", "InfluxDB gave an answer without results");
  const byStatement: InfluxSeries[][] = Array.from({ length: statements }, () => []);
  for (const [i, result] of results.entries()) {
    if (!isRecord(result)) continue;
    if (typeof result["error"] === "string") throw queryFailed(result["error"]);
    const at = typeof result["statement_id"] === "number" ? result["statement_id"] : i;
    const series: unknown = result["series"];
    if (Array.isArray(series)) byStatement[at]?.push(...series.map(seriesOf));
  }
  return byStatement;
}

/** Statements in InfluxQL, through the `influx` package. */
export class QueryClient {
  readonly #target: InfluxTarget;
  readonly #clock: Clock;
  readonly #poster: Poster;
  readonly #influx: InfluxDB;
  readonly #under = new Set<AbortController>();
  #closed = false;

  constructor(target: InfluxTarget, clock: Clock) {
    this.#target = target;
    this.#clock = clock;
    this.#poster = new Poster(target, clock, CONNECTIONS);
    const { host, port, prefix, protocol, database, authorization } = target;
    const headers = authorization === undefined ? {} : { Authorization: authorization };
    const options = { agent: this.#poster.agent, headers };
    const backoff = { getDelay: () => 0, next: () => backoff, reset: () => backoff };
    const config: IClusterConfig = {
      database,
      hosts: [{ host, port, protocol, path: prefix, options }],
      // A delay above 0 would shut the only host out, with a timer that keeps the process alive.
      pool: { maxRetries: 0, requestTimeout: SUM_MS, backoff },
    };
    // The package signs in as root:root unless the name is null, which its types do not know; the header is ours.
    this.#influx = new InfluxDB(Object.assign<IClusterConfig, object>(config, { username: null }));
  }

  /**
   * Runs statements one after the other; the answer has one list of series per statement.
   * @throws HISTORY_UNAVAILABLE, HISTORY_UNAUTHORIZED, HISTORY_NO_DATABASE, HISTORY_ANSWER_INVALID, retriable; HISTORY_QUERY_FAILED
   */
  async run(
    statements: readonly string[],
    options: { readonly timeoutMs?: number } = {},
  ): Promise<readonly (readonly InfluxSeries[])[]> {
    const { timeoutMs = READ_MS } = options;
    if (this.#closed) throw new InfluxError("HISTORY_CLOSED", "the telemetry store is closed", { retriable: true });
    const abort = new AbortController();
    const cancel = this.#clock.after(timeoutMs, () => abort.abort());
    this.#under.add(abort);
    try {
      // The package waits for ever for an answer whose connection ends in the middle: the race ends it.
      const answer: unknown = await Promise.race([
        this.#influx.queryRaw(statements.join(";\n"), {
          database: this.#target.database,
          precision: "ms",
          method: "POST",
          signal: abort.signal,
        }),
        new Promise<never>((_, reject) => {
          abort.signal.addEventListener("abort", () =>
            reject(unreachable("reading", this.#closed ? "closed" : `no answer within ${timeoutMs} ms`)),
          );
        }),
      ]);
      return resultsOf(answer, statements.length);
    } catch (error) {
      throw this.#translate(error);
    } finally {
      cancel();
      this.#under.delete(abort);
    }
  }

  /** Ends everything that is under way. */
  close(): void {
    this.#closed = true;
    for (const abort of this.#under) abort.abort();
    this.#poster.close();
  }

  /** The package's errors carry requests with credentials in them: only their words go on. */
  #translate(error: unknown): InfluxError {
    if (error instanceof InfluxError) return error;
    // So a proxy's page is read, and what 1.x says of a number that JSON has no word for.
    if (error instanceof SyntaxError)
      return new InfluxError("HISTORY_ANSWER_INVALID", `InfluxDB: ${error.message}`, { retriable: true });
    const message = errorMessage(error).replaceAll(/\s+/g, " ").slice(0, 300);
    const status = /^A (\d{3}) /.exec(message)?.[1];
    if (status === "401" || status === "403")
      return new InfluxError("HISTORY_UNAUTHORIZED", `InfluxDB: ${message}`, { retriable: true });
    if (status !== undefined && status !== "429") return queryFailed(message);
    return unreachable("reading", message);
  }
}
