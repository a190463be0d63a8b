import { WebSocket } from "ws";
import type { Clock } from "#core/clock.ts";
import type { VideoReply } from "#core/contracts/video.ts";
import { encodeVideoFrame } from "#core/contracts/video-frame.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import { Backoff } from "../backoff.ts";
import type { CameraStreams } from "./camera-streams.ts";
import type { Count, VideoFailure } from "./picture.ts";
import { type UplinkPressure, UplinkStream, type UplinkWire } from "./uplink-stream.ts";
import { readVideoRequest } from "./video-request.ts";

/** Times of the link, ms. */
export interface UplinkTimes {
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  readonly handshakeMs: number;
  /** A ping so often; the link is dead when neither its answer has come by the next one nor anything else went out. */
  readonly pingMs: number;
}

export const UPLINK_TIMES: UplinkTimes = {
  firstRetryMs: 500,
  longestRetryMs: 10_000,
  handshakeMs: 5_000,
  pingMs: 10_000,
};

/** One second of four good streams may wait. */
export const UPLINK_PRESSURE: UplinkPressure = { stopAt: 2 * 1024 * 1024, goOnAt: 256 * 1024 };
/** A request is a line of text, bytes. */
const MAX_REQUEST_BYTES = 4_096;
/** Pulls of the cloud at once. */
const MAX_STREAMS = 64;
/** A link that held so long was a good one, ms. */
const STEADY_MS = 15_000;

export interface VideoUplinkOptions {
  /** HTTP address of the cloud, asked for at each attempt. */
  readonly cloud: () => Promise<string>;
  readonly gateway: string;
  /** Value of the Authorization header. */
  readonly authorization: string;
  readonly streams: CameraStreams;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly count: Count;
  readonly times?: Partial<UplinkTimes>;
  readonly pressure?: UplinkPressure;
}

interface Pull {
  readonly leave: () => void;
}

/** The WebSocket that the gateway opens to the cloud for live video: the cloud asks for streams, pictures go up as far as they can. */
export class VideoUplink {
  readonly #options: VideoUplinkOptions;
  readonly #times: UplinkTimes;
  readonly #backoff: Backoff;
  readonly #pulls = new Map<number, Pull>();
  #socket: WebSocket | undefined;
  #cancelRetry: (() => void) | undefined;
  #cancelPing: (() => void) | undefined;
  #openedAt: number | undefined;
  #cause: string | undefined;
  #stopped = true;
  /** Something came or went since the last ping. */
  #alive = true;

  constructor(options: VideoUplinkOptions) {
    this.#options = options;
    this.#times = { ...UPLINK_TIMES, ...options.times };
    const { firstRetryMs: firstMs, longestRetryMs: longestMs } = this.#times;
    this.#backoff = new Backoff({ firstMs, longestMs, random: options.random });
  }

  /** Is the cloud reached? */
  get up(): boolean {
    return this.#openedAt !== undefined;
  }
  /** Streams that the cloud pulls. */
  get pulls(): number {
    return this.#pulls.size;
  }

