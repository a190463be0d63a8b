import type { Sample } from "#core/model/sample.ts";

/** Reasons that say the device cannot be reached at all. */
const UNREACHABLE: ReadonlySet<string> = new Set(["commLost", "driverFailed"]);

/** The newest sample of every point, and from it which devices can be reached. Nothing historical comes here. */
export class LiveValues {
  readonly #latest = new Map<string, Sample>();

  /**
   * Takes a sample unless a newer one is held. True when it was taken. What a birth says of a point that was never read is no
   * observation: its time is the birth's, and the first reading, seen by a driver just before, comes after it.
   */
  take(sample: Sample): boolean {
    const held = this.#latest.get(sample.point);
    if (held !== undefined && held.reason !== "noValue" && held.observedAt > sample.observedAt) return false;
    this.#latest.set(sample.point, sample);
    return true;
  }

  /** Takes what a birth says holds now, whatever its time: a gateway whose clock was set back would never be believed again. */
  takeBirth(sample: Sample): true {
    this.#latest.set(sample.point, sample);
    return true;
  }

  get(point: string): Sample | undefined {
    return this.#latest.get(point);
  }

  /** All samples held, for keeping them over a restart. */
  all(): Iterable<Sample> {
    return this.#latest.values();
  }

  /** Whether a device answers: unknown until a sample came; offline when every known point of it is unreachable. */
  reachability(points: readonly string[]): { known: boolean; online: boolean; reason?: string; since?: number } {
    let since: number | undefined;
    let reason: string | undefined;
    for (const point of points) {
      const sample = this.#latest.get(point);
      if (sample === undefined) continue;
      if (sample.quality !== "bad" || !UNREACHABLE.has(sample.reason ?? "")) return { known: true, online: true };
      since = Math.max(since ?? 0, sample.observedAt);
      reason = sample.reason;
    }
    if (since === undefined || reason === undefined) return { known: false, online: false, reason: "noValue" };
    return { known: true, online: false, reason, since };
  }
}
