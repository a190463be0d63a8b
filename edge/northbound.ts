import { Worker } from "node:worker_threads";
import type { BacnetNorthbound } from "#config/schema/northbound.ts";
import type { Clock } from "#core/clock.ts";
import { pointParts } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Point } from "#core/model/point.ts";
import type { Sample } from "#core/model/sample.ts";
import type { ShownPoint, ShownValue } from "#protocols/bacnet/northbound/shown-point.ts";
import type { FromNorthbound, NorthboundWorkerData, ToNorthbound } from "./northbound-messages.ts";

/** Times of the thread, ms. */
export interface NorthboundTimes {
  readonly tellMs: number;
  readonly beatMs: number;
  /** A thread that is silent for so long is ended, and another begun. */
  readonly silenceMs: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  readonly stopTimeoutMs: number;
}

const TIMES: NorthboundTimes = {
  tellMs: 250,
  beatMs: 1_000,
  silenceMs: 20_000,
  firstPauseMs: 1_000,
  longestPauseMs: 60_000,
  stopTimeoutMs: 3_000,
};
/** Most points that one device shows: its object list is answered as a whole. */
const MOST_POINTS = 20_000;
const MOST_VALUES = 2_000;
const HEAP_MB = 256;
/** Largest instance of an object. [BACnet 20.2.14] */
const LAST_INSTANCE = 4_194_302;

const ENTRY = `require("node:module").enableCompileCache();
import(${JSON.stringify(new URL("./northbound-worker.ts", import.meta.url).href)});`;

/** What the points are shown from. */
export interface NorthboundOptions {
  readonly settings: BacnetNorthbound;
  /** `<site>/<gateway>`. */
  readonly gateway: string;
  /** The last sample of a point. */
  latest(point: string): Sample | undefined;
  /** The number that a point has for ever. */
  numberOf(point: string): number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly times?: Partial<NorthboundTimes>;
}

/** Shows the gateway's points as a BACnet device, out of a thread of its own that is begun again whenever it ends. */
export class Northbound {
  readonly #options: NorthboundOptions;
  readonly #times: NorthboundTimes;
  #points: readonly ShownPoint[] = [];
  #shape = "";
  #worker: Worker | undefined;
  #opened: { readonly host: string; readonly port: number } | undefined;
  readonly #told = new Map<string, Sample>();
  /** Values are under way that the thread has not taken yet: no more are sent, so that none pile up. */
  #telling = false;
  /** Place in the points of the first one that is looked at next. */
  #next = 0;
  /** So many are still to be looked at in this round: the next batch follows as soon as the one before is taken. */
  #left = 0;
  /** Code of the last failure, told once while it lasts. */
  #failing: string | undefined;
  #unknown = "";
  #heardAt = 0;
  #starts = 0;
  #pauseMs: number;
  #counters: Readonly<Record<string, number>> = {};
  #cancelPause: () => void = () => {};
  #cancelTicks: () => void = () => {};
  #stopped = false;

  constructor(options: NorthboundOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#pauseMs = this.#times.firstPauseMs;
  }

