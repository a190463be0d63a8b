import type { Clock } from "#core/clock.ts";
import type { BlockRead } from "./block-read.ts";

/** What a cycle tells of itself. */
export interface CycleEvents {
  /** A cycle begins. */
  readonly onBegin: () => void;
  /** There is something to read. */
  readonly onReady: () => void;
}

/** The blocks of one poll class of one device, each read once in a period. */
export class PollCycle {
  readonly #periodMs: number;
  readonly #clock: Clock;
  readonly #events: CycleEvents;
  #reads: BlockRead[];
  /** What this cycle reads. */
  #todo: readonly BlockRead[] = [];
  #at = 0;
  /** Reads that were given out and not done. */
  #open = 0;
  #startedAt = 0;
  #running = false;
  #spare = 0;
  #cancelWait: () => void = () => {};

  constructor(reads: readonly BlockRead[], periodMs: number, clock: Clock, events: CycleEvents) {
    this.#reads = [...reads];
    this.#periodMs = periodMs;
    this.#clock = clock;
    this.#events = events;
  }

  /** Every block, also those that are left alone. */
  get reads(): readonly BlockRead[] {
    return this.#reads;
  }

  /** Begins anew, whatever was going on. */
  begin(): void {
    this.#cancelWait();
    const now = this.#clock.monotonic();
    this.#startedAt = now;
    this.#running = true;
    this.#open = 0;
    this.#at = 0;
    this.#todo = this.#reads.filter(({ retryAt }) => retryAt <= now);
    // a device that refuses every address is asked for one, since nothing else would tell that it is still there
    const only = this.#todo.length === 0 ? this.#reads[this.#spare++ % Math.max(1, this.#reads.length)] : undefined;
    if (only !== undefined) this.#todo = [only];
    this.#events.onBegin();
    this.resume();
  }

  /** Nothing is given out until `begin`; what is open is forgotten. */
  stop(): void {
    this.#cancelWait();
    this.#running = false;
  }

  /** The next block to read; undefined when all of this cycle were given out. */
  next(): BlockRead | undefined {
    const read = this.#running ? this.#todo[this.#at] : undefined;
    if (read === undefined) return undefined;
    this.#at++;
    this.#open++;
    return read;
  }

  /** Goes on after the device was asked for something else. */
  resume(): void {
    if (!this.#running) return;
    if (this.#at < this.#todo.length) this.#events.onReady();
    else if (this.#open === 0) this.#wait();
  }

  /** A block that was given out is done with. */
  done(): void {
    if (!this.#running) return;
    this.#open = Math.max(0, this.#open - 1);
    if (this.#at >= this.#todo.length && this.#open === 0) this.#wait();
  }

  /** A block that was given out is to be read once more in this cycle. */
  again(read: BlockRead): void {
    this.#todo = [...this.#todo, read];
    this.#open = Math.max(0, this.#open - 1);
  }

  /** From now on these are its blocks; those before are forgotten. */
  replan(reads: readonly BlockRead[]): void {
    this.stop();
    this.#reads = [...reads];
    this.#todo = [];
    this.#at = 0;
  }

  /** Other blocks take the place of one, now and in every cycle to come. */
  replace(read: BlockRead, by: readonly BlockRead[]): void {
    const at = this.#reads.indexOf(read);
    if (at < 0) return;
    this.#reads.splice(at, 1, ...by);
    this.#todo = [...this.#todo, ...by];
    this.#events.onReady();
  }

  #wait(): void {
    const waitMs = this.#startedAt + this.#periodMs - this.#clock.monotonic();
    this.#cancelWait();
    if (waitMs <= 0 && this.#todo.length > 0) this.begin();
    else this.#cancelWait = this.#clock.after(Math.max(1, waitMs), () => this.begin());
  }
}
