import type { Answer, Request } from "./codec/pdu.ts";

/** Why a request has no answer; see `Outcome`. */
export type FailureReason = "unreachable" | "aborted" | "timeout" | "closed" | "malformed";

/**
 * How a request ended. `unreachable`, `aborted`: it was never sent. `timeout`, `closed`, `malformed`: it was sent, and whether the
 * device acted on it is unknown.
 */
export type Outcome =
  | Answer
  | {
      readonly kind: "failed";
      readonly reason: FailureReason;
      readonly message: string;
    };

/** One request of one unit with who waits for its outcome. */
export interface Ask {
  readonly unitId: number;
  readonly request: Request;
  /** The encoded request. */
  readonly pdu: Uint8Array;
  /** Once it is aborted the request is not sent any more. */
  readonly signal?: AbortSignal;
  /** Told once. The data of an answer is the caller's to keep. */
  settle(outcome: Outcome): void;
}

/**
 * Counted since the driver's creation. `late`: answers to no open request. `malformed`: answers that do not fit theirs.
 * `resyncs`: probes that had to prove that no answer of an RTU unit is outstanding. `counterResets`: counters that fell.
 */
export interface ModbusCounters {
  requests: number;
  timeouts: number;
  late: number;
  malformed: number;
  exceptions: number;
  reconnects: number;
  resyncs: number;
}

/** All counters at 0. */
export function newCounters(): ModbusCounters {
  return { requests: 0, timeouts: 0, late: 0, malformed: 0, exceptions: 0, reconnects: 0, resyncs: 0 };
}

/** Requests and answers on one open connection. What is asked is settled within the time-out, or at once when it closes. */
export interface Exchange {
  /** False once it is closed, by either side. */
  readonly open: boolean;
  /** May `ask` be called? */
  readonly free: boolean;
  /** Nothing is on its way. */
  readonly idle: boolean;
  /** Sends a request. Only while `free`. */
  ask(ask: Ask): void;
  /** Takes bytes that came in. */
  receive(bytes: Uint8Array): void;
  /** The connection is gone, or is to be closed; open requests end as `closed`. */
  close(message: string): void;
}

/** After so many requests in a row without any answer the connection itself is taken for dead. */
export const MAX_UNANSWERED = 3;

/** How a request ends whose signal was aborted before it was its turn on the wire. */
export const ABORTED = failed("aborted", "its time was over before it could be sent");

/** An ended request that has no answer. */
export function failed(reason: FailureReason, message: string): Extract<Outcome, { kind: "failed" }> {
  return { kind: "failed", reason, message };
}
