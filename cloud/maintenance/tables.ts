import type { PermitStatus } from "#core/contracts/maintenance.ts";

/**
 * Rows of maintenance permits. Retention: a permit that is over is pruned with what it held back by
 * cloud/jobs/records-retention.ts.
 */
export interface MaintenanceTables {
  /** `scope` is {areas, categories, definitions}; `digest` is the PermitDigest of one that was active. */
  permits: {
    id: string;
    status: PermitStatus;
    scope: string;
    from_at: number;
    until_at: number;
    reason: string;
    work_order: string | null;
    requested_by: string;
    requested_at: number;
    decided_by: string | null;
    decided_at: number | null;
    decision: string | null;
    started_at: number | null;
    ended_at: number | null;
    /** null: its time was over. */
    ended_by: string | null;
    digest: string | null;
  };
  /** What a permit holds back. */
  permit_alarms: {
    permit: string;
    alarm: string;
    /** Newest occurrence that was held back. */
    occurrence: number;
    /** How often it was raised while the permit was active. */
    raised: number;
    /** 1: the permit took it out of service and so has to return it. */
    taken: number;
    held_at: number;
  };
}
