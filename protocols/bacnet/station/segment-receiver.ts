import type { Segment } from "../codec/apdu.ts";

const SEQUENCE = 256;
const OUR_WINDOW = 16;
const MAX_BYTES = 512 * 1024;
// the smallest APDU leaves 44 bytes for a segment; empty ones must not go on for ever either
const MAX_SEGMENTS = Math.ceil(MAX_BYTES / 44);

/** What a SegmentACK says. */
export interface SegmentAcknowledgement {
  readonly negative: boolean;
  readonly sequenceNumber: number;
  readonly actualWindowSize: number;
}

/** What a segment calls for: a SegmentACK, nothing, or the end because of its size. */
export interface Taken {
  readonly state: "more" | "whole" | "tooLarge" | "notBegun";
  readonly acknowledge?: SegmentAcknowledgement;
}

/** Joins the segments of one message: window, gaps, duplicates, sequence numbers that wrap at 256. [BACnet 5.4.2] */
export class SegmentReceiver {
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;
  #window = 1;
  /** Segments since the last SegmentACK. */
  #unacknowledged = 0;
  #askedAgain = false;

  get begun(): boolean {
    return this.#parts.length > 0;
  }

  /** Segments that came in order. */
  get count(): number {
    return this.#parts.length;
  }

  take(segment: Segment, body: Uint8Array): Taken {
    const expected = this.#parts.length % SEQUENCE;
    if (segment.sequenceNumber !== expected) return this.#outOfOrder(segment.sequenceNumber, expected);
    this.#askedAgain = false;
    this.#parts.push(body);
    this.#bytes += body.length;
    this.#unacknowledged += 1;
    if (this.#bytes > MAX_BYTES || this.#parts.length > MAX_SEGMENTS) return { state: "tooLarge" };
    const state = segment.moreFollows ? "more" : "whole";
    const isFirst = this.#parts.length === 1;
    if (!isFirst && segment.moreFollows && this.#unacknowledged < this.#window) return { state };
    this.#window = Math.min(segment.proposedWindowSize, OUR_WINDOW);
    return { state, acknowledge: this.acknowledgement(false) };
  }

  /** All that came, in one. */
  joined(): Uint8Array {
    const whole = new Uint8Array(this.#bytes);
    let offset = 0;
    for (const part of this.#parts) {
      whole.set(part, offset);
      offset += part.length;
    }
    return whole;
  }

  #outOfOrder(got: number, expected: number): Taken {
    // the first was lost: the sender sends it again when nobody acknowledges it
    if (!this.begun) return { state: "notBegun" };
    const behind = (expected - got + SEQUENCE) % SEQUENCE;
    // [BACnet 5.4.2.1 DuplicateInWindow] here already
    if (behind <= this.#unacknowledged) return { state: "more" };
    // of an earlier window: its SegmentACK was lost
    if (behind <= OUR_WINDOW) return { state: "more", acknowledge: this.acknowledgement(false) };
    // once for each gap: all that was on its way behind the missing one would ask for it as well
    if (this.#askedAgain) return { state: "more" };
    this.#askedAgain = true;
    return { state: "more", acknowledge: this.acknowledgement(true) };
  }

  /** Names the last segment that came in order. */
  acknowledgement(negative: boolean): SegmentAcknowledgement {
    this.#unacknowledged = 0;
    return { negative, sequenceNumber: (this.#parts.length - 1) % SEQUENCE, actualWindowSize: this.#window };
  }
}
