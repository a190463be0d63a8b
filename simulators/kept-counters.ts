import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { SignalDevice } from "./devices/signal-device.ts";
import type { JsonFile } from "./kept-files.ts";

/** How often counters are written, ms: what a killed process may lose. */
const SAVE_MS = 5000;

/** Counters that survive a power loss, as those of a meter do: `sim-counters.json` of the data folder, `{<device>/<signal>: value}`. */
export class KeptCounters {
  readonly #devices: readonly SignalDevice[];
  readonly #file: JsonFile;
  readonly #logger: Logger;
  readonly #cancel: () => void;
  #failed = false;

  /** Gives the devices their former counters back and keeps them from now on. */
  constructor(devices: readonly SignalDevice[], file: JsonFile, clock: Clock, logger: Logger) {
    this.#devices = devices;
    this.#file = file;
    this.#logger = logger;
    const former = file.read() ?? {};
    for (const { device, signal } of this.#counters()) {
      const value = former[`${device.id}/${signal}`];
      if (typeof value === "number" && value >= 0) device.write(signal, value);
    }
    this.#cancel = clock.every(SAVE_MS, () => this.#save());
  }

  close(): void {
    this.#cancel();
    this.#save();
  }

  #counters(): readonly { readonly device: SignalDevice; readonly signal: string }[] {
    return this.#devices.flatMap((device) =>
      device.signals.filter(({ retained }) => retained === true).map(({ name }) => ({ device, signal: name })),
    );
  }

  #save(): void {
    const values = this.#counters().map(({ device, signal }) => [`${device.id}/${signal}`, device.read(signal)]);
    try {
      this.#file.write(Object.fromEntries(values));
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.#logger.warn({ error: errorMessage(error) }, "counters cannot be kept");
      this.#failed = true;
    }
  }
}
