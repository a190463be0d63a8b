/**
 * Largest MQTT packets, bytes: before and after sign-in. A CONNECT needs no more than a few hundred; the birth of a device
 * holds all its points at once, about 100 bytes each, and cannot be split. 1 MiB is also EMQX's own limit.
 */
export const MAX_PACKET_BEFORE_SIGN_IN = 8 * 1024;
export const MAX_PACKET = 1024 * 1024;

/** A part of a chunk that may pass: up to `end`, in which `packets` packets begin. */
export interface Passage {
  readonly end: number;
  readonly packets: number;
}

/**
 * Reads the fixed header of each MQTT packet in passing, counts them and says when one announces more than the limit: the
 * broker library itself would buffer any size from anybody. @see MQTT 3.1.1 §2.2
 */
export class PacketMeter {
  limit = MAX_PACKET_BEFORE_SIGN_IN;
  #state: "type" | "length" | "body" = "type";
  #remaining = 0;
  #shift = 0;

  /**
   * Goes on from byte `from` of a chunk until its end, `maxBytes`, or the beginning of one packet more than `maxPackets`.
   * Undefined when a packet is too large or its length is malformed: the connection is to be closed.
   */
  scan(chunk: Uint8Array, from: number, maxBytes: number, maxPackets: number): Passage | undefined {
    const end = Math.min(chunk.length, from + maxBytes);
    let at = from;
    let packets = 0;
    while (at < end) {
      if (this.#state === "body") {
        const step = Math.min(this.#remaining, end - at);
        at += step;
        this.#remaining -= step;
        if (this.#remaining === 0) this.#state = "type";
        continue;
      }
      if (this.#state === "type") {
        if (packets === maxPackets) break;
        packets++;
      }
      if (!this.#header(chunk[at++] ?? 0)) return undefined;
    }
    return { end: at, packets };
  }

  #header(byte: number): boolean {
    if (this.#state === "type") {
      this.#state = "length";
      this.#remaining = 0;
      this.#shift = 0;
      return true;
    }
    this.#remaining += (byte & 127) * 2 ** this.#shift;
    this.#shift += 7;
    if (byte > 127) return this.#shift < 28;
    this.#state = this.#remaining === 0 ? "type" : "body";
    return this.#remaining <= this.limit;
  }
}
