import { createSocket } from "node:dgram";
import { createConnection, type Socket } from "node:net";
import type { Clock } from "#core/clock.ts";

/** Where a panel dials to, and how. */
export interface LineOptions {
  readonly host: string;
  readonly port: () => number;
  readonly transport: "tcp" | "udp";
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** How bytes are put on the line: as one piece when absent. */
export type Pieces = (frame: Uint8Array) => readonly Uint8Array[];

const PIECE_GAP_MS = 5;

/** The line of a panel: sends one frame and waits for what comes back until the time is over. TCP stays open between frames. */
export class PanelLine {
  readonly #options: LineOptions;
  #socket: Socket | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  /** The bytes of the answer, undefined when none came in time or the receiver cannot be reached. Never throws. */
  async exchange(frame: Uint8Array, pieces: Pieces = (whole) => [whole]): Promise<Uint8Array | undefined> {
    return this.#options.transport === "tcp" ? await this.#tcp(frame, pieces) : await this.#udp(frame);
  }

  async #tcp(frame: Uint8Array, pieces: Pieces): Promise<Uint8Array | undefined> {
    const { clock, timeoutMs } = this.#options;
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    const socket = this.#connection();
    const held: Uint8Array[] = [];
    const onData = (bytes: Uint8Array): void => {
      held.push(bytes);
      if (bytes.at(-1) === 0x0d) resolve(Buffer.concat(held));
    };
    const onEnd = (): void => resolve(undefined);
    let cancel = (): void => undefined;
    socket.on("data", onData);
    socket.once("close", onEnd);
    // an answer is waited for from the last byte on, however long the frame takes
    this.#put(socket, pieces(frame), () => {
      cancel = clock.after(timeoutMs, onEnd);
    });
    const answer = await promise;
    cancel();
    socket.off("data", onData);
    socket.off("close", onEnd);
    if (answer === undefined) this.hangUp();
    return answer;
  }

  #put(socket: Socket, pieces: readonly Uint8Array[], onSent: () => void): void {
    const [piece, ...rest] = pieces;
    if (piece === undefined || socket.destroyed) return;
    socket.write(piece);
    if (rest.length === 0) onSent();
    else this.#options.clock.after(PIECE_GAP_MS, () => this.#put(socket, rest, onSent));
  }

  #connection(): Socket {
    if (this.#socket !== undefined && !this.#socket.destroyed) return this.#socket;
    const { host, port } = this.#options;
    const socket = createConnection({ host, port: port(), noDelay: true });
    // whoever waits for an answer is told by the end of the connection
    socket.on("error", () => socket.destroy());
    this.#socket = socket;
    return socket;
  }

  async #udp(frame: Uint8Array): Promise<Uint8Array | undefined> {
    const { clock, host, port, timeoutMs } = this.#options;
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    const socket = createSocket("udp4");
    const cancel = clock.after(timeoutMs, () => resolve(undefined));
    socket.on("error", () => resolve(undefined));
    socket.on("message", (bytes) => resolve(bytes));
    socket.send(frame, port(), host, (error) => {
      if (error !== null) resolve(undefined);
    });
    const answer = await promise;
    cancel();
    socket.close();
    return answer;
  }

  /** Ends the connection; the next frame dials anew. */
  hangUp(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }
}
