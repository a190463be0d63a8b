import { BUCKET_MS, FLOOD_BEGINS_ABOVE, FLOOD_ENDS_BELOW } from "./kpi-numbers.ts";

/** A time in which more alarms came than a person can follow. Times are Unix ms. */
export interface Flood {
  readonly from: number;
  /** undefined while it lasts. */
  readonly to: number | undefined;
  /** Alarms that came in it, those that began it included. */
  readonly count: number;
  /** Most in any ten minutes. */
  readonly peak: number;
}

/** Times beyond it tell nothing more: the load is a flood a thousand times over. */
const MOST_TIMES = 20_000;

/**
 * Watches the load of one operator position: a flood begins with more than ten alarms in ten minutes and ends with fewer than
 * five. Pure: time is what it is told, and never goes back. [ISA-18.2, standards.md 1.4]
 */
export class FloodMeter {
  /** When the alarms of the last ten minutes came, oldest first, from `#head` on. */
  #times: number[] = [];
  #head = 0;
  #now = Number.NEGATIVE_INFINITY;
  #flood: { from: number; count: number; peak: number } | undefined;

  /** A meter that takes up where another process has left off in a flood; `times`: the alarms of the last ten minutes, ascending. */
  static flooding({ from, count, peak }: Omit<Flood, "to">, times: readonly number[]): FloodMeter {
    const meter = new FloodMeter();
    meter.#flood = { from, count, peak };
    meter.#times = times.slice(-MOST_TIMES);
    meter.#now = times.at(-1) ?? from;
    return meter;
  }

  /** Alarms in the last ten minutes. */
  get count(): number {
    return this.#times.length - this.#head;
  }

  /** The flood that lasts. */
  get flood(): Flood | undefined {
    return this.#flood && { ...this.#flood, to: undefined };
  }

  /** When the next alarm leaves the window, Unix ms. */
  get nextChange(): number | undefined {
    const oldest = this.#times[this.#head];
    return oldest === undefined ? undefined : oldest + BUCKET_MS;
  }

  /** An alarm has come. Gives the flood that ended before it. */
  add(at: number): Flood | undefined {
    const ended = this.advance(at);
    if (this.count >= MOST_TIMES) this.#head++;
    this.#times.push(this.#now);
    if (this.#flood !== undefined) {
      this.#flood.count++;
      this.#flood.peak = Math.max(this.#flood.peak, this.count);
    } else if (this.count > FLOOD_BEGINS_ABOVE) this.#flood = { from: this.#now, count: this.count, peak: this.count };
    return ended;
  }

  /** Time has gone on. Gives the flood that ended by then, at the moment at which it did. */
  advance(now: number): Flood | undefined {
    this.#now = Math.max(this.#now, now);
    let ended: Flood | undefined;
    // The process that saw it begin has ended, and too little has come since.
    if (this.#flood !== undefined && this.count < FLOOD_ENDS_BELOW) ended = this.#end(this.#now);
    for (let oldest = this.#times[this.#head]; oldest !== undefined; oldest = this.#times[this.#head]) {
      if (oldest + BUCKET_MS > this.#now) break;
      this.#head++;
      if (this.#flood !== undefined && this.count < FLOOD_ENDS_BELOW) ended = this.#end(oldest + BUCKET_MS);
    }
    if (this.#head > 1000 && this.#head * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#head);
      this.#head = 0;
    }
    return ended;
  }

  #end(to: number): Flood | undefined {
    const flood = this.#flood && { ...this.#flood, to };
    this.#flood = undefined;
    return flood;
  }
}

/** The floods in a row of times (Unix ms, ascending) up to `to`; one that lasts then has no end. */
export function floodsOf(times: readonly number[], to: number): readonly Flood[] {
  const meter = new FloodMeter();
  const floods: Flood[] = [];
  for (const at of times) {
    const ended = meter.add(at);
    if (ended !== undefined) floods.push(ended);
  }
  const ended = meter.advance(to);
  if (ended !== undefined) floods.push(ended);
  if (meter.flood !== undefined) floods.push(meter.flood);
  return floods;
}
