import type { Generated } from "kysely";
import type { AlarmActKind } from "../ports.ts";

/**
 * Rows of the alarms; their journal is in journal-tables.ts. Retention: an alarm and what belongs to it go with its journal,
 * by category (journal-retention.ts); `alarm_acts` of alarms that are over are pruned by cloud/jobs/records-retention.ts; `alarm_commands` holds only what a gateway has not yet confirmed.
 */
export interface AlarmTables {
  /** One row an episode. The columns are those that lists ask for; `document` is the whole alarm (core/model/alarm.ts). */
  alarms: {
    id: string;
    origin: string;
    definition: string;
    occurrence: number;
    law: string;
    category: string;
    priority: string;
    condition: string;
    acknowledged: number;
    /** 1 until the episode is over. */
    open: number;
    area: string | null;
    raised_at: number;
    /** End of a shelving that this side has to end itself; null for alarms of gateways. */
    shelved_until: number | null;
    /** Lower case texts and ids for the free search. */
    search: string;
    document: string;
    /** User who looks after it; null: nobody in particular. */
    assignee: string | null;
    /** Occurrence that the escalation is about. */
    escalation_of: number | null;
    /** When it is told further, Unix ms; null: not waiting for that. */
    escalate_at: number | null;
    /** When the occurrence was told further. */
    escalated_at: number | null;
  };
  /** Idempotency keys of acts. */
  alarm_acts: {
    actor: string;
    idempotency_key: string;
    alarm: string;
    occurrence: number;
    kind: AlarmActKind;
    at: number;
  };
  /** Acts that the minting gateway has not yet confirmed; `document` is the AlarmCommand. */
  alarm_commands: {
    seq: Generated<number>;
    id: string;
    gateway: string;
    alarm: string;
    occurrence: number;
    action: string;
    requested_by: string;
    expires_at: number;
    document: string;
  };
  /** Episode counter of each alarm that the cloud mints itself, with the epoch that goes into its ids. */
  alarm_episodes: {
    definition: string;
    epoch: string;
    episode: number;
  };
  /** Pictures taken for an alarm, or (`alarm` empty) for nothing in particular. */
  alarm_snapshots: {
    alarm: string;
    sha256: string;
    gateway: string;
    occurrence: number | null;
    run: string | null;
    camera: string;
    bytes: number;
    content_type: string;
    taken_at: number;
  };
  /** Video kept for an alarm, or (`alarm` empty) for nothing in particular. Times are the gateway's, Unix ms. */
  alarm_clips: {
    alarm: string;
    sha256: string;
    gateway: string;
    occurrence: number | null;
    run: string | null;
    camera: string;
    bytes: number;
    content_type: string;
    started_at: number;
    ended_at: number;
    trigger_at: number;
    time_base: "rtcp" | "arrival";
    width: number;
    height: number;
    frames: number;
    missing: string | null;
  };
}
