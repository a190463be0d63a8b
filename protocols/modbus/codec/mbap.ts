import { InvalidInputError } from "#core/errors.ts";

/** One Modbus TCP application data unit without its length and protocol fields. */
export interface Adu {
  /** 0-65535, echoed by the server. */
  readonly transactionId: number;
  /** 0-255: the device itself, or a server behind a gateway. */
  readonly unitId: number;
  /** Function code and data, 1-253 bytes. */
  readonly pdu: Uint8Array;
}

/** Bytes before the PDU: transaction, protocol, length, unit. [Modbus Messaging on TCP/IP V1.0b 3.1.3] */
const HEADER_LENGTH = 7;
/** Largest PDU: the 256 bytes of a serial ADU less address and CRC. [Modbus Application Protocol V1.1b3 4.1] */
export const MAX_PDU_LENGTH = 253;

/** The bytes of one frame. */
export function encodeAdu(adu: Adu): Uint8Array {
  const frame = new Uint8Array(HEADER_LENGTH + adu.pdu.length);
  const view = new DataView(frame.buffer);
  view.setUint16(0, adu.transactionId);
  view.setUint16(4, adu.pdu.length + 1);
  view.setUint8(6, adu.unitId);
  frame.set(adu.pdu, HEADER_LENGTH);
  return frame;
}

/** Cuts a TCP byte stream into frames. One decoder for each connection. */
export class AduDecoder {
  #rest: Uint8Array = new Uint8Array(0);

  /** Bytes of a frame that is not complete yet. */
  get waiting(): number {
    return this.#rest.length;
  }

  /**
   * Takes the next bytes of the stream and gives the frames they complete.
   * @throws MODBUS_FRAME_INVALID when the stream is no Modbus TCP or has lost its framing: close the connection.
   */
  push(bytes: Uint8Array): readonly Adu[] {
    // A plain view: a Node Buffer's own slice would not copy, and frames must outlive the socket's buffer.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const data = this.#rest.length === 0 ? plain : concat(this.#rest, plain);
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const frames: Adu[] = [];
    let at = 0;
    while (data.length - at >= HEADER_LENGTH) {
      const protocol = view.getUint16(at + 2);
      const length = view.getUint16(at + 4);
      if (protocol !== 0 || length < 2 || length > MAX_PDU_LENGTH + 1) {
        this.#rest = new Uint8Array(0);
        throw new InvalidInputError(
          "MODBUS_FRAME_INVALID",
          `MBAP header: expected protocol 0 and length 2-${MAX_PDU_LENGTH + 1}, got protocol ${protocol} and length ${length}`,
        );
      }
      const end = at + HEADER_LENGTH - 1 + length;
      if (end > data.length) break;
      frames.push({
        transactionId: view.getUint16(at),
        unitId: view.getUint8(at + 6),
        pdu: data.slice(at + HEADER_LENGTH, end),
      });
      at = end;
    }
    this.#rest = data.slice(at);
    return frames;
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
