import type { DecodingEvents, OpenDecoder, Picture, VideoDecoding } from "#cloud/console/video/picture-decoder.ts";
import type { VideoFormat } from "#core/contracts/video.ts";
import { encodeVideoFrame, type VideoFrame } from "#core/contracts/video-frame.ts";

/** A picture that knows whether it was closed. */
export class FakePicture implements Picture {
  closed = 0;
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  close(): void {
    this.closed++;
  }
}

/** The browser's decoder: it decodes when the test says so. */
export class FakeDecoder implements VideoDecoding {
  readonly events: DecodingEvents<FakePicture>;
  readonly pictures: FakePicture[];
  readonly queue: number[] = [];
  readonly configured: string[] = [];
  closed = false;

  constructor(events: DecodingEvents<FakePicture>, pictures: FakePicture[]) {
    this.events = events;
    this.pictures = pictures;
  }
  get waiting(): number {
    return this.queue.length;
  }
  configure({ codec }: { readonly codec: string }): void {
    this.configured.push(codec);
  }
  decode(_data: Uint8Array, _key: boolean, capturedAt: number): void {
    this.queue.push(capturedAt);
  }
  reset(): void {
    this.queue.length = 0;
  }
  close(): void {
    this.closed = true;
  }
  /** Lets so many pictures come out. */
  yield(count = this.queue.length): void {
    for (const capturedAt of this.queue.splice(0, count)) {
      const picture = new FakePicture(String(capturedAt));
      this.pictures.push(picture);
      this.events.decoded(picture, capturedAt);
    }
  }
}

/** Decoders as they are opened, and every picture that came out of them. */
export function fakeDecoders() {
  const decoders: FakeDecoder[] = [];
  const pictures: FakePicture[] = [];
  const open: OpenDecoder<FakePicture> = (events) => {
    const decoder = new FakeDecoder(events, pictures);
    decoders.push(decoder);
    return decoder;
  };
  return { decoders, pictures, open };
}

export const H264: VideoFormat = { mode: "h264", quality: "sub", codec: "avc1.42E01E", width: 640, height: 360 };
export const JPEG: VideoFormat = { mode: "snapshots", quality: "sub", reason: "no H.264 stream" };

/** A picture of a stream. */
export function frame(capturedAt: number, change: Partial<VideoFrame> = {}): VideoFrame {
  return { stream: 0, key: false, gap: false, kind: "h264", capturedAt, payload: Uint8Array.of(1), ...change };
}
/** The message that carries it. */
export const message = (capturedAt: number, change: Partial<VideoFrame> = {}): Uint8Array =>
  encodeVideoFrame(frame(capturedAt, change));

/** Lets everything that has been resolved run on. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
