import type { Clock } from "#core/clock.ts";
import type { VideoFormat } from "#core/contracts/video.ts";
import { errorCode, errorMessage } from "#core/errors.ts";
import type { ActionResult } from "#protocols/driver.ts";
import type { H264Format } from "./h264-payload.ts";
import type { Count, Picture, VideoFailure } from "./picture.ts";
import type { RtspTarget, RtspTimes } from "./rtsp-session.ts";
import { RtspSource, type SourceTimes } from "./rtsp-source.ts";
import { BorrowedSource, type Lender, type SharedPulls } from "./shared-pulls.ts";
import { type AskCamera, Snapshots } from "./snapshots.ts";
import { Transcoder } from "./transcoder.ts";

/** Quality of a stream, as cameras offer it. */
export type Quality = VideoFormat["quality"];

/** What every stream of the gateway is made with. */
export interface SourceSettings {
  readonly clock: Clock;
  /** Path of ffmpeg; undefined: nothing is transcoded. */
  readonly transcoder: string | undefined;
  readonly times?: Partial<SourceTimes>;
  readonly rtspTimes?: RtspTimes;
}

export interface StreamSourceOptions extends SourceSettings {
  readonly quality: Quality;
  readonly ask: AskCamera;
  /** What else of this camera is pulled. */
  readonly shared: SharedPulls;
  /** May it come to pictures of which no clip can be made? Asked when it would. */
  readonly snapshotsWanted: () => boolean;
  readonly count: Count;
  readonly onFormat: (format: VideoFormat) => void;
  readonly onPicture: (picture: Picture) => void;
  /** It is over, once; not after `stop`. */
  readonly onEnd: (failure: VideoFailure) => void;
}

/** What can be stopped. */
interface Running {
  stop(): Promise<void> | void;
}

/** Refusals by which a driver says that the camera has no such thing; any other may pass, as that it is offline. */
const LACKS = /_NO_[A-Z]+$|^ACTION_UNKNOWN$/;
const UNSUPPORTED = "RTSP_CODEC_UNSUPPORTED";

type Address =
  | { readonly kind: "address"; readonly target: RtspTarget; readonly codec: string | undefined }
  | { readonly kind: "none"; readonly reason: string }
  | { readonly kind: "failed"; readonly failure: VideoFailure };

function readAddress(result: ActionResult): Address {
  if (result.status !== "done") {
    const { status, code, message } = result;
    return status === "rejected" && LACKS.test(code)
      ? { kind: "none", reason: code }
      : { kind: "failed", failure: { code, message, retriable: true } };
  }
  const { uri, username, password, codec } = result.data ?? {};
  if (typeof uri !== "string") return { kind: "none", reason: "no stream address" };
  const named = typeof username === "string" && username !== "" && typeof password === "string";
  return {
    kind: "address",
    target: { uri, ...(named ? { credential: { username, password } } : {}) },
    codec: typeof codec === "string" && codec !== "" ? codec.toUpperCase().replace(/[^A-Z0-9]/g, "") : undefined,
  };
}

/**
 * One attempt at the pictures of one camera, by the best way that it offers: H.264 in the wanted quality, H.264 in the other one,
 * H.265 transcoded, snapshots. What is not the first says why. A camera that cannot be reached is no reason for a worse way.
 */
export class StreamSource {
  readonly #options: StreamSourceOptions;
  #running: Running | undefined;
  #stopped = false;
  #reasons: string[] = [];
  #h265: RtspTarget | undefined;
  #release = (): void => {};

  constructor(options: StreamSourceOptions) {
    this.#options = options;
  }

