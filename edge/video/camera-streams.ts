import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { ActionResult } from "#protocols/driver.ts";
import { CameraStream, type RetryTimes } from "./camera-stream.ts";
import type { Count } from "./picture.ts";
import { CameraPulls } from "./shared-pulls.ts";
import type { Quality, SourceSettings } from "./stream-source.ts";

/** A camera that the gateway may pull, and how much of it is always to be there. */
export interface VideoCamera {
  /** `<site>/<gateway>/<device>` */
  readonly device: string;
  /** It is pulled all the time and so much of its main stream is kept, ms; absent: it is pulled when somebody looks. */
  readonly ringMs?: number;
}

/** Bounds on memory, bytes. */
export interface StreamLimits {
  /** One camera's ring. */
  readonly ringBytes: number;
  /** All rings. */
  readonly allRingsBytes: number;
  /** What is kept for who joins a stream without a ring. */
  readonly groupBytes: number;
}

export const STREAM_LIMITS: StreamLimits = {
  ringBytes: 24 * 1024 * 1024,
  allRingsBytes: 128 * 1024 * 1024,
  groupBytes: 4 * 1024 * 1024,
};

export interface CameraStreamsOptions extends SourceSettings {
  readonly logger: Logger;
  readonly random: () => number;
  readonly count: Count;
  readonly limits: StreamLimits;
  readonly retry?: RetryTimes;
  /** Asks a camera's driver. Never rejects. */
  readonly ask: (
    device: string,
    action: "streamUri" | "snapshot",
    params: Readonly<Record<string, string>>,
  ) => Promise<ActionResult>;
}

/** The streams of all cameras of the gateway. */
export class CameraStreams {
  readonly #options: CameraStreamsOptions;
  #cameras: ReadonlyMap<string, VideoCamera> = new Map();
  readonly #streams = new Map<string, CameraStream>();
  readonly #pulls = new Map<string, CameraPulls>();

  constructor(options: CameraStreamsOptions) {
    this.#options = options;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** Figures of the moment. */
  get figures(): Readonly<Record<string, number>> {
    const streams = [...this.#streams.values()];
    return {
      streams: streams.filter(({ playing }) => playing).length,
      ringBytes: streams.reduce((sum, { ring }) => sum + ring.bytes, 0),
    };
  }

  /** The cameras from now on. Those that are gone end, those that stay go on undisturbed. */
  configure(cameras: readonly VideoCamera[]): void {
    this.#cameras = new Map(cameras.map((camera) => [camera.device, camera]));
    for (const device of this.#pulls.keys()) if (!this.#cameras.has(device)) this.#pulls.delete(device);
    for (const [key, stream] of this.#streams) {
      if (this.#cameras.has(deviceOf(key))) continue;
      this.#streams.delete(key);
      void stream.close({
        code: "VIDEO_CAMERA_UNKNOWN",
        message: "the camera is no longer configured",
        retriable: false,
      });
    }
    const { ringBytes, allRingsBytes } = this.#options.limits;
    const ringed = cameras.filter(({ ringMs }) => ringMs !== undefined).length;
    const bytes = Math.min(ringBytes, Math.floor(allRingsBytes / Math.max(1, ringed)));
    for (const { device, ringMs } of cameras) {
      if (ringMs !== undefined) this.get(device, "main")?.keep({ keepMs: ringMs, bytes });
      else this.#streams.get(keyOf(device, "main"))?.keep(undefined);
    }
  }

  /** The stream of a camera; undefined where the gateway has no such camera. */
  get(device: string, quality: Quality): CameraStream | undefined {
    if (!this.#cameras.has(device)) return undefined;
    const key = keyOf(device, quality);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const { ask, limits, ...settings } = this.#options;
    const pulls = this.#pulls.get(device) ?? new CameraPulls();
    this.#pulls.set(device, pulls);
    const stream: CameraStream = new CameraStream({
      ...settings,
      shared: pulls.seenBy(() => stream),
      camera: device,
      quality,
      groupBytes: limits.groupBytes,
      ask: (action, params) => ask(device, action, params),
    });
    this.#streams.set(key, stream);
    return stream;
  }

  /** Ends every pull. */
  async close(): Promise<void> {
    const failure = { code: "VIDEO_STOPPED", message: "the gateway stops", retriable: true };
    await Promise.all([...this.#streams.values()].map((stream) => stream.close(failure)));
    this.#streams.clear();
  }
}

const keyOf = (device: string, quality: Quality): string => `${quality} ${device}`;
const deviceOf = (key: string): string => key.slice(key.indexOf(" ") + 1);
