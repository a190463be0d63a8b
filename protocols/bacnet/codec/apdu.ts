import { malformed, Reader, Writer } from "./bytes.ts";

/** Place of a segment in a segmented message. [BACnet 5.2] */
export interface Segment {
  /** 0-255, wraps. */
  readonly sequenceNumber: number;
  /** 1-127 segments until a SegmentACK. */
  readonly proposedWindowSize: number;
  readonly moreFollows: boolean;
}

export interface ConfirmedRequest {
  readonly type: "confirmedRequest";
  readonly invokeId: number;
  readonly service: number;
  readonly segmentedResponseAccepted: boolean;
  /** Code of max-segments-accepted, 0 unspecified to 7 more than 64. [BACnet 20.1.2.4] */
  readonly maxSegments: number;
  /** Largest APDU the requester takes, bytes. */
  readonly maxApdu: number;
  readonly segment?: Segment;
  readonly body: Uint8Array;
}

export interface ComplexAck {
  readonly type: "complexAck";
  readonly invokeId: number;
  readonly service: number;
  readonly segment?: Segment;
  readonly body: Uint8Array;
}

/** One application layer PDU. `body` is the service's own part. [BACnet 20.1] */
export type Apdu =
  | ConfirmedRequest
  | ComplexAck
  | { readonly type: "unconfirmedRequest"; readonly service: number; readonly body: Uint8Array }
  | { readonly type: "simpleAck"; readonly invokeId: number; readonly service: number }
  | {
      readonly type: "segmentAck";
      readonly invokeId: number;
      readonly negative: boolean;
      /** Sent by the server of the transaction. */
      readonly server: boolean;
      readonly sequenceNumber: number;
      readonly actualWindowSize: number;
    }
  | { readonly type: "error"; readonly invokeId: number; readonly service: number; readonly body: Uint8Array }
  | { readonly type: "reject"; readonly invokeId: number; readonly reason: number }
  | { readonly type: "abort"; readonly invokeId: number; readonly server: boolean; readonly reason: number };

// [BACnet 20.1.2.5] max-APDU-length-accepted, by code
const MAX_APDU_CODES = [50, 128, 206, 480, 1024, 1476] as const;

/** Code of the largest standard APDU length that is not above `bytes`. */
export function maxApduCode(bytes: number): number {
  return Math.max(
    0,
    MAX_APDU_CODES.findLastIndex((length) => length <= bytes),
  );
}

function readSegment(reader: Reader, head: number): Segment | undefined {
  if ((head & 0x08) === 0) return undefined;
  const sequenceNumber = reader.u8();
  const proposedWindowSize = reader.u8();
  if (proposedWindowSize < 1 || proposedWindowSize > 127) throw malformed(`window size ${proposedWindowSize}`);
  return { sequenceNumber, proposedWindowSize, moreFollows: (head & 0x04) !== 0 };
}

function decodeConfirmedRequest(reader: Reader, head: number): ConfirmedRequest {
  const limits = reader.u8();
  const invokeId = reader.u8();
  const segment = readSegment(reader, head);
  return {
    type: "confirmedRequest",
    invokeId,
    service: reader.u8(),
    segmentedResponseAccepted: (head & 0x02) !== 0,
    maxSegments: (limits >> 4) & 0x07,
    // codes 6-15 are reserved; the smallest length is what every device must take
    maxApdu: MAX_APDU_CODES[limits & 0x0f] ?? 50,
    ...(segment === undefined ? {} : { segment }),
    body: reader.rest(),
  };
}

function decodeComplexAck(reader: Reader, head: number): ComplexAck {
  const invokeId = reader.u8();
  const segment = readSegment(reader, head);
  const service = reader.u8();
  return { type: "complexAck", invokeId, service, ...(segment === undefined ? {} : { segment }), body: reader.rest() };
}

/** @throws BACNET_MALFORMED */
export function decodeApdu(bytes: Uint8Array): Apdu {
  const reader = new Reader(bytes);
  const head = reader.u8();
  switch (head >> 4) {
    case 0:
      return decodeConfirmedRequest(reader, head);
    case 1:
      return { type: "unconfirmedRequest", service: reader.u8(), body: reader.rest() };
    case 2:
      return { type: "simpleAck", invokeId: reader.u8(), service: reader.u8() };
    case 3:
      return decodeComplexAck(reader, head);
    case 4:
      return {
        type: "segmentAck",
        negative: (head & 0x02) !== 0,
        server: (head & 0x01) !== 0,
        invokeId: reader.u8(),
        sequenceNumber: reader.u8(),
        actualWindowSize: reader.u8(),
      };
    case 5:
      return { type: "error", invokeId: reader.u8(), service: reader.u8(), body: reader.rest() };
    case 6:
      return { type: "reject", invokeId: reader.u8(), reason: reader.u8() };
    case 7:
      return { type: "abort", server: (head & 0x01) !== 0, invokeId: reader.u8(), reason: reader.u8() };
    default:
      throw malformed(`PDU type ${head >> 4}`);
  }
}

function segmentBits(segment: Segment | undefined): number {
  if (segment === undefined) return 0;
  return segment.moreFollows ? 0x0c : 0x08;
}

function writeSegment(writer: Writer, segment: Segment | undefined): Writer {
  if (segment === undefined) return writer;
  return writer.u8(segment.sequenceNumber & 0xff).u8(segment.proposedWindowSize);
}

/** Bytes of one APDU. */
export function encodeApdu(apdu: Apdu): Uint8Array {
  return writeApdu(new Writer(), apdu).done();
}

/** Writes one APDU. */
export function writeApdu(writer: Writer, apdu: Apdu): Writer {
  switch (apdu.type) {
    case "confirmedRequest":
      writer.u8(segmentBits(apdu.segment) | (apdu.segmentedResponseAccepted ? 0x02 : 0));
      writer.u8(((apdu.maxSegments & 0x07) << 4) | maxApduCode(apdu.maxApdu)).u8(apdu.invokeId);
      return writeSegment(writer, apdu.segment).u8(apdu.service).raw(apdu.body);
    case "unconfirmedRequest":
      return writer.u8(0x10).u8(apdu.service).raw(apdu.body);
    case "simpleAck":
      return writer.u8(0x20).u8(apdu.invokeId).u8(apdu.service);
    case "complexAck":
      writer.u8(0x30 | segmentBits(apdu.segment)).u8(apdu.invokeId);
      return writeSegment(writer, apdu.segment).u8(apdu.service).raw(apdu.body);
    case "segmentAck":
      writer.u8(0x40 | (apdu.negative ? 0x02 : 0) | (apdu.server ? 0x01 : 0)).u8(apdu.invokeId);
      return writer.u8(apdu.sequenceNumber & 0xff).u8(apdu.actualWindowSize);
    case "error":
      return writer.u8(0x50).u8(apdu.invokeId).u8(apdu.service).raw(apdu.body);
    case "reject":
      return writer.u8(0x60).u8(apdu.invokeId).u8(apdu.reason);
    case "abort":
      return writer
        .u8(0x70 | (apdu.server ? 0x01 : 0))
        .u8(apdu.invokeId)
        .u8(apdu.reason);
    default:
      apdu satisfies never;
      return writer;
  }
}
