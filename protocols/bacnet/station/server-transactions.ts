import type { Clock } from "#core/clock.ts";
import { CommunicationError, errorCode } from "#core/errors.ts";
import type { Apdu, ConfirmedRequest, Segment } from "../codec/apdu.ts";
import { ABORT, REJECT } from "../codec/enums.ts";
import { type Peer, peerKey } from "../codec/frame.ts";
import type { Anomalies } from "./anomalies.ts";
import { AnsweredRequests, sameBytes } from "./answered.ts";
import type { StationCounting } from "./counters.ts";
import { type Abilities, framingOfAnswer } from "./framing.ts";
import type { Question, Reply } from "./ports.ts";
import { type SegmentAcknowledgement, SegmentReceiver } from "./segment-receiver.ts";
import { SegmentSender } from "./segment-sender.ts";

/** What the machine needs. */
export interface ServerTransactionDeps {
  readonly clock: Clock;
  readonly anomalies: Anomalies;
  readonly counters: StationCounting;
  /** Wait for a SegmentACK before a window goes out again, ms. */
  readonly segmentTimeoutMs: number;
  /** Wait for the next segment, ms. */
  readonly segmentWaitMs: number;
  readonly retries: number;
  abilities(): Abilities;
  asked(question: Question): Reply | Promise<Reply>;
  /** `priority` is the network's, that of the request. */
  send(peer: Peer, apdu: Apdu, priority: number): void;
}

// everything that one peer or all of them together can make us hold
const MAX_OPEN = 2048;
const MAX_JOINING = 16;
// whoever asks has given up long before
const ANSWER_WITHIN_MS = 60_000;

interface Transaction {
  readonly key: string;
  readonly peer: Peer;
  readonly priority: number;
  readonly request: ConfirmedRequest;
  receiver: SegmentReceiver | undefined;
  /** The last SegmentACK, once the request is here whole. */
  lastAck: SegmentAcknowledgement | undefined;
  sender: SegmentSender | undefined;
  /** Its answer is an earlier one, given again. */
  isRepetition: boolean;
  cancelTimer: () => void;
}

/**
 * The server side of the transaction state machine: a request is asked once, however often it comes while it is answered; segments
 * are joined; an answer goes out whole, in segments or as an Abort, never in silence unless that is what was replied. [BACnet 5.4.5]
 */
export class ServerTransactions {
  readonly #deps: ServerTransactionDeps;
  readonly #open = new Map<string, Transaction>();
  readonly #answered: AnsweredRequests;
  #joining = 0;

  constructor(deps: ServerTransactionDeps) {
    this.#deps = deps;
    this.#answered = new AnsweredRequests(deps.clock);
  }

  /** Requests that are received, answered or whose answer is under way. */
  get size(): number {
    return this.#open.size;
  }

  received(peer: Peer, request: ConfirmedRequest, priority: number): void {
    const key = `${peerKey(peer)}|${request.invokeId}`;
    const found = this.#open.get(key);
    // whoever asks something else under the same id has given the former up, and must not get its answer
    const givenUp = found !== undefined && isAnother(found.request, request);
    if (givenUp) this.#over(found);
    const open = givenUp ? undefined : found;
    if (open !== undefined) this.#goOn(open, request);
    else if (request.segment !== undefined) this.#beginJoining(key, peer, request, request.segment, priority);
    else this.#beginAnswering(key, peer, request, priority);
  }

  /** A SegmentACK for an answer of ours; false when none is under way. */
  acknowledged(peer: Peer, ack: Extract<Apdu, { type: "segmentAck" }>): boolean {
    const transaction = this.#open.get(`${peerKey(peer)}|${ack.invokeId}`);
    if (transaction?.sender === undefined) return false;
    transaction.sender.acknowledged(ack);
    return true;
  }

  /** The requester gave up; false when there is nothing to give up. */
  aborted(peer: Peer, invokeId: number): boolean {
    const transaction = this.#open.get(`${peerKey(peer)}|${invokeId}`);
    if (transaction === undefined) return false;
    this.#over(transaction);
    return true;
  }

