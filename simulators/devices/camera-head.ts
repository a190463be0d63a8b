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

/** Ranges and full speeds of a camera's axes: degrees and degrees per second, zoom factor and factor per second. */
export interface CameraLimits {
  readonly pan: readonly [minimum: number, maximum: number];
  readonly tilt: readonly [minimum: number, maximum: number];
  readonly zoom: readonly [minimum: number, maximum: number];
  readonly speed: CameraPosition;
}

/** Of a common speed dome. */
export const HEAD_LIMITS: CameraLimits = {
  pan: [-180, 180],
  tilt: [-90, 90],
  zoom: [1, 20],
  speed: { pan: 120, tilt: 60, zoom: 8 },
};
/** Positions that a camera can keep. */
export const MAX_PRESETS = 255;
const AXES = ["pan", "tilt", "zoom"] as const;
type Axis = (typeof AXES)[number];

/** Is it the name of an axis? */
export function isAxis(signal: string): signal is Axis {
  return (AXES as readonly string[]).includes(signal);
}

const clamp = (value: number, [minimum, maximum]: readonly [number, number]): number =>
  Math.max(minimum, Math.min(maximum, value));

/** Motors and stored positions of a PTZ camera. */
export class PtzHead {
  #position: Record<Axis, number>;
  #home: CameraPosition;
  #presets: readonly CameraPreset[];
  #target: Partial<Record<Axis, number>> = {};
  #speed: Record<Axis, number> = { ...HEAD_LIMITS.speed };
  #preset: string;
  #presetAhead = "";
  /** Seconds until a timed move ends; undefined: until stopped. */
  #movesFor: number | undefined;

  constructor(home: CameraPosition, presets: readonly CameraPreset[]) {
    this.#home = { pan: home.pan, tilt: home.tilt, zoom: home.zoom };
    this.#position = { ...this.#home };
    this.#presets = presets;
    this.#preset = presets.find((preset) => AXES.every((a) => preset[a] === this.#position[a]))?.token ?? "";
  }

  get position(): CameraPosition {
    return this.#position;
  }
  get presets(): readonly CameraPreset[] {
    return this.#presets;
  }
  /** Token of the preset it stands on; empty between presets. */
  get preset(): string {
    return this.#preset;
  }
  get moving(): boolean {
    return AXES.some((axis) => this.#target[axis] !== undefined);
  }

  /** Starts the way to a preset; false where there is none of that token. */
  goToPreset(token: string): boolean {
    const preset = this.#presets.find((candidate) => candidate.token === token);
    if (preset === undefined) return false;
    this.moveTo(preset);
    if (this.moving) this.#presetAhead = token;
    else this.#preset = token;
    return true;
  }

  /** Keeps the present position; a new token where none is given. Undefined: no room, or no preset of that token. */
  setPreset(name: string | undefined, token: string | undefined): string | undefined {
    const known = this.#presets.find((preset) => preset.token === token);
    if (token !== undefined && known === undefined) return undefined;
    if (known === undefined && this.#presets.length >= MAX_PRESETS) return undefined;
    let free = 1;
    while (this.#presets.some((preset) => preset.token === String(free))) free++;
    const kept = known?.token ?? String(free);
    const preset = { ...this.#position, token: kept, name: name ?? known?.name ?? `Preset ${kept}` };
    this.#presets = [...this.#presets.filter((other) => other.token !== kept), preset];
    if (!this.moving) this.#preset = kept;
    return kept;
  }

  /** Forgets a preset; false where there is none of that token. */
  removePreset(token: string): boolean {
    if (!this.#presets.some((preset) => preset.token === token)) return false;
    this.#presets = this.#presets.filter((preset) => preset.token !== token);
    if (this.#preset === token) this.#preset = "";
    if (this.#presetAhead === token) this.#presetAhead = "";
    return true;
  }

  goHome(): void {
    this.moveTo(this.#home);
  }

  /** Makes the present position the home position. */
  setHome(): void {
    this.#home = { ...this.#position };
  }

  /** Starts the way to a position, within the limits; absent axes stay. */
  moveTo(position: Partial<CameraPosition>): void {
    this.stop();
    for (const axis of AXES) {
      const wanted = position[axis];
      if (wanted === undefined || !Number.isFinite(wanted)) continue;
      this.#speed[axis] = HEAD_LIMITS.speed[axis];
      const target = clamp(wanted, HEAD_LIMITS[axis]);
      if (target === this.#position[axis]) continue;
      this.#target[axis] = target;
      this.#preset = "";
    }
  }

  /** Moves with a share of the full speed, -1 to 1 an axis, until the time is over, stopped, or at a limit. */
  moveWith(velocity: CameraPosition, seconds?: number): void {
    this.stop();
    this.#movesFor = seconds;
    for (const axis of AXES) {
      const rate = clamp(Number.isFinite(velocity[axis]) ? velocity[axis] : 0, [-1, 1]);
      if (rate === 0) continue;
      this.#speed[axis] = Math.abs(rate) * HEAD_LIMITS.speed[axis];
      this.#target[axis] = HEAD_LIMITS[axis][rate < 0 ? 0 : 1];
      this.#preset = "";
    }
  }

  stop(): void {
    this.#target = {};
    this.#presetAhead = "";
    this.#movesFor = undefined;
  }

  /** Turns for `seconds`. */
  step(seconds: number): void {
    const turning = Math.min(seconds, this.#movesFor ?? seconds);
    for (const axis of AXES) this.#advance(axis, turning);
    if (this.#movesFor !== undefined) {
      this.#movesFor -= seconds;
      if (this.#movesFor <= 0) this.stop();
    }
    if (this.#presetAhead !== "" && !this.moving) {
      this.#preset = this.#presetAhead;
      this.#presetAhead = "";
    }
  }

  /** Where it looks `seconds` after the last step. */
  carriedOn(seconds: number): CameraPosition {
    const turning = Math.min(seconds, this.#movesFor ?? seconds);
    return {
      pan: this.#reached("pan", turning),
      tilt: this.#reached("tilt", turning),
      zoom: this.#reached("zoom", turning),
    };
  }

  #reached(axis: Axis, seconds: number): number {
    const position = this.#position[axis];
    const target = this.#target[axis];
    if (target === undefined) return position;
    const reach = this.#speed[axis] * seconds;
    return Math.abs(target - position) <= reach ? target : position + Math.sign(target - position) * reach;
  }

  #advance(axis: Axis, seconds: number): void {
    this.#position[axis] = this.#reached(axis, seconds);
    if (this.#position[axis] === this.#target[axis]) delete this.#target[axis];
  }
}
