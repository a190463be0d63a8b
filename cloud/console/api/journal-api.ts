import type { EvidenceRequest } from "#core/contracts/evidence.ts";
import type { JournalChain, JournalListQuery, JournalRecord } from "#core/contracts/journal.ts";
import type { ApiClient, Download } from "./client.ts";

/** What the journal is filtered by. */
export type JournalFilter = Omit<JournalListQuery, "limit" | "cursor" | "count">;

/** A page of the journal. */
export interface JournalPage {
  readonly items: readonly JournalRecord[];
  readonly nextCursor?: string;
  readonly total?: number;
}

/** A pack with video takes its time over a slow line. */
const EVIDENCE_TIMEOUT_MS = 30 * 60_000;

/** The routes of the alarm journal and of evidence. Every method throws ApiError. */
export class JournalApi {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  page = (filter: JournalFilter, cursor: string | undefined, signal?: AbortSignal): Promise<JournalPage> =>
    this.#client.call("GET", "/alarms/journal", {
      query: { ...filter, limit: 100, cursor, ...(cursor === undefined ? { count: true } : {}) },
      ...(signal === undefined ? {} : { signal }),
    });

  verify = (): Promise<JournalChain> =>
    this.#client.call("GET", "/alarms/journal/verification", { timeoutMs: 120_000 });

  evidence = (alarm: string, body: EvidenceRequest): Promise<Download> =>
    this.#client.download("POST", `/alarms/${encodeURIComponent(alarm)}/evidence`, {
      body,
      timeoutMs: EVIDENCE_TIMEOUT_MS,
    });
}

/** Address of the journal as a CSV file. */
export function journalCsvAddress(filter: JournalFilter, lang: "zh-CN" | "en"): string {
  const given = Object.entries({ ...filter, lang }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return `/api/v1/alarms/journal.csv?${new URLSearchParams(given).toString()}`;
}
