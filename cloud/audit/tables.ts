/** The audit chain. `hash` covers the row and `prev_hash`; nothing is ever changed or deleted. */
export interface AuditTables {
  /** One row, id 1: the last row of the chain, so that one that was cut off its end is missed. */
  audit_head: {
    id: number;
    seq: number;
    hash: string;
  };
  audit: {
    seq: number;
    at: number;
    actor: string;
    action: string;
    target: string | null;
    result: "ok" | "refused" | "failed";
    detail: string | null;
    ip: string | null;
    prev_hash: string;
    hash: string;
  };
}
