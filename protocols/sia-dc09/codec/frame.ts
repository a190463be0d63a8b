import { crc16 } from "./crc.ts";

/** A frame as it stood on the line. `content` is what follows `[`, still encrypted where `encrypted`. [SIA DC-09 §5.5] */
export interface Frame {
  /** SIA-DCS, ADM-CID, NULL, ACK, NAK, DUH ... without the mark of encryption. */
  readonly id: string;
  readonly encrypted: boolean;
  /** Four digits. */
  readonly sequence: string;
  /** Receiver number with its `R`, or empty. */
  readonly receiver: string;
  /** Account prefix (line) with its `L`, or empty. */
  readonly line: string;
  /** Account, upper case; empty in a NAK. */
  readonly account: string;
  readonly content: string;
  /** Everything between the length and the carriage return. */
  readonly body: string;
  /** Some panels send the CRC as two raw bytes, and want it so in the reply. */
  readonly binaryCrc: boolean;
}

/** Why bytes were no frame. */
export type FrameFault = "garbage" | "crc" | "length" | "syntax";

const LF = 0x0a;
const CR = 0x0d;
/** Longest body that is taken, bytes. The length field of the standard has three digits that count. */
export const MAX_BODY_BYTES = 4_095;
const BODY =
  /^"(\*?)([A-Z][A-Z0-9-]{1,19})"(\d{4})(R[0-9A-Fa-f]{1,6})?(L[0-9A-Fa-f]{1,6}?)?(?:#([0-9A-Fa-f]{3,16})|A0)?\[(.*)$/s;
const HEX4 = /^[0-9A-Fa-f]{4}$/;

/** The frame of a body: line feed, CRC, length, body, carriage return. */
export function formatFrame(body: string, binaryCrc = false): Uint8Array {
  const bytes = Buffer.from(body, "latin1");
  const crc = crc16(bytes);
  const length = bytes.length.toString(16).toUpperCase().padStart(4, "0");
  const check = binaryCrc
    ? Buffer.from([crc >> 8, crc & 0xff])
    : Buffer.from(crc.toString(16).toUpperCase().padStart(4, "0"));
  return Buffer.concat([Buffer.from([LF]), check, Buffer.from(length), bytes, Buffer.from([CR])]);
}

/** The parts of a body; undefined when it has not the form of one. */
export function parseBody(body: string, binaryCrc = false): Frame | undefined {
  const match = BODY.exec(body);
  if (match === null) return undefined;
  const [, star, id = "", sequence = "", receiver = "", line = "", account = "", content = ""] = match;
  return {
    id,
    encrypted: star === "*",
    sequence,
    receiver: receiver.toUpperCase(),
    line: line.toUpperCase(),
    account: account.toUpperCase(),
    content,
    body,
    binaryCrc,
  };
}

interface Head {
  readonly binary: boolean;
  readonly crc: number;
  readonly length: number;
  /** Where the body begins. */
  readonly start: number;
}

/**
 * Finds frames in a stream of bytes, however they are cut: several in one segment, one byte at a time, with garbage between them. A
 * frame whose CRC or length is wrong is passed over and told; nothing of it is believed.
 */
export class FrameReader {
  #held: Buffer = Buffer.alloc(0);

  /** Bytes that may be the beginning of a frame. */
  get pending(): number {
    return this.#held.length;
  }

  /** Takes bytes and gives what is complete, in order. */
  push(bytes: Uint8Array): (Frame | FrameFault)[] {
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
    const found: (Frame | FrameFault)[] = [];
    for (;;) {
      const start = this.#held.indexOf(LF);
      if (start !== 0) {
        if (this.#held.length > 0 && start !== -1) found.push("garbage");
        if (start === -1) {
          if (this.#held.length > 0) found.push("garbage");
          this.#held = Buffer.alloc(0);
          return found;
        }
        this.#held = this.#held.subarray(start);
      }
      const next = this.#frame();
      if (next === undefined) return found;
      found.push(next);
    }
  }

  /** The frame at the front; undefined while it is not whole. */
  #frame(): Frame | FrameFault | undefined {
    const head = this.#head();
    if (head === undefined) return undefined;
    if (head === "length") return this.#skip("length");
    const end = head.start + head.length;
    if (this.#held.length <= end) return undefined;
    if (this.#held[end] !== CR) return this.#skip("length");
    const body = this.#held.subarray(head.start, end);
    if (crc16(body) !== head.crc) return this.#skip("crc");
    this.#held = this.#held.subarray(end + 1);
    return parseBody(body.toString("latin1"), head.binary) ?? "syntax";
  }

  /** The line feed begins no frame: another may begin behind it. */
  #skip(fault: FrameFault): FrameFault {
    const next = this.#held.indexOf(LF, 1);
    this.#held = next === -1 ? Buffer.alloc(0) : this.#held.subarray(next);
    return fault;
  }

  #head(): Head | "length" | undefined {
    const text = this.#held.toString("latin1", 1, 9);
    const asText = HEX4.test(text.slice(0, 4));
    if (text.length < 4) return undefined;
    if (asText && HEX4.test(text.slice(4, 8)))
      return headOf(false, Number.parseInt(text.slice(0, 4), 16), text.slice(4, 8), 9);
    if (text.length < 6) return undefined;
    if (HEX4.test(text.slice(2, 6)) && this.#held[7] !== undefined) {
      if (this.#held[7] === 0x22) return headOf(true, this.#held.readUInt16BE(1), text.slice(2, 6), 7);
    } else if (HEX4.test(text.slice(2, 6))) return undefined;
    return text.length < 8 && asText ? undefined : "length";
  }
}

function headOf(binary: boolean, crc: number, length: string, start: number): Head | "length" {
  const bytes = Number.parseInt(length, 16);
  return bytes === 0 || bytes > MAX_BODY_BYTES ? "length" : { binary, crc, length: bytes, start };
}
