import type { Socket } from "node:net";
import type { Clock } from "#core/clock.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { VideoFaults } from "./faults.ts";
import { formatAnswer, MalformedMessage, MessageReader, type RtspAnswer, type RtspRequest } from "./message.ts";

/** What a connection is given. */
export interface ConnectionDeps {
  readonly clock: Clock;
  readonly faults: VideoFaults;
  readonly logger: Logger;
  /** A client that leaves more than this unread is dropped, bytes. */
  readonly maxBufferedBytes: number;
  /** Is the cable cut? */
  readonly isSilent: () => boolean;
  /** A request came, whether it will be answered or not. */
  readonly onRequest: (method: string) => void;
  /** Answers a request. */
  readonly answer: (request: RtspRequest, connection: RtspConnection) => Promise<RtspAnswer>;
  /** The client reads too slowly and was dropped. */
  readonly onDropped: () => void;
  readonly onClosed: (connection: RtspConnection) => void;
}

/** One client's TCP connection. */
export class RtspConnection {
  /** Address of the client. */
  readonly peer: string;
  /** When it last sent a request, by the monotonic clock, ms. */
  lastRequestAt: number;
  readonly #socket: Socket;
  readonly #deps: ConnectionDeps;
  readonly #reader = new MessageReader();
  #busy = false;
  #forgotten = false;
  /** It spoke no RTSP: what else it says is not heard. */
  #refused = false;
  /** Bytes of answers that go out one by one, and the way to stop that. */
  #slow: Buffer = Buffer.alloc(0);
  #stopSlow: (() => void) | undefined;

  constructor(socket: Socket, deps: ConnectionDeps) {
    this.#socket = socket;
    this.#deps = deps;
    this.peer = socket.remoteAddress ?? "";
    this.lastRequestAt = deps.clock.monotonic();
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", (error) => deps.logger.debug({ code: errorCode(error) }, "video connection failed"));
    socket.on("close", () => {
      this.#stopSlow?.();
      deps.onClosed(this);
    });
  }

  /** Does it stay open and dead? */
  get forgotten(): boolean {
    return this.#forgotten;
  }

  /** Does nothing that is sent now reach the client? */
  get cut(): boolean {
    return (
      this.#forgotten || this.#deps.isSilent() || this.#deps.faults.isOn("video-slow-bytes") || this.#slow.length > 0
    );
  }

  get closed(): boolean {
    return this.#socket.destroyed;
  }

  /** From now on it neither hears nor says anything, and stays open. */
  forget(): void {
    this.#forgotten = true;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Closes it when all that was written has gone. */
  end(): void {
    this.#socket.end();
  }

  /** Sends what is no answer. */
  sendMedia(bytes: Buffer): void {
    if (!this.cut) this.#write(bytes);
  }

  #take(chunk: Buffer): void {
    if (this.#forgotten || this.#refused) return;
    this.#reader.push(chunk);
    if (this.#busy) return;
    this.#busy = true;
    // Nothing more is read meanwhile: what waits is bounded by what came with this chunk.
    this.#socket.pause();
    this.#answerAll().then(
      () => {
        this.#busy = false;
        this.#socket.resume();
      },
      (error: unknown) => {
        if (error instanceof MalformedMessage) this.#refuse(error);
        else {
          this.#deps.logger.error({ code: errorCode(error), error: errorMessage(error) }, "video request failed");
          this.destroy();
        }
      },
    );
  }

  async #answerAll(): Promise<void> {
    for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) {
      // Receiver reports ask for nothing.
      if (message.kind === "frame") continue;
      this.#deps.onRequest(message.request.method);
      if (this.#deps.isSilent()) continue;
      this.lastRequestAt = this.#deps.clock.monotonic();
      const answer = await this.#deps.answer(message.request, this);
      this.#answer(formatAnswer(answer, message.request.headers.get("cseq") ?? ""));
    }
  }

  #refuse(error: MalformedMessage): void {
    this.#deps.logger.debug({ error: error.message }, "video client spoke no RTSP");
    if (!this.#deps.isSilent()) this.#answer(formatAnswer({ status: 400 }, ""));
    this.#refused = true;
    this.end();
    this.#socket.resume();
  }

  #answer(text: string): void {
    const bytes = Buffer.from(text);
    const everyMs = this.#deps.faults.option("video-slow-bytes", "everyMs");
    if (everyMs === undefined && this.#slow.length === 0) {
      this.#write(bytes);
      return;
    }
    this.#slow = Buffer.concat([this.#slow, bytes]);
    if (this.#slow.length > this.#deps.maxBufferedBytes) this.#drop();
    this.#stopSlow ??= this.#deps.clock.every(everyMs ?? 1, () => this.#writeByte());
  }

  #writeByte(): void {
    // Once the fault is over the rest comes at once.
    const count = this.#deps.faults.isOn("video-slow-bytes") ? 1 : this.#slow.length;
    this.#write(this.#slow.subarray(0, count));
    this.#slow = this.#slow.subarray(count);
    if (this.#slow.length > 0) return;
    this.#stopSlow?.();
    this.#stopSlow = undefined;
  }

  /** While the cable is cut nothing leaves. */
  #write(bytes: Buffer): void {
    if (this.#forgotten || this.#deps.isSilent() || this.#socket.destroyed || this.#socket.writableEnded) return;
    if (this.#socket.writableLength > this.#deps.maxBufferedBytes) this.#drop();
    else this.#socket.write(bytes);
  }

  #drop(): void {
    this.#deps.logger.warn(
      { client: this.peer, waitingBytes: this.#socket.writableLength },
      "slow video client dropped",
    );
    this.destroy();
    this.#deps.onDropped();
  }
}
