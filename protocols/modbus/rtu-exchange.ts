import type { Clock } from "#core/clock.ts";
import type { ByteStream } from "./byte-stream.ts";
import { type Answer, decodeAnswer, encodeRequest, type Request } from "./codec/pdu.ts";
import { answerLength, encodeRtu, RtuDecoder, type RtuFrame } from "./codec/rtu.ts";
import {
  ABORTED,
  type Ask,
  type Exchange,
  failed,
  MAX_UNANSWERED,
  type ModbusCounters,
  type Outcome,
} from "./exchange.ts";
import type { OwedAnswers } from "./rtu-late.ts";

interface Pending {
  readonly ask: Ask;
  /** What is on its way: the request itself, or the probe before it. */
  request: Request;
  probing: boolean;
  sent: boolean;
  /** Something came that was not the answer. */
  spoiled: boolean;
}

/** How a line is used. */
export interface RtuOptions {
  readonly timeoutMs: number;
  /** Silence between two frames, ms. */
  readonly silenceMs: number;
}

/** A frame that has begun is given up after so long without another byte, ms: device servers pass frames on in pieces. */
const BROKEN_FRAME_MS = 50;

/**
 * Modbus RTU, on a serial line or through a TCP connection: one request in flight, frames cut by function code and CRC. After a
 * time-out the line is left in silence, and the unit is asked a question whose answer can be none of those it still owes before
 * anything else is asked of it; see OwedAnswers.
 */
export class RtuExchange implements Exchange {
  readonly #stream: ByteStream;
  readonly #options: RtuOptions;
  readonly #clock: Clock;
  readonly #counters: ModbusCounters;
  readonly #owed: OwedAnswers;
  readonly #onFree: () => void;
  readonly #decoder = new RtuDecoder(answerLength);
  #pending: Pending | undefined;
  #quietUntil = 0;
  /** Until then the line must have been silent once, monotonic ms. */
  #noisyUntil = 0;
  #unanswered = 0;
  #cancelTimer: () => void = () => {};
  #cancelBroken: () => void = () => {};
  #open = true;

  /** `owed` outlives the connection: a device server passes on to the next one what a unit answers. `onFree` as of MbapExchange. */
  constructor(
    stream: ByteStream,
    options: RtuOptions,
    clock: Clock,
    counters: ModbusCounters,
    owed: OwedAnswers,
    onFree: () => void,
  ) {
    this.#stream = stream;
    this.#options = options;
    this.#clock = clock;
    this.#counters = counters;
    this.#owed = owed;
    this.#onFree = onFree;
  }

  get open(): boolean {
    return this.#open;
  }
  get free(): boolean {
    return this.#open && this.#pending === undefined;
  }
  get idle(): boolean {
    return this.#pending === undefined;
  }

  ask(ask: Ask): void {
    const probe = this.#owed.probeBefore(ask.unitId, ask.request, this.#clock.monotonic());
    if (probe !== undefined) this.#counters.resyncs++;
    this.#pending = { ask, request: probe ?? ask.request, probing: probe !== undefined, sent: false, spoiled: false };
    this.#begin();
  }

  receive(bytes: Uint8Array): void {
    if (!this.#open) return;
    this.#cancelBroken();
    this.#quietUntil = this.#clock.monotonic() + this.#options.silenceMs;
    this.#take(() => this.#decoder.push(bytes));
    if (this.#open && this.#decoder.waiting > 0) {
      this.#cancelBroken = this.#clock.after(BROKEN_FRAME_MS, () => this.#take(() => this.#decoder.silence()));
    }
  }

  close(message: string): void {
    if (!this.#open) return;
    this.#shut()?.ask.settle(failed("closed", message));
    this.#onFree();
  }

  #begin(): void {
    this.#noisyUntil = this.#clock.monotonic() + this.#options.timeoutMs;
    this.#sendInSilence();
  }

  // [Modbus over serial line V1.02 2.5.1.1] Frames are parted by silence.
  #sendInSilence(): void {
    const now = this.#clock.monotonic();
    const waitMs = this.#quietUntil - now;
    if (waitMs <= 0) this.#send();
    else if (now >= this.#noisyUntil) this.#giveUp();
    else this.#cancelTimer = this.#clock.after(Math.ceil(waitMs), () => this.#sendInSilence());
  }

  /** A line that is never silent would hold its devices back for ever, and nobody would tell. */
  #giveUp(): void {
    const { timeoutMs } = this.#options;
    this.#unsent(failed("unreachable", `not sent: the line was not silent within ${timeoutMs} ms`), true);
  }

