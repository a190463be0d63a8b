import type { Clock } from "#core/clock.ts";
import { CLOSE_SESSION_ENDED } from "#core/contracts/live.ts";
import type { LiveVideoMessage, VideoFormat } from "#core/contracts/video.ts";
import { decodeVideoFrame } from "#core/contracts/video-frame.ts";
import { Cell } from "../live/cell.ts";
import { JpegLine } from "./jpeg-line.ts";
import { type OpenDecoder, type Picture, PictureDecoder } from "./picture-decoder.ts";
import { SnapshotPoll } from "./snapshot-poll.ts";

/** One connection as the player needs it. */
export interface VideoSocket {
  close(): void;
}
export interface VideoSocketEvents {
  text(message: string): void;
  binary(message: Uint8Array): void;
  /** Called once, also when it could not be opened. */
  closed(code: number): void;
}

/** Where pictures are shown. */
export interface VideoScreen<P extends Picture> {
  /** The picture belongs to the screen from now on, which closes it. */
  show(picture: P): void;
}

export interface LiveVideoOptions<P extends Picture> {
  readonly clock: Clock;
  /** 0 to 1; spreads the reconnects of many consoles over time. */
  readonly random: () => number;
  readonly screen: VideoScreen<P>;
  readonly openSocket: (events: VideoSocketEvents) => VideoSocket;
  /** undefined where the browser has no WebCodecs: it has them only over https and on this machine itself. */
  readonly openDecoder: OpenDecoder<P> | undefined;
  readonly decodeJpeg: (jpeg: Uint8Array) => Promise<P>;
  /** Fetches a snapshot by HTTP. @throws ApiError */
  readonly fetchSnapshot: (signal: AbortSignal) => Promise<P>;
  readonly onSessionEnded: () => void;
}

/**
 * `connecting`: no picture yet. `playing`: pictures come. `stalled`: they came, and come no more. `waiting`: cut off, tried again by
 * itself. `refused`: not to be had. `paused`: not wanted now.
 */
export type VideoPhase = "connecting" | "playing" | "stalled" | "waiting" | "refused" | "paused";
export interface VideoState {
  readonly phase: VideoPhase;
  /** How the pictures come; `polled` are snapshots that the page fetches itself. undefined: not known yet. */
  readonly mode: VideoFormat["mode"] | "polled" | undefined;
  /** Why it is not the camera's own video: words of the gateway. */
  readonly reason: string | undefined;
  /** Why it was cut off or refused. */
  readonly code: string | undefined;
  /** From the gateway's clock at the picture to this machine's clock when it was shown, ms; undefined: not known. */
  readonly latencyMs: number | undefined;
  /** Since the last picture, ms; undefined before the first. */
  readonly silentMs: number | undefined;
  /** Pictures shown and left out. */
  readonly shown: number;
  readonly dropped: number;
}

const TICK_MS = 1000;
/** No picture for so long is told. Snapshots come seldom. */
const STALLED_MS = { video: 3000, snapshots: 6000 } as const;
/** No picture for so long: the connection is given up. The relay ends a pull that gives none within 20 s by itself. */
const GIVE_UP_MS = { first: 25_000, next: 12_000 } as const;
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000] as const;
/** A decoder that failed so often decodes nothing of this camera: snapshots instead, and a new attempt only now and then. */
const MOST_DECODER_FAILURES = 3;
const DECODER_RETRY_MS = 60_000;
const CLOSE_FORBIDDEN = 4403;
const CLOSE_NOT_FOUND = 4404;
/** Ends after which a snapshot could not be had either. */
const NO_SNAPSHOT: ReadonlySet<string> = new Set([
  "VIDEO_CUT_OFF",
  "VIDEO_CLOSED",
  "VIDEO_FRAME_MALFORMED",
  "VIDEO_GATEWAY_OFFLINE",
  "VIDEO_LINK_LOST",
]);

/** Before anything is known. */
export const IDLE: VideoState = {
  phase: "connecting",
  mode: undefined,
  reason: undefined,
  code: undefined,
  latencyMs: undefined,
  silentMs: undefined,
  shown: 0,
  dropped: 0,
};

