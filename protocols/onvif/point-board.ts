import type { Clock } from "#core/clock.ts";
import type { PointId } from "#core/ids.ts";
import type { Sample } from "#core/model/sample.ts";
import type { PointBinding } from "../driver.ts";
import type { OnvifAddress } from "./config.ts";
import { type PointValue, sameValue } from "./point-values.ts";

/** A point not told for so long is told again at the next poll (at most 30 s later): within the contract's 60 s. */
const SIGN_OF_LIFE_MS = 25_000;

type OnvifPoint = PointBinding<OnvifAddress>;

/** The points of one device: tells each as it changes, and now and then unchanged. */
export class PointBoard {
  readonly #clock: Clock;
  readonly #onSamples: (samples: readonly Sample[]) => void;
  readonly #told = new Map<PointId, PointValue & { readonly at: number }>();
  #points: readonly OnvifPoint[];

  constructor(points: readonly OnvifPoint[], clock: Clock, onSamples: (samples: readonly Sample[]) => void) {
    this.#points = points;
    this.#clock = clock;
    this.#onSamples = onSamples;
  }

  get points(): readonly OnvifPoint[] {
    return this.#points;
  }

  find(point: PointId): OnvifPoint | undefined {
    return this.#points.find((binding) => binding.point === point);
  }

  /** Replaces the points; each is told anew by the next `publish`. */
  rebind(points: readonly OnvifPoint[]): void {
    this.#points = points;
    this.#told.clear();
  }

  /** Tells what has changed, and what was not told for a while. */
  publish(present: (address: OnvifAddress, before: PointValue | undefined) => PointValue): void {
    const now = this.#clock.monotonic();
    const samples: Sample[] = [];
    for (const { point, address } of this.#points) {
      const before = this.#told.get(point);
      const value = present(address, before);
      if (before !== undefined && sameValue(before, value) && now - before.at < SIGN_OF_LIFE_MS) continue;
      this.#told.set(point, { ...value, at: now });
      samples.push({ point, observedAt: this.#clock.now(), ...value });
    }
    if (samples.length > 0) this.#onSamples(samples);
  }
}
