import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Clock } from "#core/clock.ts";
import { MAX_PACKET, PacketMeter } from "./packet-meter.ts";
import { type Rate, TokenBucket } from "./token-bucket.ts";

/**
 * What one connection may send after sign-in. A gateway that empties its outbox sends some 4 kB a packet as fast as the
 * cloud acknowledges, which stays well below; a client gone mad sends whatever fits the wire.
 */
export interface ConnectionLimits {
  readonly bytes: Rate;
  readonly packets: Rate;
}
export const CONNECTION_LIMITS: ConnectionLimits = {
  bytes: { perSecond: 50_000_000, burst: 16_000_000 },
  packets: { perSecond: 20_000, burst: 20_000 },
};

/** Bytes to a peer that wait in memory before a write counts as stalled (the library's drain time-out begins). */
const WRITE_HIGH_WATER = 1024 * 1024;
/** A stalled connection goes on when so much of the burst is there again: not for every single packet. */
const RESUME_SHARE = 0.1;

/** What a connection is watched with. */
export interface GuardOptions {
  readonly clock: Clock;
  readonly limits?: ConnectionLimits;
  /** A packet was announced that is too large; the connection is closed. */
  readonly tooLarge: (remoteAddress: string) => void;
  /** The peer sends faster than it may. It is slowed down, nothing is lost. */
  readonly tooFast?: (remoteAddress: string) => void;
}

/**
 * A socket behind a PacketMeter and two token buckets, as the stream the broker library reads. Before sign-in exactly one
 * packet passes, the CONNECT; what lies beyond a limit inside a chunk waits with the socket paused, so that the back-pressure
 * reaches the peer.
 */
export class GuardedConnection extends Duplex {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #options: GuardOptions;
  readonly #meter = new PacketMeter();
  readonly #bytes: TokenBucket;
  readonly #packets: TokenBucket;
  #signedIn = false;
  /** The CONNECT has begun: until sign-in no other packet passes. */
  #greeted = false;
  #held: Buffer | undefined;
  #ended = false;
  #paused = false;
  #cancelResume: (() => void) | undefined;

  constructor(socket: Socket, options: GuardOptions) {
    super({ allowHalfOpen: false, writableHighWaterMark: WRITE_HIGH_WATER });
    const { clock, limits = CONNECTION_LIMITS } = options;
    this.remoteAddress = socket.remoteAddress ?? "unknown";
    this.#socket = socket;
    this.#options = options;
    this.#bytes = new TokenBucket(limits.bytes, clock);
    this.#packets = new TokenBucket(limits.packets, clock);
    socket.on("data", (chunk: Buffer) =>
      this.#pass(this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk])),
    );
    socket.on("end", () => {
      this.#ended = true;
      if (this.#held === undefined) this.push(null);
    });
    socket.on("error", (error) => this.destroy(error));
    // What is held still belongs to what the peer has said; it goes on in its time, and then the stream ends.
    socket.on("close", () => this.#held === undefined && this.destroy());
  }

  /** The peer has signed in: larger packets and any number of them from now on. */
  signedIn(): void {
    if (this.#signedIn) return;
    this.#signedIn = true;
    this.#meter.limit = MAX_PACKET;
    this.#resume();
  }

  /** Hands on as much of a chunk as the limits allow and holds the rest. */
  #pass(chunk: Buffer): void {
    this.#held = undefined;
    let from = 0;
    let wanted = true;
    while (from < chunk.length) {
      const packets = this.#packetsAllowed();
      const bytes = this.#bytes.available;
      const passage = this.#meter.scan(chunk, from, bytes, packets);
      if (passage === undefined) {
        this.#options.tooLarge(this.remoteAddress);
        this.destroy();
        return;
      }
      const { end } = passage;
      this.#bytes.take(end - from);
      this.#packets.take(passage.packets);
      if (passage.packets > 0) this.#greeted = true;
      if (end === from) {
        this.#hold(chunk.subarray(from));
        return;
      }
      wanted = this.push(from === 0 && end === chunk.length ? chunk : chunk.subarray(from, end));
      from = end;
    }
    if (this.#ended) this.push(null);
    else if (!wanted) this.#socket.pause();
    else if (this.#paused) this.#socket.resume();
    this.#paused = false;
  }

  #packetsAllowed(): number {
    if (this.#signedIn) return this.#packets.available;
    return this.#greeted ? 0 : 1;
  }

  #hold(rest: Buffer): void {
    this.#held = rest;
    this.#paused = true;
    this.#socket.pause();
    if (!this.#signedIn) return;
    this.#options.tooFast?.(this.remoteAddress);
    const { bytes, packets } = this.#options.limits ?? CONNECTION_LIMITS;
    const wait = Math.max(
      this.#bytes.waitMs(Math.max(1, bytes.burst * RESUME_SHARE)),
      this.#packets.waitMs(Math.max(1, packets.burst * RESUME_SHARE)),
    );
    this.#cancelResume = this.#options.clock.after(Math.max(1, wait), () => this.#resume());
  }

  #resume(): void {
    const held = this.#held;
    if (held !== undefined && !this.destroyed) this.#pass(held);
  }

  override _read(): void {
    // What is held comes first; its own clock or the sign-in lets it go.
    if (this.#held === undefined) this.#socket.resume();
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }
  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }
  override _final(done: () => void): void {
    if (this.#socket.writableEnded) done();
    else this.#socket.end(() => done());
  }
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#cancelResume?.();
    this.#held = undefined;
    this.#socket.destroy();
    done(error);
  }
}
