import { Worker } from "node:worker_threads";
import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { FieldCertificate } from "#core/model/certificate.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { ConditionReport } from "#core/model/field-condition.ts";
import type { Sample } from "#core/model/sample.ts";
import type {
  ActionRequest,
  ActionResult,
  DeviceBinding,
  DeviceState,
  DriverCounters,
  WriteRequest,
  WriteResult,
} from "#protocols/driver.ts";
import { type DriverWorkerData, type FromDriver, type ToDriver, threadTime } from "./driver-messages.ts";

/** Times of one driver thread, ms. */
export interface HostTimes {
  readonly beatMs: number;
  /** A worker that is silent for so long is ended: its event loop hangs. */
  readonly silenceMs: number;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

export const DEFAULT_HOST_TIMES: HostTimes = {
  beatMs: 1_000,
  silenceMs: 5_000,
  startTimeoutMs: 20_000,
  stopTimeoutMs: 3_000,
};

/** Memory of one driver thread, MB. A capped young generation keeps twenty of them small (evidence: 109 against 86 MB for five). */
const YOUNG_GENERATION_MB = 4;
const HEAP_MB = 96;

/**
 * Entry of every driver thread, in plain JavaScript: the compile cache is per thread and must be on before the first TypeScript
 * file, or each thread loads the compiler that strips the types (10 to 15 MB a thread).
 */
const ENTRY = `require("node:module").enableCompileCache();
import(${JSON.stringify(new URL("./driver-worker.ts", import.meta.url).href)});`;

/** What a driver tells, and how its thread ended. After `onEnd` nothing follows. */
export interface HostSinks {
  onSamples(samples: readonly Sample[]): void;
  /** `stored` is to be told when the event is on the disk, or that it will not be; absent where nobody waits. */
  onEvent(event: DeviceEvent, stored?: (stored: boolean) => void): void;
  onConditions(report: ConditionReport): void;
  onHistory(samples: readonly Sample[]): void;
  onCertificates(certificates: readonly FieldCertificate[]): void;
  onDevice(state: DeviceState): void;
  onStarted(): void;
  /** Once, unless `stop` was called. `code` is stable. */
  onEnd(code: string, message: string): void;
}

interface HostOptions {
  readonly data: Omit<DriverWorkerData, "beatMs">;
  /** Largest heap of the thread, MB; 96 when absent. */
  readonly heapMb?: number;
  readonly devices: readonly DeviceBinding[];
  readonly sinks: HostSinks;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly times: HostTimes;
}

type Failure = { readonly status: "failed" | "timeout" | "rejected"; readonly code: string; readonly message: string };
type Settle = (result: WriteResult | ActionResult | Failure) => void;

/** One driver in one worker thread: starts it, binds its devices, watches its heartbeat, ends it when it hangs. */
export class DriverHost {
  readonly #worker: Worker;
  readonly #sinks: HostSinks;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #times: HostTimes;
  readonly #channel: string;
  readonly #open = new Map<number, Settle>();
  readonly #cancelWatch: () => void;
  #devices: readonly DeviceBinding[];
  #heardAt: number;
  #loaded = false;
  #started = false;
  #ended = false;
  /** Nothing of the field counts any more: values that come while the driver ends would look as if it went on. */
  #stopping = false;
  #requests = 0;
  #counters: DriverCounters = {};
  #stopped: (() => void) | undefined;

