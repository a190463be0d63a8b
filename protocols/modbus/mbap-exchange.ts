import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { ByteStream } from "./byte-stream.ts";
import { type Adu, AduDecoder, encodeAdu } from "./codec/mbap.ts";
import { decodeAnswer } from "./codec/pdu.ts";
import { type Ask, type Exchange, failed, MAX_UNANSWERED, type ModbusCounters, type Outcome } from "./exchange.ts";

interface Pending {
  readonly transactionId: number;
  readonly ask: Ask;
  /** Monotonic ms. */
  readonly until: number;
}

/**
 * So many ids of unanswered requests make a connection be replaced: none of their answers can come on another one, and each search
 * for a free id passes over them.
 */
const MAX_OWED = 4096;

/** How a connection is used. */
export interface ExchangeOptions {
  readonly timeoutMs: number;
  /** Requests on their way at once. */
  readonly window: number;
}

/**
 * Modbus TCP. An answer counts only when transaction, unit, function code, length and echo are those of an open request. The id of
 * a request that timed out is not used again on the connection until its late answer came, so that this is known for what it is;
 * whatever contradicts its request, and whatever breaks the framing, ends the connection.
 */
export class MbapExchange implements Exchange {
  readonly #stream: ByteStream;
  readonly #options: ExchangeOptions;
  readonly #clock: Clock;
  readonly #counters: ModbusCounters;
  readonly #onFree: () => void;
  readonly #decoder = new AduDecoder();
  /** By transaction id, oldest first. */
  readonly #pending = new Map<number, Pending>();
  /** Ids of requests that timed out. */
  readonly #owed = new Set<number>();
  #transactionId = Math.floor(Math.random() * 0x1_0000);
  #unanswered = 0;
  #cancelTimer: (() => void) | undefined;
  #open = true;

  /** `onFree` is told when another request may be sent, and when the connection is closed. */
  constructor(
    stream: ByteStream,
    options: ExchangeOptions,
    clock: Clock,
    counters: ModbusCounters,
    onFree: () => void,
  ) {
    this.#stream = stream;
    this.#options = options;
    this.#clock = clock;
    this.#counters = counters;
    this.#onFree = onFree;
  }

  get open(): boolean {
    return this.#open;
  }
  get free(): boolean {
    return this.#open && this.#pending.size < this.#options.window;
  }
  get idle(): boolean {
    return this.#pending.size === 0;
  }

  ask(ask: Ask): void {
    const transactionId = this.#nextId();
    const until = this.#clock.monotonic() + this.#options.timeoutMs;
    this.#pending.set(transactionId, { transactionId, ask, until });
    this.#counters.requests++;
    // one timer serves all: it is set again for the oldest request that is still open when it fires
    this.#cancelTimer ??= this.#clock.after(this.#options.timeoutMs, () => this.#expire());
    this.#stream.write(encodeAdu({ transactionId, unitId: ask.unitId, pdu: ask.pdu }));
  }

  receive(bytes: Uint8Array): void {
    if (!this.#open) return;
    let adus: readonly Adu[];
    try {
      adus = this.#decoder.push(bytes);
    } catch (error) {
      this.#malformed(errorMessage(error));
      return;
    }
    for (const adu of adus) if (this.#open) this.#answer(adu);
  }

  close(message: string): void {
    this.#end(failed("closed", message));
  }

  // [Modbus Messaging on TCP/IP V1.0b 4.4.1.2] Unique on the connection while its answer may still come.
  #nextId(): number {
    do this.#transactionId = (this.#transactionId + 1) & 0xffff;
    while (this.#pending.has(this.#transactionId) || this.#owed.has(this.#transactionId));
    return this.#transactionId;
  }

  #answer({ transactionId, unitId, pdu }: Adu): void {
    const pending = this.#pending.get(transactionId);
    if (pending === undefined) {
      this.#owed.delete(transactionId);
      this.#counters.late++;
      return;
    }
    const { ask } = pending;
    if (unitId !== ask.unitId) {
      this.#malformed(`unit ${ask.unitId} was asked, unit ${unitId} answered`);
      return;
    }
    let outcome: Outcome;
    try {
      outcome = decodeAnswer(ask.request, pdu);
    } catch (error) {
      this.#malformed(errorMessage(error));
      return;
    }
    this.#pending.delete(transactionId);
    this.#unanswered = 0;
    if (outcome.kind === "exception") {
      this.#counters.exceptions++;
      ask.settle(outcome);
      this.#onFree();
      return;
    }
    // the line works on the next request while this answer is being read
    this.#onFree();
    ask.settle(outcome);
  }

  #expire(): void {
    this.#cancelTimer = undefined;
    const now = this.#clock.monotonic();
    const { timeoutMs } = this.#options;
    const message = `no answer within ${timeoutMs} ms`;
    const late = [...this.#pending.values()].filter(({ until }) => until <= now);
    for (const { transactionId } of late) {
      this.#pending.delete(transactionId);
      this.#owed.add(transactionId);
    }
    this.#counters.timeouts += late.length;
    this.#unanswered += late.length;
    // what began a frame and did not end it would swallow the beginning of the next one
    const dead = this.#unanswered >= MAX_UNANSWERED + this.#options.window - 1 || this.#decoder.waiting > 0;
    const rest = late.length > 0 && (dead || this.#owed.size >= MAX_OWED) ? this.#shut() : [];
    const oldest = this.#pending.values().next().value;
    if (oldest !== undefined) this.#cancelTimer = this.#clock.after(oldest.until - now, () => this.#expire());
    for (const { ask } of late) ask.settle(failed("timeout", message));
    for (const { ask } of rest) ask.settle(failed("closed", "the connection was given up: it answers nothing"));
    if (late.length > 0) this.#onFree();
  }

  #malformed(message: string): void {
    this.#counters.malformed++;
    this.#end(failed("malformed", message));
  }

  #end(outcome: Outcome): void {
    if (!this.#open) return;
    for (const { ask } of this.#shut()) ask.settle(outcome);
    this.#onFree();
  }

  /** Closes the connection and gives the requests that were open. */
  #shut(): readonly Pending[] {
    this.#open = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const open = [...this.#pending.values()];
    this.#pending.clear();
    this.#stream.destroy();
    return open;
  }
}
