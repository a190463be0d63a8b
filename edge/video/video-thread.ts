import { Worker } from "node:worker_threads";
import type { Clock } from "#core/clock.ts";
import { errorCode } from "#core/errors.ts";
import type { FromVideo, ToVideo, VideoWorkerData } from "./messages.ts";

/** Times of the video thread, ms. */
export interface ThreadTimes {
  readonly beatMs: number;
  /** A thread that is silent for so long is ended: its event loop hangs. */
  readonly silenceMs: number;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

export const THREAD_TIMES: ThreadTimes = {
  beatMs: 1_000,
  silenceMs: 5_000,
  startTimeoutMs: 20_000,
  stopTimeoutMs: 3_000,
};

/** Memory of the thread, MB. Pictures are not in its heap. */
const YOUNG_GENERATION_MB = 2;
const HEAP_MB = 64;

/** In plain JavaScript: the compile cache must be on before the first TypeScript file, or the thread loads the compiler. */
const ENTRY = `require("node:module").enableCompileCache();
import(${JSON.stringify(new URL("./worker.ts", import.meta.url).href)});`;

export interface VideoThreadOptions {
  readonly data: Omit<VideoWorkerData, "beatMs">;
  readonly clock: Clock;
  readonly times: ThreadTimes;
  /** What the thread tells; `loaded`, `beat` and `stopped` too. */
  readonly onMessage: (message: FromVideo) => void;
  /** Once, unless `stop` was called; nothing follows. */
  readonly onEnd: (code: string, message: string) => void;
}

/** One run of the video thread: starts it, watches its heartbeat, ends it when it hangs. */
export class VideoThread {
  readonly #worker: Worker;
  readonly #options: VideoThreadOptions;
  readonly #cancelWatch: () => void;
  #heardAt: number;
  #loaded = false;
  #ended = false;
  #stopped: (() => void) | undefined;

  constructor(options: VideoThreadOptions) {
    const { data, clock, times } = options;
    this.#options = options;
    this.#heardAt = clock.monotonic();
    this.#worker = new Worker(ENTRY, {
      eval: true,
      workerData: { ...data, beatMs: times.beatMs } satisfies VideoWorkerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB, maxOldGenerationSizeMb: HEAP_MB },
      execArgv: [],
      name: "video",
    });
    this.#worker.on("message", (message: FromVideo) => this.#heard(message));
    this.#worker.on("error", (error) => this.#end(errorCode(error), error.message));
    this.#worker.on("exit", (code) => this.#end("VIDEO_EXITED", `the video thread ended with code ${code}`));
    this.#cancelWatch = clock.every(Math.max(50, Math.floor(times.silenceMs / 5)), () => this.#watch());
  }

  /** Is it there to take messages? */
  get running(): boolean {
    return this.#loaded && !this.#ended;
  }

  #watch(): void {
    const { clock, times } = this.#options;
    const silent = clock.monotonic() - this.#heardAt;
    if (silent > (this.#loaded ? times.silenceMs : times.startTimeoutMs))
      this.#end("VIDEO_HANGS", `the video thread is silent for ${Math.round(silent)} ms`);
  }

  #heard(message: FromVideo): void {
    if (this.#ended) return;
    this.#heardAt = this.#options.clock.monotonic();
    if (message.kind === "loaded") this.#loaded = true;
    this.#options.onMessage(message);
    if (message.kind === "stopped") this.#stopped?.();
  }

  #end(code: string, message: string): void {
    if (this.#ended) return;
    this.#close();
    this.#options.onEnd(code, message);
  }

  #close(): void {
    this.#ended = true;
    this.#cancelWatch();
    void this.#worker.terminate();
  }

  /** To the thread; lost when it has ended. */
  send(message: ToVideo): void {
    if (!this.#ended) this.#worker.postMessage(message);
  }

  /** Ends it cleanly, or by force when it does not within `stopTimeoutMs`. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stopped = resolve;
    const cancel = this.#options.clock.after(this.#options.times.stopTimeoutMs, resolve);
    this.#worker.once("exit", () => resolve());
    this.send({ kind: "stop" });
    await promise;
    cancel();
    this.#close();
    await this.#worker.terminate();
  }
}
