import type { VideoFormat } from "#core/contracts/video.ts";
import type { Logger } from "#core/logger.ts";
import { Backoff } from "../backoff.ts";
import type { Count, KeptPicture, Picture, PictureSink, VideoFailure } from "./picture.ts";
import { Ring, type RingLimits } from "./ring.ts";
import type { SharedPulls } from "./shared-pulls.ts";
import type { AskCamera } from "./snapshots.ts";
import { type Quality, type SourceSettings, StreamSource } from "./stream-source.ts";

/** How attempts follow each other, ms. */
export interface RetryTimes {
  readonly firstMs: number;
  readonly longestMs: number;
  /** After a failure that trying again does not mend, such as a wrong password: cameras lock an account that tries too often. */
  readonly hopelessMs: number;
}

export const RETRY_TIMES: RetryTimes = { firstMs: 500, longestMs: 15_000, hopelessMs: 60_000 };
/** A stream that played so long was a good one: the next loss starts the back-off anew, ms. */
const STEADY_MS = 10_000;

export interface CameraStreamOptions extends SourceSettings {
  readonly camera: string;
  readonly quality: Quality;
  readonly ask: AskCamera;
  /** What else of the camera is pulled. */
  readonly shared: SharedPulls;
  readonly logger: Logger;
  readonly count: Count;
  readonly random: () => number;
  readonly retry?: RetryTimes;
  /** Most bytes that are kept from the last key picture on for who joins, when nothing else is to be kept. */
  readonly groupBytes: number;
}

/** Who takes pictures of a stream. */
export interface Consumer extends PictureSink {
  /** Snapshots are of use to it too. */
  readonly takesSnapshots: boolean;
  /** It keeps pictures beyond the call that gives them: their memory is then not taken back while it is there. */
  readonly keepsPictures: boolean;
}

/**
 * One camera in one quality: one pull for everybody who wants its pictures. It is pulled while somebody does, or while a ring is to
 * be kept, and pulled again with jittered back-off when it breaks.
 */
export class CameraStream {
  readonly #options: CameraStreamOptions;
  readonly #backoff: Backoff;
  readonly #ring: Ring;
  readonly #consumers = new Set<Consumer>();
  #kept = false;
  #source: StreamSource | undefined;
  #cancelRetry: (() => void) | undefined;
  /** Ends that are under way: the next attempt waits for them, so that a camera sees one session. */
  #ending: Promise<void> = Promise.resolve();
  #format: VideoFormat | undefined;
  #playingSince: number | undefined;
  #pictureAt: number | undefined;
  #failure: VideoFailure | undefined;
  /** No attempt before, whoever asks, in the measure of `Clock.monotonic`: the last failure was one that trying does not mend. */
  #restUntil = Number.NEGATIVE_INFINITY;
  #closed = false;
  #attempts = 0;

  constructor(options: CameraStreamOptions) {
    this.#options = options;
    const { firstMs, longestMs } = options.retry ?? RETRY_TIMES;
    this.#backoff = new Backoff({ firstMs, longestMs, random: options.random });
    this.#ring = new Ring({ keepMs: 0, bytes: options.groupBytes });
  }

  /** Do pictures come? */
  get playing(): boolean {
    return this.#playingSince !== undefined;
  }
  /** When the last picture came, in the measure of `Clock.monotonic`. */
  get pictureAt(): number | undefined {
    return this.#pictureAt;
  }
  /** Why no pictures come; undefined while they do. */
  get failure(): VideoFailure | undefined {
    return this.#failure;
  }
  get ring(): Pick<Ring, "bytes" | "heldMs" | "since"> {
    return this.#ring;
  }

  /** Keeps the last seconds from now on, or no longer. */
  keep(limits: RingLimits | undefined): void {
    this.#kept = limits !== undefined;
    this.#ring.limit(limits ?? { keepMs: 0, bytes: this.#options.groupBytes });
    this.#demandChanged();
  }

