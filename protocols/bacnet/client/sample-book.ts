import type { Clock } from "#core/clock.ts";
import type { Sample } from "#core/model/sample.ts";
import type { Reading } from "./map.ts";
import type { BoundPoint } from "./point-board.ts";

// an unchanged value is told again at the first read or sign of life after so long; well below the 60 s of the contract
const REPEAT_MS = 25_000;

/** What was told of the points of one device: changes at once, what stays the same only now and then. */
export class SampleBook {
  readonly #clock: Clock;
  readonly #onSamples: (samples: readonly Sample[]) => void;
  readonly #last = new Map<BoundPoint, Sample>();
  #batch: Sample[] = [];
  #closed = false;

  constructor(clock: Clock, onSamples: (samples: readonly Sample[]) => void) {
    this.#clock = clock;
    this.#onSamples = onSamples;
  }

  /** Takes a reading; samples of one answer go out together, at the end of the turn. */
  take(point: BoundPoint, reading: Reading): void {
    const observedAt = this.#clock.now();
    const last = this.#last.get(point);
    const same = last?.value === reading.value && last.quality === reading.quality && last.reason === reading.reason;
    if (same && !this.#isOld(last)) return;
    this.#tell(point, { point: point.point, ...reading, observedAt });
  }

  /** What was told of these points still holds. */
  vouch(points: readonly BoundPoint[]): void {
    for (const point of points) {
      const last = this.#last.get(point);
      if (last !== undefined && this.#isOld(last)) this.#tell(point, { ...last, observedAt: this.#clock.now() });
    }
  }

  /** Tells what waits. */
  flush(): void {
    if (this.#closed || this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#onSamples(batch);
  }

  /** Nothing is told afterwards. */
  close(): void {
    this.#closed = true;
  }

  // the wall clock may be set either way
  #isOld({ observedAt }: Sample): boolean {
    return Math.abs(this.#clock.now() - observedAt) >= REPEAT_MS;
  }

  #tell(point: BoundPoint, sample: Sample): void {
    this.#last.set(point, sample);
    this.#batch.push(sample);
    if (this.#batch.length === 1) queueMicrotask(() => this.flush());
  }
}
