/**
 * The journal of the alarms. Append-only: the database itself refuses to change a row, and to delete one that no cut covers.
 * Retention: by the category of the alarm, with the alarm (journal-retention.ts); cuts that meet are joined, so that there are
 * never more of them than stretches of the journal that are gone.
 */
export interface JournalTables {
  /**
   * What happened, in the order in which it came to be known, with what the alarm said then: later definitions change nothing
   * of it. `hash` covers every column but `search`, and by `prev_hash` all that was written before.
   */
  alarm_journal: {
    seq: number;
    /** Names the happening, so that the same one is written once however often and by whichever way it is told. */
    happening: string;
    alarm: string;
    occurrence: number;
    transition: string;
    /** By the clock of whoever told it, Unix ms. */
    at: number;
    /** By the clock of the cloud, Unix ms. */
    received_at: number;
    /** Clock of the gateway that told it minus ours, ms; null where it is not known or where the cloud itself saw it. */
    clock_offset_ms: number | null;
    actor: string | null;
    /** Workplace at which somebody acted. */
    station: string | null;
    comment: string | null;
    law: string;
    category: string;
    priority: string;
    definition: string;
    /** Point or device that raised it. */
    source: string;
    point: string | null;
    device: string | null;
    zone: string | null;
    area: string | null;
    message: string;
    message_en: string;
    /** Lower case texts and ids for the free search. */
    search: string;
    prev_hash: string;
    hash: string;
  };
  /** One row, id 1: the last row of the journal as it was written, so that one that was cut off its end is missed. */
  alarm_journal_head: {
    id: number;
    seq: number;
    hash: string;
  };
  /** A stretch of the chain that retention has removed: `prev_hash` of its first row, `hash` of its last one. */
  alarm_journal_cuts: {
    from_seq: number;
    to_seq: number;
    /** How many rows it held. */
    entries: number;
    prev_hash: string;
    hash: string;
    cut_at: number;
  };
}
