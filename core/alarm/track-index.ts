import type { Track } from "./track.ts";

/** Which tracks look at a point, at the events of a device, or belong to a device. */
export class TrackIndex {
  readonly #byPoint = new Map<string, Track[]>();
  readonly #byEvent = new Map<string, Track[]>();
  readonly #byDevice = new Map<string, Track[]>();

  add(track: Track): void {
    const { condition, device } = track;
    if (condition === undefined) return;
    if ("point" in condition) append(this.#byPoint, condition.point, track);
    else if (condition.type === "event") append(this.#byEvent, eventKey(condition.device, condition.kind), track);
    if (device !== undefined) append(this.#byDevice, device, track);
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
}

function append(map: Map<string, Track[]>, key: string, track: Track): void {
  const held = map.get(key);
  if (held === undefined) map.set(key, [track]);
  else held.push(track);
}

function eventKey(device: string, kind: string): string {
  return `${device} ${kind}`;
}