  /**
   * Gives a consumer what comes. With `replay` it first gets the pictures since the last key picture, so that it has one to show at
   * once. @returns how to end that
   */
  add(consumer: Consumer, { replay }: { readonly replay: boolean }): () => void {
    this.#consumers.add(consumer);
    this.#ring.shared = this.#isShared;
    if (replay) this.#replay(consumer);
    this.#demandChanged();
    const failure = this.#failure;
    if (failure?.retriable === false && this.#cancelRetry !== undefined)
      this.#tell(consumer, () => consumer.onFailure(failure));
    return () => {
      this.#consumers.delete(consumer);
      this.#ring.shared = this.#isShared;
      this.#demandChanged();
    };
  }

  get #isShared(): boolean {
    return [...this.#consumers].some(({ keepsPictures }) => keepsPictures);
  }

  #replay(consumer: Consumer): void {
    if (this.#format === undefined) return;
    consumer.onFormat(this.#format);
    for (const picture of this.#ring.lastGroup()) if (picture.format === this.#format) consumer.onPicture(picture);
  }

  get #snapshotsWanted(): boolean {
    return [...this.#consumers].some(({ takesSnapshots }) => takesSnapshots);
  }
  get #wanted(): boolean {
    return !this.#closed && (this.#kept || this.#consumers.size > 0);
  }

  #demandChanged(): void {
    const onlySnapshots = this.#format?.mode === "snapshots" && this.#source !== undefined;
    if (!this.#wanted || (onlySnapshots && !this.#snapshotsWanted)) this.#stop();
    if (!this.#wanted) return;
    // who joins may take what those before did not
    const mended = this.#failure?.code === "VIDEO_NO_H264" && this.#snapshotsWanted;
    if (this.#source !== undefined) return;
    const restMs = this.#restUntil - this.#options.clock.monotonic();
    if (mended || (this.#cancelRetry === undefined && restMs <= 0)) this.#begin();
    else if (this.#cancelRetry === undefined) this.#retryAfter(restMs);
  }

  #retryAfter(restMs: number): void {
    this.#cancelRetry = this.#options.clock.after(restMs, () => {
      this.#cancelRetry = undefined;
      if (this.#wanted && this.#source === undefined) this.#begin();
    });
  }

  #stop(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    const source = this.#source;
    this.#source = undefined;
    this.#format = undefined;
    this.#playingSince = undefined;
    if (!this.#kept) this.#ring.clear();
    if (source !== undefined) this.#ending = this.#ending.then(() => source.stop());
  }

  #begin(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    const attempt = ++this.#attempts;
    const { camera: _, ...settings } = this.#options;
    const mine = (): boolean => this.#source === source;
    const source = new StreamSource({
      ...settings,
      snapshotsWanted: () => this.#snapshotsWanted,
      onFormat: (format) => {
        if (mine()) this.#formatted(format);
      },
      onPicture: (picture) => {
        if (mine()) this.#took(picture);
      },
      onEnd: (failure) => {
        if (mine()) this.#ended(failure);
      },
    });
    this.#source = source;
    void this.#ending.then(() => {
      if (mine() && attempt === this.#attempts) source.start();
    });
  }

  #formatted(format: VideoFormat): void {
    this.#format = format;
    for (const consumer of [...this.#consumers]) this.#tell(consumer, () => consumer.onFormat(format));
  }

  #took(picture: Picture): void {
    const format = this.#format;
    if (format === undefined) return;
    const { clock, logger, camera, quality } = this.#options;
    this.#pictureAt = clock.monotonic();
    if (this.#playingSince === undefined) {
      this.#playingSince = this.#pictureAt;
      const { mode, reason } = format;
      const told = { camera, quality, mode, ...(reason === undefined ? {} : { reason }) };
      if (this.#failure === undefined) logger.debug(told, "video plays");
      else logger.info(told, "video plays again");
      this.#failure = undefined;
    }
    const kept: KeptPicture = { ...picture, format };
    for (const consumer of [...this.#consumers]) this.#tell(consumer, () => consumer.onPicture(kept));
    // last: a ring that has no room for it takes its memory back
    if (picture.kind === "h264") this.#ring.push(kept);
  }

  /** One consumer's fault is not the others'. */
  #tell(consumer: Consumer, tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#options.count("consumerFaults");
      this.#consumers.delete(consumer);
      this.#options.logger.error({ camera: this.#options.camera, err: error }, "a consumer of video failed");
    }
  }

  #ended(failure: VideoFailure): void {
    const { clock, logger, camera, quality, count, random, retry = RETRY_TIMES } = this.#options;
    const source = this.#source;
    const playedMs = this.#playingSince === undefined ? 0 : clock.monotonic() - this.#playingSince;
    this.#source = undefined;
    this.#format = undefined;
    this.#playingSince = undefined;
    if (source !== undefined) this.#ending = this.#ending.then(() => source.stop());
    count("failures");
    const { code, message } = failure;
    // a fault that lasts is told once
    if (this.#failure?.code !== code) logger.warn({ camera, quality, code, cause: message }, "no video");
    this.#failure = failure;
    if (playedMs >= STEADY_MS) this.#backoff.reset();
    const restMs = failure.retriable ? this.#backoff.next() : retry.hopelessMs * (0.5 + random() / 2);
    if (!failure.retriable) this.#restUntil = clock.monotonic() + restMs;
    this.#retryAfter(restMs);
    for (const consumer of [...this.#consumers]) this.#tell(consumer, () => consumer.onFailure(failure));
    // who leaves on a failure may have been the last
    this.#demandChanged();
  }

  /** Ends for good: nobody is told anything more after `failure`. */
  async close(failure: VideoFailure): Promise<void> {
    this.#closed = true;
    this.#kept = false;
    this.#stop();
    const consumers = [...this.#consumers];
    this.#consumers.clear();
    for (const consumer of consumers) consumer.onFailure(failure);
    this.#ring.clear();
    await this.#ending;
  }
}
