import { type Job as BullJob, DelayedError, Queue, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { errorMessage, HubError } from "#core/errors.ts";
import type { JobQueueStatus } from "../job-ports.ts";
import type { JobRow } from "./job-table.ts";
import { KeptJobs, LEASE_MS, MOST_AT_ONCE, type QueueDeps } from "./kept-jobs.ts";
import { requireDurable } from "./redis-durability.ts";

const QUEUE = "jobs";
/** So many jobs go to BullMQ in one go. */
const BATCH = 100;
const SWEEP_MS = 5000;
/** A job so long overdue that nobody waits for may be forgotten by Redis. It is handed over again: BullMQ takes what it knows once. */
const OVERDUE_MS = 30_000;
/** How long `start` waits to see what Redis it has. */
const START_MS = 5000;
/** After a failure of the record database or of Redis a job is tried again so much later. */
const PAUSE_MS = 1000;
/** BullMQ's own limits are out of the way: the record database counts failures and crashes. */
const NO_LIMIT = 1000;
const LONGEST_TROUBLE = 60_000;
/** Jobs that were replaced or taken away stay in Redis until they would be due; of more than so many the rest is cleared. */
const MOST_STALE = 500;

export interface BullQueueDeps extends QueueDeps {
  /** Opens a connection whose commands wait while Redis is away. */
  readonly connect: (name: string, use: "work") => Redis;
  /** Begins every key of this hub in Redis; two hubs on one Redis need two. */
  readonly prefix: string;
}

/**
 * Jobs by BullMQ. The record database holds them until they are done; BullMQ knows when they are due, gives each to one worker
 * and misses workers that went away. So what Redis loses (all of it, even) is handed over again, and what it was not told yet
 * waits in the table.
 */
export class BullJobQueue extends KeptJobs {
  readonly #deps: BullQueueDeps;
  /** Key that is there for as long as Redis remembers. */
  readonly #mark: string;
  #redis: Redis | undefined;
  #queue: Queue | undefined;
  #worker: Worker | undefined;
  #stopSweeping: (() => void) | undefined;
  /** Why no jobs are done now. */
  #trouble: string | undefined = "not started";
  #handingOver = false;
  #closed = false;
  #lastError = { message: "", at: Number.NEGATIVE_INFINITY };

  constructor(deps: BullQueueDeps) {
    super(deps);
    this.#deps = deps;
    this.#mark = `${deps.prefix}:${QUEUE}-handed-over`;
  }

  get status(): JobQueueStatus {
    if (this.#trouble !== undefined) return { ready: false, detail: this.#trouble };
    return this.#redis?.status === "ready" ? { ready: true } : { ready: false, detail: "Redis is away" };
  }

  async start(): Promise<void> {
    const redis = this.#deps.connect("jobs", "work");
    this.#redis = redis;
    this.#trouble = "Redis is away";
    this.pulse.start();
    this.#stopSweeping = this.clock.every(SWEEP_MS, () => void this.#sweep());
    const { promise: looked, resolve, reject } = Promise.withResolvers<void>();
    let starting = true;
    const look = (): void => {
      this.#look(redis).then(resolve, (error: unknown) => {
        if (starting && error instanceof HubError) reject(error);
        else this.#tell(error);
      });
    };
    redis.on("ready", look);
    if (redis.status === "ready") look();
    const cancel = this.clock.after(START_MS, () => {
      this.logger.warn({}, "jobs wait until Redis is there");
      resolve();
    });
    try {
      await looked;
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      starting = false;
      cancel();
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#trouble = "closed";
    this.pulse.stop();
    this.#stopSweeping?.();
    const worker = this.#worker;
    const away = this.#redis?.status !== "ready";
    await this.within(this.runner.idle());
    const ended = Promise.all([worker?.close(away), this.#queue?.close()]).catch((error: unknown) => this.#tell(error));
    if (!(await this.within(ended))) worker?.disconnect().catch((error: unknown) => this.#tell(error));
    this.#redis?.disconnect();
  }

  protected beat(): number | undefined {
    this.repeats.addDue(this.clock.now());
    void this.#handOver();
    return this.repeats.nextAt();
  }

  /** Sees whether this Redis may be used, each time it comes back: it may have been started in another way. */
  async #look(redis: Redis): Promise<void> {
    try {
      await requireDurable(redis);
    } catch (error) {
      this.#trouble = errorMessage(error);
      if (error instanceof HubError) await this.#worker?.pause(true);
      throw error;
    }
    if (this.#closed) return;
    this.#trouble = undefined;
    await this.#open(redis);
    this.table.handOverAgain();
    await this.#setMark(redis);
    this.pulse.kick();
  }

  async #open(redis: Redis): Promise<void> {
    const { prefix } = this.#deps;
    if (this.#queue === undefined) {
      this.#queue = new Queue(QUEUE, { connection: redis, prefix });
      this.#queue.on("error", (error) => this.#tell(error));
    }
    if (this.#worker !== undefined) {
      await this.#worker.resume();
      return;
    }
    this.#worker = new Worker(QUEUE, (job, token) => this.#process(job, token), {
      connection: redis,
      prefix,
      concurrency: MOST_AT_ONCE,
      lockDuration: LEASE_MS,
      stalledInterval: PAUSE_MS,
      maxStalledCount: NO_LIMIT,
      runRetryDelay: PAUSE_MS / 2,
    });
    this.#worker.on("error", (error) => this.#tell(error));
  }

  async #process(job: BullJob, token: string | undefined): Promise<void> {
    const outcome = await this.runner.run(rowOf(job)).catch((error: unknown) => {
      this.logger.warn({ err: error }, "the end of a job cannot be kept, it is done again");
      return { kind: "later", at: this.clock.now() + PAUSE_MS } as const;
    });
    this.pulse.kick();
    switch (outcome.kind) {
      case "done":
      case "gone":
        return;
      case "dead":
        throw new UnrecoverableError(outcome.error);
      case "later":
        await job.moveToDelayed(outcome.at, token);
        throw new DelayedError();
      default:
        throw outcome satisfies never;
    }
  }

  /** Hands over what BullMQ does not know yet, one batch after the other; while Redis is away it waits. */
  async #handOver(): Promise<void> {
    const queue = this.#queue;
    if (queue === undefined || this.#trouble !== undefined || this.#handingOver) return;
    this.#handingOver = true;
    try {
      for (;;) {
        const rows = this.table.toHandOver(this.runner.kinds, BATCH);
        if (rows.length === 0 || this.#closed) break;
        const now = this.clock.now();
        await queue.addBulk(rows.map((row) => bullJobOf(row, now)));
        this.table.handedOver(rows.map(({ id }) => id));
      }
    } catch (error) {
      this.#tell(error);
    } finally {
      this.#handingOver = false;
    }
  }

  /** Looks for what Redis has forgotten; one that may not be used is looked at again, for an operator may have mended it. */
  async #sweep(): Promise<void> {
    const redis = this.#redis;
    if (redis?.status !== "ready") return;
    try {
      if (this.#trouble !== undefined) await this.#look(redis);
      const queue = this.#queue;
      if (queue === undefined || this.#trouble !== undefined) return;
      if ((await queue.getWaitingCount()) === 0) {
        const held = this.runner.held.map(({ id }) => id);
        this.table.handOverAgain(this.clock.now() - OVERDUE_MS, held);
      }
      await this.#clearStale(queue);
      if ((await redis.get(this.#mark)) !== null) return;
      this.logger.warn({}, "Redis has lost what it knew: jobs are handed over again");
      this.table.handOverAgain();
      await this.#setMark(redis);
      this.pulse.kick();
    } catch (error) {
      this.#tell(error);
    }
  }

  /** Takes jobs out of Redis that the record database knows no more. They would do nothing, but they take room. */
  async #clearStale(queue: Queue): Promise<void> {
    const delayed = await queue.getDelayedCount();
    if (delayed - this.table.counts().waiting <= MOST_STALE) return;
    for (let at = delayed; at > 0 && !this.#closed; at -= BATCH) {
      const jobs = await queue.getDelayed(Math.max(0, at - BATCH), at - 1);
      const known = this.table.known(jobs.map(rowOf));
      for (const job of jobs) if (!known.has(rowOf(job))) await queue.remove(job.id ?? "");
    }
  }

  async #setMark(redis: Redis): Promise<void> {
    await redis.set(this.#mark, String(this.clock.now()));
  }

  /** The same trouble is told once a minute: BullMQ repeats it at every try. */
  #tell(error: unknown): void {
    const message = errorMessage(error);
    const at = this.clock.monotonic();
    if (this.#closed || (message === this.#lastError.message && at - this.#lastError.at < LONGEST_TROUBLE)) return;
    this.#lastError = { message, at };
    // The message alone: an error of Redis carries the command that failed, and that may be the password's.
    this.logger.warn({ reason: message }, "the queue of jobs has trouble, trying again");
  }
}

/** The job in BullMQ's words. Its id comes from the business key and names the row; BullMQ takes the same id once. No ":" in it. */
function bullJobOf(row: JobRow, now: number) {
  const { id, kind, key } = row;
  return {
    name: kind,
    data: { id, key },
    opts: {
      jobId: [kind, key, id].map(encodeURIComponent).join("/"),
      delay: Math.max(0, row.next_at - now),
      attempts: NO_LIMIT,
      backoff: { type: "fixed", delay: PAUSE_MS },
      // What is done is known to the record database: Redis keeps no history that grows.
      removeOnComplete: true,
      removeOnFail: true,
    },
  };
}

function rowOf({ data }: BullJob): string {
  const { id } = data as { readonly id?: unknown };
  return typeof id === "string" ? id : "";
}
