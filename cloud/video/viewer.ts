import { CLOSE_TOO_SLOW } from "#core/contracts/live.ts";
import type { LiveVideoMessage, VideoFormat } from "#core/contracts/video.ts";
import type { VideoSocket } from "../media-ports.ts";
import { type GroupOfPictures, type RelayedFrame, withGap } from "./pictures.ts";

/** Nothing more is handed to a viewer for whom so much waits. */
const MOST_BUFFERED = 2_000_000;
/** A viewer that was left behind goes on at a key frame when so little waits. */
const RESUMES_AT = 250_000;
/** Who has not caught up for so long is closed. */
const MOST_BEHIND_MS = 15_000;
const CLOSE_NORMAL = 1000;

/** One page that watches. Pictures that it cannot take are left out up to a key frame, and the next one says so. */
export class Viewer {
  readonly #socket: VideoSocket;
  /** What the page knows; another one is told before the next picture. */
  #format: VideoFormat | undefined;
  /** Since when pictures have been left out because too much waits, in the clock's monotonic ms. */
  #behindSince: number | undefined;
  #needsKey = true;
  #gap = false;
  #dropped = 0;

  constructor(socket: VideoSocket) {
    this.#socket = socket;
  }

  /** Pictures that were left out. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The first pictures, from the last key frame on. */
  join(format: VideoFormat, { frames, whole }: GroupOfPictures, now: number): void {
    for (const frame of frames) this.frame(format, frame, now);
    if (whole || frames.length === 0) return;
    this.#needsKey = true;
    this.#gap = true;
  }

  frame(format: VideoFormat, frame: RelayedFrame, now: number): void {
    if (!this.#takes(frame, now)) {
      this.#dropped++;
      this.#gap ||= this.#format !== undefined;
      this.#needsKey = true;
      return;
    }
    if (this.#format !== format) {
      this.#format = format;
      this.#tell({ t: "format", format });
    }
    this.#socket.sendBinary(this.#gap ? withGap(frame).message : frame.message);
    this.#needsKey = false;
    this.#gap = false;
  }

  /** Closes a viewer that has not caught up for long. True when it was closed. */
  closeIfStuck(now: number): boolean {
    if (this.#behindSince === undefined || now - this.#behindSince < MOST_BEHIND_MS) return false;
    this.#socket.close(CLOSE_TOO_SLOW, "too slow");
    return true;
  }

  end(code: string, message: string): void {
    this.#tell({ t: "ended", code, message });
    this.#socket.close(CLOSE_NORMAL, code);
  }

  #takes(frame: RelayedFrame, now: number): boolean {
    const waits = this.#socket.bufferedAmount;
    const isBehind = this.#behindSince !== undefined;
    // A key frame larger than all that may wait must still get through to who has taken everything before.
    const fits = waits <= RESUMES_AT || (!isBehind && waits + frame.message.length <= MOST_BUFFERED);
    if (!fits) {
      this.#behindSince ??= now;
      return false;
    }
    this.#behindSince = undefined;
    return frame.key || !this.#needsKey;
  }

  #tell(message: LiveVideoMessage): void {
    this.#socket.sendText(JSON.stringify(message));
  }
}
