import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { TelemetryRetention } from "../../telemetry-ports.ts";
import { InfluxError } from "./failure.ts";
import { MEASUREMENT } from "./line-encoder.ts";
import { identifier, type QueryClient } from "./query-client.ts";
import { clampTime } from "./raw-rows.ts";
import { type InfluxAdministration, type InfluxSetUp, timeIn } from "./set-up.ts";
import { downsample, measurementIn } from "./summary-fields.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Longest that the server may sum one day up. */
const DAY_TIMEOUT_MS = 10 * 60_000;

/** What the retention works with. */
export interface RetentionDeps {
  readonly client: QueryClient;
  readonly administration: InfluxAdministration;
  readonly database: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long samples and hours are kept, and that no hour is missing when its samples go. */
export class InfluxRetention {
  readonly #deps: RetentionDeps;
  #setUp: InfluxSetUp | undefined;
  #rawBefore = Number.NEGATIVE_INFINITY;
  #hoursBefore = Number.NEGATIVE_INFINITY;
  /** Hours before this one have no samples any more: their summaries are final. */
  #finalBefore = Number.NEGATIVE_INFINITY;
  #toldFailure = "";

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
  }

  adopt(setUp: InfluxSetUp): void {
    this.#setUp = setUp;
  }

  /** Samples before this time are gone, though the server drops them by whole shards, later. Unix ms. */
  get rawFrom(): number {
    const keptMs = this.#setUp?.rawKeptMs;
    return Math.max(this.#rawBefore, keptMs === undefined ? Number.NEGATIVE_INFINITY : this.#deps.clock.now() - keptMs);
  }

  /** Hours before this time are gone. Unix ms. */
  get hoursFrom(): number {
    return this.#hoursBefore;
  }

  /** Sums up, for the last time, the hours whose samples are about to go; then lets the server drop what is older. */
  async maintain({ rawBefore, summariesBefore }: TelemetryRetention): Promise<void> {
    const { administration, clock } = this.#deps;
    const { rawPolicy, hourlyPolicy } = this.#setUp ?? {};
    if (rawPolicy === undefined) return;
    // One day more than what goes: until the next night some of it would, too.
    if (hourlyPolicy !== undefined) await this.#finish(rawPolicy, hourlyPolicy, rawBefore + DAY_MS);
    await this.#try(async () => {
      await administration.keep(rawPolicy, clock.now() - rawBefore);
      if (hourlyPolicy !== undefined) await administration.keep(hourlyPolicy, clock.now() - summariesBefore);
      this.#rawBefore = rawBefore;
      this.#finalBefore = Math.max(this.#finalBefore, Math.floor(rawBefore / HOUR_MS) * HOUR_MS);
      this.#hoursBefore = Math.floor(summariesBefore / HOUR_MS) * HOUR_MS;
    });
  }

  /** Only administrators may change policies: others go on with what there is. */
  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#toldFailure = "";
    } catch (error) {
      const refused = error instanceof InfluxError && (!error.retriable || error.code === "HISTORY_UNAUTHORIZED");
      if (!refused) throw error;
      if (this.#toldFailure !== error.message)
        this.#deps.logger.warn({ reason: error.message }, "InfluxDB does not let us set how long telemetry is kept");
      this.#toldFailure = error.message;
    }
  }

  async #finish(rawPolicy: string, hourlyPolicy: string, before: number): Promise<void> {
    const { client, database, clock } = this.#deps;
    // The hour that is still going on is the continuous query's.
    const end = Math.floor(Math.min(before, clock.now()) / HOUR_MS) * HOUR_MS;
    let from = this.#finalBefore;
    for (;;) {
      const next = await this.#firstSampleFrom(rawPolicy, from, end);
      if (next === undefined) break;
      const begin = Math.floor(next / HOUR_MS) * HOUR_MS;
      from = Math.min(begin + DAY_MS, end);
      const where = ` WHERE ${timeIn(begin, from)}`;
      const statement = downsample(identifier(database), rawPolicy, hourlyPolicy, where);
      await client.run([statement], { timeoutMs: DAY_TIMEOUT_MS });
    }
  }

  async #firstSampleFrom(policy: string, from: number, to: number): Promise<number | undefined> {
    const [begin, end] = [clampTime(from), clampTime(to)];
    if (begin >= end) return undefined;
    const where = timeIn(begin, end);
    const statement = `SELECT first("row") FROM ${measurementIn(policy, MEASUREMENT)} WHERE ${where}`;
    const [[series] = []] = await this.#deps.client.run([statement], { timeoutMs: DAY_TIMEOUT_MS });
    const time = series?.values[0]?.[series.columns.indexOf("time")];
    return typeof time === "number" ? time : undefined;
  }
}
