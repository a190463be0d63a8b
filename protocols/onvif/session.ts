import { errorCode, errorMessage } from "#core/errors.ts";
import { type DeviceId, newId, type PointId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type {
  ActionRequest,
  ActionResult,
  DeviceBinding,
  DriverDeps,
  PointBinding,
  WriteRequest,
  WriteResult,
} from "../driver.ts";
import type { OnvifAddress, OnvifDevice, OnvifSettings } from "./config.ts";
import type { OnvifCounters } from "./counters.ts";
import type { DeviceFacts } from "./device-client.ts";
import { DeviceParts } from "./device-parts.ts";
import { offlineReason } from "./errors.ts";
import { PointBoard } from "./point-board.ts";
import { lostValue } from "./point-values.ts";
import { rejected, resultOf } from "./results.ts";
import { backOffMs, sleep } from "./sleep.ts";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
/** Cameras lock an account after a handful of wrong passwords. */
const LONGEST_UNAUTHORIZED_RETRY_MS = 60_000;

type OnvifBinding = DeviceBinding<OnvifDevice, OnvifAddress>;

/** One device: keeps the connection to it, tells its points, and lets its parts act while it is reachable. */
export class DeviceSession {
  readonly device: DeviceId;
  readonly #config: OnvifSettings;
  readonly #connection: OnvifDevice;
  readonly #deps: DriverDeps;
  readonly #logger: Logger;
  readonly #counters: OnvifCounters;
  readonly #parts: DeviceParts;
  readonly #board: PointBoard;
  readonly #ended = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #eventsRunning: Promise<void> = Promise.resolve();
  /** Undefined until the first attempt has ended. */
  #online: boolean | undefined;
  #offlineReason = "commLost";
  /** Set while the device is reachable. */
  #facts: DeviceFacts | undefined;
  #wake = new AbortController();
  #suspect = false;
  #slowPollAt = 0;

  constructor(binding: OnvifBinding, config: OnvifSettings, deps: DriverDeps, counters: OnvifCounters) {
    this.device = binding.device;
    this.#config = config;
    this.#connection = binding.config;
    this.#deps = deps;
    this.#logger = deps.logger.child({ device: binding.device });
    this.#counters = counters;
    this.#board = new PointBoard(binding.points, deps.clock, deps.onSamples);
    this.#parts = new DeviceParts({
      device: binding.device,
      connection: binding.config,
      config,
      clock: deps.clock,
      logger: this.#logger,
      counters,
      onChange: () => this.#publish(),
      onEvent: (kind, data, state, sourceTime) => this.#tellEvent(kind, data, state, sourceTime),
      onEventsLost: () => this.#eventsLost(),
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Replaces the points; tells state and values anew as far as they are known. */
  rebind(points: readonly PointBinding<OnvifAddress>[]): void {
    this.#board.rebind(points);
    this.#slowPollAt = 0;
    if (this.#online === undefined) return;
    this.#tellDevice();
    this.#publish();
    this.#wake.abort();
  }

  has(point: PointId): boolean {
    return this.#board.find(point) !== undefined;
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#running;
    await this.#eventsRunning;
    await this.#parts.stop();
  }

  /** Performs an action. Never throws. */
  async act(request: ActionRequest, signal: AbortSignal): Promise<ActionResult> {
    const facts = this.#facts;
    if (facts === undefined) return this.#offline();
    try {
      return await this.#parts.act(facts, request, AbortSignal.any([signal, this.#ended.signal]));
    } catch (error) {
      return resultOf(error);
    }
  }

  /** Writes a point and reads it back. Never throws. */
  async write(request: WriteRequest, signal: AbortSignal): Promise<WriteResult> {
    const binding = this.#board.find(request.point);
    if (binding === undefined || !binding.writable)
      return rejected("ONVIF_POINT_READ_ONLY", `${request.point} is read only`);
    const facts = this.#facts;
    if (facts === undefined) return this.#offline();
    const both = AbortSignal.any([signal, this.#ended.signal]);
    const result = await this.#parts.write(facts, binding.address, request.value, both);
    this.#publish();
    return result;
  }

  #offline() {
    return rejected("ONVIF_DEVICE_OFFLINE", `${this.device} is offline (${this.#offlineReason})`);
  }

  async #run(): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#ended;
    let failures = 0;
    while (!signal.aborted) {
      let reason = "commLost";
      try {
        await this.#eventsRunning;
        const facts = await this.#parts.connect(this.#connection.serialNumber, signal);
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
  async #observe(facts: DeviceFacts, onOnline: () => void): Promise<void> {
    const ended = this.#ended.signal;
    const link = new AbortController();
    const linked = AbortSignal.any([ended, link.signal]);
    try {
      this.#slowPollAt = 0;
      await this.#poll(false);
      this.#facts = facts;
      this.#goOnline(facts);
      onOnline();
      const { events } = facts.services;
      if (events !== undefined) this.#eventsRunning = this.#parts.runEvents(events, linked);
      while (!ended.aborted) {
        await this.#pause();
        if (ended.aborted) return;
        const thorough = this.#suspect;
        this.#suspect = false;
        await this.#pollTwice(thorough);
        this.#publish();
      }
    } finally {
      this.#facts = undefined;
      link.abort();
      this.#parts.disconnected();
    }
  }

  /** Until the next poll is due, or until something looks wrong. */
  async #pause(): Promise<void> {
    if (this.#suspect) return;
    this.#wake = new AbortController();
    await sleep(this.#deps.clock, this.#config.pollMs, AbortSignal.any([this.#ended.signal, this.#wake.signal]));
  }

  /** One lost packet is no lost device. */
  async #pollTwice(thorough: boolean): Promise<void> {
    try {
      await this.#poll(thorough);
    } catch (error) {
      if (this.#ended.signal.aborted || errorCode(error) === "ONVIF_UNAUTHORIZED") throw error;
      await this.#poll(thorough);
    }
  }

  async #poll(thorough: boolean): Promise<void> {
    const now = this.#deps.clock.monotonic();
    const slow = now >= this.#slowPollAt;
    await this.#parts.poll(this.#board.points, { thorough, slow }, this.#ended.signal);
    if (slow) this.#slowPollAt = now + this.#config.slowPollMs;
  }

  #goOnline(facts: DeviceFacts): void {
    if (this.#online === false) this.#counters.reconnects++;
    if (this.#online !== true) {
      this.#online = true;
      this.#tellDevice();
      this.#logger.info({ serialNumber: facts.serialNumber, model: facts.model }, "device online");
    }
    this.#publish();
  }

  #goOffline(reason: string, error: unknown): void {
    const changed = this.#online !== false || this.#offlineReason !== reason;
    this.#online = false;
    this.#offlineReason = reason;
    if (changed) {
      this.#tellDevice();
      this.#logger.warn({ reason, code: errorCode(error), error: errorMessage(error) }, "device offline");
    }
    this.#publish();
  }

  #tellDevice(): void {
    if (this.#ended.signal.aborted) return;
    const state = { device: this.device, online: this.#online === true, at: this.#deps.clock.now() };
    this.#deps.onDevice(this.#online === true ? state : { ...state, reason: this.#offlineReason });
  }

  /** The device may be gone, or its password: the status poll finds out which. */
  #eventsLost(): void {
    this.#suspect = true;
    this.#wake.abort();
    this.#publish();
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

  #publish(): void {
    if (this.#online === undefined || this.#ended.signal.aborted) return;
    this.#board.publish((address, before) =>
      this.#online === true ? this.#parts.value(address) : lostValue(address, before),
    );
  }
}
