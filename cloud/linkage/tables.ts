/**
 * Runs of rules. Retention: `runs` for as long as cloud/jobs/records-retention.ts is told, those of an open alarm for as long as
 * it is open, and of each rule only the newest of those in which nothing was done;
 * `open_runs` holds what the cloud has begun and not finished.
 */
export interface LinkageTables {
  /** `document` is the Run (core/linkage/rule.ts). */
  runs: {
    id: string;
    rule: string;
    alarm: string | null;
    outcome: string;
    started_at: number;
    document: string;
  };
  /** A run of the cloud that has begun: all that is needed to go on with it after a crash. */
  open_runs: {
    id: string;
    started_at: number;
    document: string;
  };
  /** What each rule placed in the cloud remembers of its firings, JSON. */
  rule_memory: {
    rule: string;
    document: string;
  };
}
