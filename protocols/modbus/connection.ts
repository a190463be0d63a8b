import type { Socket } from "node:net";
import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import { type Adu, AduDecoder, encodeAdu } from "./codec/mbap.ts";
import { type Answer, decodeAnswer, encodeRequest, type Request } from "./codec/pdu.ts";

/**
 * How a request ended. `unreachable`: it was never sent. `timeout`, `closed`, `malformed`: it was sent, and whether the device
 * acted on it is unknown.
 */
export type Outcome =
  | Answer
  | {
      readonly kind: "failed";
      readonly reason: "unreachable" | "timeout" | "closed" | "malformed";
      readonly message: string;
    };

/** Counted since the driver's creation. `late`: answers to no open request. `malformed`: answers that do not fit theirs. */
export interface ModbusCounters {
  requests: number;
  timeouts: number;
  late: number;
  malformed: number;
  exceptions: number;
  reconnects: number;
}

interface Pending {
  readonly transactionId: number;
  readonly unitId: number;
  readonly request: Request;
  readonly settle: (outcome: Outcome) => void;
}

/**
 * One TCP connection with one request in flight. It is fenced: an answer counts only when transaction, unit, function code,
 * length and echo are those of the open request; after a time-out or an answer that does not fit, the connection is closed, so
 * that nothing of the old stream can be taken for the answer to a later request.
 */
export class ModbusConnection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #counters: ModbusCounters;
  readonly #decoder = new AduDecoder();
  #pending: Pending | undefined;
  #open = true;

  /** Takes over a connected socket. */
  constructor(socket: Socket, clock: Clock, counters: ModbusCounters) {
    this.#socket = socket;
    this.#clock = clock;
    this.#counters = counters;
    socket.on("data", (bytes) => this.#receive(bytes));
    socket.on("error", (error) => this.#fail("closed", errorMessage(error)));
    socket.on("close", () => this.#fail("closed", "the connection was closed"));
  }

  get open(): boolean {
    return this.#open;
  }

  /** Sends one request and gives its outcome within `timeoutMs`. Only one at a time. */
  request(transactionId: number, unitId: number, request: Request, timeoutMs: number): Promise<Outcome> {
    if (!this.#open || this.#pending !== undefined) {
      const message = this.#open ? "another request is in flight" : "the connection was closed";
      return Promise.resolve({ kind: "failed", reason: "unreachable", message });
    }
    return new Promise((resolve) => {
      const cancel = this.#clock.after(timeoutMs, () => {
        this.#counters.timeouts++;
        this.#fail("timeout", `no answer within ${timeoutMs} ms`);
      });
      const settle = (outcome: Outcome): void => {
        cancel();
        this.#pending = undefined;
        resolve(outcome);
      };
      this.#pending = { transactionId, unitId, request, settle };
      this.#counters.requests++;
      this.#socket.write(encodeAdu({ transactionId, unitId, pdu: encodeRequest(request) }));
    });
  }

  /** Closes the connection; an open request ends as `closed`. */
  close(): void {
    this.#fail("closed", "the driver closed the connection");
  }

  #receive(bytes: Uint8Array): void {
    if (!this.#open) return;
    try {
      for (const adu of this.#decoder.push(bytes)) this.#answer(adu);
    } catch (error) {
      this.#counters.malformed++;
      this.#fail("malformed", errorMessage(error));
    }
  }

  #answer(adu: Adu): void {
    const pending = this.#pending;
    if (pending === undefined || adu.transactionId !== pending.transactionId) {
      this.#counters.late++;
      return;
    }
    if (adu.unitId !== pending.unitId) {
      this.#counters.malformed++;
      this.#fail("malformed", `unit ${pending.unitId} was asked, unit ${adu.unitId} answered`);
      return;
    }
    const answer = decodeAnswer(pending.request, adu.pdu);
    if (answer.kind === "exception") this.#counters.exceptions++;
    pending.settle(answer);
  }

  #fail(reason: "timeout" | "closed" | "malformed", message: string): void {
    this.#open = false;
    this.#socket.destroy();
    this.#pending?.settle({ kind: "failed", reason, message });
  }
}
