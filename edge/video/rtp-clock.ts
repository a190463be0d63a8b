import type { Clock } from "#core/clock.ts";
import type { SenderReport } from "./rtp.ts";

/** What the time of a picture rests on: the camera's sender reports, or its arrival. */
export type TimeBase = "rtcp" | "arrival";

/** When a picture was taken. */
export interface PictureTime {
  /** In the measure of `Clock.monotonic`, ms. */
  readonly at: number;
  readonly timeBase: TimeBase;
}

/**
 * A camera's clock is believed when its report came neither before it was sent, but for what NTP leaves, nor later than any
 * encoder and network take, ms.
 */
const EARLIEST_MS = -100;
const LATEST_MS = 1_500;
/** Corrections are spread, so that no picture comes before the one it follows: so much for each ms of stream. */
const SLEW = 0.05;
/** Beyond so much, ms, a correction is made faster; forward it is then made at once: the stream stood still meanwhile. */
const FAR_MS = 1_000;
const FAR_SLEW = 0.5;
/** RTP time that goes further, or goes back more, has begun anew, ms. B pictures go back by some pictures. */
const LONGEST_STEP_MS = 10_000;
const LONGEST_BACK_MS = 2_000;
/** Least latency is looked for over so long, ms: within it no camera's crystal drifts by a picture. */
const WINDOW_MS = 10_000;
const HALF_RANGE = 2 ** 31;
const RANGE = 2 ** 32;

/** Turns RTP time into time of this gateway, without jumping back and without drifting away over weeks. */
export class RtpClock {
  readonly #clock: Clock;
  readonly #ticksPerMs: number;
  #last: { readonly timestamp: number; readonly mediaMs: number } | undefined;
  #offsetMs: number | undefined;
  /** Least (arrival - media time) of this window and of the one before. */
  #least = Number.POSITIVE_INFINITY;
  #leastBefore = Number.POSITIVE_INFINITY;
  #windowEndsAt = 0;
  #reported: number | undefined;

  constructor(clock: Clock, clockRate: number) {
    this.#clock = clock;
    this.#ticksPerMs = clockRate / 1000;
  }

  /** Unwrapped time of the stream, ms. */
  #mediaMs(timestamp: number): number {
    const last = this.#last;
    if (last === undefined) return 0;
    const ticks = (timestamp - last.timestamp + RANGE) % RANGE;
    return last.mediaMs + (ticks < HALF_RANGE ? ticks : ticks - RANGE) / this.#ticksPerMs;
  }

  /** Takes a sender report of the stream. Before the first picture it is of no use. */
  report({ timestamp, wallMs }: SenderReport): void {
    if (this.#last === undefined) return;
    const latencyMs = this.#clock.now() - wallMs;
    const believed = latencyMs >= EARLIEST_MS && latencyMs <= LATEST_MS;
    this.#reported = believed ? this.#clock.monotonic() - latencyMs - this.#mediaMs(timestamp) : undefined;
  }

  /** The time of a picture that has just arrived. */
  timeOf(timestamp: number): PictureTime {
    const now = this.#clock.monotonic();
    const before = this.#last?.mediaMs ?? 0;
    let mediaMs = this.#mediaMs(timestamp);
    if (mediaMs - before > LONGEST_STEP_MS || before - mediaMs > LONGEST_BACK_MS) {
      this.#beginAnew();
      mediaMs = 0;
    }
    const passedMs = this.#last === undefined ? 0 : Math.max(0, mediaMs - before);
    this.#last = { timestamp, mediaMs };
    this.#learn(now, now - mediaMs);
    const wanted = this.#reported ?? Math.min(this.#least, this.#leastBefore);
    this.#offsetMs =
      this.#offsetMs === undefined ? wanted : this.#offsetMs + correction(wanted - this.#offsetMs, passedMs);
    return { at: mediaMs + this.#offsetMs, timeBase: this.#reported === undefined ? "arrival" : "rtcp" };
  }

  #beginAnew(): void {
    this.#last = undefined;
    this.#offsetMs = undefined;
    this.#least = Number.POSITIVE_INFINITY;
    this.#leastBefore = Number.POSITIVE_INFINITY;
    this.#reported = undefined;
  }

  #learn(now: number, offset: number): void {
    if (now >= this.#windowEndsAt) {
      this.#leastBefore = this.#least;
      this.#least = Number.POSITIVE_INFINITY;
      this.#windowEndsAt = now + WINDOW_MS;
    }
    this.#least = Math.min(this.#least, offset);
  }
}

/** How much of an error is corrected after so much of the stream, ms. */
function correction(errorMs: number, passedMs: number): number {
  if (errorMs > FAR_MS) return errorMs;
  const limit = (errorMs < -FAR_MS ? FAR_SLEW : SLEW) * passedMs;
  return Math.min(limit, Math.max(-limit, errorMs));
}
