import { VIDEO_HEADER_BYTES, type VideoFrame } from "#core/contracts/video-frame.ts";

/** One encoded picture as it goes to pages. */
export interface RelayedFrame {
  /** Nothing before it is needed to decode it. */
  readonly key: boolean;
  /** The whole binary message, of stream 0. */
  readonly message: Uint8Array;
}

/** All pictures since the last key frame may be so many and so large; beyond it only the key frame is kept. */
const MOST_FRAMES = 600;
const MOST_BYTES = 1_500_000;
const FLAGS = 4;
const GAP = 2;

/** A gateway's message as it goes on: pages know no stream numbers. The bytes of the stream number are written over. */
export function relayed(message: Uint8Array, { key, kind }: Pick<VideoFrame, "key" | "kind">): RelayedFrame {
  new DataView(message.buffer, message.byteOffset, VIDEO_HEADER_BYTES).setUint32(0, 0);
  return { key: key || kind === "jpeg", message };
}

/** The same picture, with the mark that pictures before it were left out. */
export function withGap({ key, message }: RelayedFrame): RelayedFrame {
  const marked = message.slice();
  marked[FLAGS] = (marked[FLAGS] ?? 0) | GAP;
  return { key, message: marked };
}

/** The last key frame and what followed: with them somebody who joins sees a picture at once. */
export class GroupOfPictures {
  #frames: RelayedFrame[] = [];
  #bytes = 0;
  #whole = false;

  take(frame: RelayedFrame): void {
    if (frame.key) {
      this.#frames = [frame];
      this.#bytes = frame.message.length;
      this.#whole = true;
      return;
    }
    if (!this.#whole) return;
    this.#bytes += frame.message.length;
    if (this.#frames.length >= MOST_FRAMES || this.#bytes > MOST_BYTES) {
      this.#whole = false;
      this.#frames.length = Math.min(1, this.#frames.length);
      return;
    }
    this.#frames.push(frame);
  }

  clear(): void {
    this.#frames = [];
    this.#whole = false;
  }

  get frames(): readonly RelayedFrame[] {
    return this.#frames;
  }

  /** Can the next picture be decoded by who was given these? */
  get whole(): boolean {
    return this.#whole;
  }
}
