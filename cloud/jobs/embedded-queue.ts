import { errorMessage } from "#core/errors.ts";
import type { JobQueueStatus } from "../job-ports.ts";
import { KeptJobs, LEASE_MS, MOST_AT_ONCE } from "./kept-jobs.ts";

/** A worker that lives says so three times before it would be missed. */
const RENEW_MS = LEASE_MS / 3;

/** The queue that needs nothing but the record database. One process at a time works on it. */
export class EmbeddedJobQueue extends KeptJobs {
  #stopRenewing: (() => void) | undefined;
  #running = false;
  #trouble: string | undefined;

  get status(): JobQueueStatus {
    if (!this.#running) return { ready: false, detail: "not started" };
    return this.#trouble === undefined ? { ready: true } : { ready: false, detail: this.#trouble };
  }

  async start(): Promise<void> {
    this.#running = true;
    this.#stopRenewing = this.clock.every(RENEW_MS, () => this.#renew());
    this.pulse.start();
  }

  async close(): Promise<void> {
    this.#running = false;
    this.pulse.stop();
    await this.within(this.runner.idle());
    this.#stopRenewing?.();
  }

  protected beat(): number | undefined {
    try {
      const next = this.#beat();
      this.#trouble = undefined;
      return next;
    } catch (error) {
      this.#trouble = errorMessage(error);
      throw error;
    }
  }

  #beat(): number | undefined {
    const now = this.clock.now();
    this.repeats.addDue(now);
    const { kinds, held } = this.runner;
    const free = MOST_AT_ONCE - held.length;
    // One that has to wait for an older one of its key must not hide those behind it.
    const due = free < 1 ? [] : this.table.due(kinds, now, free + held.length);
    for (const { id } of due.filter((row) => !this.runner.isRunning(row)).slice(0, Math.max(0, free))) this.#run(id);
    const times = [this.table.nextDueAt(kinds), this.repeats.nextAt()];
    const later = times.filter((at) => at !== undefined).filter((at) => at > now);
    return later.length === 0 ? undefined : Math.min(...later);
  }

  #run(id: string): void {
    this.runner
      .run(id)
      // The lease ends and the job is done again: nothing is lost with what could not be kept.
      .catch((error: unknown) => this.logger.warn({ err: error }, "the end of a job cannot be kept, it is done again"))
      .finally(() => this.pulse.kick());
  }

  #renew(): void {
    try {
      this.table.renew(this.runner.held, this.clock.now() + LEASE_MS);
    } catch (error) {
      this.#trouble = errorMessage(error);
    }
  }
}
