import type { ProposalKind } from "#core/contracts/alarm-quality.ts";

/** Rows of the quality of the alarm system. */
export interface QualityTables {
  /** Times in which more alarms came than a person can follow. Retention: 400 days, pruned every night by cloud/quality/nightly.ts. */
  alarm_floods: {
    /** `site`, or the id of an operator position. */
    scope: string;
    began_at: number;
    /** null while it lasts. */
    ended_at: number | null;
    count: number;
    peak: number;
  };
  /** What somebody decided last about a proposal. Retention: kept as the history of the definition is; one row a definition and kind. */
  alarm_proposal_decisions: {
    definition: string;
    kind: ProposalKind;
    value: number;
    decision: "accepted" | "dismissed";
    reason: string;
    decided_by: string;
    decided_at: number;
  };
}