  /** Ends what was not sent. */
  #unsent(outcome: Outcome, unanswered = false): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (unanswered && ++this.#unanswered >= MAX_UNANSWERED) this.#shut();
    if (pending !== undefined) this.#finish(pending.ask, outcome);
  }

  #send(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    const { ask, request, probing } = pending;
    if (ask.signal?.aborted === true) {
      this.#unsent(ABORTED);
      return;
    }
    this.#forgetBytes();
    pending.sent = true;
    this.#counters.requests++;
    this.#cancelTimer = this.#clock.after(this.#options.timeoutMs, () => this.#expire(pending));
    this.#stream.write(encodeRtu({ unitId: ask.unitId, pdu: probing ? encodeRequest(request) : ask.pdu }));
  }

  #take(cut: () => readonly RtuFrame[]): void {
    const before = this.#decoder.dropped;
    const frames = cut();
    if (this.#decoder.dropped > before) this.#spoil();
    for (const frame of frames) if (this.#open) this.#frame(frame);
  }

  #frame({ unitId, pdu }: RtuFrame): void {
    const pending = this.#pending;
    if (pending === undefined || !pending.sent) {
      this.#counters.late++;
      return;
    }
    const answer = unitId === pending.ask.unitId ? answerTo(pending.request, pdu) : undefined;
    if (answer === undefined) {
      // another unit's answer, or an earlier one of this unit: the right one may still come
      this.#spoil();
      return;
    }
    this.#cancelTimer();
    this.#unanswered = 0;
    this.#owed.clear(unitId);
    if (answer.kind === "exception") this.#counters.exceptions++;
    if (pending.probing) {
      pending.request = pending.ask.request;
      pending.probing = false;
      pending.sent = false;
      this.#begin();
      return;
    }
    this.#pending = undefined;
    this.#finish(pending.ask, answer);
  }

  #finish(ask: Ask, outcome: Outcome): void {
    if (outcome.kind === "data") {
      // the line works on the next request while this answer is being read
      this.#onFree();
      ask.settle(outcome);
    } else {
      ask.settle(outcome);
      this.#onFree();
    }
  }

  #spoil(): void {
    this.#counters.malformed++;
    if (this.#pending?.sent === true) this.#pending.spoiled = true;
  }

  #expire(pending: Pending): void {
    const now = this.#clock.monotonic();
    this.#owed.add(pending.ask.unitId, pending.request, now);
    this.#quietUntil = now + this.#options.silenceMs;
    this.#counters.timeouts++;
    this.#unanswered++;
    this.#pending = undefined;
    if (this.#unanswered >= MAX_UNANSWERED) this.#shut();
    const { timeoutMs } = this.#options;
    const outcome = pending.spoiled
      ? failed("malformed", `only what is no answer came within ${timeoutMs} ms`)
      : failed("timeout", `no answer within ${timeoutMs} ms`);
    this.#finish(pending.ask, outcome);
  }

  /** What lies half received belongs to no request that is still to be sent. */
  #forgetBytes(): void {
    this.#cancelBroken();
    if (this.#decoder.waiting > 0) this.#take(() => this.#decoder.silence());
  }

  #shut(): Pending | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    if (!this.#open) return undefined;
    this.#open = false;
    this.#cancelTimer();
    this.#cancelBroken();
    this.#stream.destroy();
    return pending;
  }
}

function answerTo(request: Request, pdu: Uint8Array): Answer | undefined {
  try {
    return decodeAnswer(request, pdu);
  } catch {
    return undefined;
  }
}
