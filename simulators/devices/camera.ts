import { InvalidInputError } from "#core/errors.ts";
import type { Signal, SignalValue, SimulatedDevice } from "../device.ts";
import { paintPicture } from "./camera-picture.ts";

/** Where a camera looks: degrees from its zero, right and up positive; zoom is the optical factor. */
export interface CameraPosition {
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

/** A stored position. `token` is what the protocol speaks of, `name` what people read. */
export interface CameraPreset extends CameraPosition {
  readonly token: string;
  readonly name: string;
}

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

/** A simulated camera: its detectors, its motors and its picture. */
export interface SimulatedCamera extends SimulatedDevice {
  readonly ptz: boolean;
  readonly presets: readonly CameraPreset[];
  /** Ranges of the motors. */
  readonly limits: CameraLimits;
  /** Starts the way to a preset; false where there is none of that token. */
  goToPreset(token: string): boolean;
  /** Starts the way to a position, within the limits; absent axes stay. */
  moveTo(position: Partial<CameraPosition>): void;
  /** Moves with a share of the full speed, -1 to 1 an axis, until stopped or at a limit. */
  moveWith(velocity: CameraPosition): void;
  stopMove(): void;
  /** Tells each change of a detector at once (motion, tamper, line-crossed, field-intrusion, digital-input). Gives the way to stop. */
  onDetection(listener: (signal: string, value: boolean) => void): () => void;
  /** The present picture as JPEG, 640 x 360. */
  picture(): Uint8Array;
}

/** Ranges and full speeds of a camera's axes: degrees and degrees per second, zoom factor and factor per second. */
export interface CameraLimits {
  readonly pan: readonly [minimum: number, maximum: number];
  readonly tilt: readonly [minimum: number, maximum: number];
  readonly zoom: readonly [minimum: number, maximum: number];
  readonly speed: CameraPosition;
}

/** Of a common speed dome. */
const LIMITS: CameraLimits = {
  pan: [-180, 180],
  tilt: [-90, 90],
  zoom: [1, 20],
  speed: { pan: 120, tilt: 60, zoom: 8 },
};
const AXES = ["pan", "tilt", "zoom"] as const;
type Axis = (typeof AXES)[number];

/** The detectors: signals that a scenario sets and that a client only hears of. */
const DETECTORS = ["motion", "tamper", "line-crossed", "field-intrusion", "digital-input"] as const;
/** A crossed line is an instant; the signal shows it for so long. */
const LINE_CROSSED_SECONDS = 2;

const SEEN: readonly (readonly [string, string])[] = [
  ["无", "none"],
  ["有", "seen"],
];
const NORMAL_ALARM: readonly (readonly [string, string])[] = [
  ["正常", "normal"],
  ["报警", "alarm"],
];
const OFF_ON: readonly (readonly [string, string])[] = [
  ["关", "off"],
  ["开", "on"],
];

function flag(name: string, label: string, labelEn: string, states: readonly (readonly [string, string])[]): Signal {
  return { name, label, labelEn, kind: "boolean", states, writable: false };
}

const DETECTOR_SIGNALS: readonly Signal[] = [
  flag("motion", "移动侦测", "Motion", SEEN),
  flag("tamper", "遮挡破坏", "Tamper", NORMAL_ALARM),
  flag("line-crossed", "越线", "Line crossed", SEEN),
  flag("field-intrusion", "区域入侵", "Field intrusion", SEEN),
  flag("digital-input", "报警输入", "Digital input", OFF_ON),
  flag("light", "现场照明", "Scene light", OFF_ON),
];

const PTZ_SIGNALS: readonly Signal[] = [
  { name: "pan", label: "水平角", labelEn: "Pan", kind: "number", unit: "deg", writable: false, min: -180, max: 180 },
  { name: "tilt", label: "俯仰角", labelEn: "Tilt", kind: "number", unit: "deg", writable: false, min: -90, max: 90 },
  { name: "zoom", label: "变倍", labelEn: "Zoom", kind: "number", writable: false, min: 1, max: 20 },
  { name: "preset", label: "预置位", labelEn: "Preset", kind: "string", writable: false },
  flag("moving", "转动中", "Moving", [
    ["静止", "still"],
    ["转动", "moving"],
  ]),
];

const clamp = (value: number, [minimum, maximum]: readonly [number, number]): number =>
  Math.max(minimum, Math.min(maximum, value));

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
  readonly presets: readonly CameraPreset[];
  readonly limits = LIMITS;
  readonly signals: readonly Signal[];
  readonly #utcOffsetMs: number;
  readonly #seed: number;
  readonly #listeners = new Set<(signal: string, value: boolean) => void>();
  readonly #flags = new Map<string, boolean>([["light", false], ...DETECTORS.map((d) => [d, false] as const)]);
  #position: Record<Axis, number>;
  #target: Partial<Record<Axis, number>> = {};
  #speed: Record<Axis, number> = { ...LIMITS.speed };
  #preset = "";
  #presetAhead = "";
  #lineCrossedSeconds = 0;
  #nowMs = 0;
  #painted: { readonly key: string; readonly jpeg: Uint8Array } | undefined;

