import { Compile } from "typebox/compile";
import type { Clock } from "#core/clock.ts";
import { VideoReply, type VideoRequest } from "#core/contracts/video.ts";
import { decodeVideoFrame } from "#core/contracts/video-frame.ts";
import { errorMessage } from "#core/errors.ts";
import { type DeviceId, type GatewayId, gatewayOf } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { GatewayVideoLine, VideoQuality, VideoService, VideoSocket } from "../media-ports.ts";
import { relayed } from "./pictures.ts";
import { Pull } from "./pull.ts";
import { Viewer } from "./viewer.ts";

/** A pull goes on so long without anybody watching: who reloads a page finds it running. */
const LINGER_MS = 5000;
const TICK_MS = 1000;
/** Longest text of a gateway, and what is passed on of its words, characters. */
const MOST_TEXT = 64 * 1024;
const MOST_CODE = 64;
const MOST_MESSAGE = 300;
const CLOSE_PROTOCOL = 1008;
const CLOSE_NORMAL = 1000;

const REPLY = Compile(VideoReply);

/** How many may watch. */
export interface VideoLimits {
  readonly viewersOfCamera: number;
  readonly viewers: number;
}
const LIMITS: VideoLimits = { viewersOfCamera: 32, viewers: 256 };

export interface RelayDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: VideoLimits;
}

/** A gateway's connection with what runs over it. */
interface Line {
  readonly gateway: GatewayId;
  readonly socket: VideoSocket;
  readonly pulls: Map<number, Pull>;
}

/** Monotonic counters, and what is the case now. */
export interface VideoCounters {
  readonly gateways: number;
  readonly pulls: number;
  readonly viewers: number;
  readonly frames: number;
  readonly bytes: number;
  /** Pictures that viewers could not take. */
  readonly dropped: number;
  /** Pictures of a pull that had been stopped meanwhile. */
  readonly late: number;
  /** Messages of gateways that were none; each closed the connection. */
  readonly malformed: number;
  /** Viewers refused because too many watch. */
  readonly refused: number;
}

/**
 * Live video from gateways to pages: each gateway holds one connection open, each camera and quality is pulled once over it
 * for all who watch, and a new viewer is given the pictures since the last key frame at once.
 */
export class VideoRelay implements VideoService {
  readonly #deps: RelayDeps;
  readonly #limits: VideoLimits;
  readonly #lines = new Map<GatewayId, Line>();
  readonly #lingering = new Map<Pull, () => void>();
  #streams = 0;
  #viewers = 0;
  #cancelTick: (() => void) | undefined;
  #counts = { frames: 0, bytes: 0, dropped: 0, late: 0, malformed: 0, refused: 0 };

  constructor(deps: RelayDeps) {
    this.#deps = deps;
    this.#limits = deps.limits ?? LIMITS;
  }

