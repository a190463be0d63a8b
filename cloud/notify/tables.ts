import type { Generated } from "kysely";

/** Who is told of alarms, and who was. */
export interface NotifyTables {
  /** Positions, contacts, rotas, channels and rules (core/contracts/notify.ts) as they are now. Retention: for ever, bounded by kind. */
  notify_objects: {
    kind: string;
    id: string;
    version: number;
    document: string;
  };
  /** Every version of them; a null document says that it was removed. Retention: 1000 versions of an object. */
  notify_versions: {
    kind: string;
    id: string;
    version: number;
    document: string | null;
    changed_by: string;
    why: string | null;
    at: number;
  };
  /** What a rule does about one transition of one alarm. Retention: 400 days after its end. */
  notify_chains: {
    seq: Generated<number>;
    rule: string;
    alarm: string;
    occurrence: number;
    /** NotifyOn; with `@<time>` where an occurrence can have it more than once. */
    transition: string;
    law: string;
    /** The next step of the rule. */
    step: number;
    started_at: number;
    /** When the next step is taken; null: it has ended. */
    next_at: number | null;
    ended_at: number | null;
    ended_because: string | null;
    /** ToldAlarm (message.ts). */
    document: string;
  };
  /** The ledger: every message that was to be sent. Retention: 400 days. */
  notify_deliveries: {
    id: string;
    status: string;
    rule: string | null;
    transition: string;
    step: number;
    /** Contact id, or `channel:<id>`. */
    recipient: string;
    /** JSON: ids of the contacts that are told, or mentioned in a chat group. */
    contacts: string;
    channel: string | null;
    /** JSON: channels that are tried when this one fails. */
    fallback: string;
    alarms: number;
    alarm: string | null;
    /** Message (message.ts). */
    document: string;
    attempts: number;
    reason: string | null;
    /** 1: its failure was told as a notice. */
    told: number;
    created_at: number;
    finished_at: number | null;
  };
  /** Who was told what by which way, so that nobody is told twice. Retention: that of its delivery. */
  notify_marks: {
    alarm: string;
    occurrence: number;
    transition: string;
    step: number;
    recipient: string;
    channel: string;
    delivery: string;
  };
}
