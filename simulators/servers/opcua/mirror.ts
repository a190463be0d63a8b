import type { Signal, SignalValue, SimulatedDevice } from "../../device.ts";
import type { DeviceShape, Told } from "./messages.ts";

/** A device in the library's thread: the values last told, and the way back for what clients write. */
export class MirrorDevice implements SimulatedDevice {
  readonly id: string;
  readonly name: string;
  readonly nameEn: string;
  readonly signals: readonly Signal[];
  readonly #values = new Map<string, SignalValue>();
  readonly #onWrite: (told: Told) => void;

  constructor(shape: DeviceShape, onWrite: (told: Told) => void) {
    this.id = shape.id;
    this.name = shape.name;
    this.nameEn = shape.nameEn;
    this.signals = shape.signals;
    this.#onWrite = onWrite;
  }

  read(signal: string): SignalValue {
    return this.#values.get(signal) ?? 0;
  }

  /** Holds at once, so that it reads back; the device's own answer follows and decides. */
  write(signal: string, value: SignalValue): void {
    this.#values.set(signal, value);
    this.#onWrite([this.id, signal, value]);
  }

  /** What the device told. */
  tell(signal: string, value: SignalValue): void {
    this.#values.set(signal, value);
  }

  step(): void {}
}
