import type { AggregateQuery, HistoryQuery, TelemetryRetention, TelemetrySpan } from "../telemetry-ports.ts";
import type { SeriesBuckets } from "./bucket-list.ts";

/** What the worker is started with. */
export interface StoreWorkerData {
  readonly file: string;
  /** New rows after which the log becomes chunks; for tests. */
  readonly compactAt?: number;
  /** Rows of a series that are worth a chunk of their own; for tests. */
  readonly chunkAt?: number;
  /** Rows in memory with which nothing more is taken; for tests. */
  readonly fullAt?: number;
}

/** Columns as they cross into the thread: shared memory, nothing is copied. The first `length` rows count. */
export interface WrittenColumns {
  readonly length: number;
  readonly point: Uint32Array;
  readonly time: Float64Array;
  readonly source: Float64Array;
  readonly kind: Uint8Array;
  readonly number: Float64Array;
  readonly quality: Uint16Array;
  readonly texts: readonly string[];
  readonly qualities: readonly string[];
}

/** What the service asks of the store's thread. */
export type StoreRequest =
  | {
      readonly op: "write";
      readonly columns: WrittenColumns;
      readonly spans: readonly TelemetrySpan[];
      /** Ids of the points that got their numbers since the last write, in order of the numbers. */
      readonly points: readonly string[];
    }
  | { readonly op: "read"; readonly query: HistoryQuery }
  | { readonly op: "at"; readonly points: readonly string[]; readonly time: number }
  | { readonly op: "aggregate"; readonly query: AggregateQuery }
  | { readonly op: "ranges"; readonly gateway: string }
  | { readonly op: "maintain"; readonly retention: TelemetryRetention }
  | { readonly op: "close" };

/** Samples of one point on their way back, as columns; `epochs` names the numbers in `epoch`. */
export interface ReadAnswer {
  readonly length: number;
  readonly time: Float64Array;
  readonly source: Float64Array;
  readonly kind: Uint8Array;
  readonly number: Float64Array;
  readonly quality: Uint16Array;
  readonly epoch: Uint32Array;
  readonly offset: Float64Array;
  readonly texts: readonly string[];
  readonly qualities: readonly string[];
  readonly epochs: ReadonlyMap<number, string>;
}

/** Answers by the kind of request. */
export interface StoreAnswers {
  readonly write: { readonly stored: number; readonly duplicates: number };
  readonly read: ReadAnswer;
  /** Row i belongs to the points of which `found` is not -1, in their order. */
  readonly at: { readonly rows: ReadAnswer; readonly found: Int32Array };
  readonly aggregate: SeriesBuckets[];
  readonly ranges: { epoch: string; from: number; to: number }[];
  readonly maintain: undefined;
  readonly close: undefined;
}

/** An answer on its way back; `id` is the request's. `id` 0 answers the start with how many damaged things the file holds. */
export type StoreReply =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      readonly retriable: boolean;
    };

/** What the thread tells of its own accord. */
export type StoreNotice =
  | { readonly notice: "upgraded"; readonly from: number; readonly backup: string }
  /** Something stored cannot be read and was set aside. `damaged`: how many such there are in the file now. */
  | { readonly notice: "damaged"; readonly what: string; readonly damaged: number }
  /** Work in the background failed; it is tried again. */
  | { readonly notice: "failed"; readonly code: string; readonly message: string };