  /** Forgets everything, as a device does that restarts. */
  clear(): void {
    for (const transaction of [...this.#open.values()]) this.#over(transaction);
    this.#answered.clear();
  }

  #beginAnswering(key: string, peer: Peer, request: ConfirmedRequest, priority: number): void {
    const transaction = this.#begin(key, peer, request, priority);
    if (transaction !== undefined) this.#askOnce(transaction, request, this.#answered.find(key, request));
  }

  #beginJoining(key: string, peer: Peer, request: ConfirmedRequest, segment: Segment, priority: number): void {
    const { invokeId } = request;
    if (!this.#deps.abilities().segmentsIn) {
      this.#deps.send(
        peer,
        { type: "abort", invokeId, server: true, reason: ABORT.segmentationNotSupported },
        priority,
      );
      return;
    }
    const before = segment.sequenceNumber === 0 ? undefined : this.#answered.findBySegment(key, request);
    if (before !== undefined) {
      const repeated = this.#begin(key, peer, request, priority);
      if (repeated !== undefined) this.#askOnce(repeated, request, before);
      return;
    }
    // a segment from the middle of what we know nothing of
    if (segment.sequenceNumber !== 0) {
      this.#deps.counters.add("unexpected");
      this.#deps.send(peer, { type: "abort", invokeId, server: true, reason: ABORT.invalidApduInThisState }, priority);
      return;
    }
    if (this.#joining >= MAX_JOINING) {
      this.#overloaded(peer, invokeId, priority);
      return;
    }
    const transaction = this.#begin(key, peer, request, priority);
    if (transaction === undefined) return;
    transaction.receiver = new SegmentReceiver();
    this.#joining += 1;
    this.#join(transaction, transaction.receiver, request, segment);
  }

  #begin(key: string, peer: Peer, request: ConfirmedRequest, priority: number): Transaction | undefined {
    if (this.#open.size >= MAX_OPEN) {
      this.#overloaded(peer, request.invokeId, priority);
      return undefined;
    }
    const nothing = { receiver: undefined, lastAck: undefined, sender: undefined };
    const transaction: Transaction = {
      key,
      peer,
      request,
      priority,
      ...nothing,
      isRepetition: false,
      cancelTimer: () => {},
    };
    this.#open.set(key, transaction);
    return transaction;
  }

  #overloaded(peer: Peer, invokeId: number, priority: number): void {
    this.#deps.counters.add("overloaded");
    this.#deps.send(peer, { type: "abort", invokeId, server: true, reason: ABORT.outOfResources }, priority);
  }

  #goOn(transaction: Transaction, request: ConfirmedRequest): void {
    const { receiver } = transaction;
    if (receiver !== undefined && request.segment !== undefined && request.service === transaction.request.service) {
      this.#join(transaction, receiver, request, request.segment);
      return;
    }
    this.#deps.counters.add("repeated");
    const { lastAck } = transaction;
    // whoever still sends segments has missed that all of them are here
    if (request.segment !== undefined && lastAck !== undefined) this.#acknowledgeSegment(transaction, lastAck);
  }

  // SEGMENTED_REQUEST
  #join(transaction: Transaction, receiver: SegmentReceiver, request: ConfirmedRequest, segment: Segment): void {
    const before = receiver.count;
    const { state, acknowledge } = receiver.take(segment, request.body);
    if (state === "tooLarge") {
      this.#answer(transaction, { kind: "abort", reason: ABORT.bufferOverflow });
      return;
    }
    // only what is new gives the sender more time: one that repeats itself for ever must not hold the place
    if (receiver.count > before) this.#limit(transaction, this.#deps.segmentWaitMs, () => this.#over(transaction));
    if (acknowledge !== undefined) this.#acknowledgeSegment(transaction, acknowledge);
    if (state !== "whole") return;
    transaction.cancelTimer();
    transaction.lastAck = receiver.acknowledgement(false);
    this.#joined(transaction);
    const whole = { ...transaction.request, body: receiver.joined() };
    this.#askOnce(transaction, whole, this.#answered.find(transaction.key, whole));
  }

  /** Asks, or gives the answer again that this very request got a moment ago. */
  #askOnce(transaction: Transaction, request: ConfirmedRequest, before: Apdu | undefined): void {
    if (before === undefined) {
      this.#ask(transaction, request);
      return;
    }
    this.#deps.counters.add("repeated");
    transaction.isRepetition = true;
    if (before.type === "complexAck") this.#acknowledge(transaction, request, before.body);
    else this.#end(transaction, request, before);
  }

  #acknowledgeSegment(transaction: Transaction, acknowledgement: SegmentAcknowledgement): void {
    const { invokeId } = transaction.request;
    this.#send(transaction, { type: "segmentAck", server: true, invokeId, ...acknowledgement });
  }

  #ask(transaction: Transaction, request: ConfirmedRequest): void {
    const { peer } = transaction;
    const { service, body } = request;
    this.#deps.counters.add("questions");
    const maxApdu = Math.min(request.maxApdu, this.#deps.abilities().maxApdu);
    try {
      const reply = this.#deps.asked({ peer, service, body, maxApdu });
      if (!(reply instanceof Promise)) this.#answer(transaction, reply, request);
      else {
        this.#limit(transaction, ANSWER_WITHIN_MS, () => this.#failed(transaction, tooLate()));
        reply.then(
          (late) => this.#answer(transaction, late, request),
          (error) => this.#threw(transaction, error),
        );
      }
    } catch (error) {
      this.#threw(transaction, error);
    }
  }

  #threw(transaction: Transaction, error: unknown): void {
    if (errorCode(error) !== "BACNET_MALFORMED") {
      this.#failed(transaction, error);
      return;
    }
    // [BACnet 18.9] a request that cannot be parsed is rejected, never met by silence
    this.#deps.anomalies.malformed(transaction.peer, "malformedService", error);
    this.#answer(transaction, { kind: "reject", reason: REJECT.invalidTag });
  }

  #failed(transaction: Transaction, error: unknown): void {
    if (!this.#isOpen(transaction)) return;
    this.#deps.anomalies.failed(transaction.peer, error);
    this.#answer(transaction, { kind: "abort", reason: ABORT.other });
  }

  #answer(transaction: Transaction, reply: Reply, request: ConfirmedRequest = transaction.request): void {
    // the requester gave up meanwhile, or the time was over
    if (!this.#isOpen(transaction)) return;
    const { invokeId, service } = request;
    switch (reply.kind) {
      case "ack":
        if (reply.body === undefined) this.#end(transaction, request, { type: "simpleAck", invokeId, service });
        else this.#acknowledge(transaction, request, reply.body);
        break;
      case "error":
        this.#end(transaction, request, { type: "error", invokeId, service, body: reply.body });
        break;
      case "reject":
        this.#end(transaction, request, { type: "reject", invokeId, reason: reply.reason });
        break;
      case "abort":
        this.#end(transaction, request, { type: "abort", invokeId, server: true, reason: reply.reason });
        break;
      case "silence":
        this.#over(transaction);
        break;
      default:
        reply satisfies never;
    }
  }

  #acknowledge(transaction: Transaction, request: ConfirmedRequest, body: Uint8Array): void {
    const { invokeId, service } = request;
    const framing = framingOfAnswer(body, request, this.#deps.abilities());
    const ack = { type: "complexAck", invokeId, service } as const;
    switch (framing.kind) {
      case "whole":
        this.#end(transaction, request, { ...ack, body });
        break;
      case "segments":
        this.#keep(transaction, request, { ...ack, body });
        this.#sendSegments(transaction, ack, framing.segments);
        break;
      case "tooLong":
        this.#answer(transaction, { kind: "abort", reason: ABORT.bufferOverflow });
        break;
      case "segmentationNotSupported":
        this.#answer(transaction, { kind: "abort", reason: ABORT.segmentationNotSupported });
        break;
      default:
        framing satisfies never;
    }
  }

  #sendSegments(
    transaction: Transaction,
    ack: { readonly type: "complexAck"; readonly invokeId: number; readonly service: number },
    segments: readonly Uint8Array[],
  ): void {
    const { clock, segmentTimeoutMs, retries } = this.#deps;
    transaction.cancelTimer();
    transaction.sender = new SegmentSender(segments, {
      clock,
      timeoutMs: segmentTimeoutMs,
      retries,
      send: (segment, body) => this.#send(transaction, { ...ack, segment, body }),
      done: () => this.#over(transaction),
      failed: () => this.#over(transaction),
    });
    transaction.sender.begin();
  }

  #end(transaction: Transaction, request: ConfirmedRequest, answer: Apdu): void {
    this.#over(transaction);
    // what was not done may be tried when it is asked again
    if (answer.type === "simpleAck" || answer.type === "complexAck") this.#keep(transaction, request, answer);
    this.#send(transaction, answer);
  }

  #keep({ key, isRepetition }: Transaction, request: ConfirmedRequest, answer: Apdu): void {
    if (!isRepetition) this.#answered.keep(key, request, answer);
  }

  #send({ peer, priority }: Transaction, apdu: Apdu): void {
    this.#deps.send(peer, apdu, priority);
  }

  #limit(transaction: Transaction, ms: number, over: () => void): void {
    transaction.cancelTimer();
    transaction.cancelTimer = this.#deps.clock.after(ms, over);
  }

  #isOpen(transaction: Transaction): boolean {
    return this.#open.get(transaction.key) === transaction;
  }

  #joined(transaction: Transaction): void {
    if (transaction.receiver === undefined) return;
    transaction.receiver = undefined;
    this.#joining -= 1;
  }

  #over(transaction: Transaction): void {
    transaction.cancelTimer();
    transaction.sender?.stop();
    this.#joined(transaction);
    if (this.#isOpen(transaction)) this.#open.delete(transaction.key);
  }
}

/** Is it no repetition of a request that is open, though it has the same id? A segment always belongs to what is open. */
function isAnother(open: ConfirmedRequest, request: ConfirmedRequest): boolean {
  if (request.segment !== undefined) return false;
  return open.segment !== undefined || open.service !== request.service || !sameBytes(open.body, request.body);
}

function tooLate(): CommunicationError {
  return new CommunicationError("BACNET_ANSWER_LATE", `no answer to a request was found within ${ANSWER_WITHIN_MS} ms`);
}
