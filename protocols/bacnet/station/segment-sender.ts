import type { Clock } from "#core/clock.ts";
import type { Apdu, Segment } from "../codec/apdu.ts";

const SEQUENCE = 256;
const WINDOW = 16;

/** What a sender of segments needs. */
export interface SegmentSenderDeps {
  readonly clock: Clock;
  /** Wait for a SegmentACK before the window goes out again, ms. */
  readonly timeoutMs: number;
  readonly retries: number;
  send(segment: Segment, body: Uint8Array): void;
  /** Every segment is acknowledged. */
  done(): void;
  /** Nobody acknowledges. */
  failed(): void;
}

/** Cuts a body into segments of at most `size` bytes. */
export function segmentsOf(body: Uint8Array, size: number): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(body.length / size) }, (_, i) => body.subarray(i * size, (i + 1) * size));
}

/** Sends the segments of one message, a window at a time. [BACnet 5.4.4.1 SEGMENTED_REQUEST, 5.4.5.3 SEGMENTED_RESPONSE] */
export class SegmentSender {
  readonly #deps: SegmentSenderDeps;
  readonly #segments: readonly Uint8Array[];
  // [BACnet 5.3] the first segment goes alone; its SegmentACK tells the window
  #window = 1;
  /** First segment of the window under way. */
  #first = 0;
  /** First segment of the window that went out again because it was asked for. */
  #sentAgain: number | undefined;
  #retriesLeft: number;
  #cancel: () => void = () => {};

  constructor(segments: readonly Uint8Array[], deps: SegmentSenderDeps) {
    this.#segments = segments;
    this.#deps = deps;
    this.#retriesLeft = deps.retries;
  }

  begin(): void {
    this.#sendWindow();
  }

  /** A SegmentACK, positive or negative: both name the last segment received in order. */
  acknowledged(ack: Extract<Apdu, { type: "segmentAck" }>): void {
    if (this.#first >= this.#segments.length) return;
    // [BACnet 5.4.2.2 InWindow]
    const received = (ack.sequenceNumber - this.#first + SEQUENCE) % SEQUENCE;
    const advances = received < this.#window && this.#first + received < this.#segments.length;
    // [BACnet 5.4.4.1] a negative one that names the segment before the window asks for the window again. Once is enough: some
    // receivers send one for each duplicate, and each answer to those would make new duplicates
    const asksAgain = ack.negative && received === SEQUENCE - 1 && this.#sentAgain !== this.#first;
    if (!advances && !asksAgain) return;
    this.#cancel();
    this.#window = Math.max(1, Math.min(ack.actualWindowSize, WINDOW));
    if (advances) {
      this.#first += received + 1;
      this.#retriesLeft = this.#deps.retries;
      if (this.#first >= this.#segments.length) this.#deps.done();
      else this.#sendWindow();
      return;
    }
    this.#sentAgain = this.#first;
    this.#sendWindow();
  }

  stop(): void {
    this.#cancel();
    this.#first = this.#segments.length;
  }

  #again(): void {
    this.#retriesLeft -= 1;
    if (this.#retriesLeft >= 0) this.#sendWindow();
    else {
      this.stop();
      this.#deps.failed();
    }
  }

  #sendWindow(): void {
    const first = this.#first;
    this.#cancel = this.#deps.clock.after(this.#deps.timeoutMs, () => this.#again());
    for (const [i, body] of this.#segments.slice(first, first + this.#window).entries()) {
      const segment = {
        sequenceNumber: (first + i) % SEQUENCE,
        proposedWindowSize: WINDOW,
        moreFollows: first + i < this.#segments.length - 1,
      };
      this.#deps.send(segment, body);
    }
  }
}
