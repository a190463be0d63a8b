import type { Value } from "#core/model/sample.ts";

/** Work that is done later, once: after a delay, every night, again when it failed. Handlers must be idempotent: a job whose worker dies is done again. */
export interface Job {
  readonly kind: string;
  /** Business key: at most one waiting job of a kind has it. */
  readonly key: string;
  readonly data: Readonly<Record<string, Value>>;
  /** 1 at the first try. */
  readonly attempt: number;
  /** When it was due, Unix ms. */
  readonly runAt: number;
}

/** A job that failed for the last time, kept until somebody has it tried again or it is too old. */
export interface DeadJob extends Job {
  readonly failedAt: number;
  /** Code and message of the last failure. */
  readonly error: string;
}

/** When a repeated job runs. */
export type JobSchedule =
  /** Every so many milliseconds. */
  | { readonly everyMs: number }
  /** Every day at a local time of the site, minutes after midnight. */
  | { readonly dailyAtMinute: number; readonly timeZone: string };

/** Counts for metrics and readiness. */
export interface JobCounts {
  readonly waiting: number;
  readonly active: number;
  readonly dead: number;
}

/** State of the queue for readiness. */
export interface JobQueueStatus {
  /** Are jobs done now? What is added meanwhile is kept in any case. */
  readonly ready: boolean;
  readonly detail?: string;
}

/** The queue of the hub: a table of the record database, or BullMQ. Both run tests/contract/job-queue.ts. */
export interface JobQueue {
  /**
   * Adds a job, due at `runAt` (now when absent). Inside a transaction of the record database it exists when that commits and
   * not otherwise. One of this kind and key that waits is replaced; one that is under way is finished first, and if it fails
   * the new one is done in its place.
   */
  add(job: { readonly kind: string; readonly key: string; readonly data?: Job["data"]; readonly runAt?: number }): void;
  /** Takes a waiting job away. One that is under way is finished and not tried again. */
  cancel(kind: string, key: string): void;
  /**
   * Makes a job of this kind at each time of the schedule; however many were missed while nothing ran, one is done, at once.
   * @throws JOB_SCHEDULE_INVALID
   */
  repeat(kind: string, schedule: JobSchedule): void;
  /** Who does the jobs of a kind. A rejected promise is a failure: tried again with growing delays, at last dead. Call before `start`. */
  work(kind: string, handler: (job: Job) => Promise<void>, options?: { readonly attempts?: number }): void;
  /**
   * Begins. @throws JOBS_REDIS_NOT_DURABLE, JOBS_REDIS_EVICTS where the engine would lose jobs; an engine that is away is waited
   * for in the background
   */
  start(): Promise<void>;
  readonly status: JobQueueStatus;
  counts(): Promise<JobCounts>;
  /** Newest first, at most 100. */
  dead(): Promise<readonly DeadJob[]>;
  /** Gives a dead job another round of attempts. False when there is none. */
  retry(kind: string, key: string): Promise<boolean>;
  /** Waits for the jobs under way, for a few seconds at most. */
  close(): Promise<void>;
}
