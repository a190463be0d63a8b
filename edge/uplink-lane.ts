import type { Clock } from "#core/clock.ts";

/** No progress for so long and the lane goes back to the last ack, ms. */
export const REWIND_AFTER_MS = 5_000;
/** Most batches that are under way unacked. */
export const WINDOW = 32;
/** Most bytes that are under way unacked; one batch always may. */
const WINDOW_BYTES = 4 * 1024 * 1024;

interface UnderWay {
  readonly last: number;
  readonly bytes: number;
}

/**
 * How far a lane has been sent and acked on this connection. It begins with one batch under way, and opens its window at the
 * first ack: until then the cloud may yet say that this outbox is a restored copy, and little should have been numbered over.
 */
export class LaneWindow {
  readonly #clock: Clock;
  #cursor = 0;
  #open = false;
  #underWay: UnderWay[] = [];
  #bytes = 0;
  #progressAt = 0;
  #rewinds = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Highest offset sent on this connection; what follows is to be sent next. */
  get cursor(): number {
    return this.#cursor;
  }
  /** May another batch be sent? */
  get room(): boolean {
    return this.#underWay.length < (this.#open ? WINDOW : 1) && this.#bytes < WINDOW_BYTES;
  }
  /** How often it went back, since the start. */
  get rewinds(): number {
    return this.#rewinds;
  }

  /** A new connection: everything after the last ack is to be sent. */
  reset(acked: number): void {
    this.#cursor = acked;
    this.#underWay = [];
    this.#bytes = 0;
    this.#open = false;
    this.#progressAt = this.#clock.monotonic();
  }

  /** A batch up to `last` was sent. */
  sent(last: number, bytes: number): void {
    if (this.#underWay.length === 0) this.#progressAt = this.#clock.monotonic();
    this.#underWay.push({ last, bytes });
    this.#bytes += bytes;
    this.#cursor = Math.max(this.#cursor, last);
  }

  /** The cloud has stored everything up to `upTo`. */
  acked(upTo: number): void {
    // the greeting answers no batch
    if (this.#underWay.length > 0) this.#open = true;
    const left = this.#underWay.filter(({ last }) => last > upTo);
    if (left.length < this.#underWay.length) this.#progressAt = this.#clock.monotonic();
    this.#underWay = left;
    this.#bytes = left.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#cursor = Math.max(this.#cursor, upTo);
  }

  /** Goes back to the last ack when nothing was acked for too long. True when it did. */
  rewindIfStalled(acked: number): boolean {
    if (this.#underWay.length === 0 || this.#clock.monotonic() - this.#progressAt < REWIND_AFTER_MS) return false;
    this.#rewinds++;
    this.reset(acked);
    return true;
  }
}