  constructor(options: CameraOptions) {
    this.id = options.id;
    this.name = options.name;
    this.nameEn = options.nameEn;
    this.ptz = options.ptz;
    this.presets = options.ptz ? (options.presets ?? []) : [];
    this.signals = options.ptz ? [...DETECTOR_SIGNALS, ...PTZ_SIGNALS] : DETECTOR_SIGNALS;
    this.#position = { pan: 0, tilt: 0, zoom: 1, ...options.home };
    this.#utcOffsetMs = (options.utcOffsetMinutes ?? 480) * 60_000;
    this.#seed = seedOf(options.id);
    this.#preset = this.presets.find((preset) => AXES.every((a) => preset[a] === this.#position[a]))?.token ?? "";
  }

  read(signal: string): SignalValue {
    this.#known(signal);
    switch (signal) {
      case "pan":
      case "tilt":
      case "zoom":
        return this.#position[signal];
      case "preset":
        return this.#preset;
      case "moving":
        return this.#moving();
      default:
        return this.#flags.get(signal) ?? false;
    }
  }

  write(signal: string, value: SignalValue): void {
    this.#known(signal);
    switch (signal) {
      case "pan":
      case "tilt":
      case "zoom":
        this.moveTo({ [signal]: Number(value) });
        return;
      case "preset":
        this.goToPreset(String(value));
        return;
      case "moving":
        if (value === false) this.stopMove();
        return;
      default:
        this.#setFlag(signal, value === true || value === 1);
    }
  }

  step(seconds: number, nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#lineCrossedSeconds > 0) {
      this.#lineCrossedSeconds -= seconds;
      if (this.#lineCrossedSeconds <= 0) this.#setFlag("line-crossed", false);
    }
    for (const axis of AXES) this.#advance(axis, seconds);
    if (this.#presetAhead !== "" && !this.#moving()) {
      this.#preset = this.#presetAhead;
      this.#presetAhead = "";
    }
  }

  goToPreset(token: string): boolean {
    const preset = this.presets.find((candidate) => candidate.token === token);
    if (preset === undefined) return false;
    this.moveTo(preset);
    if (this.#moving()) this.#presetAhead = token;
    else this.#preset = token;
    return true;
  }

  moveTo(position: Partial<CameraPosition>): void {
    if (!this.ptz) return;
    this.stopMove();
    for (const axis of AXES) {
      const wanted = position[axis];
      if (wanted === undefined || !Number.isFinite(wanted)) continue;
      this.#speed[axis] = LIMITS.speed[axis];
      const target = clamp(wanted, LIMITS[axis]);
      if (target === this.#position[axis]) continue;
      this.#target[axis] = target;
      this.#preset = "";
    }
  }

  moveWith(velocity: CameraPosition): void {
    if (!this.ptz) return;
    this.stopMove();
    for (const axis of AXES) {
      const share = clamp(Number.isFinite(velocity[axis]) ? velocity[axis] : 0, [-1, 1]);
      if (share === 0) continue;
      this.#speed[axis] = Math.abs(share) * LIMITS.speed[axis];
      this.#target[axis] = LIMITS[axis][share < 0 ? 0 : 1];
      this.#preset = "";
    }
  }

  stopMove(): void {
    this.#target = {};
    this.#presetAhead = "";
  }

  onDetection(listener: (signal: string, value: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  picture(): Uint8Array {
    const local = new Date(this.#nowMs + this.#utcOffsetMs);
    const time = local.toISOString().slice(0, 19).replace("T", " ");
    const { pan, tilt, zoom } = this.#position;
    const preset = this.presets.find((candidate) => candidate.token === this.#preset);
    const place = `P ${pan.toFixed(1)} T ${tilt.toFixed(1)} Z ${zoom.toFixed(1)}x`;
    const scene = {
      title: this.nameEn,
      time,
      position: preset === undefined ? (this.ptz ? place : this.id) : `${preset.token} ${place}`,
      pan,
      tilt,
      zoom,
      hour: local.getUTCHours() + local.getUTCMinutes() / 60,
      light: this.#flags.get("light") ?? false,
      intruder: ["motion", "line-crossed", "field-intrusion"].some((detector) => this.#flags.get(detector) === true),
      covered: this.#flags.get("tamper") ?? false,
      seed: this.#seed,
    };
    const key = JSON.stringify(scene);
    if (this.#painted?.key !== key) this.#painted = { key, jpeg: paintPicture(scene) };
    return this.#painted.jpeg;
  }

  #known(signal: string): void {
    if (this.signals.some((candidate) => candidate.name === signal)) return;
    throw new InvalidInputError("SIM_SIGNAL_UNKNOWN", `camera ${this.id} has no signal "${signal}"`);
  }

  #setFlag(signal: string, value: boolean): void {
    if (signal === "line-crossed" && value) this.#lineCrossedSeconds = LINE_CROSSED_SECONDS;
    const changed = this.#flags.get(signal) !== value;
    this.#flags.set(signal, value);
    // Each crossing counts, also one on the heels of another.
    if (signal === "light" || !(changed || (signal === "line-crossed" && value))) return;
    for (const listener of this.#listeners) listener(signal, value);
  }

  #moving(): boolean {
    return AXES.some((axis) => this.#target[axis] !== undefined);
  }

  #advance(axis: Axis, seconds: number): void {
    const target = this.#target[axis];
    if (target === undefined) return;
    const away = target - this.#position[axis];
    const reach = this.#speed[axis] * seconds;
    if (Math.abs(away) <= reach) {
      this.#position[axis] = target;
      delete this.#target[axis];
    } else {
      this.#position[axis] += Math.sign(away) * reach;
    }
  }
}

/** Makes a camera; its time stands still until the first `step`. */
export function createCamera(options: CameraOptions): SimulatedCamera {
  return new Camera(options);
}
