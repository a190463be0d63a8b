import type { ConfirmedRequest } from "../codec/apdu.ts";
import { MAX_APDU } from "../codec/link.ts";
import type { PeerLimits } from "./ports.ts";
import { segmentsOf } from "./segment-sender.ts";

/** What an APDU of the sizes in question takes beside the service's own part. [BACnet 20.1] */
export const HEADER_BYTES = { request: 4, requestSegment: 6, ack: 3, ackSegment: 5 } as const;

const MAX_REQUEST_BYTES = 512 * 1024;
// [BACnet 20.1.2.4] max-segments-accepted by code; 0 unspecified and 7 more than 64: no limit known
const MAX_SEGMENTS = [undefined, 2, 4, 8, 16, 32, 64, undefined] as const;
const MORE_THAN_64_SEGMENTS = 7;
const MIN_APDU = 50;

/** What the own station takes and sends. */
export interface Abilities {
  /** Largest APDU taken and sent, bytes, 50-1476. */
  readonly maxApdu: number;
  /** Takes messages in segments. */
  readonly segmentsIn: boolean;
  /** Sends messages in segments. */
  readonly segmentsOut: boolean;
}

/** All that BACnet/IP allows. */
export const FULL_ABILITIES: Abilities = { maxApdu: MAX_APDU, segmentsIn: true, segmentsOut: true };

/** How a body goes out: in one, in segments, or not at all. */
export type Framing =
  | { readonly kind: "whole" }
  | { readonly kind: "segments"; readonly segments: readonly Uint8Array[] }
  | { readonly kind: "tooLong" }
  | { readonly kind: "segmentationNotSupported" };

/** How a request goes to a peer with these limits. One whose limits are unknown is taken to take what BACnet/IP allows, whole. */
export function framingOfRequest(body: Uint8Array, limits: PeerLimits | undefined, own: Abilities): Framing {
  const maxApdu = Math.min(limits?.maxApdu ?? MAX_APDU, own.maxApdu);
  if (body.length + HEADER_BYTES.request <= maxApdu) return { kind: "whole" };
  if (limits?.takesSegments !== true || !own.segmentsOut) return { kind: "tooLong" };
  if (body.length > MAX_REQUEST_BYTES) return { kind: "tooLong" };
  const size = Math.max(MIN_APDU, maxApdu) - HEADER_BYTES.requestSegment;
  return { kind: "segments", segments: segmentsOf(body, size) };
}

/** How an answer goes to whoever sent this request. [BACnet 5.4.5.3 CannotSendSegmentedComplexACK] */
export function framingOfAnswer(
  body: Uint8Array,
  asker: Pick<ConfirmedRequest, "maxApdu" | "maxSegments" | "segmentedResponseAccepted">,
  own: Abilities,
): Framing {
  const maxApdu = Math.max(MIN_APDU, Math.min(asker.maxApdu, own.maxApdu));
  if (body.length + HEADER_BYTES.ack <= maxApdu) return { kind: "whole" };
  if (!asker.segmentedResponseAccepted || !own.segmentsOut) return { kind: "segmentationNotSupported" };
  const segments = segmentsOf(body, maxApdu - HEADER_BYTES.ackSegment);
  const most = MAX_SEGMENTS[asker.maxSegments];
  if (most !== undefined && segments.length > most) return { kind: "tooLong" };
  return { kind: "segments", segments };
}

/** Header fields of a confirmed request that say what its sender takes. */
export function requestHeader(
  own: Abilities,
): Pick<ConfirmedRequest, "segmentedResponseAccepted" | "maxSegments" | "maxApdu"> {
  return {
    segmentedResponseAccepted: own.segmentsIn,
    maxSegments: own.segmentsIn ? MORE_THAN_64_SEGMENTS : 0,
    // only the standard's lengths can be told
    maxApdu: [1476, 1024, 480, 206, 128].find((length) => length <= own.maxApdu) ?? MIN_APDU,
  };
}
