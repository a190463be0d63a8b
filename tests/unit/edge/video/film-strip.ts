import { readFileSync } from "node:fs";
import path from "node:path";

const FIXTURES = path.resolve(import.meta.dirname, "../../../fixtures/video");

/** A picture as its NAL units, without start codes. */
export interface StripPicture {
  readonly nals: readonly Buffer[];
  readonly key: boolean;
}

/** An elementary stream cut into pictures. */
export interface FilmStrip {
  readonly codec: "H264" | "H265";
  readonly pictures: readonly StripPicture[];
  readonly parameterSets: readonly Buffer[];
}

/** NAL units of a byte stream. [H.264 annex B] */
export function nalUnits(stream: Buffer): readonly Buffer[] {
  const starts: number[] = [];
  for (let at = stream.indexOf("000001", 0, "hex"); at >= 0; at = stream.indexOf("000001", at + 3, "hex"))
    starts.push(at);
  return starts.map((start, index) => {
    let end = starts[index + 1] ?? stream.length;
    while (end > start + 3 && stream[end - 1] === 0) end--;
    return stream.subarray(start + 3, end);
  });
}

interface NalKind {
  readonly type: number;
  readonly slice: boolean;
  readonly parameterSet: boolean;
  readonly key: boolean;
  /** The first slice of a picture. */
  readonly first: boolean;
}

function nalKind(codec: FilmStrip["codec"], nal: Buffer): NalKind {
  const [head = 0, second = 0, third = 0] = nal;
  if (codec === "H264") {
    const type = head & 31;
    const parameterSet = type === 7 || type === 8;
    return { type, slice: type >= 1 && type <= 5, parameterSet, key: type === 5, first: (second & 0x80) !== 0 };
  }
  const type = (head >> 1) & 63;
  const parameterSet = type >= 32 && type <= 34;
  return { type, slice: type < 32, parameterSet, key: type >= 16 && type <= 21, first: (third & 0x80) !== 0 };
}

/** Reads a fixture. Parameter sets stay with the key pictures that they precede. */
export function filmStrip(name: string): FilmStrip {
  const codec = name.endsWith(".h265") ? "H265" : "H264";
  return cutStrip(codec, readFileSync(path.join(FIXTURES, name)));
}

/** Cuts an elementary stream into pictures. */
export function cutStrip(codec: FilmStrip["codec"], stream: Buffer): FilmStrip {
  const pictures: { nals: Buffer[]; key: boolean }[] = [];
  const parameterSets = new Map<number, Buffer>();
  let before: Buffer[] = [];
  for (const nal of nalUnits(stream)) {
    const { type, slice, parameterSet, key, first } = nalKind(codec, nal);
    if (parameterSet && !parameterSets.has(type)) parameterSets.set(type, nal);
    if (!slice) {
      before.push(nal);
      continue;
    }
    if (first) pictures.push({ nals: [...before, nal], key });
    else pictures.at(-1)?.nals.push(nal);
    before = [];
  }
  return { codec, pictures, parameterSets: [...parameterSets].sort(([a], [b]) => a - b).map(([, nal]) => nal) };
}

/** Number of the NAL units of a length-prefixed access unit, and their types. */
export function unitTypes(data: Uint8Array): readonly number[] {
  const bytes = Buffer.from(data);
  const types: number[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) types.push(bytes.readUInt8(at + 4) & 31);
  return types;
}

/** Sequence number, time and source of the next packet. */
export interface RtpState {
  sequence: number;
  timestamp: number;
  readonly ssrc: number;
}

const MTU = 1_400;

function packet(state: RtpState, payload: Buffer, marker: boolean): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt8(0x80, 0);
  head.writeUInt8(96 | (marker ? 0x80 : 0), 1);
  head.writeUInt16BE(state.sequence & 0xffff, 2);
  head.writeUInt32BE(state.timestamp >>> 0, 4);
  head.writeUInt32BE(state.ssrc, 8);
  state.sequence = (state.sequence + 1) & 0xffff;
  return Buffer.concat([head, payload]);
}

function fragments(codec: FilmStrip["codec"], nal: Buffer): readonly Buffer[] {
  const headBytes = codec === "H264" ? 1 : 2;
  const parts: Buffer[] = [];
  for (let at = headBytes; at < nal.length; at += MTU) {
    const flags = (at === headBytes ? 0x80 : 0) | (at + MTU >= nal.length ? 0x40 : 0);
    const first = nal[0] ?? 0;
    const head =
      codec === "H264"
        ? [(first & 0xe0) | 28, flags | (first & 31)]
        : [(first & 0x81) | (49 << 1), nal[1] ?? 0, flags | ((first >> 1) & 63)];
    parts.push(Buffer.concat([Buffer.from(head), nal.subarray(at, at + MTU)]));
  }
  return parts;
}

/** RTP packets of one picture: small units alone, larger ones in fragments. [RFC 6184 5.6, 5.8; RFC 7798 4.4] */
export function rtpPackets(codec: FilmStrip["codec"], nals: readonly Buffer[], state: RtpState): readonly Buffer[] {
  const payloads = nals.flatMap((nal) => (nal.length <= MTU ? [nal] : fragments(codec, nal)));
  return payloads.map((payload, index) => packet(state, payload, index === payloads.length - 1));
}

/** Put between the frames of an RTSP connection. [RFC 2326 10.12] */
export function interleaved(channel: number, bytes: Buffer): Buffer {
  const head = Buffer.from([0x24, channel, 0, 0]);
  head.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([head, bytes]);
}
