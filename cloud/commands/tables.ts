import type { CommandView } from "#core/contracts/commands.ts";

/** Commands with their results. Retention: those with a result for as long as cloud/jobs/records-retention.ts is told. */
export interface CommandTables {
  commands: {
    id: string;
    gateway: string;
    status: CommandView["status"];
    requested_by: string;
    idempotency_key: string | null;
    /** What was asked for, to tell the same request from another one under the same key. */
    request: string;
    created_at: number;
    expires_at: number;
    /** Last time it was sent; null when never. */
    sent_at: number | null;
    finished_at: number | null;
    code: string | null;
    message: string | null;
    /** Value as JSON; null when nothing was read back. */
    read_back: string | null;
    /** SHA-256 of what it produced; null when nothing. */
    blob: string | null;
    /** The Command as it is sent (core/model/command.ts). */
    document: string;
  };
}
