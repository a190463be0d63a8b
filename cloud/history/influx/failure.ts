import { HistoryError } from "../store-errors.ts";

/** What InfluxDB refused or could not do. `retriable` when the same call may succeed later. */
export class InfluxError extends HistoryError {}

/** One answer of the server. */
export interface Answer {
  readonly status: number;
  /** Its beginning; InfluxDB's errors are JSON with `error`. */
  readonly text: string;
}

/** What became of one posted body. */
export type Verdict =
  /** Everything is durable, except for `expired` rows that were older than the retention. */
  | { readonly kind: "stored"; readonly expired: number }
  /** Some row of it can never be stored; the others may be. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Not now; the same may succeed later. */
  | { readonly kind: "away"; readonly error: InfluxError; readonly setUpAgain: boolean };

/** The reason in an answer: InfluxDB's own words, one line, bounded. */
export function reasonOf({ status, text }: Answer): string {
  let reason = text;
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null) {
      // 1.x says `error`, 2.x and later say `message`.
      const said = "error" in body ? body.error : "message" in body ? body.message : undefined;
      if (typeof said === "string") reason = said;
    }
  } catch {
    // No JSON: a proxy in between, or an answer cut off.
  }
  return `${status} ${reason.replaceAll(/\s+/g, " ").trim().slice(0, 300)}`.trim();
}

/** The server did not answer, or not in time. */
export function unreachable(doing: string, reason: string): InfluxError {
  return new InfluxError("HISTORY_UNAVAILABLE", `InfluxDB, ${doing}: ${reason}`, { retriable: true });
}

const away = (code: string, reason: string, setUpAgain = false): Verdict => ({
  kind: "away",
  error: new InfluxError(code, `InfluxDB does not take samples: ${reason}`, { retriable: true }),
  setUpAgain,
});

/** Limits on the number of series that an operator has set or not lifted. */
const LIMIT = /max-values-per-tag|max-series-per-database|max series/i;
const MISSING = /database not found|retention policy not found|bucket .*not found/i;
const EXPIRED = /points beyond retention policy dropped=(\d+)/i;

/**
 * Reads the answer to a write of `rows` rows. Whatever an operator can mend (credentials, limits, a full disk, a lost
 * database) is "away": the gateways keep their samples meanwhile. Only what stays wrong for ever is "refused".
 */
export function verdictOf(answer: Answer, rows: number): Verdict {
  const { status, text } = answer;
  if (status >= 200 && status < 300) return { kind: "stored", expired: 0 };
  const reason = reasonOf(answer);
  if (LIMIT.test(text)) return away("HISTORY_LIMIT", reason);
  if (MISSING.test(text)) return away("HISTORY_NO_DATABASE", reason, true);
  if (status === 401 || status === 403) return away("HISTORY_UNAUTHORIZED", reason);
  if (status === 400 || status === 422) {
    const expired = EXPIRED.exec(text);
    // The parser's complaint hides how many were dropped: only the pure case can be counted.
    if (expired !== null && !/unable to parse/i.test(text))
      return { kind: "stored", expired: Math.min(rows, Number(expired[1])) };
    return { kind: "refused", reason };
  }
  if (status === 413) return { kind: "refused", reason };
  return away("HISTORY_UNAVAILABLE", reason, status === 404);
}
