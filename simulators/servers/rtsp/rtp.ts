import { randomBytes } from "node:crypto";
import { PAYLOAD_TYPE } from "./sdp.ts";

/** RTP clock of H.264, ticks a millisecond. [RFC 6184 8.2.1] */
const TICKS_PER_MS = 90;
const RTP_HEADER_BYTES = 12;
/** Most payload of a packet, so that a datagram fits an Ethernet frame. */
const MAX_PAYLOAD_BYTES = 1400;
const FU_A = 28;
/** From 1900 to 1970. [RFC 5905 6] */
const NTP_EPOCH_MS = 2_208_988_800_000;
const SENDER_REPORT = 200;
const SOURCE_DESCRIPTION = 202;
const GOODBYE = 203;
const CNAME = 1;

/** Makes the RTP and RTCP packets of one session. @see RFC 3550, RFC 6184 */
export class RtpSender {
  readonly ssrc = randomBytes(4).readUInt32BE();
  readonly #cname: string;
  readonly #timestampBase = randomBytes(4).readUInt32BE();
  #sequence = randomBytes(2).readUInt16BE();
  #packets = 0;
  #octets = 0;

  /** `cname`: printable ASCII, up to 255 characters. */
  constructor(cname: string) {
    this.#cname = cname.slice(0, 255);
  }

  /** Sequence number of the next packet. */
  get nextSequence(): number {
    return this.#sequence;
  }

  /** RTP timestamp of a moment of the monotonic clock, ms. */
  timestamp(at: number): number {
    return (this.#timestampBase + Math.round(at * TICKS_PER_MS)) % 2 ** 32;
  }

  /** Packets of one picture: NAL units as they are, or in fragments. The last packet is marked. [RFC 6184 5.6, 5.8] */
  packets(units: readonly Uint8Array[], timestamp: number): readonly Buffer[] {
    const packets: Buffer[] = [];
    for (const [index, unit] of units.entries()) {
      const last = index === units.length - 1;
      if (unit.length <= MAX_PAYLOAD_BYTES) packets.push(this.#packet([unit], timestamp, last));
      else this.#fragment(unit, timestamp, last, packets);
    }
    return packets;
  }

  /** Sender report with source description: the moment `wallClockMs` (Unix ms) has the timestamp. [RFC 3550 6.4.1, 6.5] */
  report(wallClockMs: number, timestamp: number): Buffer {
    const report = Buffer.alloc(28);
    report.writeUInt8(0x80, 0);
    report.writeUInt8(SENDER_REPORT, 1);
    report.writeUInt16BE(6, 2);
    report.writeUInt32BE(this.ssrc, 4);
    const ntpMs = wallClockMs + NTP_EPOCH_MS;
    report.writeUInt32BE(Math.floor(ntpMs / 1000) % 2 ** 32, 8);
    report.writeUInt32BE(Math.floor(((ntpMs % 1000) / 1000) * 2 ** 32), 12);
    report.writeUInt32BE(timestamp, 16);
    report.writeUInt32BE(this.#packets, 20);
    report.writeUInt32BE(this.#octets, 24);
    return Buffer.concat([report, this.#description()]);
  }

  /** Says that no more comes. [RFC 3550 6.6] */
  goodbye(): Buffer {
    const goodbye = Buffer.from([0x81, GOODBYE, 0, 1, 0, 0, 0, 0]);
    goodbye.writeUInt32BE(this.ssrc, 4);
    return goodbye;
  }

  #description(): Buffer {
    // The chunk ends with one to four zeros, at a whole word.
    const words = Math.floor((4 + 2 + this.#cname.length) / 4) + 1;
    const description = Buffer.alloc(4 + words * 4);
    description.writeUInt8(0x81, 0);
    description.writeUInt8(SOURCE_DESCRIPTION, 1);
    description.writeUInt16BE(words, 2);
    description.writeUInt32BE(this.ssrc, 4);
    description.writeUInt8(CNAME, 8);
    description.writeUInt8(this.#cname.length, 9);
    description.write(this.#cname, 10, "latin1");
    return description;
  }

  /** [RFC 6184 5.8] FU-A: the unit's header goes into each fragment's two, its payload is cut. */
  #fragment(unit: Uint8Array, timestamp: number, last: boolean, packets: Buffer[]): void {
    const header = unit[0] ?? 0;
    const size = MAX_PAYLOAD_BYTES - 2;
    for (let at = 1; at < unit.length; at += size) {
      const end = at + size >= unit.length;
      const fragment = [(header & 0xe0) | FU_A, (at === 1 ? 0x80 : 0) | (end ? 0x40 : 0) | (header & 0x1f)];
      packets.push(this.#packet([fragment, unit.subarray(at, at + size)], timestamp, last && end));
    }
  }

  #packet(parts: readonly ArrayLike<number>[], timestamp: number, marked: boolean): Buffer {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + length);
    packet.writeUInt8(0x80, 0);
    packet.writeUInt8((marked ? 0x80 : 0) | PAYLOAD_TYPE, 1);
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE(timestamp, 4);
    packet.writeUInt32BE(this.ssrc, 8);
    let at = RTP_HEADER_BYTES;
    for (const part of parts) {
      packet.set(part, at);
      at += part.length;
    }
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#packets = (this.#packets + 1) % 2 ** 32;
    this.#octets = (this.#octets + length) % 2 ** 32;
    return packet;
  }
}
