import { Worker } from "node:worker_threads";
import { InvalidInputError } from "#core/errors.ts";
import type { GatewayId, PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import { parseQuality, valueAt } from "#core/model/sample-columns.ts";
import type {
  AggregateQuery,
  Bucket,
  HistoryQuery,
  PointDirectory,
  StoredSample,
  TelemetryRetention,
  TelemetrySpan,
  TelemetryStore,
  TelemetryStoreStatus,
  TelemetryWrite,
} from "../telemetry-ports.ts";
import { bucketLists } from "./bucket-list.ts";
import { HistoryError } from "./store-errors.ts";
import type {
  ReadAnswer,
  StoreAnswers,
  StoreNotice,
  StoreReply,
  StoreRequest,
  StoreWorkerData,
} from "./store-messages.ts";

/** Most edges of a query, and most buckets over all its points. */
const EDGES_MOST = 100_001;
const BUCKETS_MOST = 10_000_000;
/** More samples than this are not on their way to the thread at once. */
const PENDING_MOST = 4_194_304;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}
interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  readonly ended: Promise<void>;
  /** Points whose numbers the thread knows. */
  told: number;
}

/** Where the file is and what gives points their numbers. The sizes are for tests. */
export interface EmbeddedStoreOptions extends StoreWorkerData {
  readonly points: PointDirectory;
}

function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** @throws TELEMETRY_BATCH_INVALID when a span is not inside the columns */
function checkSpans(spans: readonly TelemetrySpan[], length: number): void {
  for (const { gateway, first, last, start } of spans)
    if (!isOffset(first) || !isOffset(last) || !isOffset(start) || last < first || start + last - first >= length)
      throw new InvalidInputError(
        "TELEMETRY_BATCH_INVALID",
        `${gateway}: offsets ${first} to ${last} from row ${start} on do not fit ${length} rows`,
      );
}

/** @throws HISTORY_TOO_MANY_BUCKETS */
function checkBuckets({ edges, points }: AggregateQuery): void {
  const buckets = (edges.length - 1) * points.length;
  if (edges.length > EDGES_MOST || buckets > BUCKETS_MOST)
    throw new InvalidInputError(
      "HISTORY_TOO_MANY_BUCKETS",
      `${edges.length} borders for ${points.length} points: expected at most ${EDGES_MOST} and ${BUCKETS_MOST} buckets`,
    );
}

function sampleAt(rows: ReadAnswer, i: number, point: PointId): StoredSample {
  const source = rows.source[i] ?? Number.NaN;
  const quality = parseQuality(rows.qualities[rows.quality[i] ?? 0] ?? "bad");
  const epoch = rows.epochs.get(rows.epoch[i] ?? 0) ?? "";
  const key = { epoch, offset: rows.offset[i] ?? 0 };
  const observedAt = rows.time[i] ?? 0;
  const value = valueAt(rows as ReadAnswer & { texts: string[] }, i);
  return Number.isNaN(source)
    ? { point, value, ...quality, observedAt, ...key }
    : { point, value, ...quality, sourceTime: source, observedAt, ...key };
}

/**
 * TelemetryStore of the embedded mode: a thread of its own with `telemetry.db`. A thread that dies takes no acknowledged
 * sample with it: what it was asked fails as retriable, and the next call starts a new one.
 */
export class EmbeddedTelemetryStore implements TelemetryStore {
  readonly #options: StoreWorkerData;
  readonly #points: PointDirectory;
  readonly #logger: Logger;
  #thread: Promise<Thread> | undefined;
  #nextId = 1;
  #closed = false;
  #pending = 0;
  #damaged = 0;

  private constructor({ points, ...options }: EmbeddedStoreOptions, logger: Logger) {
    this.#options = options;
    this.#points = points;
    this.#logger = logger;
  }

  /** Opens or makes the file. @throws HISTORY_NEWER, DB_CORRUPT, DB_IO */
  static async open(options: EmbeddedStoreOptions, logger: Logger): Promise<EmbeddedTelemetryStore> {
    const store = new EmbeddedTelemetryStore(options, logger);
    await store.#running();
    return store;
  }

  /** Does its thread run? One that died is started again by the next call. */
  get running(): boolean {
    return this.#thread !== undefined && !this.#closed;
  }

