import { errorCode, errorMessage } from "#core/errors.ts";
import { type DeviceId, newId, type PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample, Value } from "#core/model/sample.ts";
import type { ActionRequest, ActionResult, DeviceBinding, DriverDeps, PointBinding } from "../driver.ts";
import { CameraClient, type CameraFacts } from "./camera-client.ts";
import type { Notification } from "./codec/notification.ts";
import type { PtzPreset, PtzStatus } from "./codec/services.ts";
import type { OnvifAddress, OnvifDevice, OnvifSettings } from "./config.ts";
import type { OnvifCounters } from "./counters.ts";
import { offlineReason } from "./errors.ts";
import { EventStates } from "./event-states.ts";
import { EventLoop } from "./events.ts";
import { mapNotification } from "./map.ts";
import { type CameraView, type PointValue, pointValue, presetAt } from "./point-values.ts";
import { moveToPreset } from "./ptz.ts";
import { backOffMs, sleep } from "./sleep.ts";
import { SoapClient } from "./soap-client.ts";

/** A point not told for so long is told again at the next poll (at most 30 s later): within the contract's 60 s. */
const SIGN_OF_LIFE_MS = 25_000;
/** A crossed line is an instant; its boolean point shows it for so long. */
const LINE_CROSSED_MS = 5000;
/** A device has repeated all its properties so long after a new subscription. */
const RESYNC_MS = 5000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
/** Cameras lock an account after a handful of wrong passwords. */
const LONGEST_UNAUTHORIZED_RETRY_MS = 60_000;

type OnvifBinding = DeviceBinding<OnvifDevice, OnvifAddress>;
type OnvifPoint = PointBinding<OnvifAddress>;

/** One camera: keeps the connection, the events and the samples of its points; performs its actions. */
export class CameraSession {
  readonly device: DeviceId;
  readonly #config: OnvifSettings;
  readonly #connection: OnvifDevice;
  readonly #deps: DriverDeps;
  readonly #logger: Logger;
  readonly #counters: OnvifCounters;
  readonly #soap: SoapClient;
  readonly #client: CameraClient;
  readonly #events: EventLoop;
  readonly #states = new EventStates();
  readonly #ended = new AbortController();
  readonly #told = new Map<PointId, PointValue & { readonly at: number }>();
  #points: readonly OnvifPoint[];
  #running: Promise<void> = Promise.resolve();
  #eventsRunning: Promise<void> = Promise.resolve();
  /** Undefined until the first attempt has ended. */
  #online: boolean | undefined;
  #offlineReason = "commLost";
  #facts: CameraFacts | undefined;
  #presets: readonly PtzPreset[] = [];
  #status: PtzStatus | undefined;
  /** The preset last confirmed, for cameras that tell no positions. */
  #confirmedPreset: string | undefined;
  #eventsFlow: boolean | undefined;
  #wake = new AbortController();
  #suspect = false;
  #moves = 0;
  #endCrossing = (): void => {};
  #endResync = (): void => {};

