import type { PointId } from "#core/ids.ts";
import type { PointDirectory } from "./telemetry-ports.ts";

/** The numbers of the points of this process. */
export class PointNumbers implements PointDirectory {
  readonly #numbers = new Map<PointId, number>();
  readonly #points: PointId[] = [];

  get size(): number {
    return this.#points.length;
  }

  numberOf(point: PointId): number {
    const known = this.#numbers.get(point);
    if (known !== undefined) return known;
    const number = this.#points.push(point) - 1;
    this.#numbers.set(point, number);
    return number;
  }

  pointOf(number: number): PointId {
    const point = this.#points[number];
    if (point === undefined) throw new RangeError(`point number ${number} of ${this.#points.length}`);
    return point;
  }
}
