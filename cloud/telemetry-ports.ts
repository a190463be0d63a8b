import type { FindingView, SignedStatement, StatementKey } from "#core/contracts/completeness.ts";
import type { Aggregate, Fill, HistorySeriesView, HistoryView } from "#core/contracts/history.ts";
import type { Lane } from "#core/contracts/lanes.ts";
import type { GatewayId, PointId } from "#core/ids.ts";
import type { Sample, Value } from "#core/model/sample.ts";
import type { SampleColumns } from "#core/model/sample-columns.ts";
import type { PageRequest, PageResult } from "./ports.ts";

/*
 * The ports of the data path: what ingest hands to a telemetry store, what the store answers, and what ingest tells of
 * the completeness of what came. Every store runs tests/contract/telemetry-store.ts.
 */

/** Numbers of points inside this process, so that the data path carries numbers instead of texts. Never reused, never kept over a restart. */
export interface PointDirectory {
  /** The point's number; a new one where it is not known yet. */
  numberOf(point: PointId): number;
  /** The point of a number. @throws RangeError for a number never given out */
  pointOf(number: number): PointId;
  /** Numbers given out are 0 to size - 1. */
  readonly size: number;
}

/** One batch inside the columns: its rows are `start` to `start + last - first`, its offsets `first` to `last`. */
export interface TelemetrySpan {
  readonly gateway: GatewayId;
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
  readonly start: number;
}

/** What is stored in one commit. */
export interface TelemetryWrite {
  readonly columns: SampleColumns;
  readonly spans: readonly TelemetrySpan[];
}

/** A row of telemetry as stored: key (gateway, epoch, offset), time observedAt. */
export interface StoredSample extends Sample {
  readonly epoch: string;
  readonly offset: number;
}

/** What is asked of raw samples: those of [from, to), oldest first, at most `limit`. Unix ms. */
export interface HistoryQuery {
  readonly point: PointId;
  readonly from: number;
  readonly to: number;
  readonly limit: number;
}

/** What is asked of summaries, for all points at once. */
export interface AggregateQuery {
  readonly points: readonly PointId[];
  /** Unix ms, ascending: bucket i is [edges[i], edges[i + 1]). Uneven widths are allowed: local days, months. At most 100,001. */
  readonly edges: readonly number[];
  /** Also `timeWeightedMean`: each value counts for as long as it held, the one before the bucket included. */
  readonly timeWeighted?: boolean;
  /** Also `increase`, for points that are counters: by point the value at which the counter starts again at 0, or null where it never does by itself (then a fall is a replaced meter and counts from 0). */
  readonly counters?: ReadonlyMap<PointId, number | null>;
}

/**
 * Summary of one bucket. Only usable samples count: quality is not bad and the value is not null. Booleans enter as 0
 * and 1; texts only enter `count`, `first` and `last`.
 */
export interface Bucket {
  /** Beginning, Unix ms. */
  readonly t: number;
  readonly count: number;
  /** Samples that are not usable; a bucket with none but these is a gap with a reason. */
  readonly bad: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly first: Value;
  readonly last: Value;
  readonly timeWeightedMean?: number | null;
  readonly increase?: number | null;
}

/** How long telemetry is kept. Unix ms; what is older goes. */
export interface TelemetryRetention {
  readonly rawBefore: number;
  readonly summariesBefore: number;
}

/** State of a store for `readyz` and metrics. */
export interface TelemetryStoreStatus {
  /** Does it take writes now? */
  readonly ready: boolean;
  readonly detail?: string;
  /** Samples written and not yet durable. */
  readonly pending: number;
}

/** Where telemetry is kept: a thread with SQLite, or InfluxDB. */
export interface TelemetryStore {
  /**
   * Resolves when everything is durable. Idempotent: a row already stored under its key (gateway, epoch, offset) is ignored
   * and counted as a duplicate where the store can know it. The columns are read until the promise settles: the caller
   * must not change them before.
   * @throws retriable HubError while the store is away or full; HubError that is not retriable for a batch that can never be stored
   */
  write(write: TelemetryWrite): Promise<{ readonly stored: number; readonly duplicates: number }>;
  /** Raw samples of one point, by time; of each time one. */
  read(query: HistoryQuery): Promise<readonly StoredSample[]>;
  /** The newest stored sample of each point at or before a time; undefined where there is none. */
  at(points: readonly PointId[], time: number): Promise<readonly (StoredSample | undefined)[]>;
  /** Summaries by point, in the order of the query; buckets without any sample are left out. @throws HISTORY_TOO_MANY_BUCKETS */
  aggregate(query: AggregateQuery): Promise<readonly (readonly Bucket[])[]>;
  /** Which offsets are stored, as merged ranges per epoch, for the proof of completeness. Retention does not shrink them. */
  ranges(gateway: GatewayId): Promise<readonly { epoch: string; from: number; to: number }[]>;
  /** Brings everything into its final form and drops what is too old. Run nightly. */
  maintain(retention: TelemetryRetention): Promise<void>;
  readonly status: TelemetryStoreStatus;
  close(): Promise<void>;
}

