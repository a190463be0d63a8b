import type { Clock } from "#core/clock.ts";
import type { Apdu, ComplexAck, Segment } from "../codec/apdu.ts";
import { ABORT } from "../codec/enums.ts";
import { type Peer, peerKey } from "../codec/frame.ts";
import { decodeError } from "../codec/services/error.ts";
import type { StationCounting } from "./counters.ts";
import { type Abilities, type Framing, framingOfRequest, requestHeader } from "./framing.ts";
import { InvokeIds } from "./invoke-ids.ts";
import type { Pacer } from "./pacer.ts";
import type { Outcome, Request } from "./ports.ts";
import { type SegmentAcknowledgement, SegmentReceiver } from "./segment-receiver.ts";
import { SegmentSender } from "./segment-sender.ts";

/** What the machine needs. */
export interface ClientTransactionDeps {
  readonly clock: Clock;
  readonly counters: StationCounting;
  readonly pacer: Pacer;
  readonly apduTimeoutMs: number;
  /** Wait for a SegmentACK before a window goes out again, ms. */
  readonly segmentTimeoutMs: number;
  /** Wait for the next segment, ms. */
  readonly segmentWaitMs: number;
  readonly retries: number;
  abilities(): Abilities;
  /** `priority` is the network's, 0 when absent. */
  send(peer: Peer, apdu: Apdu, priority: number): void;
}

/** All but requests: what may be the answer to one. */
export type AnswerApdu = Exclude<Apdu, { type: "unconfirmedRequest" | "confirmedRequest" }>;

// how long the id of a request that timed out rests, in units of a request's whole life
const REST_LIVES = 10;
// a router that says it is busy is waited for so often, then its devices count as silent
const MAX_HOLDS = 4;
// while waiting for a segment
const REMINDERS = 3;
const SWEEP_AT_LEAST = 64;

interface Transaction {
  readonly request: Request;
  readonly framing: Framing;
  readonly state: PeerState;
  readonly invokeId: number;
  attempts: number;
  holds: number;
  cancelTimer: () => void;
  readonly settle: (outcome: Outcome) => void;
  sender: SegmentSender | undefined;
  receiver: SegmentReceiver | undefined;
}

interface PeerState {
  readonly active: Map<number, Transaction>;
  readonly ids: InvokeIds;
}

/**
 * The client side of the transaction state machine. An answer is taken only from the peer that was asked, with the invoke id and
 * the service of a request that still waits: so a late answer of one device never becomes the value of another. Every promise
 * settles. [BACnet 5.4.4]
 */
export class ClientTransactions {
  readonly #deps: ClientTransactionDeps;
  readonly #peers = new Map<string, PeerState>();
  readonly #open = new Set<(outcome: Outcome) => void>();
  #sweepAt = SWEEP_AT_LEAST;
  #closed = false;

  constructor(deps: ClientTransactionDeps) {
    this.#deps = deps;
  }

  /** Peers that are remembered: those with requests in flight or ids at rest, and some that were asked lately. */
  get size(): number {
    return this.#peers.size;
  }

  /** Sends a request as soon as its peer's pace allows, and again after each time-out. Never rejects. */
  request(request: Request): Promise<Outcome> {
    const { signal, peer } = request;
    if (this.#closed || signal.aborted) return Promise.resolve({ kind: "cancelled" });
    const framing = framingOfRequest(request.body, request.limits, this.#deps.abilities());
    if (framing.kind === "tooLong") return Promise.resolve({ kind: "abort", reason: ABORT.apduTooLong });
    return new Promise((resolve) => {
      let leave: () => void = () => {};
      let transaction: Transaction | undefined;
      const settle = (outcome: Outcome): void => {
        signal.removeEventListener("abort", cancel);
        this.#open.delete(settle);
        if (transaction !== undefined) this.#over(transaction, outcome);
        else leave();
        resolve(outcome);
      };
      const cancel = (): void => settle({ kind: "cancelled" });
      signal.addEventListener("abort", cancel, { once: true });
      this.#open.add(settle);
      leave = this.#deps.pacer.enter(peer, () => {
        transaction = this.#begin(request, framing, settle);
        this.#attempt(transaction);
      });
    });
  }

