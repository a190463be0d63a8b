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
    // said of a point that nothing has been heard of since the process began, and so of one that was stale before
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

  /** Has the device stale points? */
  any(device: string): boolean {
    return this.#byDevice.has(device);
  }

  /** Is this point of the device stale? */
  has(device: string, point: string): boolean {
    return this.#byDevice.get(device)?.has(point) === true;
  }
}
