import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { Db } from "../db/database.ts";
import type { DeadJob, Job, JobCounts, JobQueue, JobQueueStatus, JobSchedule } from "../job-ports.ts";
import { JobRunner, type RetryWaits } from "./job-runner.ts";
import { JobTable } from "./job-table.ts";
import { Pulse } from "./pulse.ts";
import { Repeats } from "./repeats.ts";

/** Jobs under way at the same time in one process. */
export const MOST_AT_ONCE = 8;
/** A worker that went away is missed after so long. */
export const LEASE_MS = 3000;
/** Closing waits so long for jobs under way. */
export const CLOSE_MS = 5000;

/** What every queue is made from. */
export interface QueueDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long failed jobs wait; two seconds at first, ten minutes at most when absent. */
  readonly waits?: RetryWaits;
}

/** What the queues have in common: jobs are kept in the record database, in the transaction of what asks for them. */
export abstract class KeptJobs implements JobQueue {
  protected readonly clock: Clock;
  protected readonly logger: Logger;
  protected readonly table: JobTable;
  protected readonly runner: JobRunner;
  protected readonly repeats: Repeats;
  protected readonly pulse: Pulse;

  constructor({ db, clock, logger, waits }: QueueDeps) {
    this.clock = clock;
    this.logger = logger;
    this.table = new JobTable(db);
    this.runner = new JobRunner(
      { table: this.table, clock, logger },
      { leaseMs: LEASE_MS, ...(waits === undefined ? {} : { waits }) },
    );
    this.repeats = new Repeats(db, this.table);
    this.pulse = new Pulse({ clock, logger }, () => this.beat());
  }

  abstract get status(): JobQueueStatus;
  abstract start(): Promise<void>;
  abstract close(): Promise<void>;

  /** Does what is due and gives the time of the next thing, Unix ms. Synchronous. */
  protected abstract beat(): number | undefined;

  add(job: {
    readonly kind: string;
    readonly key: string;
    readonly data?: Job["data"];
    readonly runAt?: number;
  }): void {
    const now = this.clock.now();
    this.table.add({ kind: job.kind, key: job.key, data: job.data ?? {}, runAt: job.runAt ?? now }, now);
    this.pulse.kick();
  }

  cancel(kind: string, key: string): void {
    this.table.remove(kind, key);
  }

  repeat(kind: string, schedule: JobSchedule): void {
    this.repeats.set(kind, schedule, this.clock.now());
    this.pulse.kick();
  }

  work(kind: string, handler: (job: Job) => Promise<void>, options: { readonly attempts?: number } = {}): void {
    this.runner.work(kind, handler, options.attempts);
  }

  async counts(): Promise<JobCounts> {
    return this.table.counts();
  }

  async dead(): Promise<readonly DeadJob[]> {
    return this.table.dead();
  }

  async retry(kind: string, key: string): Promise<boolean> {
    const found = this.table.revive(kind, key, this.clock.now());
    this.pulse.kick();
    return found;
  }

  /** Resolves when `work` has ended, or closing has waited long enough. */
  protected async within(work: Promise<unknown>): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<false>();
    const cancel = this.clock.after(CLOSE_MS, () => resolve(false));
    const ended = await Promise.race([work.then(() => true), late]);
    cancel();
    return ended;
  }
}
