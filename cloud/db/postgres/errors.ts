import { DbError } from "../errors.ts";

/**
 * Codes of the hub for PostgreSQL's, by the whole code or by its class.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const CODES: Readonly<Record<string, { readonly code: string; readonly retriable: boolean }>> = {
  "08": { code: "DB_UNAVAILABLE", retriable: true }, // connection
  "22": { code: "DB_VALUE_INVALID", retriable: false },
  "23": { code: "DB_CONSTRAINT", retriable: false },
  "25006": { code: "DB_READ_ONLY", retriable: true }, // a standby
  "28": { code: "DB_REFUSED", retriable: false }, // authorization
  "3D000": { code: "DB_REFUSED", retriable: false }, // no such database
  "40": { code: "DB_BUSY", retriable: true }, // serialization, deadlock
  "42501": { code: "DB_REFUSED", retriable: false }, // privilege
  "53": { code: "DB_UNAVAILABLE", retriable: true }, // memory, connections
  "53100": { code: "DB_FULL", retriable: true },
  "54": { code: "DB_VALUE_INVALID", retriable: false }, // longer than an index can hold, for one
  "55P03": { code: "DB_BUSY", retriable: true }, // lock_timeout
  "57": { code: "DB_UNAVAILABLE", retriable: true }, // shut down, starting up
  "57014": { code: "DB_BUSY", retriable: true }, // statement_timeout
  "58": { code: "DB_IO", retriable: true },
  XX001: { code: "DB_CORRUPT", retriable: false },
  XX002: { code: "DB_CORRUPT", retriable: false },
};

/** The hub's error for a SQLSTATE. */
export function postgresError(sqlState: string, message: string, cause?: unknown): DbError {
  const { code, retriable } = CODES[sqlState] ?? CODES[sqlState.slice(0, 2)] ?? { code: "DB_FAILED", retriable: false };
  return new DbError(code, `${message} (${sqlState})`, { cause, retriable });
}

/** SQLSTATE of what `pg` throws when the server said it; undefined for a fault of the connection. */
export function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("severity" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Translates what `pg` throws. A HubError passes unchanged. */
export function postgresFault(error: unknown, doing: string): DbError {
  if (error instanceof DbError) return error;
  const message = `${doing}: ${error instanceof Error ? error.message || error.name : String(error)}`;
  const sqlState = sqlStateOf(error);
  if (sqlState !== undefined) return postgresError(sqlState, message, error);
  return new DbError("DB_UNAVAILABLE", message, { cause: error, retriable: true });
}