  constructor(options: HostOptions) {
    const { data, devices, sinks, clock, logger, times, heapMb = HEAP_MB } = options;
    this.#sinks = sinks;
    this.#clock = clock;
    this.#logger = logger;
    this.#times = times;
    this.#channel = data.channel;
    this.#devices = devices;
    this.#heardAt = clock.monotonic();
    this.#worker = new Worker(ENTRY, {
      eval: true,
      workerData: { ...data, beatMs: times.beatMs } satisfies DriverWorkerData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB, maxOldGenerationSizeMb: heapMb },
      execArgv: [],
      name: `driver ${data.channel}`,
    });
    this.#worker.on("message", (message: FromDriver) => this.#heard(message));
    this.#worker.on("error", (error: Error & { code?: string }) =>
      this.#end(error.code ?? "DRIVER_THREW", error.message),
    );
    this.#worker.on("exit", (code) => this.#end("DRIVER_EXITED", `driver thread ended with code ${code}`));
    this.#cancelWatch = clock.every(Math.max(50, Math.floor(times.silenceMs / 5)), () => this.#watch());
  }

  /** Has the driver started, so that requests reach it? */
  get running(): boolean {
    return this.#started && !this.#ended;
  }
  /** The driver's own counters, as of its last heartbeat. */
  get counters(): DriverCounters {
    return this.#counters;
  }

  #watch(): void {
    // loading a driver's library may hold its thread longer than any work does
    const limit = this.#loaded ? this.#times.silenceMs : this.#times.startTimeoutMs;
    const silent = this.#clock.monotonic() - this.#heardAt;
    if (silent > limit) this.#end("DRIVER_HANGS", `driver thread silent for ${Math.round(silent)} ms`);
  }

  #send(message: ToDriver): void {
    this.#worker.postMessage(message);
  }

  #heard(message: FromDriver): void {
    if (this.#ended) return;
    this.#heardAt = this.#clock.monotonic();
    switch (message.kind) {
      case "loaded":
        this.#loaded = true;
        this.#send({ kind: "start", timeoutMs: this.#times.startTimeoutMs });
        break;
      case "started":
        this.#started = true;
        this.#send({ kind: "bind", devices: this.#devices });
        this.#sinks.onStarted();
        break;
      case "stopped":
        this.#stopped?.();
        break;
      case "failed":
        this.#end(message.code, message.message);
        break;
      case "beat":
        this.#counters = message.counters;
        break;
      case "samples":
        if (!this.#stopping) this.#sinks.onSamples(message.samples);
        break;
      case "event":
        this.#event(message);
        break;
      case "conditions":
        this.#sinks.onConditions(message.report);
        break;
      case "history":
        this.#sinks.onHistory(message.samples);
        break;
      case "certificates":
        this.#sinks.onCertificates(message.certificates);
        break;
      case "device":
        if (!this.#stopping) this.#sinks.onDevice(message.state);
        break;
      case "written":
      case "acted":
        this.#settle(message.id, message.result);
        break;
      case "log":
        this.#logger[message.level]({ channel: this.#channel, ...message.fields }, message.message);
        break;
      default:
        message satisfies never;
    }
  }

  #event({ event, id }: FromDriver & { kind: "event" }): void {
    if (id === undefined) this.#sinks.onEvent(event);
    else
      this.#sinks.onEvent(event, (stored) => {
        if (!this.#ended) this.#send({ kind: "eventStored", id, stored });
      });
  }

  #settle(id: number, result: WriteResult | ActionResult | Failure): void {
    const settle = this.#open.get(id);
    this.#open.delete(id);
    settle?.(result);
  }

  #end(code: string, message: string): void {
    if (this.#ended) return;
    this.#close(code, message);
    this.#sinks.onEnd(code, message);
  }

  #close(code: string, message: string): void {
    this.#ended = true;
    this.#cancelWatch();
    // ending a thread that is gone already is no error; a hanging one stops at its next instruction
    void this.#worker.terminate();
    for (const id of [...this.#open.keys()]) this.#settle(id, { status: "failed", code, message });
  }

  /** Gives the driver another set of devices; at once when it runs, else when it has started. */
  bind(devices: readonly DeviceBinding[]): void {
    this.#devices = devices;
    if (this.running) this.#send({ kind: "bind", devices });
  }

  /** Writes and reads back. Never throws; a driver that ends or does not answer in time is a failure of the write. */
  write(request: WriteRequest, timeoutMs: number): Promise<WriteResult> {
    return this.#request(
      (id) => ({ kind: "write", id, request, deadline: threadTime() + timeoutMs }),
      timeoutMs,
    ) as Promise<WriteResult>;
  }

  /** Performs a device action; see `write`. */
  act(request: ActionRequest, timeoutMs: number): Promise<ActionResult> {
    return this.#request(
      (id) => ({ kind: "act", id, request, deadline: threadTime() + timeoutMs }),
      timeoutMs,
    ) as Promise<ActionResult>;
  }

  #request(message: (id: number) => ToDriver, timeoutMs: number): Promise<WriteResult | ActionResult> {
    if (!this.running) {
      const text = `channel ${this.#channel} is not running`;
      return Promise.resolve({ status: "rejected", code: "DRIVER_NOT_RUNNING", message: text });
    }
    const id = ++this.#requests;
    const { promise, resolve } = Promise.withResolvers<WriteResult | ActionResult>();
    const text = `no answer of channel ${this.#channel} within ${timeoutMs} ms`;
    const cancel = this.#clock.after(timeoutMs, () =>
      this.#settle(id, { status: "timeout", code: "DRIVER_TIMEOUT", message: text }),
    );
    this.#open.set(id, (result) => {
      cancel();
      resolve(result as WriteResult | ActionResult);
    });
    this.#send(message(id));
    return promise;
  }

  /**
   * Ends the driver cleanly, or by force when it does not within `stopTimeoutMs`. From the call on no value and no reachability is
   * told, and nothing at all afterwards.
   */
  async stop(): Promise<void> {
    if (this.#ended) return;
    this.#stopping = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stopped = resolve;
    const cancel = this.#clock.after(this.#times.stopTimeoutMs, resolve);
    this.#worker.once("exit", () => resolve());
    this.#send({ kind: "stop" });
    await promise;
    cancel();
    this.#close("DRIVER_STOPPED", `channel ${this.#channel} was stopped`);
    await this.#worker.terminate();
  }
}
