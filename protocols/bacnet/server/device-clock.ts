import type { Clock } from "#core/clock.ts";
import { type BacnetDateTime, dateTimeOf, unixMsOf } from "../codec/timestamp.ts";

/** The clock of a device: the machine's, moved by what TimeSynchronization has set. [BACnet 16.7, 16.8] */
export class DeviceClock {
  readonly #clock: Clock;
  readonly #offsetMin: number | ((at: number) => number);
  readonly #skewMs: () => number;
  #setBy = 0;

  /** `offsetMin`: UTC_Offset, or what it is at a time, Unix ms. `skewMs`: how far the device's crystal has run away, ms. */
  constructor(clock: Clock, offsetMin: number | ((at: number) => number), skewMs: () => number = () => 0) {
    this.#clock = clock;
    this.#offsetMin = offsetMin;
    this.#skewMs = skewMs;
  }

  /** UTC_Offset, minutes: -480 in China. [BACnet 12.11.25] */
  get utcOffsetMin(): number {
    return this.#offsetAt(this.now());
  }

  #offsetAt(at: number): number {
    return typeof this.#offsetMin === "number" ? this.#offsetMin : this.#offsetMin(at);
  }

  /** What the device takes for the time, Unix ms. */
  now(): number {
    return this.#clock.now() + this.#skewMs() + this.#setBy;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  /** The device's own date and time. */
  local(at = this.now()): BacnetDateTime {
    return dateTimeOf(at, this.#offsetAt(at));
  }

  /** Unix ms of a date and time of this device; undefined for one with wildcards. */
  unixMsOf(dateTime: BacnetDateTime): number | undefined {
    return unixMsOf(dateTime, this.utcOffsetMin);
  }

  /** Sets the clock; gives by how much it moved, ms. */
  set(at: number): number {
    const moved = at - this.now();
    this.#setBy += moved;
    return moved;
  }
}
