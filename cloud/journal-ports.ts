import type { Readable } from "node:stream";
import type { EvidenceRequest } from "#core/contracts/evidence.ts";
import type { JournalChain, JournalListQuery, JournalRecord } from "#core/contracts/journal.ts";
import type { ChainedEntry } from "#core/journal-chain.ts";
import type { Actor, PageRequest, PageResult, Visible } from "./ports.ts";

/*
 * What the rest asks of the journal of the alarms, and what it asks of those who keep things about alarms. Implemented in
 * cloud/alarms and cloud/evidence, handed over by domains.ts and app.ts.
 */

/** What is asked of the journal; times are Unix ms, `to` exclusive. */
export interface JournalQuery extends Omit<JournalListQuery, "from" | "to" | "limit" | "cursor" | "count"> {
  readonly visible: Visible;
  readonly from?: number;
  readonly to?: number;
}

/** An entry as it is chained, with its hash. */
export interface ChainedRecord extends ChainedEntry {
  readonly hash: string;
}

/** The journal of the alarms for pages, programs and evidence. */
export interface JournalService {
  /**
   * Newest first: in the order in which it came to be known, with `from` or `to` in that of the source times.
   * @throws CURSOR_INVALID, TIME_RANGE_INVALID
   */
  page(query: JournalQuery & PageRequest): PageResult<JournalRecord>;
  /** The whole journal of one alarm, oldest first. */
  of(alarm: string): readonly JournalRecord[];
  /** The same as they are chained. */
  chained(alarm: string): readonly ChainedRecord[];
  /**
   * The lines of a CSV file with byte order mark, newest first. It ends after `CSV_MOST` entries with a line that says so.
   * @throws TIME_RANGE_INVALID before the first piece
   */
  csv(query: JournalQuery, language: "zh-CN" | "en"): AsyncGenerator<string>;
  /** Walks along the whole chain. */
  verify(): Promise<JournalChain>;
  /** The last entry as it was written. */
  head(): JournalChain["head"];
}

/** Evidence packs of alarms. */
export interface EvidenceService {
  /**
   * One zip file with everything about an alarm, signed. It is audited before its first byte is made.
   * @throws ALARM_UNKNOWN, EVIDENCE_TOO_LARGE, EVIDENCE_BUSY
   */
  export(alarm: string, request: EvidenceRequest, actor: Actor): { readonly name: string; readonly bytes: Readable };
}

/**
 * Told the alarms that are removed with their journal, inside that transaction: whoever keeps something about them lets go of
 * it. @throws what then undoes the removal
 */
export type AlarmForgetter = (alarms: readonly string[]) => void;
