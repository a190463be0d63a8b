import type { FindingKind } from "#core/contracts/completeness.ts";
import type { Lane } from "#core/contracts/lanes.ts";

/** Rows of the proof of completeness. Findings are bounded per gateway; statements live as long as the gateway. */
export interface CompletenessTables {
  /** Anomalies with beginning and end. */
  findings: {
    id: string;
    gateway: string;
    kind: FindingKind;
    lane: Lane | null;
    epoch: string | null;
    from_offset: number | null;
    to_offset: number | null;
    times: number;
    count: number;
    reason: string | null;
    started_at: number;
    /** null while it goes on. */
    ended_at: number | null;
  };
  /** Signed statements in the chain of their gateway. */
  statements: {
    /** `<gateway>:<day>`. */
    id: string;
    gateway: string;
    day: string;
    /** Its `to`, Unix ms: higher than that of the one before. */
    made_at: number;
    /** Canonical JSON, exactly as signed. */
    body: string;
    sha256: string;
    key_id: string;
    signature: string;
  };
}
