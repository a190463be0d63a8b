import type { VideoSocket } from "#cloud/media-ports.ts";
import type { LiveVideoMessage, VideoFormat, VideoRequest } from "#core/contracts/video.ts";
import { decodeVideoFrame, encodeVideoFrame, type VideoFrame } from "#core/contracts/video-frame.ts";

/** H.264 as a camera sends it. */
export const H264: VideoFormat = { mode: "h264", quality: "main", codec: "avc1.42E01E", description: "AQID" };
/** Pictures one by one. */
export const JPEGS: VideoFormat = { mode: "snapshots", quality: "main", reason: "the camera offers only H.265" };

/** A network connection that takes down what is sent. A slow one holds it back until `drain`. */
export class RecordedSocket implements VideoSocket {
  readonly texts: string[] = [];
  readonly frames: VideoFrame[] = [];
  closed: { code: number; reason: string } | undefined;
  bufferedAmount = 0;
  isSlow = false;

  sendText(text: string): void {
    this.texts.push(text);
  }
  sendBinary(message: Uint8Array): void {
    if (this.isSlow) this.bufferedAmount += message.length;
    this.frames.push(decodeVideoFrame(message));
  }
  close(code: number, reason: string): void {
    this.closed ??= { code, reason };
  }
  drain(): void {
    this.bufferedAmount = 0;
  }

  /** What a page was told. */
  get told(): readonly LiveVideoMessage[] {
    return this.texts.map((text) => JSON.parse(text) as LiveVideoMessage);
  }
  /** What a gateway was asked for. */
  get asked(): readonly VideoRequest[] {
    return this.texts.map((text) => JSON.parse(text) as VideoRequest);
  }
  /** When the pictures were taken that came, with a mark on key frames and gaps. */
  get pictures(): readonly string[] {
    return this.frames.map(({ key, gap, capturedAt }) => `${gap ? "gap " : ""}${key ? "key " : ""}${capturedAt}`);
  }
}

/** A picture of so many bytes as a gateway sends it. */
export function picture(stream: number, capturedAt: number, fields: Partial<VideoFrame> & { bytes?: number } = {}) {
  const { bytes = 10, ...more } = fields;
  const payload = new Uint8Array(bytes);
  return encodeVideoFrame({ stream, key: false, gap: false, kind: "h264", capturedAt, payload, ...more });
}
