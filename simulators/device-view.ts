import { InvalidInputError } from "#core/errors.ts";
import type { Signal, SignalValue, SimulatedDevice } from "./device.ts";
import type { CameraPosition, SimulatedCamera } from "./devices/camera.ts";
import type { Recorder } from "./recorder.ts";

/** What a client last wrote to a signal, and how often it wrote. */
export interface WireWrite {
  /** null: relinquished. */
  readonly value: SignalValue | null;
  readonly at: number;
  readonly count: number;
}

/**
 * A device as the wire sees it. Servers are given the view: what clients write goes through it into the record, and a signal can
 * be held at a value that the device's physics does not have (a stuck sensor, a storm of false states).
 */
export class DeviceView implements SimulatedDevice {
  readonly device: SimulatedDevice;
  readonly signals: readonly Signal[];
  protected readonly recorder: Recorder;
  readonly #held = new Map<string, SignalValue>();
  readonly #written = new Map<string, WireWrite>();
  readonly #now: () => number;
  #isRelinquished: (signal: string) => boolean = () => false;

  constructor(device: SimulatedDevice, recorder: Recorder, now: () => number) {
    this.device = device;
    this.signals = device.signals;
    this.recorder = recorder;
    this.#now = now;
    recorder.scan(this);
  }

  get id(): string {
    return this.device.id;
  }
  get name(): string {
    return this.device.name;
  }
  get nameEn(): string {
    return this.device.nameEn;
  }

  /** What clients wrote over the wire, by signal. */
  get written(): ReadonlyMap<string, WireWrite> {
    return this.#written;
  }

  /** Signals that are held. */
  get held(): ReadonlyMap<string, SignalValue> {
    return this.#held;
  }

  /** Tells the view how to see that no client commands a signal any more (all BACnet priorities relinquished). [BACnet 19.2] */
  relinquishedWhen(test: (signal: string) => boolean): void {
    this.#isRelinquished = test;
  }

  read(signal: string): SignalValue {
    return this.#held.get(signal) ?? this.device.read(signal);
  }

  /** A write that came over the wire. */
  write(signal: string, value: SignalValue): void {
    if (this.#isRelinquished(signal) && this.device.relinquish !== undefined) this.relinquish(signal);
    else {
      this.device.write(signal, value);
      this.#wrote(signal, value);
    }
  }

  /** The last command of a signal was given back over the wire. */
  relinquish(signal: string): void {
    this.device.relinquish?.(signal);
    this.#wrote(signal, null);
  }

  step(seconds: number, nowMs: number): void {
    this.device.step(seconds, nowMs);
    this.recorder.scan(this);
  }

  /** Sets a signal from a scenario or the control port, past what the wire may write. @throws SIM_SIGNAL_UNKNOWN, SIM_VALUE_INVALID */
  set(signal: string, value: SignalValue): void {
    checkValue(this.#signal(signal), value);
    this.device.write(signal, value);
    this.recorder.note({ type: "set", device: this.id, signal, value });
    this.recorder.scan(this);
  }

  /** Lets the wire see `value` whatever the device does, until released. @throws SIM_SIGNAL_UNKNOWN, SIM_VALUE_INVALID */
  hold(signal: string, value: SignalValue): void {
    checkValue(this.#signal(signal), value);
    this.#held.set(signal, value);
    this.recorder.scan(this);
  }

  /** Ends a hold. */
  release(signal: string): void {
    this.#held.delete(signal);
    this.recorder.scan(this);
  }

  #signal(name: string): Signal {
    const signal = this.signals.find((candidate) => candidate.name === name);
    if (signal !== undefined) return signal;
    throw new InvalidInputError("SIM_SIGNAL_UNKNOWN", `${this.id} has no signal "${name}"`);
  }

  #wrote(signal: string, value: SignalValue | null): void {
    const count = (this.#written.get(signal)?.count ?? 0) + 1;
    this.#written.set(signal, { value, at: this.#now(), count });
    this.recorder.note({ type: "write", device: this.id, signal, value });
    this.recorder.scan(this);
  }
}

/** A camera as the wire sees it: every move that a client asks for is recorded. */
export class CameraView extends DeviceView implements SimulatedCamera {
  readonly #camera: SimulatedCamera;

  constructor(camera: SimulatedCamera, recorder: Recorder, now: () => number) {
    super(camera, recorder, now);
    this.#camera = camera;
  }

  get ptz(): boolean {
    return this.#camera.ptz;
  }
  get presets(): SimulatedCamera["presets"] {
    return this.#camera.presets;
  }
  get limits(): SimulatedCamera["limits"] {
    return this.#camera.limits;
  }

  goToPreset(token: string): boolean {
    const known = this.#camera.goToPreset(token);
    this.#did(`goToPreset ${token}${known ? "" : " (unknown)"}`);
    return known;
  }

  moveTo(position: Partial<CameraPosition>): void {
    this.#camera.moveTo(position);
    this.#did(`moveTo ${JSON.stringify(position)}`);
  }

  setPreset(name?: string, token?: string): string | undefined {
    const kept = this.#camera.setPreset(name, token);
    this.#did(`setPreset ${kept ?? "refused"}`);
    return kept;
  }

  removePreset(token: string): boolean {
    const known = this.#camera.removePreset(token);
    this.#did(`removePreset ${token}${known ? "" : " (unknown)"}`);
    return known;
  }

  goHome(): void {
    this.#camera.goHome();
    this.#did("goHome");
  }

  setHome(): void {
    this.#camera.setHome();
    this.#did("setHome");
  }

  moveWith(velocity: CameraPosition, seconds?: number): void {
    this.#camera.moveWith(velocity, seconds);
    this.#did(`moveWith ${JSON.stringify(velocity)}${seconds === undefined ? "" : ` for ${seconds} s`}`);
  }

  stopMove(): void {
    this.#camera.stopMove();
    this.#did("stopMove");
  }

  onDetection(listener: (signal: string, value: SignalValue) => void): () => void {
    return this.#camera.onDetection(listener);
  }

  scene(nowMs?: number, clockOffsetMs?: number): ReturnType<SimulatedCamera["scene"]> {
    return this.#camera.scene(nowMs, clockOffsetMs);
  }

  picture(): Uint8Array {
    return this.#camera.picture();
  }

  #did(detail: string): void {
    this.recorder.note({ type: "action", device: this.id, detail });
    this.recorder.scan(this);
  }
}

function checkValue(signal: Signal, value: SignalValue): void {
  const problem = valueProblem(signal, value);
  if (problem === undefined) return;
  throw new InvalidInputError("SIM_VALUE_INVALID", `${signal.name} expected ${problem}, got ${JSON.stringify(value)}`);
}

function valueProblem(signal: Signal, value: SignalValue): string | undefined {
  switch (signal.kind) {
    case "boolean":
      return typeof value === "boolean" ? undefined : "true or false";
    case "string":
      return typeof value === "string" ? undefined : "a text";
    case "enum": {
      const states = signal.states?.length ?? 1;
      return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= states
        ? undefined
        : `a state from 1 to ${states}`;
    }
    case "number": {
      const { min = -Infinity, max = Infinity } = signal;
      return typeof value === "number" && Number.isFinite(value) && value >= min && value <= max
        ? undefined
        : `a number from ${min} to ${max}`;
    }
    default:
      return signal.kind satisfies never;
  }
}