  get counters(): VideoCounters {
    const pulls = [...this.#lines.values()].flatMap((line) => [...line.pulls.values()]);
    const dropped = pulls.reduce((sum, pull) => sum + pull.dropped, this.#counts.dropped);
    return { ...this.#counts, dropped, gateways: this.#lines.size, pulls: pulls.length, viewers: this.#viewers };
  }

  connect(gateway: GatewayId, socket: VideoSocket): GatewayVideoLine {
    const older = this.#lines.get(gateway);
    const line: Line = { gateway, socket, pulls: new Map() };
    this.#lines.set(gateway, line);
    if (older !== undefined) {
      this.#endAll(older, "VIDEO_LINK_LOST", "the gateway has connected anew");
      older.socket.close(CLOSE_NORMAL, "replaced by a newer connection");
    }
    this.#deps.logger.info({ gateway }, "video line open");
    return {
      text: (message) => this.#guarded(line, () => this.#reply(line, message)),
      binary: (message) => this.#guarded(line, () => this.#frame(line, message)),
      closed: () => this.#closed(line),
    };
  }

  watch(camera: string, quality: VideoQuality, socket: VideoSocket): () => void {
    const line = this.#lines.get(gatewayOf(camera as DeviceId));
    if (line === undefined) {
      new Viewer(socket).end("VIDEO_GATEWAY_OFFLINE", "the gateway of this camera holds no video line");
      return () => undefined;
    }
    const pulls = [...line.pulls.values()].filter((pull) => pull.camera === camera);
    const watching = pulls.reduce((sum, pull) => sum + pull.viewers, 0);
    if (this.#viewers >= this.#limits.viewers || watching >= this.#limits.viewersOfCamera) {
      this.#counts.refused++;
      new Viewer(socket).end("VIDEO_TOO_MANY_VIEWERS", "as many watch already as are allowed");
      return () => undefined;
    }
    const pull = pulls.find((one) => one.quality === quality) ?? this.#play(line, camera, quality);
    this.#lingering.get(pull)?.();
    this.#lingering.delete(pull);
    this.#viewers++;
    pull.join(socket, this.#deps.clock.monotonic());
    let watches = true;
    return () => {
      if (!watches) return;
      watches = false;
      this.#viewers--;
      pull.leave(socket);
      if (pull.viewers === 0 && line.pulls.get(pull.stream) === pull) this.#linger(line, pull);
    };
  }

  /** Ends everything: viewers are told. */
  close(): void {
    for (const line of this.#lines.values()) {
      this.#endAll(line, "VIDEO_CLOSED", "the service stops");
      line.socket.close(CLOSE_NORMAL, "the service stops");
    }
    this.#lines.clear();
    this.#cancelTick?.();
    this.#cancelTick = undefined;
  }

  #play(line: Line, camera: string, quality: VideoQuality): Pull {
    const { clock } = this.#deps;
    // a number of 32 bits that is not 0, and never that of a pull that still runs
    do this.#streams = (this.#streams % 0xffff_ffff) + 1;
    while (line.pulls.has(this.#streams));
    const pull = new Pull(this.#streams, camera, quality, clock.monotonic());
    line.pulls.set(pull.stream, pull);
    this.#ask(line, { t: "play", stream: pull.stream, camera, quality });
    this.#cancelTick ??= clock.every(TICK_MS, () => this.#tick());
    return pull;
  }

  #linger(line: Line, pull: Pull): void {
    this.#lingering.set(
      pull,
      this.#deps.clock.after(LINGER_MS, () => {
        this.#lingering.delete(pull);
        this.#ask(line, { t: "stop", stream: pull.stream });
        this.#end(line, pull, "VIDEO_STOPPED", "nobody watches");
      }),
    );
  }

  #ask({ socket }: Line, request: VideoRequest): void {
    socket.sendText(JSON.stringify(request));
  }

  #reply(line: Line, text: string): void {
    const reply: unknown = text.length > MOST_TEXT ? undefined : JSON.parse(text);
    if (!REPLY.Check(reply)) throw new TypeError("a text that is no reply");
    const pull = line.pulls.get(reply.stream);
    if (pull === undefined) {
      this.#counts.late++;
      return;
    }
    if (reply.t === "format") pull.take(reply.format, this.#deps.clock.monotonic());
    else this.#end(line, pull, reply.code.slice(0, MOST_CODE), reply.message.slice(0, MOST_MESSAGE));
  }

  #frame(line: Line, message: Uint8Array): void {
    const frame = decodeVideoFrame(message);
    const pull = line.pulls.get(frame.stream);
    if (pull === undefined) {
      this.#counts.late++;
      return;
    }
    const { format } = pull;
    if (format === undefined) throw new TypeError("a picture before the format");
    if ((format.mode === "snapshots") !== (frame.kind === "jpeg")) throw new TypeError("a picture of another kind");
    this.#counts.frames++;
    this.#counts.bytes += message.length;
    pull.frame(relayed(message, frame), this.#deps.clock.monotonic());
  }

  /** A gateway that speaks wrongly is closed: what it sends next cannot be told apart from garbage. */
  #guarded(line: Line, work: () => void): void {
    if (this.#lines.get(line.gateway) !== line) return;
    try {
      work();
    } catch (error) {
      this.#counts.malformed++;
      this.#deps.logger.warn({ gateway: line.gateway, cause: errorMessage(error) }, "malformed video message");
      line.socket.close(CLOSE_PROTOCOL, "malformed message");
      this.#closed(line);
    }
  }

  #closed(line: Line): void {
    if (this.#lines.get(line.gateway) !== line) return;
    this.#lines.delete(line.gateway);
    this.#deps.logger.info({ gateway: line.gateway }, "video line closed");
    this.#endAll(line, "VIDEO_LINK_LOST", "the video line of the gateway is lost");
  }

  #endAll(line: Line, code: string, message: string): void {
    for (const pull of line.pulls.values()) this.#end(line, pull, code, message);
  }

  #end(line: Line, pull: Pull, code: string, message: string): void {
    line.pulls.delete(pull.stream);
    this.#lingering.get(pull)?.();
    this.#lingering.delete(pull);
    this.#counts.dropped += pull.dropped;
    pull.end(code, message);
  }

  #tick(): void {
    const now = this.#deps.clock.monotonic();
    let running = 0;
    for (const line of this.#lines.values())
      for (const pull of line.pulls.values()) {
        const over = pull.tick(now);
        if (over === undefined) {
          running++;
          continue;
        }
        this.#ask(line, { t: "stop", stream: pull.stream });
        this.#end(line, pull, over.code, over.message);
      }
    if (running > 0) return;
    this.#cancelTick?.();
    this.#cancelTick = undefined;
  }
}
