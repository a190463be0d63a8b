import type { VideoFormat } from "#core/contracts/video.ts";
import type { VideoQuality, VideoSocket } from "../media-ports.ts";
import { GroupOfPictures, type RelayedFrame } from "./pictures.ts";
import { Viewer } from "./viewer.ts";

/** A gateway has so long to say how the pictures will come. */
const FIRST_ANSWER_MS = 20_000;
/** The gateway itself looks after a camera that falls silent; after so long the relay gives the pull up. */
const SILENT_MS = 30_000;

/** One stream from one camera, for all who watch it in this quality. */
export class Pull {
  readonly stream: number;
  readonly camera: string;
  readonly quality: VideoQuality;
  readonly #viewers = new Map<VideoSocket, Viewer>();
  readonly #pictures = new GroupOfPictures();
  #format: VideoFormat | undefined;
  #needsKey = true;
  #heardAt: number;
  #leftDropped = 0;

  constructor(stream: number, camera: string, quality: VideoQuality, now: number) {
    this.stream = stream;
    this.camera = camera;
    this.quality = quality;
    this.#heardAt = now;
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Pictures that viewers could not take. */
  get dropped(): number {
    return [...this.#viewers.values()].reduce((sum, { dropped }) => sum + dropped, this.#leftDropped);
  }

  get format(): VideoFormat | undefined {
    return this.#format;
  }

  join(socket: VideoSocket, now: number): void {
    const viewer = new Viewer(socket);
    this.#viewers.set(socket, viewer);
    if (this.#format !== undefined) viewer.join(this.#format, this.#pictures, now);
  }

  leave(socket: VideoSocket): void {
    this.#leftDropped += this.#viewers.get(socket)?.dropped ?? 0;
    this.#viewers.delete(socket);
  }

  /** How the pictures come from now on; the next one is a key frame. */
  take(format: VideoFormat, now: number): void {
    this.#format = format;
    this.#needsKey = true;
    this.#heardAt = now;
    this.#pictures.clear();
  }

  frame(frame: RelayedFrame, now: number): void {
    const { format } = this;
    this.#heardAt = now;
    if (format === undefined || (this.#needsKey && !frame.key)) return;
    this.#needsKey = false;
    this.#pictures.take(frame);
    for (const viewer of this.#viewers.values()) viewer.frame(format, frame, now);
  }

  /** Closes viewers that are stuck. Why the pull is to be given up, or undefined while it lives. */
  tick(now: number): { readonly code: string; readonly message: string } | undefined {
    for (const [socket, viewer] of this.#viewers) if (viewer.closeIfStuck(now)) this.leave(socket);
    const silent = now - this.#heardAt;
    if (this.#format === undefined && silent >= FIRST_ANSWER_MS)
      return {
        code: "VIDEO_NO_ANSWER",
        message: `the gateway sent no video of ${this.camera} in ${FIRST_ANSWER_MS} ms`,
      };
    if (silent >= SILENT_MS)
      return { code: "VIDEO_SILENT", message: `no picture of ${this.camera} came in ${SILENT_MS} ms` };
    return undefined;
  }

  end(code: string, message: string): void {
    for (const viewer of this.#viewers.values()) viewer.end(code, message);
    this.#viewers.clear();
  }
}
