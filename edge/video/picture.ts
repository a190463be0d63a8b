import type { VideoFormat } from "#core/contracts/video.ts";
import type { TimeBase } from "./rtp-clock.ts";

/** One encoded picture on its way through the gateway. `data` is nobody's to change: ring and clips share it, in a buffer of its own. */
export interface Picture {
  readonly key: boolean;
  /** Pictures before this one were lost. */
  readonly gap: boolean;
  readonly kind: "h264" | "jpeg";
  /** When it was taken, in the measure of this thread's `Clock.monotonic`, ms. */
  readonly at: number;
  readonly timeBase: TimeBase;
  /** A length-prefixed (4 bytes) H.264 access unit, or a JPEG. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A picture and the format that it is decoded with. */
export interface KeptPicture extends Picture {
  readonly format: VideoFormat;
}

/** Why there are no pictures. */
export interface VideoFailure {
  /** Stable, e.g. `RTSP_UNAUTHORIZED`, `RTSP_SILENT`. */
  readonly code: string;
  /** For people; holds no address with a password. */
  readonly message: string;
  /** Trying again may help. */
  readonly retriable: boolean;
}

/** Takes the pictures of a stream. A format comes before the first picture and before each key picture that changes it. */
export interface PictureSink {
  onFormat(format: VideoFormat): void;
  onPicture(picture: KeptPicture): void;
  /** No pictures for now: an attempt failed. The next is on its way unless the failure is not retriable. */
  onFailure(failure: VideoFailure): void;
}

/** Adds to named counters. */
export type Count = (name: string, by?: number) => void;