  /** Where it is reached; undefined while it is not. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    return this.#opened;
  }

  /** What the device counts, and how often its thread was begun. */
  get counters(): Readonly<Record<string, number>> {
    return { ...this.#counters, starts: this.#starts };
  }

  /** Shows these points from now on. */
  configure(points: readonly Point[]): void {
    if (this.#stopped) return;
    const { devices } = this.#options.settings;
    const wanted = devices && new Set(devices);
    this.#warnOfUnknown(points);
    const shown = points
      .filter(({ id }) => wanted === undefined || wanted.has(pointParts(id).device))
      .map((point) => shownOf(point, this.#options.numberOf(point.id)))
      .filter(({ number }) => number <= LAST_INSTANCE);
    const fitting = shown.slice(0, MOST_POINTS);
    if (fitting.length < shown.length)
      this.#options.logger.error({ shown: fitting.length, of: shown.length }, "too many points for one BACnet device");
    const shape = JSON.stringify(fitting);
    if (shape === this.#shape) return;
    this.#shape = shape;
    this.#points = fitting;
    if (this.#worker === undefined) this.#begin();
    else if (this.#opened !== undefined) this.#show();
  }

  /** A misspelt device would only be missing. */
  #warnOfUnknown(points: readonly Point[]): void {
    const known = new Set(points.map(({ id }) => pointParts(id).device));
    const unknown = (this.#options.settings.devices ?? []).filter((device) => !known.has(device));
    if (unknown.join() !== this.#unknown && unknown.length > 0)
      this.#options.logger.warn({ devices: unknown }, "no point of these devices is there to be shown on BACnet");
    this.#unknown = unknown.join();
  }

  /** Takes the device from the network. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelPause();
    this.#cancelTicks();
    const worker = this.#worker;
    if (worker === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(this.#times.stopTimeoutMs, resolve);
    worker.once("exit", () => resolve());
    this.#send({ kind: "stop" });
    await promise;
    cancel();
    this.#worker = undefined;
    this.#opened = undefined;
    await worker.terminate();
  }

  #begin(): void {
    if (this.#stopped || this.#worker !== undefined) return;
    this.#cancelPause();
    const { settings, gateway, clock } = this.#options;
    const { name = gateway, devices: _, ...network } = settings;
    const data: NorthboundWorkerData = { settings: { ...network, name }, beatMs: this.#times.beatMs };
    this.#starts += 1;
    this.#heardAt = clock.monotonic();
    const worker = new Worker(ENTRY, {
      eval: true,
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      execArgv: [],
      name: "northbound bacnet",
    });
    this.#worker = worker;
    worker.on("message", (message: FromNorthbound) => {
      if (this.#worker === worker) this.#heard(message);
    });
    worker.on("error", (error: Error & { code?: string }) =>
      this.#end(worker, error.code ?? "NORTHBOUND_THREW", error.message),
    );
    worker.on("exit", (code) => this.#end(worker, "NORTHBOUND_EXITED", `the thread ended with code ${code}`));
    this.#cancelTicks();
    this.#cancelTicks = clock.every(this.#times.tellMs, () => this.#tick(worker));
  }

  #heard(message: FromNorthbound): void {
    this.#heardAt = this.#options.clock.monotonic();
    switch (message.kind) {
      case "opened":
        this.#opened = { host: message.host, port: message.port };
        this.#options.logger.info({ ...this.#opened, points: this.#points.length }, "points are shown on BACnet");
        this.#show();
        break;
      case "took":
        this.#telling = false;
        this.#tell();
        break;
      case "beat":
        this.#pauseMs = this.#times.firstPauseMs;
        this.#failing = undefined;
        this.#counters = message.counters;
        break;
      case "failed":
        if (this.#worker !== undefined) this.#end(this.#worker, message.code, message.message);
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

  #show(): void {
    this.#told.clear();
    this.#telling = false;
    this.#next = 0;
    this.#send({ kind: "show", points: this.#points });
    this.#round();
  }

  #tick(worker: Worker): void {
    if (this.#worker !== worker) return;
    const silentMs = this.#options.clock.monotonic() - this.#heardAt;
    if (silentMs > this.#times.silenceMs)
      this.#end(worker, "NORTHBOUND_HANGS", `the thread is silent for ${Math.round(silentMs)} ms`);
    else this.#round();
  }

  #round(): void {
    this.#left = this.#points.length;
    this.#tell();
  }

  #tell(): void {
    if (this.#opened === undefined || this.#telling) return;
    const points = this.#points;
    const values: ShownValue[] = [];
    // on from where the last batch ended: points that change all the time must not keep the others from being told
    for (; this.#left > 0 && values.length < MOST_VALUES; this.#left--) {
      const point = points[this.#next];
      this.#next = (this.#next + 1) % points.length;
      const value = point && this.#news(point);
      if (value !== undefined) values.push(value);
    }
    if (values.length === 0) return;
    this.#telling = true;
    this.#send({ kind: "tell", values });
  }

  /** What is to be told of a point; undefined where that was told. */
  #news({ id, number }: ShownPoint): ShownValue | undefined {
    const sample = this.#options.latest(id);
    if (sample === undefined) {
      // it was configured anew, and its value before holds no more
      return this.#told.delete(id) ? { number, value: null, quality: "bad", reason: "stale" } : undefined;
    }
    if (this.#told.get(id) === sample) return undefined;
    this.#told.set(id, sample);
    const { value, quality, reason } = sample;
    return { number, value, quality, ...(reason === undefined ? {} : { reason }) };
  }

  #send(message: ToNorthbound): void {
    this.#worker?.postMessage(message);
  }

  #end(worker: Worker, code: string, message: string): void {
    if (this.#worker !== worker || this.#stopped) return;
    this.#worker = undefined;
    this.#opened = undefined;
    this.#cancelTicks();
    void worker.terminate();
    const { clock, logger } = this.#options;
    if (this.#failing !== code)
      logger.error({ code, cause: message, againInMs: this.#pauseMs }, "points are not shown on BACnet");
    this.#failing = code;
    this.#cancelPause = clock.after(this.#pauseMs, () => this.#begin());
    this.#pauseMs = Math.min(this.#times.longestPauseMs, 2 * this.#pauseMs);
  }
}

function shownOf(point: Point, number: number): ShownPoint {
  const { id, name, nameEn, kind, unit, states, min, max, precision, deadband } = point;
  return {
    id,
    number,
    name,
    nameEn,
    kind,
    ...(unit === undefined ? {} : { unit }),
    ...(states === undefined ? {} : { states }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(precision === undefined ? {} : { precision }),
    ...(deadband === undefined ? {} : { deadband }),
  };
}