  /** Takes what may be an answer; false when nothing waits for it. */
  received(peer: Peer, apdu: AnswerApdu): boolean {
    const transaction = this.#peers.get(peerKey(peer))?.active.get(apdu.invokeId);
    if (transaction === undefined) return false;
    const { service } = transaction.request;
    if ("service" in apdu && apdu.service !== service) this.#deps.counters.add("unexpected");
    else this.#take(transaction, apdu);
    return true;
  }

  /** An answer that nothing waits for. [BACnet 5.4.4.1 UnexpectedSegmentInfoReceived] ends its sender's waiting for a SegmentACK */
  unclaimed(peer: Peer, apdu: AnswerApdu): void {
    this.#deps.counters.add("late");
    if (apdu.type !== "complexAck" || apdu.segment === undefined) return;
    const reason = ABORT.invalidApduInThisState;
    this.#deps.send(peer, { type: "abort", invokeId: apdu.invokeId, server: false, reason }, 0);
  }

  /** Settles all that waits as cancelled. */
  close(): void {
    this.#closed = true;
    // so that nothing begins in the place of what ends
    this.#deps.pacer.close();
    for (const settle of [...this.#open]) settle({ kind: "cancelled" });
    this.#peers.clear();
  }

  #begin(request: Request, framing: Framing, settle: (outcome: Outcome) => void): Transaction {
    const state = this.#stateOf(request.peer);
    const invokeId = state.ids.take((id) => state.active.has(id));
    const transaction: Transaction = {
      request,
      framing,
      state,
      invokeId,
      attempts: 0,
      holds: 0,
      cancelTimer: () => {},
      settle,
      sender: undefined,
      receiver: undefined,
    };
    state.active.set(invokeId, transaction);
    this.#deps.counters.add("requests");
    return transaction;
  }

  #stateOf(peer: Peer): PeerState {
    const key = peerKey(peer);
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    this.#sweep();
    const state: PeerState = { active: new Map(), ids: new InvokeIds(this.#deps.clock) };
    this.#peers.set(key, state);
    return state;
  }

  // a peer may be forgotten when nothing is in flight and no answer can come late
  #sweep(): void {
    if (this.#peers.size < this.#sweepAt) return;
    for (const [key, { active, ids }] of this.#peers) {
      if (active.size === 0 && ids.rested) this.#peers.delete(key);
    }
    this.#sweepAt = Math.max(SWEEP_AT_LEAST, 2 * this.#peers.size);
  }

  #attempt(transaction: Transaction): void {
    const { request, invokeId, framing } = transaction;
    transaction.attempts += 1;
    transaction.receiver = undefined;
    const header = { type: "confirmedRequest", invokeId, service: request.service } as const;
    const apdu = { ...header, ...requestHeader(this.#deps.abilities()) };
    if (framing.kind !== "segments") {
      this.#await(transaction);
      this.#send(transaction, { ...apdu, body: request.body });
      return;
    }
    const { clock, segmentTimeoutMs, retries } = this.#deps;
    transaction.sender = new SegmentSender(framing.segments, {
      clock,
      timeoutMs: segmentTimeoutMs,
      retries,
      send: (segment, body) => this.#send(transaction, { ...apdu, segment, body }),
      done: () => this.#await(transaction),
      failed: () => {
        this.#abort(transaction, ABORT.tsmTimeout);
        this.#timeout(transaction);
      },
    });
    transaction.sender.begin();
  }

  // AWAIT_CONFIRMATION
  #await(transaction: Transaction): void {
    transaction.cancelTimer();
    transaction.cancelTimer = this.#deps.clock.after(this.#deps.apduTimeoutMs, () => this.#timedOut(transaction));
  }

  #timedOut(transaction: Transaction): void {
    const { counters, pacer, clock, retries } = this.#deps;
    const { peer } = transaction.request;
    const pausedMs = pacer.pausedMs(peer);
    if (pausedMs > 0 && transaction.holds < MAX_HOLDS) {
      transaction.holds += 1;
      transaction.cancelTimer = clock.after(pausedMs, () => this.#timedOut(transaction));
      return;
    }
    if (transaction.attempts > retries) {
      this.#timeout(transaction);
      return;
    }
    counters.add("retries");
    pacer.repeated(peer);
    this.#attempt(transaction);
  }

  #timeout(transaction: Transaction): void {
    this.#deps.counters.add("timeouts");
    transaction.settle({ kind: "timeout" });
  }

  #take(transaction: Transaction, apdu: AnswerApdu): void {
    switch (apdu.type) {
      case "simpleAck":
        transaction.settle({ kind: "ack", body: new Uint8Array() });
        break;
      case "complexAck":
        if (apdu.segment === undefined) transaction.settle({ kind: "ack", body: apdu.body });
        else this.#takeSegment(transaction, apdu, apdu.segment);
        break;
      case "error":
        transaction.settle({ kind: "error", error: decodeError(apdu.body), body: apdu.body });
        break;
      case "reject":
      case "abort":
        transaction.settle({ kind: apdu.type, reason: apdu.reason });
        break;
      case "segmentAck":
        if (transaction.sender === undefined) this.#deps.counters.add("unexpected");
        else transaction.sender.acknowledged(apdu);
        break;
      default:
        apdu satisfies never;
    }
  }

