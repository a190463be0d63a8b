import { Worker } from "node:worker_threads";
import { HubError, InvalidInputError } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Bucket, BucketQuery, HistoryQuery, StoredSample, TelemetryBatch, TelemetryStore } from "../ports.ts";
import { Appender, Dictionary, newColumns } from "./columns.ts";
import type { Span } from "./segment-store.ts";
import type { StoreAnswers, StoreReply, StoreRequest, StoreWorkerData } from "./store-messages.ts";

/** The telemetry store failed. `retriable` when the same call may succeed later. */
export class HistoryError extends HubError {}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}
interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  readonly ended: Promise<void>;
}

type WriteRequest = Extract<StoreRequest, { op: "write" }>;

/** Batches as columns. @throws TELEMETRY_BATCH_INVALID when offsets and samples do not fit */
function pack(batches: readonly TelemetryBatch[]): WriteRequest {
  const appender = new Appender(newColumns(batches.reduce((sum, batch) => sum + batch.samples.length, 0)));
  const points: string[] = [];
  const names = new Dictionary(points);
  const spans: Span[] = [];
  for (const { gateway, epoch, first, last, samples } of batches) {
    if (samples.length === 0 || last - first + 1 !== samples.length)
      throw new InvalidInputError(
        "TELEMETRY_BATCH_INVALID",
        `${gateway}: offsets ${first} to ${last} do not fit ${samples.length} samples`,
      );
    spans.push({ gateway, epoch, first, last, start: appender.columns.length });
    for (const [i, sample] of samples.entries()) appender.sample(names.indexOf(sample.point), 0, first + i, sample);
  }
  return { op: "write", columns: appender.columns, spans, points };
}

/**
 * TelemetryStore of the embedded mode: a thread of its own with `telemetry.db`. A thread that dies takes no acknowledged
 * sample with it: what it was asked fails as retriable, and the next call starts a new one.
 */
export class EmbeddedTelemetryStore implements TelemetryStore {
  readonly #options: StoreWorkerData;
  readonly #logger: Logger;
  #thread: Promise<Thread> | undefined;
  #nextId = 1;
  #closed = false;

  private constructor(options: StoreWorkerData, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  /** Opens or makes the file. @throws HISTORY_NEWER, HISTORY_CORRUPT, DB_CORRUPT, DB_IO */
  static async open(options: StoreWorkerData, logger: Logger): Promise<EmbeddedTelemetryStore> {
    const store = new EmbeddedTelemetryStore(options, logger);
    await store.#running();
    return store;
  }

  /** Does its thread run? One that died is started again by the next call. */
  get running(): boolean {
    return this.#thread !== undefined && !this.#closed;
  }

  write(batches: readonly TelemetryBatch[]): Promise<{ readonly stored: number; readonly duplicates: number }> {
    if (batches.length === 0) return Promise.resolve({ stored: 0, duplicates: 0 });
    let request: WriteRequest;
    try {
      request = pack(batches);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#ask(request);
  }

  async read(query: HistoryQuery): Promise<readonly StoredSample[]> {
    const rows = await this.#ask({ op: "read", query });
    return rows.map((row) => ({ ...row, point: query.point }));
  }

  buckets(query: BucketQuery): Promise<readonly Bucket[]> {
    if (query.bucketMs > 0 && (query.to - query.from) / query.bucketMs <= 100_000)
      return this.#ask({ op: "buckets", query });
    return Promise.reject(
      new InvalidInputError(
        "HISTORY_TOO_MANY_BUCKETS",
        `buckets of ${query.bucketMs} ms over ${query.to - query.from} ms: expected at most 100000 buckets`,
      ),
    );
  }

  ranges(gateway: GatewayId): Promise<readonly { epoch: string; from: number; to: number }[]> {
    return this.#ask({ op: "ranges", gateway });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const closing = this.#thread === undefined ? undefined : this.#ask({ op: "close" });
    this.#closed = true;
    await closing;
    await (await this.#thread)?.ended;
  }

  async #ask<R extends StoreRequest>(request: R): Promise<StoreAnswers[R["op"]]> {
    if (this.#closed) throw new HistoryError("HISTORY_CLOSED", "the telemetry store is closed", { retriable: true });
    const { worker, waiting } = await this.#running();
    const id = this.#nextId++;
    return await new Promise((resolve, reject) => {
      waiting.set(id, { resolve: (answer) => resolve(answer as StoreAnswers[R["op"]]), reject });
      worker.postMessage({ id, request });
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
      waiting.set(0, { resolve: () => resolve(), reject });
    });
    const fail = (error: Error): void => {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    worker.on("message", (reply: StoreReply) => this.#answer(waiting, reply));
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
    return starting.then(() => ({ worker, waiting, ended }));
  }

  #answer(waiting: Map<number, Waiting>, reply: StoreReply): void {
    const caller = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.ok) caller?.resolve(reply.answer);
    else if (caller === undefined) this.#logger.warn({ code: reply.code, message: reply.message }, "compaction failed");
    else caller.reject(new HistoryError(reply.code, reply.message, { retriable: reply.retriable }));
  }
}
