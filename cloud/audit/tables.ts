/** The audit chain. `hash` covers the row and `prev_hash`; nothing is ever changed or deleted. */
export interface AuditTables {
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
