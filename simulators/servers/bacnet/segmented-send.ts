import type { Clock } from "#core/clock.ts";
import type { Apdu, ComplexAck } from "#protocols/bacnet/codec/apdu.ts";
import { ABORT } from "#protocols/bacnet/codec/enums.ts";
import { type Peer, peerKey } from "#protocols/bacnet/codec/frame.ts";

// a segmented ComplexACK has two bytes of header more than the three of an unsegmented one [BACnet 20.1.5]
const SEGMENT_HEADER = 5;
const WINDOW = 4;
const SEGMENT_TIMEOUT_MS = 2000;
const RETRIES = 3;
// [BACnet 20.1.2.4] max-segments-accepted by code; 0 unspecified and 7 more than 64: no limit
const MAX_SEGMENTS = [Infinity, 2, 4, 8, 16, 32, 64, Infinity] as const;

interface Transfer {
  readonly peer: Peer;
  readonly ack: ComplexAck;
  readonly segments: readonly Uint8Array[];
  window: number;
  /** First segment of the window under way. */
  first: number;
  retriesLeft: number;
  cancel: () => void;
}

/** Sends answers that do not fit one APDU. [BACnet 5.4.5.2, SEGMENTED_RESPONSE] */
export class SegmentedSend {
  readonly #clock: Clock;
  readonly #send: (peer: Peer, apdu: Apdu) => void;
  readonly #transfers = new Map<string, Transfer>();

  constructor(clock: Clock, send: (peer: Peer, apdu: Apdu) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Begins; undefined, or the abort reason when the client takes fewer segments than it needs. */
  begin(peer: Peer, ack: ComplexAck, maxApdu: number, maxSegmentsCode: number): number | undefined {
    const size = maxApdu - SEGMENT_HEADER;
    const count = Math.ceil(ack.body.length / size);
    if (count > (MAX_SEGMENTS[maxSegmentsCode] ?? Infinity)) return ABORT.bufferOverflow;
    const segments = Array.from({ length: count }, (_, i) => ack.body.subarray(i * size, (i + 1) * size));
    const transfer: Transfer = {
      peer,
      ack,
      segments,
      // [BACnet 5.3] the first segment goes alone; its SegmentACK tells the window
      window: 1,
      first: 0,
      retriesLeft: RETRIES,
      cancel: () => {},
    };
    const key = `${peerKey(peer)}|${ack.invokeId}`;
    this.#transfers.get(key)?.cancel();
    this.#transfers.set(key, transfer);
    this.#sendWindow(key, transfer);
    return undefined;
  }

  /** A SegmentACK of a client, positive or negative: both name the last segment received in order. */
  acknowledged(peer: Peer, ack: Extract<Apdu, { type: "segmentAck" }>): void {
    const key = `${peerKey(peer)}|${ack.invokeId}`;
    const transfer = this.#transfers.get(key);
    if (transfer === undefined) return;
    // [BACnet 5.4.2.2 InWindow] sequence numbers wrap at 256
    const received = (ack.sequenceNumber - transfer.first + 256) % 256;
    if (received >= transfer.window && !(ack.negative && received === 255)) return;
    transfer.cancel();
    if (received < transfer.window) transfer.first += received + 1;
    transfer.window = Math.max(1, Math.min(ack.actualWindowSize, WINDOW));
    transfer.retriesLeft = RETRIES;
    if (transfer.first >= transfer.segments.length) this.#transfers.delete(key);
    else this.#sendWindow(key, transfer);
  }

  /** The client gave up. */
  aborted(peer: Peer, invokeId: number): void {
    const key = `${peerKey(peer)}|${invokeId}`;
    this.#transfers.get(key)?.cancel();
    this.#transfers.delete(key);
  }

  clear(): void {
    for (const { cancel } of this.#transfers.values()) cancel();
    this.#transfers.clear();
  }

  #sendWindow(key: string, transfer: Transfer): void {
    const { peer, ack, segments, first, window } = transfer;
    transfer.cancel = this.#clock.after(SEGMENT_TIMEOUT_MS, () => {
      transfer.retriesLeft -= 1;
      if (transfer.retriesLeft < 0) this.#transfers.delete(key);
      else this.#sendWindow(key, transfer);
    });
    for (const [i, body] of segments.slice(first, first + window).entries()) {
      const segment = {
        sequenceNumber: (first + i) % 256,
        proposedWindowSize: WINDOW,
        moreFollows: first + i < segments.length - 1,
      };
      this.#send(peer, { ...ack, segment, body });
    }
  }
}
