import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { Job } from "../job-ports.ts";
import { dataOf, type JobRow, type JobTable, type JobTry } from "./job-table.ts";

/** Tries of a job unless its kind says otherwise: with the waits between them about ten minutes. */
const ATTEMPTS = 8;
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 600_000;
/** A job that took so many workers down with it is not given to another one. */
const MOST_CRASHES = 100;
const LONGEST_ERROR = 1000;

/** How long a failed job waits. */
export interface RetryWaits {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** How a try ended. Unix ms. */
export type Outcome =
  | { readonly kind: "done" }
  /** It was taken away, replaced, or is done already. */
  | { readonly kind: "gone" }
  /** Failed, or not due yet. */
  | { readonly kind: "later"; readonly at: number }
  /** Failed for the last time. */
  | { readonly kind: "dead"; readonly error: string };

interface Work {
  readonly handler: (job: Job) => Promise<void>;
  readonly attempts: number;
}

/** Does jobs with the handlers of their kinds and keeps how each try ended. Of one kind and key there is one at a time. */
export class JobRunner {
  readonly #deps: { readonly table: JobTable; readonly clock: Clock; readonly logger: Logger };
  readonly #leaseMs: number;
  readonly #waits: RetryWaits;
  readonly #works = new Map<string, Work>();
  readonly #running = new Map<string, { readonly held: JobTry; readonly end: Promise<void> }>();

  constructor(
    deps: { readonly table: JobTable; readonly clock: Clock; readonly logger: Logger },
    options: { readonly leaseMs: number; readonly waits?: RetryWaits },
  ) {
    this.#deps = deps;
    this.#leaseMs = options.leaseMs;
    this.#waits = options.waits ?? { firstMs: FIRST_WAIT_MS, longestMs: LONGEST_WAIT_MS };
  }

  /** Kinds that this process does. */
  get kinds(): readonly string[] {
    return [...this.#works.keys()];
  }

  /** The tries under way here. */
  get held(): readonly JobTry[] {
    return [...this.#running.values()].map(({ held }) => held);
  }

  work(kind: string, handler: Work["handler"], attempts = ATTEMPTS): void {
    this.#works.set(kind, { handler, attempts });
  }

  isRunning({ kind, key }: Pick<JobRow, "kind" | "key">): boolean {
    return this.#running.has(nameOf(kind, key));
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ end }) => end));
  }

  /**
   * Does one try of a job and keeps how it ended; the job's own failure is an outcome.
   * @throws what the record database throws: the try then counts as never ended
   */
  async run(id: string): Promise<Outcome> {
    const { table, clock } = this.#deps;
    let row = table.get(id);
    for (; row !== undefined; row = table.get(id)) {
      const other = this.#running.get(nameOf(row.kind, row.key));
      if (other === undefined) break;
      await other.end;
    }
    const work = row && this.#works.get(row.kind);
    if (row === undefined || work === undefined) return { kind: "gone" };
    if (row.next_at > clock.now()) return { kind: "later", at: row.next_at };
    return await this.#begin(row, work);
  }

  async #begin(row: JobRow, work: Work): Promise<Outcome> {
    const { table, clock } = this.#deps;
    const begun = table.begin(row, clock.now() + this.#leaseMs);
    if (begun.crashes > MOST_CRASHES)
      return this.#bury(begun, begun.failures + 1, `JOB_CRASHED: ${begun.crashes} tries ended with their process`);
    const name = nameOf(row.kind, row.key);
    const { promise: end, resolve } = Promise.withResolvers<void>();
    this.#running.set(name, { held: { id: begun.id, fence: begun.fence }, end });
    try {
      return await this.#try(begun, work);
    } finally {
      this.#running.delete(name);
      resolve();
    }
  }

  async #try(row: JobRow, { handler, attempts }: Work): Promise<Outcome> {
    const { table, clock, logger } = this.#deps;
    const { kind, key, run_at: runAt } = row;
    const attempt = row.failures + 1;
    let failure: unknown;
    try {
      await handler({ kind, key, data: dataOf(row), attempt, runAt });
    } catch (error) {
      failure = error ?? new Error("rejected without a reason");
    }
    if (failure === undefined) {
      table.done(row);
      return { kind: "done" };
    }
    const text = `${errorCode(failure)}: ${errorMessage(failure)}`.slice(0, LONGEST_ERROR);
    if (attempt >= attempts) {
      logger.error({ err: failure, kind, key, attempt }, "job failed for the last time");
      return this.#bury(row, attempt, text);
    }
    const at = clock.now() + this.#waitMs(attempt);
    logger.warn({ err: failure, kind, key, attempt }, "job failed and is tried again");
    table.failed(row, attempt, at);
    return { kind: "later", at };
  }

  #bury(row: JobRow, attempt: number, error: string): Outcome {
    this.#deps.table.bury(row, attempt, error, this.#deps.clock.now());
    return { kind: "dead", error };
  }

  /** Twice as long after each failure, up to half of it less by chance so that what failed together is not tried together. */
  #waitMs(failures: number): number {
    const { firstMs, longestMs } = this.#waits;
    const longest = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
    return Math.ceil(longest * (0.5 + Math.random() / 2));
  }
}

function nameOf(kind: string, key: string): string {
  return JSON.stringify([kind, key]);
}
