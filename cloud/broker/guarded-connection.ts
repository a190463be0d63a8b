import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/**
 * Largest MQTT packets, bytes: before and after sign-in. A CONNECT needs no more than a few hundred; the birth of a device
 * holds all its points at once, about 100 bytes each, and cannot be split. 1 MiB is also EMQX's own limit.
 */
export const MAX_PACKET_BEFORE_SIGN_IN = 8 * 1024;
export const MAX_PACKET = 1024 * 1024;

/**
 * Reads the fixed header of each MQTT packet in passing and says when one announces more than the limit: the broker
 * library itself would buffer any size from anybody. @see MQTT 3.1.1 §2.2
 */
export class PacketMeter {
  limit = MAX_PACKET_BEFORE_SIGN_IN;
  #state: "type" | "length" | "body" = "type";
  #remaining = 0;
  #shift = 0;

  /** False when a packet is too large or its length is malformed: the connection is to be closed. */
  accepts(chunk: Uint8Array): boolean {
    for (let at = 0; at < chunk.length; ) {
      if (this.#state === "body") {
        const step = Math.min(this.#remaining, chunk.length - at);
        at += step;
        this.#remaining -= step;
        if (this.#remaining === 0) this.#state = "type";
      } else if (!this.#header(chunk[at++] ?? 0)) return false;
    }
    return true;
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

/** A socket behind a PacketMeter, as the stream the broker library reads. */
export class GuardedConnection extends Duplex {
  readonly #socket: Socket;
  readonly #meter = new PacketMeter();

  constructor(socket: Socket, tooLarge: (remoteAddress: string) => void) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      if (!this.#meter.accepts(chunk)) {
        tooLarge(socket.remoteAddress ?? "unknown");
        this.destroy();
      } else if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  /** The peer has signed in: larger packets from now on. */
  signedIn(): void {
    this.#meter.limit = MAX_PACKET;
  }

  override _read(): void {
    this.#socket.resume();
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }
  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }
  override _final(done: () => void): void {
    this.#socket.end(done);
  }
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
