/**
 * Jobs of the hub. Retention: a job goes when it is done; one that failed for the last time is kept for as long as the
 * retention of the records says.
 */
export interface JobTables {
  /** Jobs that wait or are under way: at most one of a kind and key. */
  jobs: {
    kind: string;
    key: string;
    /** Names this adding of the job: adding it again gives a new one, and what is still done for the old one no longer counts. */
    id: string;
    /** Job["data"] as JSON. */
    data: string;
    /** When it was or is due. */
    run_at: number;
    /** When it is tried next: `run_at` at first, later after each failure. */
    next_at: number;
    /** Tries that failed. */
    failures: number;
    /** Tries whose worker went away in the middle. */
    crashes: number;
    /** Until when its worker holds it; null while it waits. */
    lease_until: number | null;
    /** Counts the tries: the end of a try counts only for the newest one. */
    fence: number;
    /** 1: handed to the engine beside the database. */
    handed_over: number;
  };
  /** Jobs that failed for the last time. */
  dead_jobs: {
    kind: string;
    key: string;
    data: string;
    run_at: number;
    /** Tries that it had. */
    attempt: number;
    failed_at: number;
    /** Code and message of the last failure. */
    error: string;
  };
  /** When each repeated job comes next. */
  job_repeats: {
    kind: string;
    /** JobSchedule as JSON. */
    schedule: string;
    next_at: number;
  };
}
