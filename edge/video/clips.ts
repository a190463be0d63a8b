import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { CameraStream } from "./camera-stream.ts";
import type { CameraStreams } from "./camera-streams.ts";
import { type ClipFilm, filmOf, type MissingReasons } from "./clip-film.ts";
import type { KeptPicture } from "./picture.ts";

/** A clip that is asked for. */
export interface ClipOrder {
  /** Number of the order; told with its outcome. */
  readonly id: number;
  /** `<site>/<gateway>/<device>` */
  readonly camera: string;
  readonly beforeMs: number;
  readonly afterMs: number;
  /** When it was asked for, Unix ms. */
  readonly triggerAt: number;
  /** How long that is ago, ms: more than 0 where a video thread that is gone had begun it. */
  readonly agoMs: number;
}

/** Whether a recording runs. */
export type ClipAnswer =
  | { readonly status: "done" }
  | { readonly status: "refused" | "failed"; readonly code: string; readonly message: string };

/** How a recording ended. */
export type ClipOutcome =
  | { readonly id: number; readonly film: ClipFilm }
  | { readonly id: number; readonly code: string; readonly message: string };

/** Bounds on recordings. */
export interface ClipLimits {
  /** Recordings at once. */
  readonly atOnce: number;
  /** One clip: what the cloud takes, less the index of the file, bytes. */
  readonly clipBytes: number;
  /** All recordings that run, bytes. */
  readonly allBytes: number;
  /** The first picture must come within so long for the recording to be told as running, ms. */
  readonly firstPictureMs: number;
}

export const CLIP_LIMITS: ClipLimits = {
  atOnce: 8,
  clipBytes: 30 * 1024 * 1024,
  allBytes: 96 * 1024 * 1024,
  firstPictureMs: 4_000,
};

interface Recording {
  readonly order: ClipOrder;
  /** In the measure of `Clock.monotonic`. */
  readonly triggerAt: number;
  readonly from: number;
  readonly to: number;
  readonly pictures: KeptPicture[];
  bytes: number;
  /** Why nothing came, the last cause. */
  readonly reasons: MissingReasons;
  end(): void;
}

export interface ClipsOptions {
  readonly streams: CameraStreams;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onOutcome: (outcome: ClipOutcome) => void;
  readonly limits?: Partial<ClipLimits>;
}

/**
 * Keeps the video around alarms: from the ring what was before, from the stream what follows. Two alarms of one camera make two
 * clips, each with its own moment; their pictures are held once. The ring and every clip share them.
 */
export class Clips {
  readonly #options: ClipsOptions;
  readonly #limits: ClipLimits;
  readonly #recordings = new Set<Recording>();

  constructor(options: ClipsOptions) {
    this.#options = options;
    this.#limits = { ...CLIP_LIMITS, ...options.limits };
  }

  /** Recordings that run. */
  get running(): number {
    return this.#recordings.size;
  }

  /**
   * Begins a recording. Resolves when it has its first picture; when none comes in time it is told as failed, and goes on all the
   * same, because a camera that comes back within it still saw something.
   */
  async record(order: ClipOrder): Promise<ClipAnswer> {
    const stream = this.#options.streams.get(order.camera, "main");
    if (stream === undefined)
      return { status: "refused", code: "VIDEO_CAMERA_UNKNOWN", message: `no camera ${order.camera} on this gateway` };
    if (this.#recordings.size >= this.#limits.atOnce)
      return { status: "refused", code: "VIDEO_BUSY", message: `${this.#limits.atOnce} clips are recorded already` };
    const { clock } = this.#options;
    const triggerAt = clock.monotonic() - order.agoMs;
    const { promise, resolve } = Promise.withResolvers<ClipAnswer>();
    const recording = this.#begin(order, triggerAt, stream, () => resolve({ status: "done" }));
    if (recording.pictures.length > 0) return { status: "done" };
    const cancel = clock.after(this.#limits.firstPictureMs, () => {
      const { code, message } = stream.failure ?? { code: "VIDEO_NO_PICTURE", message: "no picture yet" };
      resolve({ status: "failed", code, message: `${message}; the recording waits for pictures until its end` });
    });
    return promise.finally(cancel);
  }

  #begin(order: ClipOrder, triggerAt: number, stream: CameraStream, onFirst: () => void): Recording {
    const { clock } = this.#options;
    const from = triggerAt - order.beforeMs;
    const to = triggerAt + order.afterMs;
    const leave: (() => void)[] = [];
    const recording: Recording = {
      order,
      triggerAt,
      from,
      to,
      pictures: [],
      bytes: 0,
      reasons: {},
      end: () => {
        for (const undo of leave) undo();
      },
    };
    this.#recordings.add(recording);
    leave.push(clock.after(Math.max(0, to - clock.monotonic()), () => this.#finish(recording)));
    leave.push(
      stream.add(
        {
          takesSnapshots: false,
          keepsPictures: true,
          onFormat: () => undefined,
          onPicture: (picture) => {
            if (this.#take(recording, picture)) onFirst();
          },
          onFailure: ({ code, message }) => {
            recording.reasons.lost = code;
            if (code === "VIDEO_CAMERA_UNKNOWN" || code === "VIDEO_STOPPED") this.#finish(recording, message);
          },
        },
        // the pictures until now are taken from the ring
        { replay: false },
      ),
    );
    for (const picture of stream.ring.since(from)) this.#take(recording, picture);
    return recording;
  }

  /** Was it kept? */
  #take(recording: Recording, picture: KeptPicture): boolean {
    const { pictures } = recording;
    const usable = picture.kind === "h264" && (pictures.length > 0 || picture.key);
    if (!usable || !this.#recordings.has(recording)) return false;
    const { length } = picture.data;
    const all = [...this.#recordings].reduce((sum, { bytes }) => sum + bytes, length);
    if (recording.bytes + length > this.#limits.clipBytes)
      this.#finish(recording, `a clip holds at most ${this.#limits.clipBytes} bytes`);
    else if (all > this.#limits.allBytes) this.#finish(recording, "all recordings together hold too much");
    else {
      pictures.push(picture);
      recording.bytes += length;
      return true;
    }
    return false;
  }

  #finish(recording: Recording, cut?: string): void {
    if (!this.#recordings.delete(recording)) return;
    const { order, pictures, from, to, triggerAt, reasons } = recording;
    if (cut !== undefined) reasons.end = cut;
    const film = filmOf({ pictures, from, to, triggerAt, wallTriggerAt: order.triggerAt, reasons });
    // not before: the stream then takes the pictures' memory back
    recording.end();
    if (film !== undefined) {
      this.#options.onOutcome({ id: order.id, film });
      return;
    }
    const code = reasons.lost ?? "VIDEO_NO_PICTURE";
    this.#options.logger.warn({ camera: order.camera, code }, "no clip: no picture came");
    this.#options.onOutcome({ id: order.id, code, message: "no picture came while it was recorded" });
  }

  /** Ends every recording with what it has. */
  stop(): void {
    for (const recording of [...this.#recordings]) this.#finish(recording, "the gateway stopped");
  }
}