  get status(): TelemetryStoreStatus {
    const ready = this.running;
    const detail =
      this.#damaged > 0
        ? `${this.#damaged} damaged blocks of the file were set aside`
        : ready
          ? undefined
          : this.#closed
            ? "closed"
            : "its thread does not run";
    return { ready, pending: this.#pending, ...(detail === undefined ? {} : { detail }) };
  }

  /** @throws TELEMETRY_BATCH_INVALID, HISTORY_FULL, HISTORY_THREAD, HISTORY_CLOSED, DB_* */
  async write({ columns, spans }: TelemetryWrite): Promise<{ readonly stored: number; readonly duplicates: number }> {
    checkSpans(spans, columns.length);
    if (spans.length === 0) return { stored: 0, duplicates: 0 };
    const rows = columns.length;
    if (this.#pending > 0 && this.#pending + rows > PENDING_MOST)
      throw new HistoryError("HISTORY_FULL", `${this.#pending} samples are on their way already`, { retriable: true });
    this.#pending += rows;
    try {
      return await this.#ask((thread) => {
        const points: string[] = [];
        for (; thread.told < this.#points.size; thread.told++) points.push(this.#points.pointOf(thread.told));
        const { length, point, time, source, kind, number, quality, texts, qualities } = columns;
        const shared = { length, point, time, source, kind, number, quality, texts, qualities };
        return { op: "write", columns: shared, spans, points };
      });
    } finally {
      this.#pending -= rows;
    }
  }

  /** @throws HISTORY_CORRUPT, HISTORY_THREAD, HISTORY_CLOSED, DB_* */
  async read(query: HistoryQuery): Promise<readonly StoredSample[]> {
    const rows = await this.#ask(() => ({ op: "read", query }));
    return Array.from({ length: rows.length }, (_, i) => sampleAt(rows, i, query.point));
  }

  /** @throws HISTORY_CORRUPT, HISTORY_THREAD, HISTORY_CLOSED, DB_* */
  async at(points: readonly PointId[], time: number): Promise<readonly (StoredSample | undefined)[]> {
    const { rows, found } = await this.#ask(() => ({ op: "at", points, time }));
    return points.map((point, i) => {
      const at = found[i] ?? -1;
      return at < 0 ? undefined : sampleAt(rows, at, point);
    });
  }

  /** @throws HISTORY_TOO_MANY_BUCKETS, HISTORY_CORRUPT, HISTORY_THREAD, HISTORY_CLOSED, DB_* */
  async aggregate(query: AggregateQuery): Promise<readonly (readonly Bucket[])[]> {
    checkBuckets(query);
    if (query.edges.length < 2) return query.points.map(() => []);
    return bucketLists(await this.#ask(() => ({ op: "aggregate", query })), query);
  }

  ranges(gateway: GatewayId): Promise<readonly { epoch: string; from: number; to: number }[]> {
    return this.#ask(() => ({ op: "ranges", gateway }));
  }

  /** @throws HISTORY_THREAD, HISTORY_CLOSED, DB_* */
  async maintain(retention: TelemetryRetention): Promise<void> {
    await this.#ask(() => ({ op: "maintain", retention }));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const closing = this.#thread === undefined ? undefined : this.#ask(() => ({ op: "close" }));
    this.#closed = true;
    await closing;
    await (await this.#thread)?.ended;
  }

  async #ask<R extends StoreRequest>(make: (thread: Thread) => R): Promise<StoreAnswers[R["op"]]> {
    if (this.#closed) throw new HistoryError("HISTORY_CLOSED", "the telemetry store is closed", { retriable: true });
    const thread = await this.#running();
    const id = this.#nextId++;
    return await new Promise((resolve, reject) => {
      thread.waiting.set(id, { resolve: (answer) => resolve(answer as StoreAnswers[R["op"]]), reject });
      thread.worker.postMessage({ id, request: make(thread) });
    });
  }

  #running(): Promise<Thread> {
    this.#thread ??= this.#start();
    return this.#thread;
  }

  #start(): Promise<Thread> {
    const worker = new Worker(new URL("./store-worker.ts", import.meta.url), { workerData: this.#options });
    const waiting = new Map<number, Waiting>();
    const starting = new Promise<void>((resolve, reject) => {
      waiting.set(0, {
        resolve: (damaged) => {
          this.#damaged = Number(damaged);
          resolve();
        },
        reject,
      });
    });
    const fail = (error: Error): void => {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    worker.on("message", (message: StoreReply | StoreNotice) => {
      if ("notice" in message) this.#heed(message);
      else this.#answer(waiting, message);
    });
    worker.on("error", (cause) => {
      this.#logger.error({ err: cause }, "telemetry store thread failed");
      fail(new HistoryError("HISTORY_THREAD", "the telemetry store's thread failed", { cause, retriable: true }));
    });
    const ended = new Promise<void>((resolve) => {
      worker.once("exit", () => {
        this.#thread = undefined;
        fail(new HistoryError("HISTORY_THREAD", "the telemetry store's thread ended", { retriable: true }));
        resolve();
      });
    });
    return starting.then(() => ({ worker, waiting, ended, told: 0 }));
  }

  #answer(waiting: Map<number, Waiting>, reply: StoreReply): void {
    const caller = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.ok) caller?.resolve(reply.answer);
    else caller?.reject(new HistoryError(reply.code, reply.message, { retriable: reply.retriable }));
  }

  #heed(notice: StoreNotice): void {
    switch (notice.notice) {
      case "upgraded":
        this.#logger.info({ from: notice.from, backup: notice.backup }, "telemetry file upgraded");
        return;
      case "damaged":
        this.#damaged = notice.damaged;
        this.#logger.error({ lost: notice.what }, "telemetry file is damaged");
        return;
      case "failed":
        this.#logger.warn({ code: notice.code, reason: notice.message }, "telemetry compaction failed");
        return;
      default:
        notice satisfies never;
    }
  }
}