/** Something ingest noticed about the completeness of a gateway's lane. Times are Unix ms of this process. */
export type IngestFinding =
  /** Offsets that will never come, with the gateway's or our own reason. */
  | {
      readonly kind: "gap";
      readonly lane: Lane;
      readonly epoch: string;
      readonly from: number;
      readonly to: number;
      readonly reason: string;
    }
  /** Offsets offered again: by a gateway that missed an ack, or by somebody who recorded them. */
  | {
      readonly kind: "duplicate";
      readonly lane: Lane;
      readonly epoch: string;
      readonly from: number;
      readonly to: number;
    }
  /** Offsets that came before lower ones. */
  | {
      readonly kind: "reorder";
      readonly lane: Lane;
      readonly epoch: string;
      readonly from: number;
      readonly to: number;
    }
  /** A batch of an epoch that was closed by a newer one. */
  | { readonly kind: "replay"; readonly lane: Lane; readonly epoch: string; readonly from: number; readonly to: number }
  /** The gateway's clock moved against ours by so much since its last message, ms. */
  | { readonly kind: "clockJump"; readonly byMs: number }
  /** Two gateways that run at once under one identity: a copied disk or credential. `goesOn`: until told to be over (false). */
  | { readonly kind: "clone"; readonly goesOn?: boolean }
  /** Not heard since `since`; told when silence begins and, with `until`, when it ends. */
  | { readonly kind: "silence"; readonly since: number; readonly until?: number };

/** Who keeps account of findings. Cheap and synchronous; called outside of transactions. */
export interface IngestWatch {
  found(gateway: GatewayId, finding: IngestFinding): void;
}

/** What is asked of several series at once. Times are Unix ms, `from` inclusive, `to` exclusive. */
export interface SeriesQuery {
  readonly points: readonly string[];
  readonly from: number;
  readonly to: number;
  /** Such as `15m`, `1d`, `P1M`; `auto` or absent: what suits a chart. */
  readonly interval?: string;
  readonly aggregates: readonly Aggregate[];
  readonly fill: Fill;
  /** Value at which the counters start again at 0, for `increase`. */
  readonly rollover?: number;
  /** IANA time zone in which days and months begin; the site's when absent. */
  readonly timeZone?: string;
}

/** History for pages and programs, over whatever store there is. */
export interface HistoryService {
  /** Raw samples, oldest first; `nextFrom` when there are more than `limit`. @throws ID_INVALID, HISTORY_RANGE_INVALID */
  samples(query: {
    readonly point: string;
    readonly from: number;
    readonly to: number;
    readonly limit: number;
  }): Promise<HistoryView>;
  /** Whole buckets of one point; those without any sample are left out. @throws ID_INVALID, HISTORY_RANGE_INVALID, INTERVAL_INVALID, HISTORY_TOO_MANY_BUCKETS */
  buckets(
    query: Pick<SeriesQuery, "from" | "to" | "interval" | "timeZone"> & { readonly point: string },
  ): Promise<HistoryView>;
  /** Whole buckets of several points. @throws as `buckets` */
  series(query: SeriesQuery): Promise<HistorySeriesView>;
  /** The same, or with `raw` all samples, as the lines of a CSV file, read piece by piece. [RFC 4180] @throws as `buckets`, before the first piece */
  csv(query: SeriesQuery & { readonly raw: boolean; readonly bom: boolean }): AsyncGenerator<string>;
}

/** Findings and statements of gateways, for pages and programs. */
export interface CompletenessService {
  /** Newest first. @throws CURSOR_INVALID */
  findings(gateway: string, page: PageRequest): PageResult<FindingView>;
  /** Newest first. @throws CURSOR_INVALID */
  statements(gateway: string, page: PageRequest): PageResult<SignedStatement>;
  statement(id: string): SignedStatement | undefined;
  /** What a statement made now would say. */
  provisional(gateway: GatewayId): Promise<SignedStatement>;
  /** The first fault in the chain of a gateway's statements; undefined when it is whole. */
  firstFault(gateway: string): Promise<string | undefined>;
  readonly key: StatementKey;
}
