import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "#core/clock.ts";
import { CommunicationError, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { type Frame, type FrameFault, FrameReader } from "./codec/frame.ts";
import type { SiaCounters } from "./counters.ts";

/** Frames of one connection that wait to be taken; beyond it nothing more is read of that connection. */
const MAX_WAITING = 32;
/** Frames and faults in a row that were not answered, and the connection is closed. */
const MAX_REFUSED = 20;

/** What becomes of a frame: the reply, or undefined where none must be given. Never throws. */
export type TakeFrame = (frame: Frame, from: string) => Promise<Uint8Array | undefined>;

export interface ReceiverOptions {
  readonly host: string;
  readonly port: number;
  readonly tcp: boolean;
  readonly udp: boolean;
  readonly maxConnections: number;
  readonly frameTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: SiaCounters;
  readonly take: TakeFrame;
}

/** Listens on TCP and UDP of one port and answers frame by frame, in the order of each connection. */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #udp: UdpSocket | undefined;
  #port = 0;
  #datagrams = 0;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /** The port it listens on. */
  get port(): number {
    return this.#port;
  }

  /** @throws SIA_LISTEN_FAILED */
  async open(): Promise<void> {
    const { host, port, tcp, udp } = this.#options;
    this.#port = port;
    try {
      if (tcp) await this.#openTcp(host);
      if (udp) await this.#openUdp(host);
    } catch (cause) {
      await this.close();
      throw new CommunicationError("SIA_LISTEN_FAILED", `cannot listen on ${host}:${port}: ${errorMessage(cause)}`, {
        cause,
      });
    }
  }

  async #openTcp(host: string): Promise<void> {
    const server = createServer((socket) => this.#connection(socket));
    server.maxConnections = this.#options.maxConnections;
    server.on("drop", () => this.#options.counters.connectionsRefused++);
    server.listen(this.#port, host);
    await once(server, "listening");
    server.on("error", (error) => this.#options.logger.warn({ cause: error.message }, "receiver port has an error"));
    this.#server = server;
    const address = server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
  }

  async #openUdp(host: string): Promise<void> {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    socket.bind(this.#port, host);
    await once(socket, "listening");
    socket.on("error", (error) => this.#options.logger.warn({ cause: error.message }, "receiver port has an error"));
    socket.on("message", (bytes, { address, port }) => this.#datagram(bytes, address, port));
    this.#udp = socket;
    this.#port = socket.address().port;
  }

  #datagram(bytes: Uint8Array, address: string, port: number): void {
    for (const found of new FrameReader().push(bytes)) {
      if (typeof found === "string") this.#fault(found);
      else if (this.#datagrams >= MAX_WAITING * MAX_REFUSED) this.#options.counters.overload++;
      else {
        this.#datagrams++;
        void this.#options.take(found, address).then((answer) => {
          this.#datagrams--;
          // a reply that is lost makes the panel repeat
          if (answer !== undefined) this.#udp?.send(answer, port, address, () => undefined);
        });
      }
    }
  }

  #fault(fault: FrameFault): void {
    const { counters } = this.#options;
    if (fault === "crc") counters.crcErrors++;
    else counters.malformed++;
  }

  #connection(socket: Socket): void {
    const { clock, counters, frameTimeoutMs, idleTimeoutMs, take } = this.#options;
    const reader = new FrameReader();
    const from = socket.remoteAddress ?? "unknown";
    let waiting = 0;
    let refused = 0;
    let queue = Promise.resolve();
    let cancelFrame = (): void => undefined;
    let begun = false;
    counters.connections++;
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    // who has not shown that he is known holds no place for long
    socket.setTimeout(Math.min(frameTimeoutMs, idleTimeoutMs), () => socket.destroy());
    const refuse = (): void => {
      refused++;
      if (refused >= MAX_REFUSED) socket.destroy();
    };
    const answer = async (frame: Frame): Promise<void> => {
      const bytes = socket.destroyed ? undefined : await take(frame, from);
      waiting--;
      if (bytes === undefined) refuse();
      else {
        refused = 0;
        socket.setTimeout(idleTimeoutMs);
        socket.write(bytes);
      }
      if (waiting < MAX_WAITING) socket.resume();
    };
    socket.on("data", (bytes: Buffer) => {
      const all = reader.push(bytes);
      for (const found of all) {
        if (typeof found === "string") {
          this.#fault(found);
          refuse();
          continue;
        }
        waiting++;
        queue = queue.then(() => answer(found));
      }
      if (waiting >= MAX_WAITING) socket.pause();
      // the time runs from the first byte of a frame, so that one byte a second does not hold it
      if (all.length > 0 || reader.pending === 0) {
        cancelFrame();
        begun = false;
      }
      if (reader.pending > 0 && !begun) {
        begun = true;
        cancelFrame = clock.after(frameTimeoutMs, () => socket.destroy());
      }
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      cancelFrame();
      this.#sockets.delete(socket);
    });
  }

  /** Never throws. */
  async close(): Promise<void> {
    const server = this.#server;
    const udp = this.#udp;
    this.#server = undefined;
    this.#udp = undefined;
    for (const socket of this.#sockets) socket.destroy();
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
    if (udp !== undefined) await new Promise<void>((resolve) => udp.close(() => resolve()));
  }
}
