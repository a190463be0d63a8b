import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type Clock, systemClock } from "#core/clock.ts";
import { CommunicationError, errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { FieldServer } from "../device.ts";
import type { SimulatedCamera } from "../devices/camera.ts";
import { CameraFeed, type Quality } from "../video/camera-feed.ts";
import { RtspConnection } from "./rtsp/connection.ts";
import { DigestGuard, type DigestStyle, type VideoCredentials } from "./rtsp/digest.ts";
import { VideoFaults } from "./rtsp/faults.ts";
import { METHODS, RtspMethods } from "./rtsp/methods.ts";
import type { VideoSession } from "./rtsp/session.ts";

export type { Quality } from "../video/camera-feed.ts";

/** How a camera's video is put on the wire. */
export interface VideoServerOptions extends VideoCredentials {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** The camera's clock, which is shown in the picture, runs ahead of ours by so much, ms; 0 when absent. */
  readonly clockOffsetMs?: number;
  /** A session that is asked for nothing so long ends, s; 60 when absent. */
  readonly sessionTimeoutSeconds?: number;
  /** How long a nonce of the digest holds, ms; 300,000 when absent. */
  readonly nonceLifeMs?: number;
  /** `current` when absent. */
  readonly digest?: DigestStyle;
  /** A client that leaves more than this unread is dropped, bytes; 4 MiB when absent. */
  readonly maxBufferedBytes?: number;
  readonly clock?: Clock;
}

/** A camera's video on the wire, and what can be done to it. */
export interface VideoServer extends FieldServer {
  readonly faults: VideoFaults;
  /** `rtsp://host:port/<camera>/<quality>` */
  url(quality: Quality): string;
  /** Sessions alive. */
  readonly sessions: number;
  /** Is anybody being sent pictures? None is made while nobody is. */
  readonly watched: boolean;
  /** Clients dropped since the start because they read too slowly. */
  readonly dropped: number;
  /** Requests answered or swallowed since the start, by method; `unknown` for those that no camera knows. */
  readonly requests: ReadonlyMap<string, number>;
  /** Sets how far the camera's clock runs ahead of ours, ms. */
  setClockOffset(offsetMs: number): void;
}

const DEFAULT_SESSION_TIMEOUT_SECONDS = 60;
const DEFAULT_NONCE_LIFE_MS = 300_000;
const DEFAULT_BUFFERED_BYTES = 4_194_304;
/** As many as a camera of the field serves, and some. */
const MAX_CONNECTIONS = 32;
const MAX_SESSIONS = 32;
/** A connection without session that asks for nothing so long is closed, ms. */
const IDLE_MS = 60_000;
const SWEEP_MS = 500;

class CameraVideoServer implements VideoServer {
  readonly faults: VideoFaults;
  readonly #camera: SimulatedCamera;
  readonly #options: VideoServerOptions;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #host: string;
  readonly #feed: CameraFeed;
  readonly #guard: DigestGuard;
  readonly #methods: RtspMethods;
  readonly #connections = new Set<RtspConnection>();
  readonly #requests = new Map<string, number>();
  #clockOffsetMs: number;
  #server: Server | undefined;
  #port = 0;
  #stopSweep: () => void = () => {};
  #silent = false;
  #closed = false;
  #dropped = 0;

  constructor(camera: SimulatedCamera, options: VideoServerOptions, logger: Logger) {
    this.#camera = camera;
    this.#options = options;
    this.#logger = logger.child({ camera: camera.id, protocol: "rtsp" });
    this.#clock = options.clock ?? systemClock;
    this.#host = options.host ?? "127.0.0.1";
    this.#clockOffsetMs = options.clockOffsetMs ?? 0;
    const faults = new VideoFaults((kind) => {
      if (kind === "video-half-open") this.#forgetConnections();
    });
    this.faults = faults;
    this.#guard = new DigestGuard(
      options,
      this.#clock,
      options.nonceLifeMs ?? DEFAULT_NONCE_LIFE_MS,
      options.digest ?? "current",
    );
    this.#feed = new CameraFeed(camera, {
      clock: this.#clock,
      clockOffsetMs: () => this.#clockOffsetMs,
      conditions: {
        get small() {
          return faults.isOn("video-resolution-change");
        },
        get noKeys() {
          return faults.isOn("video-no-key-frames");
        },
      },
    });
    this.#methods = new RtspMethods({
      camera,
      feed: this.#feed,
      guard: this.#guard,
      faults,
      clock: this.#clock,
      logger: this.#logger,
      host: this.#host,
      sessionTimeoutSeconds: options.sessionTimeoutSeconds ?? DEFAULT_SESSION_TIMEOUT_SECONDS,
      maxSessions: MAX_SESSIONS,
    });
  }

  get address(): { readonly host: string; readonly port: number } {
    return { host: this.#host, port: this.#port };
  }
  get sessions(): number {
    return this.#methods.sessions.size;
  }
  get watched(): boolean {
    return this.#feed.watched;
  }
  get dropped(): number {
    return this.#dropped;
  }
  get requests(): ReadonlyMap<string, number> {
    return this.#requests;
  }

  url(quality: Quality): string {
    return `rtsp://${this.#host}:${this.#port}/${this.#camera.id}/${quality}`;
  }

  setClockOffset(offsetMs: number): void {
    this.#clockOffsetMs = offsetMs;
  }

  async open(): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    server.maxConnections = MAX_CONNECTIONS;
    const port = this.#port || (this.#options.port ?? 0);
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) =>
        reject(
          new CommunicationError(
            "SIM_VIDEO_LISTEN_FAILED",
            `video of ${this.#camera.id} on ${this.#host}:${port}: ${errorMessage(cause)}`,
            { cause },
          ),
        ),
      );
      server.listen(port, this.#host, resolve);
    });
    server.removeAllListeners("error");
    server.on("error", (error) => this.#logger.warn({ error: error.message }, "video server error"));
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.#stopSweep = this.#clock.every(SWEEP_MS, () => this.#sweep());
  }

  silence(): void {
    this.#silent = true;
  }

  restore(): void {
    this.#silent = false;
  }

  async reboot(downMs: number): Promise<void> {
    await this.#shut();
    this.#guard.forget();
    await new Promise<void>((resolve) => this.#clock.after(downMs, resolve));
    // Closed meanwhile, or already up after an overlapping reboot.
    if (this.#closed || this.#server !== undefined) return;
    await this.open();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#shut();
  }

  async #shut(): Promise<void> {
    this.#stopSweep();
    const server = this.#server;
    this.#server = undefined;
    for (const session of [...this.#methods.sessions.values()]) this.#methods.end(session, false);
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const connection of this.#connections) connection.destroy();
    });
  }

  #accept(socket: Socket): void {
    const connection = new RtspConnection(socket, {
      clock: this.#clock,
      faults: this.faults,
      logger: this.#logger,
      maxBufferedBytes: this.#options.maxBufferedBytes ?? DEFAULT_BUFFERED_BYTES,
      isSilent: () => this.#silent,
      onRequest: (method) => this.#count(method),
      answer: (request, from) => this.#methods.answer(request, from),
      onDropped: () => {
        this.#dropped++;
      },
      onClosed: (closed) => this.#left(closed),
    });
    this.#connections.add(connection);
  }

  #count(name: string): void {
    // Whatever a client calls a method must not grow the map.
    const method = METHODS.find((known) => known === name) ?? "unknown";
    this.#requests.set(method, (this.#requests.get(method) ?? 0) + 1);
  }

  #left(connection: RtspConnection): void {
    this.#connections.delete(connection);
    for (const session of this.#sessionsOf(connection)) this.#methods.end(session, false);
  }

  #sessionsOf(connection: RtspConnection): readonly VideoSession[] {
    return [...this.#methods.sessions.values()].filter(({ owner }) => owner === connection);
  }

  #forgetConnections(): void {
    for (const connection of this.#connections) {
      connection.forget();
      for (const session of this.#sessionsOf(connection)) this.#methods.end(session, false);
    }
  }

  /** Ends sessions that nobody asks for any more, with the connection that set them up, and idle connections. */
  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const session of [...this.#methods.sessions.values()]) {
      if (this.#isOver(session, now)) this.#expire(session);
    }
    for (const connection of this.#connections) {
      if (
        now - connection.lastRequestAt > IDLE_MS &&
        !connection.forgotten &&
        this.#sessionsOf(connection).length === 0
      ) {
        connection.destroy();
      }
    }
  }

  /** [RFC 2326 12.37] the time-out counts from one RTSP request to the next; receiver reports are none. */
  #isOver(session: VideoSession, now: number): boolean {
    const cutAfterMs = this.faults.option("video-session-cut", "afterMs");
    if (cutAfterMs !== undefined && now - session.startedAt > cutAfterMs) return true;
    const timeoutMs = (this.#options.sessionTimeoutSeconds ?? DEFAULT_SESSION_TIMEOUT_SECONDS) * 1000;
    return !this.faults.isOn("video-session-kept") && now - session.lastRequestAt > timeoutMs;
  }

  #expire(session: VideoSession): void {
    this.#logger.debug({ session: session.id }, "video session ended by time");
    this.#methods.end(session, true);
    for (const connection of this.#connections) {
      if (connection === session.owner && this.#sessionsOf(connection).length === 0) connection.end();
    }
  }
}

/**
 * Puts the live picture of a camera on the wire: RTSP 1.0 with H.264, `/<camera>/main` of 640x360 and `/<camera>/sub` of 320x180
 * pixels, on a port of its own. @throws SIM_VIDEO_LISTEN_FAILED
 * @see RFC 2326, RFC 3550, RFC 6184
 */
export async function serveVideo(
  camera: SimulatedCamera,
  options: VideoServerOptions,
  logger: Logger,
): Promise<VideoServer> {
  const server = new CameraVideoServer(camera, options, logger);
  await server.open();
  return server;
}
