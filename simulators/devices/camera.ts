import { InvalidInputError } from "#core/errors.ts";
import type { Signal, SignalValue, SimulatedDevice } from "../device.ts";
import {
  type CameraLimits,
  type CameraPosition,
  type CameraPreset,
  HEAD_LIMITS,
  isAxis,
  PtzHead,
} from "./camera-head.ts";
import { type PictureScene, paintPicture } from "./camera-picture.ts";
import {
  acceptedValue,
  CAMERA_SIGNALS,
  INSTANTS,
  initialValue,
  PTZ_SIGNALS,
  SUMMARIES,
  UNTOLD,
} from "./camera-signals.ts";

export type { CameraLimits, CameraPosition, CameraPreset } from "./camera-head.ts";

/** What makes one camera of the park. */
export interface CameraOptions {
  readonly id: string;
  readonly name: string;
  readonly nameEn: string;
  /** A PTZ camera moves; a fixed one looks along `home` for ever. */
  readonly ptz: boolean;
  readonly presets?: readonly CameraPreset[];
  /** Where it looks at first: pan 0, tilt 0, zoom 1 when absent. */
  readonly home?: CameraPosition;
  /** Offset of the site's local time from UTC, minutes; 480 (China) when absent. */
  readonly utcOffsetMinutes?: number;
}

/** A simulated camera: its detectors, its motors, its terminals and its picture. */
export interface SimulatedCamera extends SimulatedDevice {
  readonly ptz: boolean;
  readonly presets: readonly CameraPreset[];
  /** Ranges of the motors. */
  readonly limits: CameraLimits;
  /** Starts the way to a preset; false where there is none of that token. */
  goToPreset(token: string): boolean;
  /** Keeps the present position as a preset and gives its token; undefined where it has no room or no such token. */
  setPreset(name?: string, token?: string): string | undefined;
  /** Forgets a preset; false where there is none of that token. */
  removePreset(token: string): boolean;
  /** Starts the way to the home position. */
  goHome(): void;
  /** Makes the present position the home position. */
  setHome(): void;
  /** Starts the way to a position, within the limits; absent axes stay. */
  moveTo(position: Partial<CameraPosition>): void;
  /** Moves with a share of the full speed, -1 to 1 an axis, for so many seconds, or until stopped or at a limit. */
  moveWith(velocity: CameraPosition, seconds?: number): void;
  stopMove(): void;
  /**
   * Tells each change of a detector, of the digital input, of the relay and of the hardware at once, and each crossing, object
   * and licence plate. Gives the way to stop.
   */
  onDetection(listener: (signal: string, value: SignalValue) => void): () => void;
  /**
   * What the camera sees, at the last step when no `nowMs` is given: else the motors are carried on to then, for half a second
   * at most, and the time shown has tenths. `clockOffsetMs`: how far the time shown runs ahead.
   */
  scene(nowMs?: number, clockOffsetMs?: number): PictureScene;
  /** The present picture as JPEG, 640 x 360. */
  picture(): Uint8Array;
}

/** So long the motors are taken to go on after a step that no other has followed yet. */
const CARRY_ON_MS = 500;
/** What happened shows in its signal for so long. */
const INSTANT_SECONDS = 2;
const MONOSTABLE = 2;

/** A share of 0 to 1 that differs from id to id, so that no two cameras see the same street. */
function seedOf(id: string): number {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + character.charCodeAt(0)) % 9973;
  return sum / 9973;
}

class Camera implements SimulatedCamera {
  readonly id: string;
  readonly name: string;
  readonly nameEn: string;
  readonly ptz: boolean;
  readonly limits = HEAD_LIMITS;
  readonly signals: readonly Signal[];
  readonly #head: PtzHead;
  readonly #utcOffsetMs: number;
  readonly #seed: number;
  readonly #listeners = new Set<(signal: string, value: SignalValue) => void>();
  readonly #values = new Map<string, SignalValue>(CAMERA_SIGNALS.map((signal) => [signal.name, initialValue(signal)]));
  /** Seconds that what happened still shows, by signal. */
  readonly #showing = new Map<string, number>();
  #relaySeconds = 0;
  #nowMs = 0;
  #painted: { readonly key: string; readonly jpeg: Uint8Array } | undefined;

  constructor(options: CameraOptions) {
    this.id = options.id;
    this.name = options.name;
    this.nameEn = options.nameEn;
    this.ptz = options.ptz;
    this.signals = options.ptz ? [...CAMERA_SIGNALS, ...PTZ_SIGNALS] : CAMERA_SIGNALS;
    const presets = options.ptz ? (options.presets ?? []) : [];
    this.#head = new PtzHead({ pan: 0, tilt: 0, zoom: 1, ...options.home }, presets);
    this.#utcOffsetMs = (options.utcOffsetMinutes ?? 480) * 60_000;
    this.#seed = seedOf(options.id);
  }

  get presets(): readonly CameraPreset[] {
    return this.#head.presets;
  }

