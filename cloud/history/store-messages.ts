import type { Bucket, BucketQuery, HistoryQuery } from "../ports.ts";
import type { Columns } from "./columns.ts";
import type { StoredRow } from "./rows.ts";
import type { Span } from "./segment-store.ts";

/** What the worker is started with. */
export interface StoreWorkerData {
  readonly file: string;
  readonly compactAt?: number;
}

/** What the service asks of the store's thread. */
export type StoreRequest =
  | {
      readonly op: "write";
      readonly columns: Columns;
      readonly spans: readonly Span[];
      readonly points: readonly string[];
    }
  | { readonly op: "read"; readonly query: HistoryQuery }
  | { readonly op: "buckets"; readonly query: BucketQuery }
  | { readonly op: "ranges"; readonly gateway: string }
  | { readonly op: "close" };

/** Answers by the kind of request. */
export interface StoreAnswers {
  readonly write: { readonly stored: number; readonly duplicates: number };
  readonly read: StoredRow[];
  readonly buckets: Bucket[];
  readonly ranges: { epoch: string; from: number; to: number }[];
  readonly close: undefined;
}

/** An answer on its way back; `id` is the request's. `id` 0 answers the start. */
export type StoreReply =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      readonly retriable: boolean;
    };
