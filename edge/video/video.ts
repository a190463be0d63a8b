import type { Clock } from "#core/clock.ts";
import type { LaneRecord } from "#core/contracts/lanes.ts";
import { errorMessage } from "#core/errors.ts";
import type { DeviceId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { ActionRequest, ActionResult } from "#protocols/driver.ts";
import { Backoff } from "../backoff.ts";
import type { BlobQueue } from "../blobs.ts";
import type { ClipRequest, EffectResult } from "../effects.ts";
import type { VideoCamera } from "./camera-streams.ts";
import type { ClipFilm } from "./clip-film.ts";
import type { ClipAnswer, ClipOutcome } from "./clips.ts";
import type { EngineSettings } from "./engine.ts";
import type { FromVideo } from "./messages.ts";
import { THREAD_TIMES, type ThreadTimes, VideoThread } from "./video-thread.ts";

/** What is written into the event lane for a clip. */
export type ClipRecord = Extract<LaneRecord, { readonly kind: "clip" }>;

export interface VideoOptions {
  /** `<site>/<gateway>` */
  readonly gateway: string;
  /** The gateway's credential, as value of the Authorization header. */
  readonly authorization: string;
  /** HTTP address of the cloud, asked for at each attempt. @throws when it cannot be told now */
  readonly cloud: () => string;
  /** Asks a camera's driver: `streamUri`, `snapshot`. Never rejects. */
  readonly act: (request: ActionRequest, timeoutMs: number) => Promise<ActionResult>;
  readonly blobs: Pick<BlobQueue, "add">;
  /** A clip is on the disk. */
  readonly onClip: (clip: ClipRecord) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings?: EngineSettings;
  readonly times?: Partial<ThreadTimes>;
  readonly random?: () => number;
}

interface Pending {
  readonly request: ClipRequest;
  /** Unix ms, and in the measure of `Clock.monotonic`. */
  readonly triggerAt: number;
  readonly triggeredAt: number;
  readonly answer: (answer: ClipAnswer) => void;
}

/** Longest that a driver may take to tell a stream's address or take a picture, ms. */
const ASK_TIMEOUT_MS = 8_000;
/** The thread answers within less than this whether a recording runs, ms. */
const ANSWER_TIMEOUT_MS = 6_000;
const RESTART = { firstMs: 500, longestMs: 30_000 };
/** A thread that ran so long was a good one, ms. */
const STEADY_MS = 60_000;
/** A ring holds at least so much, ms. */
const LEAST_RING_MS = 15_000;
/** Most clips that wait for their end. */
const MAX_PENDING = 64;

/**
 * The gateway's video. Its work is done in one thread, which runs only while the site has cameras: a fault in it stops neither
 * alarms nor drivers. It is started again, and recordings that ran go on with what follows.
 */
export class Video {
  readonly #options: VideoOptions;
  readonly #times: ThreadTimes;
  readonly #backoff: Backoff;
  readonly #pending = new Map<number, Pending>();
  readonly #storing = new Set<Promise<void>>();
  readonly #own = { threadEnds: 0, clips: 0, clipsFailed: 0 };
  #cameras: readonly VideoCamera[] = [];
  #thread: VideoThread | undefined;
  #ending: Promise<void> = Promise.resolve();
  #startedAt = 0;
  #cancelRestart: (() => void) | undefined;
  #counters: Readonly<Record<string, number>> = {};
  #orders = 0;
  #stopped = true;

  constructor(options: VideoOptions) {
    this.#options = options;
    this.#times = { ...THREAD_TIMES, ...options.times };
    this.#backoff = new Backoff({ ...RESTART, random: options.random ?? Math.random });
  }

  /** Of this object since the start; of the thread since its own start. */
  get counters(): Readonly<Record<string, number>> {
    return { ...this.#counters, ...this.#own, pendingClips: this.#pending.size };
  }

  /** Does its thread run? */
  get running(): boolean {
    return this.#thread?.running === true;
  }

  /**
   * The cameras of the site. `ringed`: those that a clip may be asked of, with the longest time before an alarm that is asked for, ms;
   * they are pulled all the time.
   */
  configure(cameras: readonly DeviceId[], ringed: ReadonlyMap<DeviceId, number>): void {
    this.#cameras = cameras.map((device) => {
      const ringMs = ringed.get(device);
      return { device, ...(ringMs === undefined ? {} : { ringMs: Math.max(LEAST_RING_MS, ringMs) }) };
    });
    if (this.#stopped) return;
    if (this.#cameras.length === 0) this.#endThread();
    else if (this.#thread?.running) this.#thread.send({ kind: "configure", cameras: this.#cameras });
    else this.#startThread();
  }

  /** Begins, if there are cameras. */
  start(): void {
    this.#stopped = false;
    if (this.#cameras.length > 0) this.#startThread();
  }

  #startThread(): void {
    if (this.#thread !== undefined || this.#cancelRestart !== undefined) return;
    const { gateway, authorization, clock, settings = {} } = this.#options;
    this.#startedAt = clock.monotonic();
    const thread: VideoThread = new VideoThread({
      data: { gateway, authorization, settings },
      clock,
      times: this.#times,
      onMessage: (message) => this.#heard(thread, message),
      onEnd: (code, message) => this.#threadEnded(code, message),
    });
    this.#thread = thread;
  }

  #endThread(): void {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#cancelRestart?.();
    this.#cancelRestart = undefined;
    if (thread !== undefined) this.#ending = Promise.all([this.#ending, thread.stop()]).then(() => undefined);
  }

  #threadEnded(code: string, message: string): void {
    const { clock, logger } = this.#options;
    this.#own.threadEnds++;
    this.#thread = undefined;
    if (clock.monotonic() - this.#startedAt >= STEADY_MS) this.#backoff.reset();
    const restMs = this.#backoff.next();
    logger.error({ code, cause: message, restMs: Math.round(restMs) }, "video thread ended, it is started again");
    this.#cancelRestart = clock.after(restMs, () => {
      this.#cancelRestart = undefined;
      if (!this.#stopped && this.#cameras.length > 0) this.#startThread();
    });
  }

  #heard(thread: VideoThread, message: FromVideo): void {
    switch (message.kind) {
      case "loaded":
        this.#loaded(thread);
        break;
      case "beat":
        this.#counters = message.counters;
        break;
      case "ask":
        this.#ask(thread, message);
        break;
      case "cloud":
        thread.send({ kind: "cloud", id: message.id, ...this.#cloud() });
        break;
      case "recording":
        this.#pending.get(message.id)?.answer(message.answer);
        if (message.answer.status === "refused") this.#pending.delete(message.id);
        break;
      case "outcome":
        this.#outcome(message.outcome);
        break;
      case "log":
        this.#options.logger[message.level](message.fields, message.message);
        break;
      case "stopped":
        break;
      default:
        message satisfies never;
    }
  }

  #cloud(): { readonly url: string | undefined; readonly problem: string } {
    try {
      return { url: this.#options.cloud(), problem: "" };
    } catch (error) {
      return { url: undefined, problem: errorMessage(error) };
    }
  }

  #ask(thread: VideoThread, { id, device, action, params }: FromVideo & { kind: "ask" }): void {
    this.#options
      // checked when it was configured
      .act({ device: device as DeviceId, action, params }, ASK_TIMEOUT_MS)
      .catch((error: unknown): ActionResult => {
        return { status: "failed", code: "VIDEO_ASK_FAILED", message: errorMessage(error) };
      })
      .then((result) => thread.send({ kind: "answer", id, result }))
      .catch((error: unknown) => this.#options.logger.error({ err: error }, "video thread could not be answered"));
  }

  #loaded(thread: VideoThread): void {
    thread.send({ kind: "configure", cameras: this.#cameras });
    // what a thread that is gone had begun
    for (const [id, pending] of [...this.#pending]) this.#order(thread, id, pending);
  }

  #order(thread: VideoThread, id: number, { request, triggerAt, triggeredAt }: Pending): void {
    const { camera, beforeMs, afterMs } = request;
    const agoMs = this.#options.clock.monotonic() - triggeredAt;
    if (agoMs > afterMs)
      this.#outcome({ id, code: "VIDEO_EXITED", message: "the video thread ended while it was recorded" });
    else thread.send({ kind: "record", order: { id, camera, beforeMs, afterMs, triggerAt, agoMs } });
  }

  /**
   * Records the video around now. Done when the recording runs; the clip follows by `onClip`. Never throws; codes:
   * VIDEO_NOT_AVAILABLE, VIDEO_CAMERA_UNKNOWN, VIDEO_BUSY, VIDEO_NO_PICTURE or why the stream fails.
   */
  async recordClip(request: ClipRequest): Promise<EffectResult> {
    const { clock } = this.#options;
    if (this.#stopped || !this.#cameras.some(({ device }) => device === request.camera))
      return {
        status: "refused",
        code: "VIDEO_NOT_AVAILABLE",
        detail: `${request.camera} is no camera of this gateway`,
      };
    if (this.#pending.size >= MAX_PENDING)
      return { status: "refused", code: "VIDEO_BUSY", detail: `${MAX_PENDING} clips are recorded already` };
    const id = ++this.#orders;
    const { promise, resolve } = Promise.withResolvers<ClipAnswer>();
    const pending = { request, triggerAt: clock.now(), triggeredAt: clock.monotonic(), answer: resolve };
    this.#pending.set(id, pending);
    if (this.#thread?.running) this.#order(this.#thread, id, pending);
    const cancel = clock.after(ANSWER_TIMEOUT_MS, () =>
      resolve({ status: "failed", code: "VIDEO_NOT_RUNNING", message: "the video thread is being started" }),
    );
    const answer = await promise.finally(cancel);
    return answer.status === "done"
      ? { status: "done" }
      : { status: answer.status, code: answer.code, detail: answer.message };
  }

  #outcome(outcome: ClipOutcome): void {
    const pending = this.#pending.get(outcome.id);
    this.#pending.delete(outcome.id);
    if (pending === undefined) return;
    if ("film" in outcome) {
      const stored: Promise<void> = this.#store(pending, outcome.film).finally(() => this.#storing.delete(stored));
      this.#storing.add(stored);
      return;
    }
    this.#own.clipsFailed++;
    const { camera, alarm } = pending.request;
    pending.answer({ status: "failed", code: outcome.code, message: outcome.message });
    this.#options.logger.error({ camera, alarm, code: outcome.code, cause: outcome.message }, "no clip");
  }

  async #store({ request, triggerAt }: Pending, { bytes, ...film }: ClipFilm): Promise<void> {
    const { camera, alarm, occurrence, run } = request;
    try {
      const blob = await this.#options.blobs.add(bytes, "video/mp4");
      this.#options.onClip({
        kind: "clip",
        ...blob,
        camera,
        triggerAt,
        ...film,
        ...(alarm === undefined ? {} : { alarm }),
        ...(occurrence === undefined ? {} : { occurrence }),
        ...(run === undefined ? {} : { run }),
      });
      this.#own.clips++;
    } catch (error) {
      this.#own.clipsFailed++;
      this.#options.logger.error({ camera, alarm, cause: errorMessage(error) }, "clip not stored");
    }
  }

  /** Ends the thread; recordings become the clips that they are by now and are stored before this resolves. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#endThread();
    await this.#ending;
    for (const id of [...this.#pending.keys()])
      this.#outcome({ id, code: "VIDEO_STOPPED", message: "the gateway stopped before the recording ran" });
    await Promise.all([...this.#storing]);
  }
}