function isMessage(value: unknown): value is LiveVideoMessage {
  if (typeof value !== "object" || value === null || !("t" in value)) return false;
  if (value.t === "ended") return "code" in value && typeof value.code === "string";
  return value.t === "format" && "format" in value && typeof value.format === "object" && value.format !== null;
}

/** Why a connection was closed for good. */
function refusal(code: number): string | undefined {
  if (code === CLOSE_SESSION_ENDED) return "UNAUTHENTICATED";
  if (code === CLOSE_FORBIDDEN) return "FORBIDDEN";
  return code === CLOSE_NOT_FOUND ? "NOT_FOUND" : undefined;
}

/** Live pictures of one camera in one quality. Knows no browser, so that it can be tested alone. */
export class LiveVideo<P extends Picture> {
  readonly state = new Cell<VideoState>(IDLE);
  readonly #options: LiveVideoOptions<P>;
  readonly #decoder: PictureDecoder<P> | undefined;
  readonly #jpegs: JpegLine<P>;
  readonly #poll: SnapshotPoll<P>;
  #socket: VideoSocket | undefined;
  #format: VideoFormat | undefined;
  #attempts = 0;
  #decoderFailures = 0;
  #connectedAt = 0;
  /** When the present connection, or the present run of snapshots, gave its last picture. */
  #videoAt: number | undefined;
  #polledAt: number | undefined;
  /** When the last picture was shown, a fetched one too. */
  #shownAt: number | undefined;
  #latencyMs: number | undefined;
  #shown = 0;
  #cancelTick: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(options: LiveVideoOptions<P>) {
    this.#options = options;
    const { clock, openDecoder } = options;
    if (openDecoder !== undefined)
      this.#decoder = new PictureDecoder<P>({
        clock,
        open: openDecoder,
        onPicture: (picture, capturedAt) => this.#show(picture, capturedAt),
        onFailure: () => this.#decoderFailed(),
      });
    this.#jpegs = new JpegLine<P>({
      decode: options.decodeJpeg,
      onPicture: (picture, capturedAt) => this.#show(picture, capturedAt),
      onFailure: () => this.#lost("VIDEO_DECODER_FAILED"),
    });
    this.#poll = new SnapshotPoll<P>({
      clock,
      fetch: options.fetchSnapshot,
      onPicture: (picture) => this.#show(picture, undefined),
      // Why there is no video is told before why there is no snapshot either.
      onFailure: (code) => {
        if (this.#decoder === undefined) this.#set({ code });
      },
    });
  }

  /** Plays from now on, until `pause` or for good `close`. */
  play(): void {
    if (this.#cancelTick !== undefined) return;
    this.#attempts = 0;
    this.#shownAt = undefined;
    this.#cancelTick = this.#options.clock.every(TICK_MS, () => this.#tick());
    this.#set({ phase: "connecting", code: undefined, latencyMs: undefined, silentMs: undefined });
    this.#connect();
  }

  /** Holds everything on: the page is not seen. The last picture stays. */
  pause(): void {
    this.#stop();
    this.#set({ phase: "paused", latencyMs: undefined });
  }

  /** Ends it, with all that it holds. */
  close(): void {
    this.#stop();
  }

  #stop(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#poll.stop();
    this.#drop();
  }

  #connect(): void {
    this.#cancelRetry = undefined;
    this.#connectedAt = this.#options.clock.monotonic();
    this.#videoAt = undefined;
    if (this.#decoder === undefined) {
      this.#set({ mode: "polled", reason: undefined, code: "VIDEO_NO_WEBCODECS" });
      this.#poll.start();
      return;
    }
    const mine = (): boolean => this.#socket === socket;
    const socket: VideoSocket = this.#options.openSocket({
      text: (message) => {
        if (mine()) this.#told(message);
      },
      binary: (message) => {
        if (mine()) this.#take(message);
      },
      closed: (code) => {
        if (mine()) this.#closed(code);
      },
    });
    this.#socket = socket;
  }

  #told(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      message = undefined;
    }
    if (!isMessage(message)) this.#lost("VIDEO_FRAME_MALFORMED");
    else if (message.t === "ended") this.#lost(message.code);
    else this.#begin(message.format);
  }

  #begin(format: VideoFormat): void {
    this.#format = format;
    this.#jpegs.close();
    if (format.mode === "snapshots") this.#decoder?.close();
    else this.#decoder?.configure(format);
  }

  #take(message: Uint8Array): void {
    try {
      const frame = decodeVideoFrame(message);
      if (frame.kind === "jpeg") this.#jpegs.take(frame.payload, frame.capturedAt);
      else this.#decoder?.take(frame);
    } catch {
      this.#lost("VIDEO_FRAME_MALFORMED");
    }
  }

  /** A picture has come; `capturedAt` is undefined for one that was fetched. */
  #show(picture: P, capturedAt: number | undefined): void {
    const { clock, screen } = this.#options;
    const first = this.state.get().phase !== "playing";
    this.#shownAt = clock.monotonic();
    this.#shown++;
    this.#latencyMs = capturedAt === undefined ? undefined : clock.now() - capturedAt;
    screen.show(picture);
    if (capturedAt !== undefined) {
      this.#videoAt = this.#shownAt;
      this.#attempts = 0;
      this.#decoderFailures = 0;
      this.#poll.stop();
    } else this.#polledAt = this.#shownAt;
    if (first) this.#tell();
  }

  #closed(code: number): void {
    const why = refusal(code);
    if (why === undefined) {
      this.#lost("VIDEO_CUT_OFF");
      return;
    }
    this.#stop();
    this.#set({ phase: "refused", code: why });
    if (code === CLOSE_SESSION_ENDED) this.#options.onSessionEnded();
  }

  #decoderFailed(): void {
    this.#decoderFailures++;
    this.#lost("VIDEO_DECODER_FAILED");
  }

  /** The video is over; it is tried again, and meanwhile there are snapshots where they can be had. */
  #lost(code: string): void {
    if (this.#cancelTick === undefined) return;
    this.#drop();
    const hopeless = this.#decoderFailures >= MOST_DECODER_FAILURES;
    const delay = hopeless ? DECODER_RETRY_MS : (RETRY_MS[Math.min(this.#attempts, RETRY_MS.length - 1)] ?? TICK_MS);
    this.#attempts++;
    const { clock, random } = this.#options;
    this.#cancelRetry?.();
    this.#cancelRetry = clock.after(delay * (0.8 + 0.4 * random()), () => this.#connect());
    const polls = this.#poll.running && this.state.get().phase === "playing";
    if (!this.#poll.running) this.#polledAt = undefined;
    if (!NO_SNAPSHOT.has(code)) this.#poll.start();
    this.#set({ ...(polls ? {} : { phase: "waiting" }), code, latencyMs: undefined });
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#format = undefined;
    this.#videoAt = undefined;
    this.#latencyMs = undefined;
    this.#decoder?.close();
    this.#jpegs.close();
    socket?.close();
  }

  #tick(): void {
    const now = this.#options.clock.monotonic();
    const limit = this.#videoAt === undefined ? GIVE_UP_MS.first : GIVE_UP_MS.next;
    if (this.#socket !== undefined && now - (this.#videoAt ?? this.#connectedAt) >= limit) {
      this.#lost("VIDEO_SILENT");
      return;
    }
    this.#tell();
  }

  /** Tells how it goes: at the first picture, and then once a second. */
  #tell(): void {
    const now = this.#options.clock.monotonic();
    const { reason, mode = "h264" } = this.#format ?? {};
    const polled = this.#videoAt === undefined;
    const at = this.#videoAt ?? (this.#poll.running ? this.#polledAt : undefined);
    this.#set({
      silentMs: this.#shownAt === undefined ? undefined : now - this.#shownAt,
      shown: this.#shown,
      dropped: (this.#decoder?.dropped ?? 0) + this.#jpegs.dropped,
      latencyMs: this.#latencyMs,
    });
    // Cut off, or not there yet: told when it happened.
    if (at === undefined) return;
    const patience = polled || mode === "snapshots" ? STALLED_MS.snapshots : STALLED_MS.video;
    const phase = now - at >= patience ? "stalled" : "playing";
    if (polled) this.#set({ phase, mode: "polled", reason: undefined });
    else this.#set({ phase, mode, reason, code: undefined });
  }

  #set(change: Partial<VideoState>): void {
    this.state.set({ ...this.state.get(), ...change });
  }
}
