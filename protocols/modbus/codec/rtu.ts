import { MAX_PDU_LENGTH } from "./mbap.ts";

/** One Modbus RTU frame without its CRC. */
export interface RtuFrame {
  /** 0 (broadcast) to 247. */
  readonly unitId: number;
  /** Function code and data, 1-253 bytes. */
  readonly pdu: Uint8Array;
}

/** Unit and CRC around the PDU. [Modbus over serial line V1.02 2.3] */
const OVERHEAD = 3;
/** Largest frame: 256 bytes. [Modbus over serial line V1.02 2.5.1] */
const MAX_FRAME_LENGTH = MAX_PDU_LENGTH + OVERHEAD;
/** Units from 248 on are reserved. [Modbus over serial line V1.02 2.2] */
const MAX_UNIT_ID = 247;

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

/** CRC-16 of the bytes from `start` to before `end`; sent low byte first. [Modbus over serial line V1.02 6.2.2] */
export function crc16(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0xffff;
  for (let at = start; at < end; at++) crc = (crc >> 8) ^ (CRC_TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return crc;
}

/** The bytes of one frame. */
export function encodeRtu({ unitId, pdu }: RtuFrame): Uint8Array {
  const frame = new Uint8Array(pdu.length + OVERHEAD);
  frame[0] = unitId;
  frame.set(pdu, 1);
  const crc = crc16(frame, 0, frame.length - 2);
  frame[frame.length - 2] = crc & 0xff;
  frame[frame.length - 1] = crc >> 8;
  return frame;
}

/**
 * Length of the frame that begins at `at`, with unit and CRC: 0 while more bytes are needed to know it, -1 where none can begin.
 */
export type FrameLength = (bytes: Uint8Array, at: number) => number;

/** Length of an answer, by its function code and byte count. [Modbus Application Protocol V1.1b3 6] */
export const answerLength: FrameLength = (bytes, at) => {
  if ((bytes[at] ?? 0) > MAX_UNIT_ID) return -1;
  const code = bytes[at + 1];
  if (code === undefined) return 0;
  switch (code & 0x7f) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 23:
      return code > 0x7f ? 5 : counted(bytes[at + 2], 5);
    case 5:
    case 6:
    case 15:
    case 16:
      return code > 0x7f ? 5 : 8;
    case 22:
      return code > 0x7f ? 5 : 10;
    default:
      return -1;
  }
};

/** Length of a request, by its function code and byte count. [Modbus Application Protocol V1.1b3 6] */
export const requestLength: FrameLength = (bytes, at) => {
  if ((bytes[at] ?? 0) > MAX_UNIT_ID) return -1;
  const code = bytes[at + 1];
  switch (code) {
    case undefined:
      return 0;
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      return 8;
    case 15:
    case 16:
      return counted(bytes[at + 6], 9);
    case 22:
      return 10;
    case 23:
      return counted(bytes[at + 10], 13);
    default:
      return -1;
  }
};

function counted(byteCount: number | undefined, others: number): number {
  if (byteCount === undefined) return 0;
  return byteCount + others > MAX_FRAME_LENGTH ? -1 : byteCount + others;
}

/**
 * Cuts the bytes of an RTU line into frames whose CRC is right. Its own memory is one frame at most. Bytes that belong to no
 * frame are passed over and counted in `dropped`: those before a frame at once, the beginning of a frame that never ends when
 * `silence` tells that the line was quiet.
 */
export class RtuDecoder {
  readonly #lengthOf: FrameLength;
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes passed over so far. */
  dropped = 0;

  constructor(lengthOf: FrameLength) {
    this.#lengthOf = lengthOf;
  }

  /** Bytes of a frame that is not complete yet. */
  get waiting(): number {
    return this.#rest.length;
  }

  /** Takes the next bytes and gives the frames they complete. */
  push(bytes: Uint8Array): readonly RtuFrame[] {
    const data = new Uint8Array(this.#rest.length + bytes.length);
    data.set(this.#rest);
    data.set(bytes, this.#rest.length);
    return this.#cut(data, false);
  }

  /** The line was quiet: what has begun will not be completed. Gives frames that were hidden behind it. */
  silence(): readonly RtuFrame[] {
    return this.#cut(this.#rest, true);
  }

  #cut(data: Uint8Array, ended: boolean): readonly RtuFrame[] {
    const frames: RtuFrame[] = [];
    let at = 0;
    while (at < data.length) {
      const length = this.#lengthOf(data, at);
      const whole = length > 0 && at + length <= data.length;
      if (whole && hasCrc(data, at, at + length)) {
        frames.push({ unitId: data[at] ?? 0, pdu: data.slice(at + 1, at + length - 2) });
        at += length;
      } else if (!whole && length >= 0 && !ended) {
        break;
      } else {
        at++;
        this.dropped++;
      }
    }
    this.#rest = data.slice(at);
    return frames;
  }
}

function hasCrc(bytes: Uint8Array, start: number, end: number): boolean {
  const sent = (bytes[end - 2] ?? 0) | ((bytes[end - 1] ?? 0) << 8);
  return crc16(bytes, start, end - 2) === sent;
}
