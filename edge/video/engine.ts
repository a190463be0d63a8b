import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { RetryTimes } from "./camera-stream.ts";
import {
  CameraStreams,
  type CameraStreamsOptions,
  STREAM_LIMITS,
  type StreamLimits,
  type VideoCamera,
} from "./camera-streams.ts";
import { type ClipAnswer, type ClipLimits, type ClipOrder, type ClipOutcome, Clips } from "./clips.ts";
import type { RtspTimes } from "./rtsp-session.ts";
import type { SourceTimes } from "./rtsp-source.ts";
import { type UplinkTimes, VideoUplink } from "./uplink.ts";
import type { UplinkPressure } from "./uplink-stream.ts";

/** Plain settings of the video engine; what is absent has its default. */
export interface EngineSettings {
  /** Path of ffmpeg, where H.265 is to be transcoded. */
  readonly transcoder?: string;
  readonly sourceTimes?: Partial<SourceTimes>;
  readonly rtspTimes?: RtspTimes;
  readonly retry?: RetryTimes;
  readonly uplinkTimes?: Partial<UplinkTimes>;
  readonly pressure?: UplinkPressure;
  readonly streamLimits?: Partial<StreamLimits>;
  readonly clipLimits?: Partial<ClipLimits>;
}

export interface EngineOptions {
  /** `<site>/<gateway>` */
  readonly gateway: string;
  readonly authorization: string;
  readonly settings: EngineSettings;
  /** HTTP address of the cloud. */
  readonly cloud: () => Promise<string>;
  readonly ask: CameraStreamsOptions["ask"];
  readonly onOutcome: (outcome: ClipOutcome) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/** All of a gateway's video: pulls, rings, clips and the way to the cloud. Runs in a thread of its own. */
export class VideoEngine {
  readonly #streams: CameraStreams;
  readonly #clips: Clips;
  readonly #uplink: VideoUplink;
  readonly #counters: Record<string, number> = {};

  constructor(options: EngineOptions) {
    const { gateway, authorization, settings, cloud, ask, onOutcome, clock, logger, random } = options;
    const { transcoder, sourceTimes, rtspTimes, retry, uplinkTimes, pressure, streamLimits, clipLimits } = settings;
    const count = (name: string, by = 1): void => {
      this.#counters[name] = (this.#counters[name] ?? 0) + by;
    };
    this.#streams = new CameraStreams({
      clock,
      logger,
      random,
      count,
      ask,
      transcoder,
      limits: { ...STREAM_LIMITS, ...streamLimits },
      ...(sourceTimes === undefined ? {} : { times: sourceTimes }),
      ...(rtspTimes === undefined ? {} : { rtspTimes }),
      ...(retry === undefined ? {} : { retry }),
    });
    this.#clips = new Clips({
      streams: this.#streams,
      clock,
      logger,
      onOutcome,
      ...(clipLimits === undefined ? {} : { limits: clipLimits }),
    });
    this.#uplink = new VideoUplink({
      cloud,
      gateway,
      authorization,
      streams: this.#streams,
      clock,
      logger,
      random,
      count,
      ...(uplinkTimes === undefined ? {} : { times: uplinkTimes }),
      ...(pressure === undefined ? {} : { pressure }),
    });
  }

  /** Counters since the start, and figures of the moment: `streams`, `ringBytes`, `recordings`, `uplinkUp`, `uplinkPulls`. */
  get counters(): Readonly<Record<string, number>> {
    return {
      ...this.#counters,
      ...this.#streams.figures,
      recordings: this.#clips.running,
      uplinkUp: this.#uplink.up ? 1 : 0,
      uplinkPulls: this.#uplink.pulls,
    };
  }

  /** The cameras from now on; the first call opens the way to the cloud. */
  configure(cameras: readonly VideoCamera[]): void {
    this.#streams.configure(cameras);
    this.#uplink.start();
  }

  /** Records a clip; its outcome is told later. */
  record(order: ClipOrder): Promise<ClipAnswer> {
    return this.#clips.record(order);
  }

  /** Ends everything; recordings become the clips that they are by now. */
  async stop(): Promise<void> {
    this.#clips.stop();
    await Promise.all([this.#uplink.stop(), this.#streams.close()]);
  }
}