  /** Begins to connect, and keeps at it. */
  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#connect();
  }

  #connect(): void {
    this.#open().catch((error: unknown) => this.#lost(errorMessage(error)));
  }

  async #open(): Promise<void> {
    const { cloud, gateway, authorization } = this.#options;
    const url = new URL(`/api/v1/gateways/${encodeURIComponent(gateway)}/video`, await cloud());
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (this.#stopped) return;
    const socket = new WebSocket(url, {
      headers: { authorization },
      handshakeTimeout: this.#times.handshakeMs,
      // the credential goes to this address only, and pictures are compressed already
      followRedirects: false,
      perMessageDeflate: false,
      maxPayload: MAX_REQUEST_BYTES,
    });
    this.#socket = socket;
    let cause = "closed by the cloud";
    socket.on("open", () => this.#opened(socket));
    socket.on("message", (data: Buffer, binary: boolean) => this.#asked(socket, binary ? "" : data.toString("utf8")));
    socket.on("error", (error) => {
      cause = `${errorCode(error)} ${error.message}`;
    });
    socket.on("close", () => {
      if (this.#socket === socket) this.#lost(cause);
    });
  }

  #opened(socket: WebSocket): void {
    const { clock, logger, count } = this.#options;
    this.#openedAt = clock.monotonic();
    count("connects");
    if (this.#cause !== undefined) logger.info({}, "video reaches the cloud again");
    this.#cause = undefined;
    this.#alive = true;
    socket.on("pong", () => {
      this.#alive = true;
    });
    this.#cancelPing = clock.every(this.#times.pingMs, () => {
      if (!this.#alive) socket.terminate();
      else {
        this.#alive = false;
        socket.ping();
      }
    });
  }

  #lost(cause: string): void {
    const { clock, logger, count } = this.#options;
    this.#cancelPing?.();
    this.#leaveAll();
    if (this.#openedAt !== undefined && clock.monotonic() - this.#openedAt >= STEADY_MS) this.#backoff.reset();
    this.#openedAt = undefined;
    this.#socket = undefined;
    if (this.#stopped) return;
    count("linkLosses");
    if (this.#cause !== cause) logger.warn({ cause }, "live video does not reach the cloud");
    this.#cause = cause;
    this.#cancelRetry = clock.after(this.#backoff.next(), () => this.#connect());
  }

  #asked(socket: WebSocket, text: string): void {
    const request = readVideoRequest(text);
    if (request === undefined) {
      // a newer cloud may ask for more than this gateway knows
      this.#options.count("unknownRequests");
      return;
    }
    this.#leave(request.stream);
    if (request.t === "stop") return;
    const { stream, camera, quality } = request;
    const source = this.#options.streams.get(camera, quality);
    const refused = (code: string, message: string): void => this.#say(socket, { t: "ended", stream, code, message });
    if (source === undefined) refused("VIDEO_CAMERA_UNKNOWN", `no camera ${camera} on this gateway`);
    else if (this.#pulls.size >= MAX_STREAMS) refused("VIDEO_BUSY", `${MAX_STREAMS} streams are pulled already`);
    else {
      const { clock, count, pressure = UPLINK_PRESSURE } = this.#options;
      const consumer = new UplinkStream(this.#wire(socket, stream), clock, count, pressure);
      // it may end while it is added
      const pull = { leave: (): void => {} };
      this.#pulls.set(stream, { leave: () => pull.leave() });
      const leave = source.add(consumer, { replay: true });
      if (this.#pulls.has(stream)) pull.leave = leave;
      else leave();
    }
  }

  #wire(socket: WebSocket, stream: number): UplinkWire {
    const { clock } = this.#options;
    return {
      get waiting() {
        return socket.bufferedAmount;
      },
      format: (format) => this.#say(socket, { t: "format", stream, format }),
      picture: ({ key, kind, at, data }, gap) => {
        const capturedAt = clock.now() - (clock.monotonic() - at);
        this.#send(socket, encodeVideoFrame({ stream, key, gap, kind, capturedAt, payload: data }));
      },
      ended: ({ code, message }: VideoFailure) => {
        this.#leave(stream);
        this.#say(socket, { t: "ended", stream, code, message });
      },
    };
  }

  #say(socket: WebSocket, reply: VideoReply): void {
    this.#send(socket, JSON.stringify(reply));
  }

  #send(socket: WebSocket, data: string | Uint8Array): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(data, (error) => {
      // on a slow way a ping waits behind pictures; a failed sending shows as the link's end
      if (!error) this.#alive = true;
    });
  }

  #leave(stream: number): void {
    const pull = this.#pulls.get(stream);
    this.#pulls.delete(stream);
    pull?.leave();
  }

  #leaveAll(): void {
    for (const stream of [...this.#pulls.keys()]) this.#leave(stream);
  }

  /** Closes the link. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRetry?.();
    this.#cancelPing?.();
    this.#leaveAll();
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const cancel = this.#options.clock.after(500, () => socket.terminate());
    socket.close(1001);
    await closed;
    cancel();
  }
}