  // [BACnet 5.4.4.2, 5.4.4.4] AWAIT_CONFIRMATION and SEGMENTED_CONF
  #takeSegment(transaction: Transaction, apdu: ComplexAck, segment: Segment): void {
    const receiver = transaction.receiver ?? new SegmentReceiver();
    const before = receiver.count;
    const { state, acknowledge } = receiver.take(segment, apdu.body);
    if (state === "notBegun") {
      this.#deps.counters.add("unexpected");
      return;
    }
    transaction.receiver = receiver;
    // an answer means that the request is there, whatever became of the last SegmentACK
    transaction.sender?.stop();
    if (state === "tooLarge") {
      this.#abort(transaction, ABORT.bufferOverflow);
      transaction.settle({ kind: "abort", reason: ABORT.bufferOverflow });
      return;
    }
    // only what is new gives the sender more time: one that repeats itself for ever must not hold the request
    if (receiver.count > before) this.#awaitSegment(transaction, receiver, REMINDERS);
    if (acknowledge !== undefined) this.#acknowledgeSegment(transaction, acknowledge);
    if (state === "whole") transaction.settle({ kind: "ack", body: receiver.joined() });
  }

  // a sender that never got our SegmentACK and does not send again either is reminded by the same one [BACnet 5.4.4.4]
  #awaitSegment(transaction: Transaction, receiver: SegmentReceiver, reminders: number): void {
    const { clock, segmentWaitMs } = this.#deps;
    transaction.cancelTimer();
    transaction.cancelTimer = clock.after(segmentWaitMs / (REMINDERS + 1), () => {
      if (reminders > 0) {
        this.#acknowledgeSegment(transaction, receiver.acknowledgement(false));
        this.#awaitSegment(transaction, receiver, reminders - 1);
        return;
      }
      this.#abort(transaction, ABORT.tsmTimeout);
      this.#timeout(transaction);
    });
  }

  #acknowledgeSegment(transaction: Transaction, acknowledgement: SegmentAcknowledgement): void {
    const { invokeId } = transaction;
    this.#send(transaction, { type: "segmentAck", server: false, invokeId, ...acknowledgement });
  }

  #abort(transaction: Transaction, reason: number): void {
    this.#send(transaction, { type: "abort", invokeId: transaction.invokeId, server: false, reason });
  }

  #send({ request }: Transaction, apdu: Apdu): void {
    this.#deps.send(request.peer, apdu, request.priority ?? 0);
  }

  #over(transaction: Transaction, outcome: Outcome): void {
    const { request, invokeId, state, attempts, sender } = transaction;
    transaction.cancelTimer();
    sender?.stop();
    state.active.delete(invokeId);
    // an answer to one of the attempts may still be on its way
    const mayComeLate = attempts > 1 || outcome.kind === "timeout" || outcome.kind === "cancelled";
    const { apduTimeoutMs, retries, pacer } = this.#deps;
    if (mayComeLate) state.ids.rest(invokeId, REST_LIVES * apduTimeoutMs * (retries + 1));
    pacer.leave(request.peer);
  }
}