  constructor(binding: OnvifBinding, config: OnvifSettings, deps: DriverDeps, counters: OnvifCounters) {
    this.device = binding.device;
    this.#config = config;
    this.#connection = binding.config;
    this.#points = binding.points;
    this.#deps = deps;
    this.#logger = deps.logger.child({ device: binding.device });
    this.#counters = counters;
    this.#soap = new SoapClient({ ...binding.config, timeoutMs: config.timeoutMs }, deps.clock, counters);
    this.#client = new CameraClient(this.#soap);
    this.#events = new EventLoop(
      this.#soap,
      config,
      { clock: deps.clock, logger: this.#logger, counters },
      {
        subscribed: (afterLoss) => this.#subscribed(afterLoss),
        notified: (notifications) => this.#notified(notifications),
        lost: () => this.#eventsLost(),
      },
    );
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Replaces the points; tells state and values anew as far as they are known. */
  rebind(points: readonly OnvifPoint[]): void {
    this.#points = points;
    this.#told.clear();
    if (this.#online === undefined) return;
    this.#tellDevice();
    this.#publish();
  }

  has(point: PointId): boolean {
    return this.#points.some((binding) => binding.point === point);
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    this.#endCrossing();
    this.#endResync();
    await this.#running;
    await this.#eventsRunning;
    this.#soap.close();
  }

  /** Performs `ptzPreset {preset}` or `snapshot {}`. Never throws. */
  async act(request: ActionRequest, signal: AbortSignal): Promise<ActionResult> {
    const facts = this.#facts;
    if (facts === undefined) {
      const message = `${this.device} is offline (${this.#offlineReason})`;
      return { status: "rejected", code: "ONVIF_DEVICE_OFFLINE", message };
    }
    const both = AbortSignal.any([signal, this.#ended.signal]);
    try {
      if (request.action === "snapshot") return await this.#snapshot(facts, both);
      return await this.#ptzPreset(facts, request.params["preset"], both);
    } catch (error) {
      const code = errorCode(error);
      return { status: code === "ONVIF_TIMEOUT" ? "timeout" : "failed", code, message: errorMessage(error) };
    }
  }

  async #snapshot(facts: CameraFacts, signal: AbortSignal): Promise<ActionResult> {
    if (facts.media === undefined) {
      return { status: "rejected", code: "ONVIF_NO_VIDEO", message: `${this.device} has no video` };
    }
    const bytes = await this.#client.snapshot(facts.media, signal);
    return { status: "done", blob: { contentType: "image/jpeg", bytes } };
  }

  async #ptzPreset(facts: CameraFacts, wanted: Value | undefined, signal: AbortSignal): Promise<ActionResult> {
    const { ptz } = facts;
    if (ptz === undefined) return { status: "rejected", code: "ONVIF_NO_PTZ", message: `${this.device} does not move` };
    const name = String(wanted ?? "");
    const find = (): PtzPreset | undefined =>
      this.#presets.find((preset) => preset.token === name) ?? this.#presets.find((preset) => preset.name === name);
    // It may have been stored since the connection began.
    if (find() === undefined) this.#presets = await this.#client.presets(ptz, signal);
    const preset = find();
    if (preset === undefined) {
      return { status: "rejected", code: "ONVIF_PRESET_UNKNOWN", message: `${this.device} has no preset "${name}"` };
    }
    this.#moves++;
    const mine = this.#moves;
    const outcome = await moveToPreset({
      client: this.#client,
      ptz,
      preset,
      timeoutMs: this.#config.moveTimeoutMs,
      clock: this.#deps.clock,
      signal,
      onStatus: (status) => this.#statusSeen(status),
      superseded: () => this.#moves !== mine,
    });
    if (outcome === "reached") {
      this.#confirmedPreset = preset.token;
      this.#publish();
      return { status: "done" };
    }
    const message = `${this.device} on its way to preset "${preset.token}": ${outcome}`;
    if (outcome === "timeout") return { status: "timeout", code: "ONVIF_PTZ_TIMEOUT", message };
    const code = outcome === "superseded" ? "ONVIF_PTZ_SUPERSEDED" : "ONVIF_PTZ_UNCONFIRMED";
    return { status: "failed", code, message };
  }

  async #run(): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#ended;
    let failures = 0;
    while (!signal.aborted) {
      let reason = "commLost";
      try {
        await this.#eventsRunning;
        const facts = await this.#client.connect(this.#connection.serialNumber, signal);
        await this.#observe(facts, () => {
          failures = 0;
        });
      } catch (error) {
        if (signal.aborted) return;
        reason = offlineReason(error);
        this.#goOffline(reason, error);
      }
      const longest = reason === "unauthorized" ? LONGEST_UNAUTHORIZED_RETRY_MS : LONGEST_RETRY_MS;
      await sleep(clock, backOffMs(failures, FIRST_RETRY_MS, longest), signal);
      failures++;
    }
  }

  /** Holds a connection until it breaks, which it tells by throwing. */
  async #observe(facts: CameraFacts, onOnline: () => void): Promise<void> {
    const ended = this.#ended.signal;
    const link = new AbortController();
    const linked = AbortSignal.any([ended, link.signal]);
    try {
      this.#presets = facts.ptz === undefined ? [] : await this.#client.presets(facts.ptz, ended);
      await this.#poll(facts, false);
      this.#facts = facts;
      this.#goOnline();
      onOnline();
      if (facts.events !== undefined) this.#eventsRunning = this.#events.run(facts.events, linked);
      while (!ended.aborted) {
        await this.#pause();
        if (ended.aborted) return;
        const thorough = this.#suspect;
        this.#suspect = false;
        await this.#pollTwice(facts, thorough);
        this.#publish();
      }
    } finally {
      this.#facts = undefined;
      if (this.#eventsFlow === true) this.#eventsFlow = false;
      link.abort();
    }
  }

  /** Until the next poll is due, or until something looks wrong. */
  async #pause(): Promise<void> {
    if (this.#suspect) return;
    this.#wake = new AbortController();
    await sleep(this.#deps.clock, this.#config.pollMs, AbortSignal.any([this.#ended.signal, this.#wake.signal]));
  }

  /** One lost packet is no lost camera. */
  async #pollTwice(facts: CameraFacts, thorough: boolean): Promise<void> {
    try {
      await this.#poll(facts, thorough);
    } catch (error) {
      if (this.#ended.signal.aborted || errorCode(error) === "ONVIF_UNAUTHORIZED") throw error;
      await this.#poll(facts, thorough);
    }
  }

  async #poll(facts: CameraFacts, thorough: boolean): Promise<void> {
    const { signal } = this.#ended;
    await this.#soap.trySynchroniseClock(signal);
    if (thorough) await this.#client.probe(signal);
    if (facts.ptz === undefined) return;
    try {
      this.#statusSeen(await this.#client.status(facts.ptz, signal));
    } catch (error) {
      // Not every camera that moves tells its status.
      if (errorCode(error) !== "ONVIF_FAULT") throw error;
      this.#status = undefined;
    }
  }

  #statusSeen(status: PtzStatus): void {
    this.#status = status;
    if (status.moving === true) this.#confirmedPreset = undefined;
    if (this.#online === true) this.#publish();
  }

  #goOnline(): void {
    if (this.#online === false) this.#counters.reconnects++;
    if (this.#online !== true) {
      this.#online = true;
      this.#tellDevice();
      this.#logger.info({ serialNumber: this.#facts?.serialNumber }, "camera online");
    }
    this.#publish();
  }

  #goOffline(reason: string, error: unknown): void {
    const changed = this.#online !== false || this.#offlineReason !== reason;
    this.#online = false;
    this.#offlineReason = reason;
    if (changed) {
      this.#tellDevice();
      this.#logger.warn({ reason, code: errorCode(error), error: errorMessage(error) }, "camera offline");
    }
    this.#publish();
  }

  #tellDevice(): void {
    if (this.#ended.signal.aborted) return;
    const state = { device: this.device, online: this.#online === true, at: this.#deps.clock.now() };
    this.#deps.onDevice(this.#online === true ? state : { ...state, reason: this.#offlineReason });
  }

  #subscribed(afterLoss: string | undefined): void {
    this.#eventsFlow = true;
    if (afterLoss === undefined) return;
    this.#states.doubtAll();
    this.#tellEvent("eventsMayBeMissing", { cause: afterLoss });
    this.#endResync();
    this.#endResync = this.#deps.clock.after(RESYNC_MS, () => {
      if (this.#eventsFlow !== true) return;
      for (const event of this.#states.endUnconfirmed()) {
        this.#tellEvent(event.kind, { ...event.data, recovered: true }, false);
      }
      this.#publish();
    });
  }

  #eventsLost(): void {
    if (this.#eventsFlow === true) this.#eventsFlow = false;
    // The camera may be gone, or its password: the status poll finds out which.
    this.#suspect = true;
    this.#wake.abort();
    this.#publish();
  }

  #notified(notifications: readonly Notification[]): void {
    for (const notification of notifications) {
      const event = mapNotification(notification);
      if (event === undefined) {
        this.#counters.unmapped++;
        continue;
      }
      const edge = this.#states.apply(event);
      if (edge === undefined) continue;
      const data = edge.recovered ? { ...event.data, recovered: true } : event.data;
      this.#tellEvent(event.kind, data, edge.state, event.utcTime);
      if (event.kind === "lineCrossed") this.#crossingSeen();
    }
    this.#publish();
  }

  #crossingSeen(): void {
    this.#publish();
    this.#endCrossing();
    this.#endCrossing = this.#deps.clock.after(LINE_CROSSED_MS, () => {
      this.#states.clear("lineCrossed");
      this.#publish();
    });
  }

  #tellEvent(
    kind: string,
    data: Readonly<Record<string, string | number | boolean>>,
    state?: boolean,
    sourceTime?: number,
  ): void {
    if (this.#ended.signal.aborted) return;
    const observedAt = this.#deps.clock.now();
    this.#deps.onEvent({
      id: newId(observedAt),
      device: this.device,
      kind,
      ...(state === undefined ? {} : { state }),
      ...(sourceTime === undefined ? {} : { sourceTime }),
      observedAt,
      data,
    });
  }

  /** Tells what has changed, and what was not told for a while. */
  #publish(): void {
    if (this.#online === undefined || this.#ended.signal.aborted) return;
    const { clock } = this.#deps;
    const now = clock.monotonic();
    const view = this.#view();
    const samples: Sample[] = [];
    for (const { point, address } of this.#points) {
      const before = this.#told.get(point);
      const value = this.#online ? pointValue(address, view) : lost(address, before);
      const same = before !== undefined && sameValue(before, value);
      if (same && now - before.at < SIGN_OF_LIFE_MS) continue;
      this.#told.set(point, { ...value, at: now });
      samples.push({ point, observedAt: clock.now(), ...value });
    }
    if (samples.length > 0) this.#deps.onSamples(samples);
  }

  #view(): CameraView {
    const byPosition = presetAt(this.#status, this.#presets);
    return {
      ptz: this.#facts?.ptz !== undefined,
      events: this.#facts?.events !== undefined,
      eventsFlow: this.#eventsFlow,
      states: this.#states,
      status: this.#status,
      preset: byPosition ?? this.#confirmedPreset ?? (this.#status === undefined ? undefined : ""),
      clockOffsetMs: this.#soap.clockOffsetMs,
    };
  }
}

/** Last state, not believed any more. */
function lost(address: OnvifAddress, before: PointValue | undefined): PointValue {
  const value = address.signal === "online" ? false : (before?.value ?? null);
  return { value, quality: "bad", reason: "commLost" };
}

function sameValue(a: PointValue, b: PointValue): boolean {
  return a.value === b.value && a.quality === b.quality && a.reason === b.reason;
}
