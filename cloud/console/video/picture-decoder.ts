import type { Clock } from "#core/clock.ts";
import type { VideoFormat } from "#core/contracts/video.ts";
import type { VideoFrame } from "#core/contracts/video-frame.ts";

/** A decoded picture. It holds memory of the decoder until it is closed. */
export interface Picture {
  close(): void;
}

/** What the browser's decoder is told to decode. */
export interface DecoderSettings {
  readonly codec: string;
  /** avcC box content. @see ISO/IEC 14496-15 §5.3.3.1.2 */
  readonly description?: Uint8Array<ArrayBuffer>;
  readonly codedWidth?: number;
  readonly codedHeight?: number;
}

/** The browser's decoder, as far as it is used here. @see W3C WebCodecs, VideoDecoder */
export interface VideoDecoding {
  /** Pictures that were given and have not come out yet. */
  readonly waiting: number;
  configure(settings: DecoderSettings): void;
  /** `capturedAt` comes out again with the picture. */
  decode(data: Uint8Array, key: boolean, capturedAt: number): void;
  /** Forgets everything that waits; it must be configured anew. */
  reset(): void;
  close(): void;
}

export interface DecodingEvents<P extends Picture> {
  /** A picture, which now belongs to the receiver: it must be closed. */
  decoded(picture: P, capturedAt: number): void;
  failed(error: unknown): void;
}
export type OpenDecoder<P extends Picture> = (events: DecodingEvents<P>) => VideoDecoding;

export interface PictureDecoderOptions<P extends Picture> {
  readonly clock: Clock;
  readonly open: OpenDecoder<P>;
  readonly onPicture: (picture: P, capturedAt: number) => void;
  readonly onFailure: (error: unknown) => void;
}

/** With more waiting for longer the decoder cannot keep up: what waits is given up for the next key frame. */
const MOST_WAITING = 12;
const BEHIND_MS = 1000;
/** Who joins is given all pictures since the last key frame at once: more than that are never kept. */
const MOST_AT_ONCE = 600;

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
}

function settingsOf({ codec, description, width, height }: VideoFormat): DecoderSettings | undefined {
  if (codec === undefined) return undefined;
  return {
    codec,
    ...(description === undefined ? {} : { description: bytesOf(description) }),
    ...(width === undefined ? {} : { codedWidth: width }),
    ...(height === undefined ? {} : { codedHeight: height }),
  };
}

/** H.264 into pictures, with a bounded queue: a decoder that falls behind goes on at the next key frame instead of ever later. */
export class PictureDecoder<P extends Picture> {
  readonly #options: PictureDecoderOptions<P>;
  #decoding: VideoDecoding | undefined;
  #settings: DecoderSettings | undefined;
  #needsKey = true;
  #behindSince: number | undefined;
  #dropped = 0;

  constructor(options: PictureDecoderOptions<P>) {
    this.#options = options;
  }

  /** Pictures that were left out. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Decodes this format from now on; what waits of the former one is given up. */
  configure(format: VideoFormat): void {
    this.close();
    this.#settings = settingsOf(format);
    if (this.#settings === undefined) {
      this.#options.onFailure(new TypeError("a video format without a codec"));
      return;
    }
    const decoding: VideoDecoding = this.#options.open({
      decoded: (picture, capturedAt) => {
        if (this.#decoding === decoding) this.#options.onPicture(picture, capturedAt);
        else picture.close();
      },
      failed: (error) => {
        if (this.#decoding === decoding) this.#fail(error);
      },
    });
    this.#decoding = decoding;
    this.#guarded(() => this.#configure(decoding));
  }

  /** Takes the next picture of the stream. */
  take({ payload, key, gap, capturedAt }: VideoFrame): void {
    const decoding = this.#decoding;
    if (decoding === undefined) return;
    if (gap || this.#isBehind(decoding.waiting)) this.#needsKey = true;
    if (this.#needsKey && !key) {
      this.#dropped++;
      return;
    }
    this.#guarded(() => {
      // What still waits when a key frame ends a gap is older than what is worth showing.
      if (this.#needsKey && decoding.waiting > MOST_WAITING) {
        this.#dropped += decoding.waiting;
        decoding.reset();
        this.#configure(decoding);
        this.#behindSince = undefined;
      }
      this.#needsKey = false;
      decoding.decode(payload, key, capturedAt);
    });
  }

  /** Ends it; `configure` begins anew. */
  close(): void {
    const decoding = this.#decoding;
    this.#decoding = undefined;
    this.#needsKey = true;
    this.#behindSince = undefined;
    decoding?.close();
  }

  #configure(decoding: VideoDecoding): void {
    if (this.#settings !== undefined) decoding.configure(this.#settings);
  }

  #isBehind(waiting: number): boolean {
    const now = this.#options.clock.monotonic();
    if (waiting <= MOST_WAITING) {
      this.#behindSince = undefined;
      return false;
    }
    this.#behindSince ??= now;
    return waiting > MOST_AT_ONCE || now - this.#behindSince > BEHIND_MS;
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.close();
    this.#options.onFailure(error);
  }
}
