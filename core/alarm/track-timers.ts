import type { Clock } from "../clock.ts";
import { type PendingDelay, type Track, UNKNOWN_MS } from "./track.ts";

/** The longest delay a timer takes, ms (2^31 - 1). */
const LONGEST_TIMER_MS = 0x7fff_ffff;
/** The wall clock is looked at again at least so often, ms: a gateway may begin without the time, or be set while a timer runs. */
const LOOK_AGAIN_MS = 60_000;

/** The timers of tracks. What they wait for is in the track's records, so that a restart arms them again. [AL-14] */
export class TrackTimers {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins a delay. `due` must end it with `endDelay`. */
  delay(track: Track, delay: PendingDelay, due: () => void): void {
    // the wall clock may have been set back since the delay began
    const longestMs = delay.holds ? Math.max(track.onDelayMs, UNKNOWN_MS) : track.offDelayMs;
    const leftMs = Math.min(Math.max(delay.dueAt - this.#clock.now(), 0), longestMs, LONGEST_TIMER_MS);
    track.pending = delay;
    track.cancelDelay = this.#clock.after(leftMs, due);
  }

  /** Ends a delay; was there one? */
  endDelay(track: Track): boolean {
    if (track.pending === undefined) return false;
    track.cancelDelay?.();
    delete track.cancelDelay;
    delete track.pending;
    return true;
  }

  /**
   * Does the work when the wall clock shows `at` (Unix ms), but `longestMs` from now at the latest, whatever the wall clock was set
   * to; without `at` nothing is waited for any more.
   */
  at(
    track: Track,
    which: "cancelShelving" | "cancelReAlarm",
    { at, longestMs = Number.POSITIVE_INFINITY }: { readonly at: number | undefined; readonly longestMs?: number },
    due: () => void,
  ): void {
    track[which]?.();
    delete track[which];
    if (at === undefined) return;
    const endsAt = this.#clock.monotonic() + longestMs;
    const wait = (): void => {
      const leftMs = Math.min(at - this.#clock.now(), endsAt - this.#clock.monotonic());
      track[which] = this.#clock.after(Math.min(Math.max(leftMs, 0), LOOK_AGAIN_MS), () => {
        if (this.#clock.now() >= at || this.#clock.monotonic() >= endsAt) due();
        else wait();
      });
    };
    wait();
  }

  /** Looks again after so long, once. A look that is waiting already goes on. */
  look(track: Track, afterMs: number, due: () => void): void {
    if (track.cancelLook !== undefined) return;
    track.cancelLook = this.#clock.after(afterMs, () => {
      delete track.cancelLook;
      due();
    });
  }

  /** Looks no more. */
  endLook(track: Track): void {
    track.cancelLook?.();
    delete track.cancelLook;
  }

  /** Cancels all of a track; what it waits for stays in its records. */
  stop(track: Track): void {
    track.cancelDelay?.();
    track.cancelShelving?.();
    track.cancelReAlarm?.();
    this.endLook(track);
  }
}
