import type { Clock } from "../clock.ts";
import { nextSequence } from "./message.ts";

/** What a window may hold and for how long. */
export interface SequenceWindowOptions<T> {
  readonly clock: Clock;
  /** How long a gap may stay open, ms; 0 gives up at once. [Sparkplug tck-id-operational-behavior-host-reordering-param] */
  readonly timeoutMs: number;
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** The gap did not fill in time: what was held, in order. */
  readonly onTimeout: (held: readonly T[]) => void;
}

/** What may be processed now, in order; `gap` is true when messages before or among them are missing for good. */
export interface Released<T> {
  readonly items: readonly T[];
  readonly gap: boolean;
}

interface Held<T> {
  readonly item: T;
  readonly bytes: number;
}

/**
 * Puts the messages of one edge node back in order of their `seq`. A message out of order is held until those before it came,
 * the time-out, or the bound; after giving up it goes on from the message that came last.
 * @see Sparkplug tck-id-operational-behavior-host-reordering-start, -success, -rebirth
 */
export class SequenceWindow<T> {
  readonly #options: SequenceWindowOptions<T>;
  readonly #held = new Map<number, Held<T>>();
  #heldBytes = 0;
  #expected = 0;
  #last = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(options: SequenceWindowOptions<T>) {
    this.#options = options;
  }

  /** Begins anew after an NBIRTH with this `seq`. @returns how many held messages of the time before were dropped */
  restart(seq: number): number {
    const dropped = this.#held.size;
    this.#clear();
    this.#last = seq;
    this.#expected = nextSequence(seq);
    return dropped;
  }

  /** Takes the next message as it arrived. */
  offer(seq: number, item: T, bytes: number): Released<T> {
    this.#last = seq;
    if (seq === this.#expected) {
      this.#expected = nextSequence(seq);
      return { items: this.#held.size === 0 ? [item] : [item, ...this.#drain()], gap: false };
    }
    const { timeoutMs, maxMessages, maxBytes } = this.#options;
    const full = this.#held.size >= maxMessages || this.#heldBytes + bytes > maxBytes;
    if (timeoutMs === 0 || full || this.#held.has(seq)) return { items: [...this.giveUp(), item], gap: true };
    this.#held.set(seq, { item, bytes });
    this.#heldBytes += bytes;
    if (this.#cancelTimer === undefined) this.#startTimer();
    return { items: [], gap: false };
  }

  /** Takes a message only where it is the one that is due and nothing is held; else nothing has happened. */
  takeDue(seq: number): boolean {
    if (seq !== this.#expected || this.#held.size > 0) return false;
    this.#last = seq;
    this.#expected = nextSequence(seq);
    return true;
  }

  /** Stops waiting: everything held, in order of `seq`. */
  giveUp(): T[] {
    const distance = (seq: number): number => (seq - this.#expected) & 0xff;
    const held = [...this.#held].sort(([a], [b]) => distance(a) - distance(b));
    this.#clear();
    this.#expected = nextSequence(this.#last);
    return held.map(([, { item }]) => item);
  }

  #drain(): T[] {
    const items: T[] = [];
    for (let next = this.#held.get(this.#expected); next !== undefined; next = this.#held.get(this.#expected)) {
      this.#held.delete(this.#expected);
      this.#heldBytes -= next.bytes;
      this.#expected = nextSequence(this.#expected);
      items.push(next.item);
    }
    if (items.length > 0) {
      // The gap that started the timer is filled; one that is left gets its own time.
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
      if (this.#held.size > 0) this.#startTimer();
    }
    return items;
  }

  #startTimer(): void {
    const { clock, timeoutMs, onTimeout } = this.#options;
    this.#cancelTimer = clock.after(timeoutMs, () => onTimeout(this.giveUp()));
  }

  #clear(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#held.clear();
    this.#heldBytes = 0;
  }
}
