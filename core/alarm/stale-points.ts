import { deviceOf, type PointId } from "../ids.ts";
import type { Sample } from "../model/sample.ts";

/** Which points nothing has been heard of for too long, by their device. Holds no more than the points of the gateway. */
export class StalePoints {
  readonly #byDevice = new Map<string, Set<string>>();

  /** This point was stale before the process began. */
  seed(point: PointId): void {
    const device = deviceOf(point);
    this.#byDevice.set(device, (this.#byDevice.get(device) ?? new Set<string>()).add(point));
  }

  /** Takes what is said of a point. True when it became stale or ceased to be. */
  take(sample: Sample): boolean {
    // no value is no update: a point that was stale stays so, and one that never was has a device that has none to give
    if (sample.reason === "noValue") return false;
    const stale = sample.reason === "stale" && sample.quality !== "good";
    if (!stale && this.#byDevice.size === 0) return false;
    const device = deviceOf(sample.point);
    const points = this.#byDevice.get(device) ?? new Set<string>();
    if (stale === points.has(sample.point)) return false;
    if (stale) points.add(sample.point);
    else points.delete(sample.point);
    if (points.size > 0) this.#byDevice.set(device, points);
    else this.#byDevice.delete(device);
    return true;
  }

  /** The stale points of the device. */
  of(device: string): readonly string[] {
    return [...(this.#byDevice.get(device) ?? [])];
  }

  /** Has the device stale points? */
  any(device: string): boolean {
    return this.#byDevice.has(device);
  }

  /** Is this point of the device stale? */
  has(device: string, point: string): boolean {
    return this.#byDevice.get(device)?.has(point) === true;
  }
}
