import { InvalidInputError } from "../errors.ts";

/** One encoded picture. `payload`: a length-prefixed (4 bytes) H.264 access unit, or a JPEG. */
export interface VideoFrame {
  readonly stream: number;
  readonly key: boolean;
  /** Pictures before this one were left out. */
  readonly gap: boolean;
  readonly kind: "h264" | "jpeg";
  /** Unix ms by the gateway's clock. */
  readonly capturedAt: number;
  readonly payload: Uint8Array;
}

/** Bytes before the payload of a binary video message: stream u32, flags u8 (1 key, 2 gap), kind u8 (0 h264, 1 jpeg), 2 reserved, capturedAt f64; big endian. */
export const VIDEO_HEADER_BYTES = 16;
const KEY = 1;
const GAP = 2;

/** A frame as a binary message. */
export function encodeVideoFrame(frame: VideoFrame): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(VIDEO_HEADER_BYTES + frame.payload.length);
  const view = new DataView(message.buffer);
  view.setUint32(0, frame.stream);
  view.setUint8(4, (frame.key ? KEY : 0) | (frame.gap ? GAP : 0));
  view.setUint8(5, frame.kind === "h264" ? 0 : 1);
  view.setFloat64(8, frame.capturedAt);
  message.set(frame.payload, VIDEO_HEADER_BYTES);
  return message;
}

/** The frame in a binary message; its payload is a view into it. @throws VIDEO_FRAME_MALFORMED */
export function decodeVideoFrame(message: Uint8Array): VideoFrame {
  const kind = message[5];
  if (message.length <= VIDEO_HEADER_BYTES || (kind !== 0 && kind !== 1))
    throw new InvalidInputError("VIDEO_FRAME_MALFORMED", `a video message of ${message.length} bytes, kind ${kind}`);
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const flags = view.getUint8(4);
  return {
    stream: view.getUint32(0),
    key: (flags & KEY) !== 0,
    gap: (flags & GAP) !== 0,
    kind: kind === 0 ? "h264" : "jpeg",
    capturedAt: view.getFloat64(8),
    payload: message.subarray(VIDEO_HEADER_BYTES),
  };
}
