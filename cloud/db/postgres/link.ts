import { randomUUID } from "node:crypto";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { type Clock, systemClock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import { DbError } from "../errors.ts";
import {
  type LinkNews,
  type LinkOrder,
  type LinkReply,
  type LinkRequest,
  type LinkWorkerData,
  SIGNAL,
  type Statement,
} from "./messages.ts";

/** Longest a caller is blocked, ms. The server itself gives a statement up sooner. */
const WAIT_MS = 6000;
/** How long the start waits for a server that is not there yet. */
const START_MS = 15_000;
const RESTART_MS = 1000;
const CLOSE_MS = 3000;

const WORKER = new URL("./worker.ts", import.meta.url);

/** Where the database is, for messages: never its password. */
export function targetName(url: string): string {
  try {
    const { hostname, port, pathname } = new URL(url);
    return `PostgreSQL at ${hostname === "" ? "localhost" : hostname}:${port === "" ? "5432" : port}${pathname}`;
  } catch (cause) {
    throw new DbError("DB_URL_INVALID", "the URL of the record database is none", { cause });
  }
}

function unavailable(message: string): DbError {
  return new DbError("DB_UNAVAILABLE", message, { retriable: true });
}

/** What a link is opened with. */
export interface LinkOptions {
  readonly url: string;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/**
 * The thread that owns the connection, as seen from the thread of the domains: `exchange` blocks until the answer lies in
 * shared memory, and never for longer than a bound. The thread connects again by itself; whoever asks meanwhile is refused
 * without waiting.
 */
export class PostgresLink {
  /** Where the database is, without secrets. */
  readonly name: string;
  readonly #url: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #owner = randomUUID();
  readonly #signal = new Int32Array(new SharedArrayBuffer(SIGNAL.length * Int32Array.BYTES_PER_ELEMENT));
  readonly #opened = Promise.withResolvers<void>();
  #worker: Worker | undefined;
  #ended: Promise<void> = Promise.resolve();
  #port: MessagePort | undefined;
  #nextId = 0;
  #reason = "no connection yet";
  #refused: DbError | undefined;
  #up = false;
  #closed = false;
  #cancelRestart: (() => void) | undefined;
  readonly #lostListeners: ((error: DbError) => void)[] = [];

  private constructor({ url, logger, clock = systemClock }: LinkOptions) {
    this.name = targetName(url);
    this.#url = url;
    this.#logger = logger;
    this.#clock = clock;
    // Nobody may be waiting for it by the time it fails.
    this.#opened.promise.catch(() => undefined);
  }

  /**
   * Connects and takes the database for this process.
   * @throws DB_IN_USE when another one holds it, DB_REFUSED, DB_URL_INVALID, DB_UNAVAILABLE
   */
  static async open(options: LinkOptions): Promise<PostgresLink> {
    const link = new PostgresLink(options);
    link.#start(true);
    const cancel = link.#clock.after(START_MS, () =>
      link.#opened.reject(unavailable(`${link.name} cannot be reached: ${link.#reason}`)),
    );
    try {
      await link.#opened.promise;
    } catch (error) {
      await link.close();
      throw error;
    } finally {
      cancel();
    }
    // From now on whoever uses the database keeps the process alive, not the thread behind it.
    link.#worker?.unref();
    return link;
  }

  /** Number of the connection that is up; 0 while there is none. */
  get connection(): number {
    return Atomics.load(this.#signal, SIGNAL.connection);
  }

  /** Calls back when the database is refused for good after it was held. */
  onLost(listener: (error: DbError) => void): void {
    this.#lostListeners.push(listener);
  }

  /** Why there is no connection. */
  away(): DbError {
    if (this.#closed) return new DbError("DB_CLOSED", `${this.name} is closed`);
    return this.#refused ?? unavailable(`${this.name} is away: ${this.#reason}`);
  }

  /** Runs statements in one round trip and waits for their answer, blocking. `lost` also when the answer does not come in time. */
  exchange(statements: readonly Statement[], connection: number): LinkReply {
    const id = this.#post(statements, connection);
    const deadline = this.#clock.monotonic() + WAIT_MS;
    for (;;) {
      const answered = Atomics.load(this.#signal, SIGNAL.answered);
      // ids wrap around
      if (((answered - id) | 0) >= 0) break;
      const leftMs = deadline - this.#clock.monotonic();
      if (leftMs <= 0) return this.#giveUp(id, connection);
      Atomics.wait(this.#signal, SIGNAL.answered, answered, leftMs);
    }
    for (;;) {
      const received = this.#port && receiveMessageOnPort(this.#port);
      if (received === undefined) throw new DbError("DB_FAILED", `the answer of ${this.name} is missing`);
      const reply = received.message as LinkReply;
      // Answers that nobody waited for lie in front of it.
      if (reply.id === id) return reply;
    }
  }

  /** Sends statements whose answer nobody needs. They are executed before whatever is sent later. */
  post(statements: readonly Statement[], connection: number): void {
    this.#post(statements, connection);
  }

  /** Ends the connection and the thread; the server frees the database. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRestart?.();
    const worker = this.#worker;
    if (worker === undefined) return;
    worker.ref();
    worker.postMessage({ type: "close" } satisfies LinkOrder);
    const cancel = this.#clock.after(CLOSE_MS, () => void worker.terminate());
    await this.#ended;
    cancel();
    this.#port?.close();
  }

  #post(statements: readonly Statement[], connection: number): number {
    this.#nextId = (this.#nextId + 1) | 0;
    const request: LinkRequest = { id: this.#nextId, connection, statements };
    this.#port?.postMessage(request);
    return request.id;
  }

  #giveUp(id: number, connection: number): LinkReply {
    Atomics.compareExchange(this.#signal, SIGNAL.connection, connection, 0);
    this.#worker?.postMessage({ type: "abandon", connection } satisfies LinkOrder);
    return { id, ok: false, fault: { kind: "lost", message: `no answer for ${WAIT_MS} ms` } };
  }

  #start(first: boolean): void {
    const { port1, port2 } = new MessageChannel();
    // Read only by receiveMessageOnPort: it must neither deliver by itself nor keep the process alive.
    port1.unref();
    const workerData: LinkWorkerData = {
      url: this.#url,
      owner: this.#owner,
      first,
      requests: port2,
      signal: this.#signal,
    };
    const worker = new Worker(WORKER, { workerData, transferList: [port2] });
    this.#worker = worker;
    this.#port?.close();
    this.#port = port1;
    worker.on("message", (news: LinkNews) => this.#hear(news));
    worker.on("error", (error) => this.#logger.error({ err: error }, "the thread of the record database failed"));
    this.#ended = new Promise((resolve) => {
      worker.once("exit", () => {
        Atomics.store(this.#signal, SIGNAL.connection, 0);
        this.#afterExit();
        resolve();
      });
    });
  }

  #afterExit(): void {
    if (this.#closed || this.#refused !== undefined) return;
    this.#reason = "its thread ended";
    this.#cancelRestart = this.#clock.after(RESTART_MS, () => {
      this.#start(!this.#up);
      this.#worker?.unref();
    });
  }

  #hear(news: LinkNews): void {
    const { name: database } = this;
    switch (news.type) {
      case "up":
        this.#logger.info({ database, version: news.version }, "record database connected");
        if (!this.#up && !news.durable)
          this.#logger.warn(
            { database },
            "fsync is off in the record database: a power cut may lose what was acknowledged",
          );
        this.#up = true;
        this.#opened.resolve();
        return;
      case "down":
        this.#reason = news.reason;
        this.#logger.warn({ database, reason: news.reason }, "record database away, trying again");
        return;
      case "refused":
        this.#refused = new DbError(news.code, `${database}: ${news.message}`);
        this.#opened.reject(this.#refused);
        if (!this.#up) return;
        this.#logger.error({ database, code: news.code, reason: news.message }, "record database lost for good");
        for (const listener of this.#lostListeners) listener(this.#refused);
        return;
      default:
        news satisfies never;
    }
  }
}
