import type { AlarmSuppressor } from "../model/alarm.ts";
import { pointsOf } from "./operands.ts";
import type { Track } from "./track.ts";

/** A track that something suppresses by design. */
export interface Suppressed<S extends AlarmSuppressor = AlarmSuppressor> {
  readonly track: Track;
  readonly by: S;
}
type ByPoint = Extract<AlarmSuppressor, { point: string }>;
type ByDefinition = Extract<AlarmSuppressor, { definition: string }>;

/** Which tracks look at a point, at the events of a device, belong to a device or a group, or are suppressed by something. */
export class TrackIndex {
  readonly #byPoint = new Map<string, Track[]>();
  readonly #byEvent = new Map<string, Track[]>();
  readonly #byDevice = new Map<string, Track[]>();
  readonly #byGroup = new Map<string, Track[]>();
  readonly #suppressedByPoint = new Map<string, Suppressed<ByPoint>[]>();
  readonly #suppressedByAlarm = new Map<string, Suppressed<ByDefinition>[]>();

  add(track: Track): void {
    const { condition } = track;
    if (condition === undefined) return;
    for (const point of new Set(pointsOf(condition))) append(this.#byPoint, point, track);
    if (condition.type === "event") append(this.#byEvent, eventKey(condition.device, condition.kind), track);
    for (const device of track.devices) append(this.#byDevice, device, track);
    if (track.firstOut !== undefined) append(this.#byGroup, track.firstOut, track);
    for (const by of track.suppressors) {
      if ("point" in by) append(this.#suppressedByPoint, by.point, { track, by });
      else append(this.#suppressedByAlarm, by.definition, { track, by });
    }
  }

  /** Takes a track out of its device's. */
  leave(device: string, track: Track): void {
    const left = this.ofDevice(device).filter((one) => one !== track);
    this.#byDevice.set(device, left);
  }

  ofPoint(point: string): readonly Track[] {
    return this.#byPoint.get(point) ?? [];
  }

  ofEvent(device: string, kind: string): readonly Track[] {
    return this.#byEvent.get(eventKey(device, kind)) ?? [];
  }

  ofDevice(device: string): readonly Track[] {
    return this.#byDevice.get(device) ?? [];
  }

  /** The tracks of a first-out group. */
  ofGroup(group: string): readonly Track[] {
    return this.#byGroup.get(group) ?? [];
  }

  /** What a point suppresses. */
  suppressedByPoint(point: string): readonly Suppressed<ByPoint>[] {
    return this.#suppressedByPoint.get(point) ?? [];
  }

  /** What the alarm of a definition suppresses. */
  suppressedByAlarm(definition: string): readonly Suppressed<ByDefinition>[] {
    return this.#suppressedByAlarm.get(definition) ?? [];
  }
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const held = map.get(key);
  if (held === undefined) map.set(key, [value]);
  else held.push(value);
}

function eventKey(device: string, kind: string): string {
  return `${device} ${kind}`;
}
