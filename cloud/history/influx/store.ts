import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { GatewayId, PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type {
  AggregateQuery,
  Bucket,
  HistoryQuery,
  PointDirectory,
  StoredSample,
  TelemetryRetention,
  TelemetryStore,
  TelemetryStoreStatus,
  TelemetryWrite,
} from "../../telemetry-ports.ts";
import { InfluxError, unreachable } from "./failure.ts";
import { Poster } from "./poster.ts";
import { QueryClient } from "./query-client.ts";
import { RawRows } from "./raw-rows.ts";
import { InfluxRetention } from "./retention.ts";
import { InfluxAdministration, type InfluxSetUp } from "./set-up.ts";
import type { StoredRanges } from "./stored-ranges.ts";
import { InfluxSummaries } from "./summaries.ts";
import { type InfluxTarget, influxTarget } from "./target.ts";
import { InfluxWriter, type WriteNumbers } from "./writer.ts";

/** Between two looks at a server that is quiet or away. */
const LOOK_EVERY_MS = 3000;
const PING_MS = 2500;
/** Connections besides those of the writer: for looking. */
const LOOK_CONNECTIONS = 1;
const WRITE_CONNECTIONS = 2;

/** What the store works with. */
export interface InfluxStoreDeps {
  /** `http(s)://user:password@host:port/database?token=...`. Never logged. */
  readonly url: string;
  readonly points: PointDirectory;
  readonly ranges: StoredRanges;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between 0 and 1; for waits that do not meet. */
  readonly random?: () => number;
}

/**
 * TelemetryStore in an InfluxDB 1.x, or a later version through its 1.x API. A server that is away, hung or full makes
 * writes fail as retriable and holds nothing up: it is looked after until it takes samples again.
 */
export class InfluxTelemetryStore implements TelemetryStore {
  readonly #target: InfluxTarget;
  readonly #deps: InfluxStoreDeps;
  readonly #poster: Poster;
  readonly #looker: Poster;
  readonly #client: QueryClient;
  readonly #writer: InfluxWriter;
  readonly #rows: RawRows;
  readonly #summaries: InfluxSummaries;
  readonly #administration: InfluxAdministration;
  readonly #retention: InfluxRetention;
  readonly #stopLooking: () => void;
  #setUp: InfluxSetUp | undefined;
  #path: string | undefined;
  #looking: Promise<void> | undefined;
  /** What the last look has found; undefined when all was well. */
  #away: InfluxError | undefined = unreachable("starting", "not looked at yet");
  #told = "";
  #closed = false;

  private constructor(deps: InfluxStoreDeps) {
    const target = influxTarget(deps.url);
    const { clock } = deps;
    this.#deps = deps;
    this.#target = target;
    this.#poster = new Poster(target, clock, WRITE_CONNECTIONS);
    this.#looker = new Poster(target, clock, LOOK_CONNECTIONS);
    this.#client = new QueryClient(target, clock);
    this.#administration = new InfluxAdministration(this.#client, target.database);
    this.#retention = new InfluxRetention({
      client: this.#client,
      administration: this.#administration,
      database: target.database,
      clock,
      logger: deps.logger,
    });
    const scope = {
      client: this.#client,
      policy: () => this.#setUp?.rawPolicy,
      hourlyPolicy: () => this.#setUp?.hourlyPolicy,
      keptFrom: () => this.#retention.rawFrom,
      hoursKeptFrom: () => this.#retention.hoursFrom,
    };
    this.#rows = new RawRows(scope);
    this.#summaries = new InfluxSummaries(scope, this.#rows);
    this.#writer = new InfluxWriter({
      poster: this.#poster,
      points: deps.points,
      clock,
      logger: deps.logger,
      path: () => this.#path ?? this.#away ?? unreachable("writing", "not set up yet"),
      onLost: () => this.#lose(),
      ...(deps.random === undefined ? {} : { random: deps.random }),
    });
    this.#stopLooking = clock.every(LOOK_EVERY_MS, () => void this.#look());
  }

  /**
   * Looks at the server once and sets up what is missing. One that is away now is looked at again until it is there;
   * meanwhile `status` says so and writes fail as retriable.
   * @throws HISTORY_URL_INVALID
   */
  static async open(deps: InfluxStoreDeps): Promise<InfluxTelemetryStore> {
    const store = new InfluxTelemetryStore(deps);
    await store.#look();
    return store;
  }

  /** What was written since the start, for metrics. */
  get numbers(): WriteNumbers {
    return this.#writer.numbers;
  }

  get status(): TelemetryStoreStatus {
    const problem = this.#closed ? "closed" : (this.#away ?? this.#writer.trouble)?.message;
    const detail = [
      `InfluxDB ${this.#setUp?.version ?? ""} at ${this.#target.label}`,
      problem,
      ...(this.#setUp?.remarks ?? []),
    ];
    return {
      ready: problem === undefined && this.#path !== undefined,
      detail: detail.filter((part) => part !== undefined).join("; "),
      pending: this.#writer.pending,
    };
  }

  /** As the port says. Duplicates are those that `ranges` knows; they are written again, over themselves. */
  async write(write: TelemetryWrite): Promise<{ readonly stored: number; readonly duplicates: number }> {
    await this.#writer.write(write);
    const stored = this.#deps.ranges.add(write.spans);
    const rows = write.spans.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    return { stored, duplicates: rows - stored };
  }

  async read(query: HistoryQuery): Promise<readonly StoredSample[]> {
    await this.#known();
    return await this.#rows.read(query);
  }

  async at(points: readonly PointId[], time: number): Promise<readonly (StoredSample | undefined)[]> {
    await this.#known();
    return await this.#rows.at(points, time);
  }

  async aggregate(query: AggregateQuery): Promise<readonly (readonly Bucket[])[]> {
    await this.#known();
    return await this.#summaries.aggregate(query);
  }

  async ranges(gateway: GatewayId): Promise<readonly { epoch: string; from: number; to: number }[]> {
    return this.#deps.ranges.of(gateway);
  }

  async maintain(retention: TelemetryRetention): Promise<void> {
    await this.#known();
    await this.#retention.maintain(retention);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopLooking();
    this.#writer.close();
    this.#client.close();
    this.#poster.close();
    this.#looker.close();
    await this.#looking;
  }

  #adopt(setUp: InfluxSetUp): void {
    this.#setUp = setUp;
    this.#retention.adopt(setUp);
    const policy = setUp.rawPolicy === undefined ? {} : { rp: setUp.rawPolicy };
    this.#path = `/write?${new URLSearchParams({ db: this.#target.database, precision: "ms", ...policy }).toString()}`;
  }

  /** Without knowing the policies an answer would come from somewhere else. */
  async #known(): Promise<void> {
    if (this.#setUp === undefined) await this.#look();
    if (this.#setUp === undefined) throw this.#away ?? unreachable("reading", "not set up yet");
  }

  #lose(): void {
    this.#path = undefined;
    void this.#look();
  }

  /** One look at a time. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    if (this.#closed) return;
    try {
      const { status, version } = await this.#looker.send("GET", "/ping", undefined, PING_MS);
      if (status >= 500)
        throw new InfluxError("HISTORY_UNAVAILABLE", `InfluxDB answers ${status}`, { retriable: true });
      if (this.#path === undefined) this.#adopt(await this.#administration.setUp(version));
      this.#tell(undefined);
    } catch (error) {
      this.#tell(error instanceof InfluxError ? error : unreachable("looking", errorMessage(error)));
    }
  }

  /** Logs what changed, once. */
  #tell(away: InfluxError | undefined): void {
    this.#away = away;
    if (this.#closed) return;
    const { logger } = this.#deps;
    const remarks = this.#setUp?.remarks ?? [];
    const story = away?.message ?? `${this.#setUp?.version} ${remarks.join()}`;
    if (story === this.#told) return;
    this.#told = story;
    if (away !== undefined)
      logger.warn({ store: this.#target.label, code: away.code, reason: away.message }, "InfluxDB is away");
    else if (remarks.length > 0)
      logger.warn(
        { store: this.#target.label, version: this.#setUp?.version, remarks },
        "InfluxDB is there, with less than it could have",
      );
    else logger.info({ store: this.#target.label, version: this.#setUp?.version }, "InfluxDB is there");
  }
}
