import type { PointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import { KIND, parseQuality, type SampleColumns } from "#core/model/sample-columns.ts";

/** Reasons that say the device cannot be reached at all. */
const UNREACHABLE: ReadonlySet<string> = new Set(["commLost", "driverFailed"]);
const NO_VALUE = "noValue";

// What is known of a point, as bits.
const HELD = 1;
/** Its value is the one a birth gave to a point that was never read. */
const NEVER_READ = 2;
/** It cannot be reached. */
const LOST = 4;
/** It has changed since the last `drainChanged`. */
const CHANGED = 8;

const FIRST_CAPACITY = 1024;

/** How a device stands. */
export interface Reachability {
  readonly known: boolean;
  readonly online: boolean;
  readonly reason?: string;
  readonly since?: number;
}

function bitsOf(quality: string): number {
  if (quality === "good") return HELD;
  const { quality: kind, reason = "" } = parseQuality(quality);
  return HELD | (reason === NO_VALUE ? NEVER_READ : 0) | (kind === "bad" && UNREACHABLE.has(reason) ? LOST : 0);
}

function grown<T extends Uint8Array | Int32Array | Float64Array>(old: T, made: T): T {
  made.set(old);
  return made;
}

/**
 * The newest sample of every point by its number, and from it which devices can be reached. A sample is an object only when
 * somebody asks for it. Nothing historical is taken.
 */
export class LiveValues {
  #bits = new Uint8Array(FIRST_CAPACITY);
  #kind = new Uint8Array(FIRST_CAPACITY);
  #number = new Float64Array(FIRST_CAPACITY);
  #time = new Float64Array(FIRST_CAPACITY);
  #source = new Float64Array(FIRST_CAPACITY);
  /** At which take the value came. */
  #revisions = new Float64Array(FIRST_CAPACITY);
  /** 1 + the device's number; 0 for a point that the site does not have and that is not taken. */
  #device = new Int32Array(FIRST_CAPACITY);
  readonly #quality: string[] = [];
  readonly #text: (string | undefined)[] = [];
  /** By device: points that are held and can be reached. */
  #reachable = new Int32Array(0);
  #revision = 0;
  /** Points that have changed, each once, the longest waiting first: a ring, for a flood fills it much faster than it is told. */
  #changed = new Uint32Array(FIRST_CAPACITY);
  #firstChanged = 0;
  #changedCount = 0;
  readonly #wereOnline = new Map<number, boolean>();

  /** What the site has: the points of each device. All others are kept out from now on. */
  setDevices(devices: readonly (readonly number[])[]): void {
    this.#device.fill(0);
    this.#reachable = new Int32Array(devices.length);
    for (const [device, points] of devices.entries())
      for (const point of points) {
        this.#reserve(point);
        this.#device[point] = device + 1;
        if (((this.#bits[point] ?? 0) & (HELD | LOST)) === HELD) this.#reached(device, 1);
      }
    // As it was: only another site description, no news.
    this.#wereOnline.clear();
  }

  /** Number of the last take. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Takes the rows [from, to) of which no newer one is held. What a birth says of a point that was never read is no
   * observation: its time is the birth's, and the first reading, seen by a driver just before, comes after it.
   */
  take(columns: SampleColumns, from: number, to: number): void {
    this.#revision++;
    const { point: points, time: times, historical } = columns;
    for (let row = from; row < to; row++) {
      const point = points[row] ?? 0;
      if (historical[row] === 1 || (this.#device[point] ?? 0) === 0) continue;
      const bits = this.#bits[point] ?? 0;
      if ((bits & (HELD | NEVER_READ)) === HELD && (this.#time[point] ?? 0) > (times[row] ?? 0)) continue;
      this.#put(columns, row, point, bits);
    }
  }

  /** Takes what a birth says holds now, whatever its time: a gateway whose clock was set back would never be believed again. */
  takeBirth(columns: SampleColumns): void {
    this.#revision++;
    for (let row = 0; row < columns.length; row++) {
      const point = columns.point[row] ?? 0;
      if ((this.#device[point] ?? 0) > 0) this.#put(columns, row, point, this.#bits[point] ?? 0);
    }
  }

  #put(columns: SampleColumns, row: number, point: number, before: number): void {
    const kind = columns.kind[row] ?? KIND.null;
    const number = columns.number[row] ?? 0;
    const quality = columns.qualities[columns.quality[row] ?? 0] ?? "bad";
    this.#kind[point] = kind;
    this.#number[point] = number;
    this.#time[point] = columns.time[row] ?? 0;
    this.#source[point] = columns.source[row] ?? Number.NaN;
    this.#revisions[point] = this.#revision;
    if (kind === KIND.text) this.#text[point] = columns.texts[number] ?? "";
    if ((before & HELD) !== 0 && this.#quality[point] === quality) {
      if ((before & CHANGED) !== 0) return;
      this.#bits[point] = before | CHANGED;
    } else {
      const bits = bitsOf(quality);
      this.#quality[point] = quality;
      this.#bits[point] = bits | CHANGED;
      this.#reach(point, before, bits);
      if ((before & CHANGED) !== 0) return;
    }
    this.#changed[(this.#firstChanged + this.#changedCount) % this.#changed.length] = point;
    this.#changedCount++;
  }

  #reach(point: number, before: number, after: number): void {
    const wasReached = (before & (HELD | LOST)) === HELD;
    const isReached = (after & LOST) === 0;
    if (wasReached !== isReached) this.#reached((this.#device[point] ?? 0) - 1, isReached ? 1 : -1);
  }

  #reached(device: number, by: 1 | -1): void {
    const before = this.#reachable[device] ?? 0;
    this.#reachable[device] = before + by;
    if (!this.#wereOnline.has(device)) this.#wereOnline.set(device, before > 0);
  }

  /** At most `limit` points whose sample is another one than when they were last given here, the longest waiting first. */
  drainChanged(limit: number): readonly number[] {
    const drained: number[] = [];
    for (let left = Math.min(limit, this.#changedCount); left > 0; left--) {
      const point = this.#changed[this.#firstChanged] ?? 0;
      this.#bits[point] = (this.#bits[point] ?? 0) & ~CHANGED;
      drained.push(point);
      this.#firstChanged = (this.#firstChanged + 1) % this.#changed.length;
      this.#changedCount--;
    }
    return drained;
  }

  /** How many `drainChanged` would give. */
  get changed(): number {
    return this.#changedCount;
  }

  /** Devices that have become reachable or unreachable since the last call, by their place in `setDevices`. */
  drainDevices(): readonly number[] {
    if (this.#wereOnline.size === 0) return [];
    const drained = [...this.#wereOnline].filter(([device, was]) => was !== this.isOnline(device));
    this.#wereOnline.clear();
    return drained.map(([device]) => device);
  }

  /** Does the device answer? */
  isOnline(device: number): boolean {
    return (this.#reachable[device] ?? 0) > 0;
  }

  /** The newest sample of the point `id` of this number. */
  get(point: number, id: PointId): Sample | undefined {
    if (((this.#bits[point] ?? 0) & HELD) === 0) return undefined;
    const source = this.#source[point] ?? Number.NaN;
    return {
      point: id,
      value: this.#value(point),
      ...parseQuality(this.#quality[point] ?? "bad"),
      ...(Number.isNaN(source) ? {} : { sourceTime: source }),
      observedAt: this.#time[point] ?? 0,
    };
  }

  #value(point: number): Sample["value"] {
    switch (this.#kind[point]) {
      case KIND.number:
        return this.#number[point] ?? 0;
      case KIND.text:
        return this.#text[point] ?? "";
      case KIND.true:
        return true;
      case KIND.false:
        return false;
      default:
        return null;
    }
  }

  /** Points whose value came after a take. */
  *since(revision: number): Generator<number> {
    for (let point = 0; point < this.#bits.length; point++)
      if (((this.#bits[point] ?? 0) & HELD) !== 0 && (this.#revisions[point] ?? 0) > revision) yield point;
  }

  /** Whether a device answers: unknown until a sample came; offline when every known point of it is unreachable. */
  reachability(points: readonly number[]): Reachability {
    let since: number | undefined;
    let reason: string | undefined;
    for (const point of points) {
      const bits = this.#bits[point] ?? 0;
      if ((bits & HELD) === 0) continue;
      if ((bits & LOST) === 0) return { known: true, online: true };
      since = Math.max(since ?? 0, this.#time[point] ?? 0);
      reason = parseQuality(this.#quality[point] ?? "bad").reason;
    }
    if (since === undefined || reason === undefined) return { known: false, online: false, reason: NO_VALUE };
    return { known: true, online: false, reason, since };
  }

  #reserve(point: number): void {
    const capacity = this.#bits.length;
    if (point < capacity) return;
    const size = Math.max(capacity * 2, point + 1);
    this.#bits = grown(this.#bits, new Uint8Array(size));
    this.#kind = grown(this.#kind, new Uint8Array(size));
    this.#number = grown(this.#number, new Float64Array(size));
    this.#time = grown(this.#time, new Float64Array(size));
    this.#source = grown(this.#source, new Float64Array(size));
    this.#revisions = grown(this.#revisions, new Float64Array(size));
    this.#device = grown(this.#device, new Int32Array(size));
    const changed = new Uint32Array(size);
    changed.set(this.#changed.subarray(this.#firstChanged));
    changed.set(this.#changed.subarray(0, this.#firstChanged), capacity - this.#firstChanged);
    this.#changed = changed;
    this.#firstChanged = 0;
  }
}
