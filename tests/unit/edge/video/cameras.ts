import { systemClock } from "#core/clock.ts";
import type { VideoFormat } from "#core/contracts/video.ts";
import type { Logger } from "#core/logger.ts";
import type { Consumer } from "#edge/video/camera-stream.ts";
import { CameraStreams, type CameraStreamsOptions, STREAM_LIMITS } from "#edge/video/camera-streams.ts";
import type { KeptPicture, VideoFailure } from "#edge/video/picture.ts";
import type { ActionResult } from "#protocols/driver.ts";

/** What a consumer of pictures was told. */
export class Collector implements Consumer {
  readonly takesSnapshots: boolean;
  readonly keepsPictures = true;
  readonly formats: VideoFormat[] = [];
  readonly pictures: KeptPicture[] = [];
  readonly failures: VideoFailure[] = [];

  constructor(takesSnapshots = true) {
    this.takesSnapshots = takesSnapshots;
  }

  onFormat(format: VideoFormat): void {
    this.formats.push(format);
  }
  onPicture(picture: KeptPicture): void {
    this.pictures.push(picture);
  }
  onFailure(failure: VideoFailure): void {
    this.failures.push(failure);
  }
}

/** Lines of a log as text. */
export class LogLines {
  readonly lines: string[] = [];
  readonly logger: Logger = this.#child();

  #child(): Logger {
    const line =
      (level: string) =>
      (fields: object, message: string): void => {
        const told = Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? value.stack : value]);
        this.lines.push(`${level} ${message} ${JSON.stringify(Object.fromEntries(told))}`);
      };
    return {
      debug: line("debug"),
      info: line("info"),
      warn: line("warn"),
      error: line("error"),
      child: () => this.logger,
    };
  }
}

/** Streams whose cameras are told by hand, with times short enough for a test. */
export function cameraStreams(
  ask: CameraStreamsOptions["ask"],
  changes: Partial<CameraStreamsOptions> = {},
): { readonly streams: CameraStreams; readonly counts: Record<string, number>; readonly log: LogLines } {
  const counts: Record<string, number> = {};
  const log = new LogLines();
  const streams = new CameraStreams({
    clock: systemClock,
    transcoder: undefined,
    logger: log.logger,
    random: () => 0.5,
    count: (name, by = 1) => {
      counts[name] = (counts[name] ?? 0) + by;
    },
    limits: STREAM_LIMITS,
    retry: { firstMs: 60, longestMs: 200, hopelessMs: 400 },
    times: { silenceMs: 700, noKeyMs: 2_500 },
    rtspTimes: { answerMs: 1_000 },
    ask,
    ...changes,
  });
  return { streams, counts, log };
}

/** A driver's answer that names a stream. */
export function streamAt(uri: string, more: Readonly<Record<string, string>> = {}): ActionResult {
  return { status: "done", data: { uri, ...more } };
}