  read(signal: string): SignalValue {
    this.#known(signal);
    if (isAxis(signal)) return this.#head.position[signal];
    if (signal === "preset") return this.#head.preset;
    if (signal === "moving") return this.#head.moving;
    const parts = SUMMARIES[signal];
    if (parts !== undefined) return parts.some((part) => Boolean(this.#values.get(part)));
    return this.#values.get(signal) ?? false;
  }

  write(signal: string, value: SignalValue): void {
    const known = this.#known(signal);
    if (isAxis(signal)) this.moveTo({ [signal]: Number(value) });
    else if (signal === "preset") this.goToPreset(String(value));
    else if (signal === "moving") {
      if (value === false) this.stopMove();
    } else if (SUMMARIES[signal] === undefined) {
      const accepted = acceptedValue(known, value);
      if (accepted !== undefined) this.#set(signal, accepted);
    }
  }

  step(seconds: number, nowMs: number): void {
    this.#nowMs = nowMs;
    for (const [signal, left] of this.#showing) {
      if (left > seconds) this.#showing.set(signal, left - seconds);
      else this.#set(signal, signal === "line-crossed" ? false : "");
    }
    if (this.#relaySeconds > 0) {
      this.#relaySeconds -= seconds;
      if (this.#relaySeconds <= 0) this.#set("relay", false);
    }
    this.#head.step(seconds);
  }

  goToPreset(token: string): boolean {
    return this.#head.goToPreset(token);
  }

  setPreset(name?: string, token?: string): string | undefined {
    return this.ptz ? this.#head.setPreset(name, token) : undefined;
  }

  removePreset(token: string): boolean {
    return this.#head.removePreset(token);
  }

  goHome(): void {
    if (this.ptz) this.#head.goHome();
  }

  setHome(): void {
    this.#head.setHome();
  }

  moveTo(position: Partial<CameraPosition>): void {
    if (this.ptz) this.#head.moveTo(position);
  }

  moveWith(velocity: CameraPosition, seconds?: number): void {
    if (this.ptz) this.#head.moveWith(velocity, seconds);
  }

  stopMove(): void {
    this.#head.stop();
  }

  onDetection(listener: (signal: string, value: SignalValue) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  scene(nowMs?: number, clockOffsetMs = 0): PictureScene {
    const local = new Date((nowMs ?? this.#nowMs) + clockOffsetMs + this.#utcOffsetMs);
    const sinceStep = Math.max(0, Math.min(CARRY_ON_MS, (nowMs ?? 0) - this.#nowMs));
    const { pan, tilt, zoom } = this.#head.carriedOn(sinceStep / 1000);
    const preset = this.presets.find((candidate) => candidate.token === this.#head.preset);
    const place = `P ${pan.toFixed(1)} T ${tilt.toFixed(1)} Z ${zoom.toFixed(1)}x`;
    return {
      title: this.nameEn,
      time: local
        .toISOString()
        .slice(0, nowMs === undefined ? 19 : 21)
        .replace("T", " "),
      position: preset === undefined ? (this.ptz ? place : this.id) : `${preset.token} ${place}`,
      pan,
      tilt,
      zoom,
      hour: local.getUTCHours() + local.getUTCMinutes() / 60,
      light: this.#is("light"),
      intruder: ["motion", "cell-motion", "line-crossed", "field-intrusion"].some((detector) => this.#is(detector)),
      covered: this.#is("tamper"),
      seed: this.#seed,
      walkSeconds: local.getUTCSeconds() + (nowMs === undefined ? 0 : local.getUTCMilliseconds() / 1000),
    };
  }

  picture(): Uint8Array {
    const scene = this.scene();
    const key = JSON.stringify(scene);
    if (this.#painted?.key !== key) this.#painted = { key, jpeg: paintPicture(scene) };
    return this.#painted.jpeg;
  }

  #is(signal: string): boolean {
    return this.#values.get(signal) === true;
  }

  #known(name: string): Signal {
    const found = this.signals.find((candidate) => candidate.name === name);
    if (found !== undefined) return found;
    throw new InvalidInputError("SIM_SIGNAL_UNKNOWN", `camera ${this.id} has no signal "${name}"`);
  }

  #set(signal: string, value: SignalValue): void {
    const happens = INSTANTS.includes(signal) && value !== false && value !== "";
    if (happens) this.#showing.set(signal, INSTANT_SECONDS);
    else this.#showing.delete(signal);
    if (signal === "relay") {
      // [ONVIF Core 8.6.2] a monostable relay returns to its idle state after the delay
      const returns = value === true && this.#values.get("relay-mode") === MONOSTABLE;
      this.#relaySeconds = returns ? Number(this.#values.get("relay-delay")) : 0;
    }
    const changed = this.#values.get(signal) !== value;
    this.#values.set(signal, value);
    // Each crossing counts, also one on the heels of another.
    if (UNTOLD.includes(signal) || !(changed || happens)) return;
    for (const listener of this.#listeners) listener(signal, value);
  }
}

/** Makes a camera; its time stands still until the first `step`. */
export function createCamera(options: CameraOptions): SimulatedCamera {
  return new Camera(options);
}
