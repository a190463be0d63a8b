/** What of an entry of the alarm journal its hash covers, as it is stored. Times are Unix ms. */
export interface ChainedEntry {
  readonly prev_hash: string;
  readonly seq: number;
  readonly happening: string;
  readonly alarm: string;
  readonly occurrence: number;
  readonly transition: string;
  readonly at: number;
  readonly received_at: number;
  readonly clock_offset_ms: number | null;
  readonly actor: string | null;
  readonly station: string | null;
  readonly comment: string | null;
  readonly law: string;
  readonly category: string;
  readonly priority: string;
  readonly definition: string;
  readonly source: string;
  readonly point: string | null;
  readonly device: string | null;
  readonly zone: string | null;
  readonly area: string | null;
  readonly message: string;
  readonly message_en: string;
}

/** The hash before the first entry. */
export const JOURNAL_GENESIS = "0".repeat(64);

/** The text whose SHA-256 is an entry's hash: a JSON list of its columns, the hash of the entry before first. */
export function chainedText(entry: ChainedEntry): string {
  return JSON.stringify([
    entry.prev_hash,
    entry.seq,
    entry.happening,
    entry.alarm,
    entry.occurrence,
    entry.transition,
    entry.at,
    entry.received_at,
    entry.clock_offset_ms,
    entry.actor,
    entry.station,
    entry.comment,
    entry.law,
    entry.category,
    entry.priority,
    entry.definition,
    entry.source,
    entry.point,
    entry.device,
    entry.zone,
    entry.area,
    entry.message,
    entry.message_en,
  ]);
}
