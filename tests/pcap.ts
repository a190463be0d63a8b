import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";

/** One datagram or TCP segment to write, between two ports of 127.0.0.1. */
export interface PcapPacket {
  readonly protocol: "udp" | "tcp";
  readonly srcPort: number;
  readonly dstPort: number;
  readonly payload: Uint8Array;
  /** TCP sequence number of the first byte; counted on from 1 per direction when absent. */
  readonly seq?: number;
}

const MAGIC = 0xa1b2c3d4;
const LINKTYPE_RAW = 101;
const IP_HEADER = 20;
const UDP_HEADER = 8;
const TCP_HEADER = 20;
const LOOPBACK = [127, 0, 0, 1] as const;
const PSH_ACK = 0x18;
const FIRST_SEQUENCE = 1;

function ipChecksum(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < IP_HEADER; i += 2) sum += header.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function ipPacket(protocol: number, content: Buffer): Buffer {
  const header = Buffer.alloc(IP_HEADER);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(IP_HEADER + content.length, 2);
  header.writeUInt8(64, 8);
  header.writeUInt8(protocol, 9);
  header.set(LOOPBACK, 12);
  header.set(LOOPBACK, 16);
  header.writeUInt16BE(ipChecksum(header), 10);
  return Buffer.concat([header, content]);
}

function udp({ srcPort, dstPort, payload }: PcapPacket): Buffer {
  const header = Buffer.alloc(UDP_HEADER);
  header.writeUInt16BE(srcPort, 0);
  header.writeUInt16BE(dstPort, 2);
  // checksum 0: none
  header.writeUInt16BE(UDP_HEADER + payload.length, 4);
  return ipPacket(17, Buffer.concat([header, payload]));
}

function tcp({ srcPort, dstPort, payload }: PcapPacket, seq: number, ack: number): Buffer {
  const header = Buffer.alloc(TCP_HEADER);
  header.writeUInt16BE(srcPort, 0);
  header.writeUInt16BE(dstPort, 2);
  header.writeUInt32BE(seq >>> 0, 4);
  header.writeUInt32BE(ack >>> 0, 8);
  header.writeUInt8((TCP_HEADER / 4) << 4, 12);
  header.writeUInt8(PSH_ACK, 13);
  header.writeUInt16BE(0xffff, 14);
  return ipPacket(6, Buffer.concat([header, payload]));
}

/** Writes a capture file that tshark reads. TCP streams have no handshake; their sequence numbers go on by themselves. */
export function writePcap(path: string, packets: readonly PcapPacket[]): void {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(MAGIC, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(0x4_0000, 16);
  head.writeUInt32LE(LINKTYPE_RAW, 20);
  const next = new Map<string, number>();
  const records = packets.map((packet, i) => {
    const direction = `${packet.srcPort}>${packet.dstPort}`;
    const seq = packet.seq ?? next.get(direction) ?? FIRST_SEQUENCE;
    next.set(direction, seq + packet.payload.length);
    const ack = next.get(`${packet.dstPort}>${packet.srcPort}`) ?? FIRST_SEQUENCE;
    const frame = packet.protocol === "udp" ? udp(packet) : tcp(packet, seq, ack);
    const record = Buffer.alloc(16);
    record.writeUInt32LE(i, 0);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return Buffer.concat([record, frame]);
  });
  writeFileSync(path, Buffer.concat([head, ...records]));
}

/** Lines that tshark prints for a capture file. `program` is `peer("tshark")`. Throws when tshark fails. */
export function tshark(program: string, path: string, options: readonly string[]): readonly string[] {
  const run = spawnSync(program, ["-n", "-r", path, ...options], { encoding: "utf8", maxBuffer: 1 << 26 });
  if (run.status !== 0) throw new Error(`tshark ended with ${run.status}: ${run.stderr}`);
  return run.stdout.split("\n").filter((line) => line !== "");
}
