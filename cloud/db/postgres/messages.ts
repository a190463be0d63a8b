import type { MessagePort } from "node:worker_threads";

/** A value of a parameter as it crosses the threads. */
export type Parameter = string | number | bigint | Uint8Array | null;

/** One SQL statement with `$1`, `$2` ... */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/** A row as the record database gives it: integers and decimals are numbers, booleans 0 and 1, bytea bytes. */
export type Row = Readonly<Record<string, string | number | Uint8Array | null>>;

/** What one statement did. */
export interface Outcome {
  readonly changes: number;
  readonly rows: readonly Row[];
}

/** Why statements were not all done. */
export type Fault =
  /** The server refused the statement of this index; those behind it were not executed. */
  | { readonly kind: "refused"; readonly index: number; readonly sqlState: string; readonly message: string }
  /** There was no such connection any more: nothing was sent. */
  | { readonly kind: "notSent"; readonly message: string }
  /** The connection broke while they were under way: what the server still did is not known. */
  | { readonly kind: "lost"; readonly message: string };

/** Statements that travel together, on the connection of this number. */
export interface LinkRequest {
  readonly id: number;
  readonly connection: number;
  readonly statements: readonly Statement[];
}

/** The answer to a request. */
export type LinkReply =
  | { readonly id: number; readonly ok: true; readonly outcomes: readonly Outcome[] }
  | { readonly id: number; readonly ok: false; readonly fault: Fault };

/** What the thread tells of its connection. */
export type LinkNews =
  | { readonly type: "up"; readonly version: string; readonly durable: boolean }
  | { readonly type: "down"; readonly reason: string }
  /** It will not try again. */
  | { readonly type: "refused"; readonly code: string; readonly message: string };

/** What the thread is told besides requests. */
export type LinkOrder =
  /** The connection of this number does not answer: give it up. */
  { readonly type: "abandon"; readonly connection: number } | { readonly type: "close" };

/** Places in the shared memory between the threads (Int32). */
export const SIGNAL = {
  /** Id of the newest request that was answered. */
  answered: 0,
  /** Number of the connection that is up; 0 while there is none. */
  connection: 1,
  /** How many connections were made: numbers them over all threads of the process. */
  made: 2,
  length: 3,
} as const;

/** What the thread starts with. */
export interface LinkWorkerData {
  readonly url: string;
  /** Names this process among those that ever held the database. */
  readonly owner: string;
  /** False in a thread that replaces one which held the database. */
  readonly first: boolean;
  readonly requests: MessagePort;
  readonly signal: Int32Array;
}
