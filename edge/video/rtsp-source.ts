import type { Clock } from "#core/clock.ts";
import { Depacketizer, type PayloadFormat } from "./depacketizer.ts";
import { type H264Format, H264Payload } from "./h264-payload.ts";
import { H265Payload } from "./h265-payload.ts";
import type { Count, Picture, VideoFailure } from "./picture.ts";
import { RtpClock } from "./rtp-clock.ts";
import { type MediaSink, RtspSession, type RtspTarget, type RtspTimes } from "./rtsp-session.ts";
import type { VideoMedia } from "./sdp.ts";

/** When a stream counts as dead, ms. */
export interface SourceTimes {
  /** No picture at all for so long. */
  readonly silenceMs: number;
  /** Pictures, but none that can be decoded. */
  readonly noKeyMs: number;
}

export const SOURCE_TIMES: SourceTimes = { silenceMs: 5_000, noKeyMs: 20_000 };

/** An access unit of H.265 with what its decoder needs, for a transcoder. */
export interface H265Picture extends Omit<Picture, "kind"> {
  readonly parameterSets: readonly Buffer[];
}

interface SourceOptions {
  readonly target: RtspTarget;
  readonly clock: Clock;
  readonly count: Count;
  readonly onEnd: (failure: VideoFailure) => void;
  readonly times?: Partial<SourceTimes>;
  readonly rtspTimes?: RtspTimes;
}

export interface H264SourceOptions extends SourceOptions {
  readonly codec: "H264";
  readonly onFormat: (format: H264Format) => void;
  readonly onPicture: (picture: Picture) => void;
}

export interface H265SourceOptions extends SourceOptions {
  readonly codec: "H265";
  readonly onPicture: (picture: H265Picture) => void;
}

/** Pulls one stream once, and watches that pictures come. It ends by `onEnd`, once, or by `stop`. */
export class RtspSource {
  readonly #options: H264SourceOptions | H265SourceOptions;
  readonly #times: SourceTimes;
  readonly #session: RtspSession;
  #cancelWatch: (() => void) | undefined;
  #depacketizer: Depacketizer | undefined;
  #packetAt = 0;
  #pictureAt = 0;

  /** @throws RTSP_ADDRESS_INVALID */
  constructor(options: H264SourceOptions | H265SourceOptions) {
    this.#options = options;
    this.#times = { ...SOURCE_TIMES, ...options.times };
    const { target, clock, count, codec, rtspTimes } = options;
    this.#session = new RtspSession({
      target,
      clock,
      count,
      choose: ({ media }) => media.find((medium) => medium.codec === codec),
      onMedia: (media) => this.#play(media),
      onEnd: (failure) => {
        this.#cancelWatch?.();
        options.onEnd(failure);
      },
      ...(rtspTimes === undefined ? {} : { times: rtspTimes }),
    });
  }

  /** Begins to connect. */
  start(): void {
    this.#session.start();
  }

  /** Ends; `onEnd` is not told. */
  async stop(): Promise<void> {
    this.#cancelWatch?.();
    await this.#session.stop();
  }

  #play(media: VideoMedia): MediaSink {
    const { clock, count } = this.#options;
    const time = new RtpClock(clock, media.clockRate);
    const format = this.#format(media);
    let now = { at: 0, timeBase: "arrival" as Picture["timeBase"] };
    const depacketizer = new Depacketizer(
      format.payload,
      ({ data, key, gap, timestamp }) => {
        now = time.timeOf(timestamp);
        this.#pictureAt = clock.monotonic();
        count("pictures");
        format.give({ data, key, gap, kind: "h264", ...now });
      },
      count,
    );
    this.#depacketizer = depacketizer;
    this.#packetAt = clock.monotonic();
    this.#pictureAt = this.#packetAt;
    this.#cancelWatch = clock.every(Math.min(1_000, this.#times.silenceMs / 2), () => this.#watch());
    return {
      onPacket: (packet) => {
        if (packet.payloadType !== media.payloadType) return;
        this.#packetAt = clock.monotonic();
        depacketizer.push(packet);
      },
      onReport: (report) => time.report(report),
    };
  }

  #format(media: VideoMedia): { readonly payload: PayloadFormat; readonly give: (picture: Picture) => void } {
    const options = this.#options;
    if (options.codec === "H264")
      return { payload: new H264Payload(media.parameterSets, options.onFormat), give: options.onPicture };
    const payload = new H265Payload(media.parameterSets);
    return {
      payload,
      give: ({ data, key, gap, at, timeBase }) =>
        options.onPicture({ data, key, gap, at, timeBase, parameterSets: payload.parameterSets }),
    };
  }

  #watch(): void {
    const now = this.#options.clock.monotonic();
    const { silenceMs, noKeyMs } = this.#times;
    const waits = this.#depacketizer?.waitsForKey === true;
    if (now - this.#packetAt > silenceMs) this.#session.fail("RTSP_SILENT", `no video for ${silenceMs} ms`);
    else if (!waits && now - this.#pictureAt > silenceMs)
      this.#session.fail("RTSP_SILENT", `no whole picture for ${silenceMs} ms`);
    else if (waits && now - this.#pictureAt > noKeyMs)
      this.#session.fail("RTSP_NO_KEY_PICTURE", `no key picture for ${noKeyMs} ms`);
  }
}
