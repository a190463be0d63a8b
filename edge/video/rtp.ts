/** One RTP packet; `payload` is a view into what it was read from. [RFC 3550 §5.1] */
export interface RtpPacket {
  readonly marker: boolean;
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
}

const FIXED_HEADER_BYTES = 12;

/** Reads an RTP packet; undefined where it is none. */
export function readRtp(bytes: Buffer): RtpPacket | undefined {
  if (bytes.length < FIXED_HEADER_BYTES) return undefined;
  const first = bytes.readUInt8(0);
  if (first >> 6 !== 2) return undefined;
  let start = FIXED_HEADER_BYTES + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) {
    if (bytes.length < start + 4) return undefined;
    start += 4 + 4 * bytes.readUInt16BE(start + 2);
  }
  const padding = (first & 0x20) === 0 ? 0 : bytes.readUInt8(bytes.length - 1);
  const end = bytes.length - padding;
  if (end <= start) return undefined;
  const second = bytes.readUInt8(1);
  return {
    marker: (second & 0x80) !== 0,
    payloadType: second & 0x7f,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    ssrc: bytes.readUInt32BE(8),
    payload: bytes.subarray(start, end),
  };
}

/** What a sender report ties together: a moment of RTP time and the sender's wall clock. */
export interface SenderReport {
  readonly ssrc: number;
  /** The sender's clock, Unix ms. */
  readonly wallMs: number;
  readonly timestamp: number;
}

const SENDER_REPORT = 200;
const SENDER_REPORT_BYTES = 28;
/** Seconds from the NTP era to the Unix epoch. [RFC 5905] */
const NTP_TO_UNIX_S = 2_208_988_800;

/** The sender report at the front of an RTCP compound packet, if any. [RFC 3550 §6.4.1] */
export function readSenderReport(bytes: Buffer): SenderReport | undefined {
  if (bytes.length < SENDER_REPORT_BYTES || bytes.readUInt8(0) >> 6 !== 2 || bytes.readUInt8(1) !== SENDER_REPORT)
    return undefined;
  const seconds = bytes.readUInt32BE(8);
  // no wall clock at the sender: it may send 0
  if (seconds < NTP_TO_UNIX_S) return undefined;
  return {
    ssrc: bytes.readUInt32BE(4),
    wallMs: (seconds - NTP_TO_UNIX_S) * 1000 + (bytes.readUInt32BE(12) / 2 ** 32) * 1000,
    timestamp: bytes.readUInt32BE(16),
  };
}

/** What a sequence number tells after the one before. */
export type SequenceStep = "next" | "lost" | "old";

/** The way from one 16-bit sequence number to another; over TCP everything comes in order, unless the sender dropped it. */
export function sequenceStep(last: number, next: number): SequenceStep {
  const distance = (next - last) & 0xffff;
  if (distance === 1) return "next";
  return distance === 0 || distance >= 0x8000 ? "old" : "lost";
}