  /** Begins. */
  start(): void {
    const { onEnd } = this.#options;
    this.#open().catch((error: unknown) => {
      if (!this.#stopped) onEnd({ code: errorCode(error), message: errorMessage(error), retriable: false });
    });
  }

  /** Ends; nothing is told afterwards. */
  async stop(): Promise<void> {
    this.#stopped = true;
    try {
      await this.#running?.stop();
    } finally {
      // not before: a camera of one session refuses whoever would pull it while this one ends
      this.#release();
    }
  }

  async #open(): Promise<void> {
    const { quality, transcoder } = this.#options;
    const other = quality === "main" ? "sub" : "main";
    for (const way of [quality, other] as const) {
      const outcome = await this.#h264(way);
      if (outcome !== "next") return;
    }
    if (this.#h265 !== undefined && transcoder !== undefined) this.#transcode(this.#h265, transcoder);
    else this.#snapshots();
  }

  async #h264(quality: Quality): Promise<"taken" | "next"> {
    const address = readAddress(await this.#options.ask("streamUri", { quality }));
    if (this.#stopped) return "taken";
    if (address.kind === "failed") {
      this.#options.onEnd(address.failure);
      return "taken";
    }
    if (address.kind === "none") {
      this.#reasons.push(`${quality} stream: ${address.reason}`);
      return "next";
    }
    const { target, codec } = address;
    if (codec !== undefined && codec !== "H264") {
      this.#cannot(quality, codec, target);
      return "next";
    }
    return this.#pull(quality, target);
  }

  #cannot(quality: Quality, offered: string, target: RtspTarget): void {
    this.#reasons.push(`${quality} stream: ${offered}`);
    if (/H\.?265|HEVC/i.test(offered)) this.#h265 ??= target;
  }

  /** Resolves when it is known whether this stream can be shown at all. */
  #pull(quality: Quality, target: RtspTarget): Promise<"taken" | "next"> {
    const { onEnd, onPicture, clock, count, times, rtspTimes, shared } = this.#options;
    const lender = shared.lender(target.uri);
    if (lender !== undefined) return Promise.resolve(this.#borrow(lender));
    this.#release = shared.claim(target.uri);
    const { promise, resolve } = Promise.withResolvers<"taken" | "next">();
    const source = new RtspSource({
      codec: "H264",
      target,
      clock,
      count,
      ...(times === undefined ? {} : { times }),
      ...(rtspTimes === undefined ? {} : { rtspTimes }),
      onFormat: (format) => {
        resolve("taken");
        this.#format("h264", quality, format);
      },
      onPicture,
      onEnd: (failure) => {
        this.#release();
        if (failure.code === UNSUPPORTED) {
          this.#cannot(quality, failure.message, target);
          resolve("next");
        } else {
          resolve("taken");
          onEnd(failure);
        }
      },
    });
    this.#running = { stop: () => source.stop().then(() => resolve("taken")) };
    source.start();
    return promise;
  }

  /** Takes the pictures of a stream of this camera that is pulled already. */
  #borrow(lender: Lender): "taken" {
    const { snapshotsWanted, onFormat, onPicture, onEnd } = this.#options;
    const source = new BorrowedSource({
      lender,
      takesSnapshots: snapshotsWanted,
      onFormat: (format) => {
        const reasons = [...this.#reasons, ...(format.reason === undefined ? [] : [format.reason])];
        onFormat(reasons.length === 0 ? format : { ...format, reason: reasons.join("; ") });
      },
      onPicture,
      onEnd,
    });
    this.#running = source;
    source.start();
    return "taken";
  }

  #format(mode: "h264" | "transcoded", quality: Quality, { codec, description, width, height }: H264Format): void {
    const reason = this.#reasons.length === 0 ? {} : { reason: this.#reasons.join("; ") };
    this.#options.onFormat({
      mode,
      quality,
      codec,
      description: description.toString("base64"),
      width,
      height,
      ...reason,
    });
  }

  #transcode(target: RtspTarget, program: string): void {
    const { onEnd, onPicture, clock, count, quality, times, rtspTimes, shared } = this.#options;
    const lender = shared.lender(target.uri);
    if (lender !== undefined) {
      this.#borrow(lender);
      return;
    }
    this.#release = shared.claim(target.uri);
    let over = false;
    const end = (failure: VideoFailure): void => {
      if (over || this.#stopped) return;
      over = true;
      this.#release();
      void Promise.all([source.stop(), transcoder.stop()]);
      onEnd(failure);
    };
    const source = new RtspSource({
      codec: "H265",
      target,
      clock,
      count,
      ...(times === undefined ? {} : { times }),
      ...(rtspTimes === undefined ? {} : { rtspTimes }),
      onPicture: (picture) => transcoder.push(picture),
      onEnd: end,
    });
    const transcoder = new Transcoder({
      program,
      clock,
      count,
      onPicture,
      onFormat: (format) => this.#format("transcoded", quality, format),
      onEnd: end,
    });
    this.#running = {
      stop: async () => {
        await Promise.all([source.stop(), transcoder.stop()]);
      },
    };
    source.start();
  }

  #snapshots(): void {
    const { ask, clock, count, quality, onFormat, onPicture, onEnd, snapshotsWanted } = this.#options;
    const reason = this.#reasons.join("; ");
    if (!snapshotsWanted()) {
      onEnd({ code: "VIDEO_NO_H264", message: `only snapshots are to be had (${reason})`, retriable: false });
      return;
    }
    onFormat({ mode: "snapshots", quality, reason });
    const snapshots = new Snapshots({ ask, clock, count, onPicture, onEnd });
    this.#running = snapshots;
    snapshots.start();
  }
}
