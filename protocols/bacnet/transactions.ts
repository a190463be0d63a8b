import type { Clock } from "#core/clock.ts";
import type { Apdu, ComplexAck } from "./codec/apdu.ts";
import { ABORT } from "./codec/enums.ts";
import { type Peer, peerKey } from "./codec/frame.ts";
import { MAX_APDU } from "./codec/link.ts";
import { decodeError, type ErrorPair } from "./codec/services/error.ts";
import type { Counters } from "./counters.ts";

/** How a confirmed request ended. `cancelled`: the caller or the driver gave it up. */
export type Outcome =
  | { readonly kind: "ack"; readonly body: Uint8Array }
  | { readonly kind: "error"; readonly error: ErrorPair }
  | { readonly kind: "reject" | "abort"; readonly reason: number }
  | { readonly kind: "timeout" }
  | { readonly kind: "cancelled" };

/** One confirmed request. */
export interface Request {
  readonly peer: Peer;
  readonly service: number;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
}

/** What the machine needs. */
export interface TransactionDeps {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly apduTimeoutMs: number;
  readonly retries: number;
  /** Requests in flight per peer. */
  readonly window: number;
  send(peer: Peer, apdu: Apdu): void;
}

const IDS = 256;
const MORE_THAN_64_SEGMENTS = 7;
const OUR_WINDOW = 16;
const MAX_REASSEMBLED_BYTES = 512 * 1024;
// how long the id of a request that timed out stays unused, in units of a request's whole life
const QUARANTINE_LIVES = 10;

interface Reassembly {
  readonly parts: Uint8Array[];
  bytes: number;
  window: number;
  /** Segments since the last SegmentACK. */
  unacknowledged: number;
}

interface Transaction {
  readonly request: Request;
  readonly invokeId: number;
  attempts: number;
  cancelTimer: () => void;
  readonly stopListening: () => void;
  readonly settle: (outcome: Outcome) => void;
  reassembly: Reassembly | undefined;
}

interface PeerState {
  readonly active: Map<number, Transaction>;
  readonly waiting: (() => void)[];
  /** Monotonic ms until which an id must not be used again. */
  readonly quarantine: Map<number, number>;
  nextId: number;
}

/**
 * The client side of the transaction state machine. An answer is taken only from the peer that was asked, with the invoke id and
 * the service of a request that still waits: so a late answer of one device never becomes the value of another. Every promise
 * settles. [BACnet 5.4.4]
 */
export class Transactions {
  readonly #deps: TransactionDeps;
  readonly #peers = new Map<string, PeerState>();
  #closed = false;

  constructor(deps: TransactionDeps) {
    this.#deps = deps;
  }

  /** Sends a request, at most `window` at once per peer, and again after each time-out. Never rejects. */
  async request(request: Request): Promise<Outcome> {
    const state = this.#stateOf(request.peer);
    while (state.active.size >= this.#deps.window && !request.signal.aborted && !this.#closed) {
      await new Promise<void>((resolve) => state.waiting.push(resolve));
    }
    if (request.signal.aborted || this.#closed) {
      state.waiting.shift()?.();
      return { kind: "cancelled" };
    }
    return new Promise((resolve) => this.#begin(state, request, resolve));
  }

  /** Takes an answer. Counted as late or unexpected when nothing waits for it. */
  received(peer: Peer, apdu: Apdu): void {
    if (!("invokeId" in apdu)) return;
    const transaction = this.#peers.get(peerKey(peer))?.active.get(apdu.invokeId);
    if (transaction === undefined) {
      this.#deps.counters.add("late");
      // [BACnet 5.4.4.1 UnexpectedSegmentInfoReceived] ends the sender's waiting for our SegmentACK
      const { invokeId } = apdu;
      const reason = ABORT.invalidApduInThisState;
      if (apdu.type === "complexAck" && apdu.segment !== undefined) {
        this.#deps.send(peer, { type: "abort", invokeId, server: false, reason });
      }
      return;
    }
    const { service } = transaction.request;
    if ("service" in apdu && apdu.service !== service) {
      this.#deps.counters.add("unexpected");
      return;
    }
    this.#take(transaction, apdu);
  }

  /** Settles all that waits as cancelled. */
  close(): void {
    this.#closed = true;
    for (const state of this.#peers.values()) {
      for (const transaction of state.active.values()) this.#finish(transaction, { kind: "cancelled" });
      for (const resume of state.waiting.splice(0)) resume();
    }
    this.#peers.clear();
  }

  #stateOf(peer: Peer): PeerState {
    const key = peerKey(peer);
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    const state: PeerState = { active: new Map(), waiting: [], quarantine: new Map(), nextId: 0 };
    this.#peers.set(key, state);
    return state;
  }

