import type { Clock } from "#core/clock.ts";
import { deviceOf, type PointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import type { DeviceState } from "#protocols/driver.ts";

/** Time that drivers have after a sleep to find their devices again, ms. */
const GRACE_MS = 20_000;
/** What sleeps that follow each other give at most: a machine that stands still again and again must not hide a loss for ever, ms. */
const LONGEST_MS = 3 * GRACE_MS;

export interface WakeGraceOptions {
  readonly clock: Clock;
  readonly onSamples: (samples: readonly Sample[]) => void;
  readonly onDevice: (state: DeviceState) => void;
}

/**
 * Holds back what drivers say of lost devices for a while after the gateway slept: connections that broke meanwhile are no loss
 * of the device. What is found again in time was never lost; the rest is told when the time is over.
 */
export class WakeGrace {
  readonly #options: WakeGraceOptions;
  readonly #samples = new Map<PointId, Sample>();
  readonly #devices = new Map<string, DeviceState>();
  #cancel: (() => void) | undefined;
  #begunAt = 0;

  constructor(options: WakeGraceOptions) {
    this.#options = options;
  }

  /** The gateway has just woken up. */
  begin(): void {
    const { clock } = this.#options;
    const now = clock.monotonic();
    if (this.#cancel === undefined) this.#begunAt = now;
    else this.#cancel();
    const left = Math.min(GRACE_MS, this.#begunAt + LONGEST_MS - now);
    this.#cancel = clock.after(Math.max(0, left), () => this.#end());
  }

  #end(): void {
    this.#cancel = undefined;
    const samples = [...this.#samples.values()];
    const devices = [...this.#devices.values()];
    this.forget();
    if (samples.length > 0) this.#options.onSamples(samples);
    for (const state of devices) this.#options.onDevice(state);
  }

  /** Takes samples of a driver and passes on what may be believed now. */
  samples(samples: readonly Sample[]): void {
    if (this.#cancel === undefined) {
      this.#options.onSamples(samples);
      return;
    }
    // a driver's garbage is for the pipeline to judge
    const believed = samples.filter((sample: Sample | null | undefined) => {
      if (typeof sample !== "object" || sample === null) return true;
      const lost = sample.quality === "bad" && sample.reason === "commLost" && typeof sample.point === "string";
      if (lost) this.#samples.set(sample.point, sample);
      else this.#samples.delete(sample.point);
      return !lost;
    });
    if (believed.length > 0) this.#options.onSamples(believed);
  }

  /** Takes the reachability of a device. */
  device(state: DeviceState): void {
    if (this.#cancel !== undefined && !state.online) this.#devices.set(state.device, state);
    else {
      this.#devices.delete(state.device);
      if (state.online) this.#found(state.device);
      this.#options.onDevice(state);
    }
  }

  /** A device is found again: what its driver said of its points before is over, and each is told anew or turns stale. */
  #found(device: string): void {
    for (const point of this.#samples.keys()) if (deviceOf(point) === device) this.#samples.delete(point);
  }

  /** Forgets what is held back: other devices are bound, and all will be told anew. */
  forget(): void {
    this.#samples.clear();
    this.#devices.clear();
  }

  /** Tells nothing more. */
  stop(): void {
    this.#cancel?.();
    this.forget();
  }
}
