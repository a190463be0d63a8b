import { ApiError } from "../api/client.ts";
import type { VideoScreen, VideoSocket, VideoSocketEvents } from "./live-video.ts";
import type { OpenDecoder, Picture } from "./picture-decoder.ts";

/** A picture that can be drawn. */
export interface DrawnPicture extends Picture {
  readonly image: CanvasImageSource;
  readonly width: number;
  readonly height: number;
}

export type VideoQuality = "main" | "sub";

const path = (camera: string, what: string): string => `/api/v1/cameras/${encodeURIComponent(camera)}/${what}`;

/** The video connection of a camera over the browser's WebSocket. */
export function openVideoSocket(camera: string, quality: VideoQuality, events: VideoSocketEvents): VideoSocket {
  const { protocol, host } = window.location;
  const address = `${protocol === "https:" ? "wss" : "ws"}://${host}${path(camera, "live")}?quality=${quality}`;
  const socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (typeof data === "string") events.text(data);
    else events.binary(new Uint8Array(data));
  };
  socket.onclose = ({ code }) => events.closed(code);
  return {
    close: () => {
      // A browser complains of one that is closed before it is open.
      if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
      else socket.close();
    },
  };
}

const US_PER_MS = 1000;

const openVideoDecoder: OpenDecoder<DrawnPicture> = (events) => {
  const decoder = new VideoDecoder({
    output: (frame) => {
      const { displayWidth: width, displayHeight: height, timestamp } = frame;
      events.decoded({ image: frame, width, height, close: () => frame.close() }, timestamp / US_PER_MS);
    },
    error: (error) => events.failed(error),
  });
  return {
    get waiting() {
      return decoder.decodeQueueSize;
    },
    configure: (settings) => decoder.configure({ ...settings, optimizeForLatency: true }),
    decode: (data, key, capturedAt) =>
      decoder.decode(
        new EncodedVideoChunk({
          type: key ? "key" : "delta",
          timestamp: Math.round(capturedAt * US_PER_MS),
          data: data as Uint8Array<ArrayBuffer>,
        }),
      ),
    reset: () => decoder.reset(),
    close: () => {
      // It closes itself when it fails.
      if (decoder.state !== "closed") decoder.close();
    },
  };
};

/** The browser's decoder; undefined where it has none, as over plain http from another machine. @see W3C WebCodecs, [SecureContext] */
export function browserDecoder(): OpenDecoder<DrawnPicture> | undefined {
  return typeof VideoDecoder === "function" ? openVideoDecoder : undefined;
}

async function drawn(blob: Blob): Promise<DrawnPicture> {
  const image = await createImageBitmap(blob);
  return { image, width: image.width, height: image.height, close: () => image.close() };
}

/** Decodes a JPEG. Rejects what is none. */
export function decodeJpeg(jpeg: Uint8Array): Promise<DrawnPicture> {
  return drawn(new Blob([jpeg as Uint8Array<ArrayBuffer>], { type: "image/jpeg" }));
}

/** A picture of the camera by HTTP. @throws ApiError */
export async function fetchSnapshot(camera: string, signal: AbortSignal): Promise<DrawnPicture> {
  const response = await fetch(path(camera, "snapshot"), { signal, credentials: "same-origin", cache: "no-store" });
  if (response.ok) return drawn(await response.blob());
  const problem: unknown = await response.json().catch(() => undefined);
  const code = typeof problem === "object" && problem !== null && "code" in problem ? String(problem.code) : "INTERNAL";
  throw new ApiError(code, `snapshot of ${camera}: HTTP ${response.status}`, response.status);
}

/** Draws on a canvas, with the browser's next frame: of pictures that come faster only the newest, and each is closed. */
export class CanvasScreen implements VideoScreen<DrawnPicture> {
  readonly #canvas: HTMLCanvasElement;
  #waiting: DrawnPicture | undefined;
  #frame: number | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  show(picture: DrawnPicture): void {
    this.#waiting?.close();
    this.#waiting = picture;
    this.#frame ??= requestAnimationFrame(() => this.#draw());
  }

  close(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    this.#waiting?.close();
    this.#waiting = undefined;
  }

  #draw(): void {
    const [canvas, picture] = [this.#canvas, this.#waiting];
    this.#frame = undefined;
    this.#waiting = undefined;
    if (picture === undefined) return;
    const { image, width, height } = picture;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    canvas.getContext("2d", { alpha: false })?.drawImage(image, 0, 0, width, height);
    picture.close();
  }
}