  #begin(state: PeerState, request: Request, resolve: (outcome: Outcome) => void): void {
    const invokeId = this.#allocate(state);
    const cancel = (): void => {
      const transaction = state.active.get(invokeId);
      if (transaction?.request === request) this.#finish(transaction, { kind: "cancelled" });
    };
    request.signal.addEventListener("abort", cancel, { once: true });
    const transaction: Transaction = {
      request,
      invokeId,
      attempts: 0,
      cancelTimer: () => {},
      stopListening: () => request.signal.removeEventListener("abort", cancel),
      settle: resolve,
      reassembly: undefined,
    };
    state.active.set(invokeId, transaction);
    this.#deps.counters.add("requests");
    this.#attempt(transaction);
  }

  /** The next id in turn that is neither in use nor in quarantine. With all in quarantine, the oldest of them. */
  #allocate(state: PeerState): number {
    const now = this.#deps.clock.monotonic();
    for (let tried = 0; tried < IDS; tried++) {
      const id = (state.nextId + tried) % IDS;
      if (state.active.has(id) || (state.quarantine.get(id) ?? 0) > now) continue;
      state.quarantine.delete(id);
      state.nextId = (id + 1) % IDS;
      return id;
    }
    // the window is below 256, so a quarantined id exists; a Map keeps the order of insertion
    const oldest = [...state.quarantine.keys()].find((id) => !state.active.has(id)) ?? state.nextId;
    state.quarantine.delete(oldest);
    return oldest;
  }

  #attempt(transaction: Transaction): void {
    const { request, invokeId } = transaction;
    transaction.attempts += 1;
    transaction.cancelTimer = this.#deps.clock.after(this.#deps.apduTimeoutMs, () => this.#timedOut(transaction));
    this.#deps.send(request.peer, {
      type: "confirmedRequest",
      invokeId,
      service: request.service,
      segmentedResponseAccepted: true,
      maxSegments: MORE_THAN_64_SEGMENTS,
      maxApdu: MAX_APDU,
      body: request.body,
    });
  }

  #timedOut(transaction: Transaction): void {
    if (transaction.attempts <= this.#deps.retries) {
      this.#deps.counters.add("retries");
      this.#attempt(transaction);
      return;
    }
    this.#deps.counters.add("timeouts");
    this.#finish(transaction, { kind: "timeout" });
  }

  #take(transaction: Transaction, apdu: Exclude<Apdu, { type: "unconfirmedRequest" }>): void {
    switch (apdu.type) {
      case "simpleAck":
        this.#finish(transaction, { kind: "ack", body: new Uint8Array() });
        break;
      case "complexAck":
        if (apdu.segment === undefined) this.#finish(transaction, { kind: "ack", body: apdu.body });
        else this.#takeSegment(transaction, apdu, apdu.segment);
        break;
      case "error":
        this.#finish(transaction, { kind: "error", error: decodeError(apdu.body) });
        break;
      case "reject":
      case "abort":
        this.#finish(transaction, { kind: apdu.type, reason: apdu.reason });
        break;
      case "segmentAck":
      case "confirmedRequest":
        // we send no segmented requests, so nobody has a segment of ours to acknowledge
        this.#deps.counters.add("unexpected");
        break;
      default:
        apdu satisfies never;
    }
  }

  // [BACnet 5.4.4.2, 5.4.4.4] AWAIT_CONFIRMATION and SEGMENTED_CONF
  #takeSegment(transaction: Transaction, apdu: ComplexAck, segment: NonNullable<ComplexAck["segment"]>): void {
    const reassembly = transaction.reassembly ?? { parts: [], bytes: 0, window: 1, unacknowledged: 0 };
    const expected = reassembly.parts.length % IDS;
    if (segment.sequenceNumber !== expected) {
      this.#outOfOrder(transaction, reassembly, segment.sequenceNumber, expected);
      return;
    }
    transaction.reassembly = reassembly;
    reassembly.parts.push(apdu.body);
    reassembly.bytes += apdu.body.length;
    reassembly.unacknowledged += 1;
    if (reassembly.bytes > MAX_REASSEMBLED_BYTES) {
      this.#abort(transaction, ABORT.bufferOverflow);
      return;
    }
    this.#restartSegmentTimer(transaction);
    const isFirst = reassembly.parts.length === 1;
    if (isFirst || !segment.moreFollows || reassembly.unacknowledged >= reassembly.window) {
      reassembly.window = Math.min(segment.proposedWindowSize, OUR_WINDOW);
      this.#acknowledge(transaction, reassembly, false);
    }
    if (!segment.moreFollows) this.#finish(transaction, { kind: "ack", body: joined(reassembly) });
  }

  #outOfOrder(transaction: Transaction, reassembly: Reassembly, got: number, expected: number): void {
    if (transaction.reassembly === undefined) {
      // the first segment was lost: the server sends it again when nobody acknowledges it
      this.#deps.counters.add("unexpected");
      return;
    }
    this.#restartSegmentTimer(transaction);
    const behind = (expected - got + IDS) % IDS;
    // [BACnet 5.4.2.1 DuplicateInWindow] already here: discarded in silence unless the sender has begun the window anew
    const duplicateInWindow = behind > 0 && behind <= reassembly.unacknowledged;
    if (!duplicateInWindow) this.#acknowledge(transaction, reassembly, true);
  }

  #acknowledge(transaction: Transaction, reassembly: Reassembly, negative: boolean): void {
    reassembly.unacknowledged = 0;
    this.#deps.send(transaction.request.peer, {
      type: "segmentAck",
      negative,
      server: false,
      invokeId: transaction.invokeId,
      sequenceNumber: (reassembly.parts.length - 1) % IDS,
      actualWindowSize: reassembly.window,
    });
  }

  // [BACnet 5.3] a receiver waits four times as long as the sender, which sends its window again meanwhile
  #restartSegmentTimer(transaction: Transaction): void {
    transaction.cancelTimer();
    transaction.cancelTimer = this.#deps.clock.after(4 * this.#deps.apduTimeoutMs, () => {
      this.#deps.counters.add("timeouts");
      this.#sendAbort(transaction, ABORT.tsmTimeout);
      this.#finish(transaction, { kind: "timeout" });
    });
  }

  #abort(transaction: Transaction, reason: number): void {
    this.#sendAbort(transaction, reason);
    this.#finish(transaction, { kind: "abort", reason });
  }

  #sendAbort({ request, invokeId }: Transaction, reason: number): void {
    this.#deps.send(request.peer, { type: "abort", invokeId, server: false, reason });
  }

  #finish(transaction: Transaction, outcome: Outcome): void {
    const { request, invokeId } = transaction;
    transaction.cancelTimer();
    transaction.stopListening();
    const state = this.#peers.get(peerKey(request.peer));
    if (state?.active.get(invokeId) === transaction) {
      state.active.delete(invokeId);
      // an answer to one of the attempts may still be on its way
      const mayComeLate = transaction.attempts > 1 || outcome.kind === "timeout" || outcome.kind === "cancelled";
      const { apduTimeoutMs, retries, clock } = this.#deps;
      const lifeMs = apduTimeoutMs * (retries + 1);
      if (mayComeLate) state.quarantine.set(invokeId, clock.monotonic() + QUARANTINE_LIVES * lifeMs);
      state.waiting.shift()?.();
    }
    transaction.settle(outcome);
  }
}

function joined({ parts, bytes }: Reassembly): Uint8Array {
  const whole = new Uint8Array(bytes);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
