import type { KeptPicture } from "./picture.ts";

/** What a ring may hold. */
export interface RingLimits {
  /** The last so many ms are kept, from a key picture on; 0: from the last key picture on. */
  readonly keepMs: number;
  readonly bytes: number;
}

/** Between two pictures of one stream at the most, ms: cameras send at least one a second. */
const RHYTHM_MS = 1_000;

/**
 * The last seconds of one stream. It always begins with a key picture, so that all of it can be decoded. It gives the memory of a
 * picture back as soon as it drops it, unless it is told that others keep its pictures: left to the garbage collector, which does not
 * see them in its heap, twice as many would be held.
 */
export class Ring {
  #limits: RingLimits;
  #pictures: KeptPicture[] = [];
  /** Indexes of `#pictures` before this one are gone. */
  #start = 0;
  #bytes = 0;
  #keys: number[] = [];
  /** Do others keep pictures of it? */
  shared = false;

  constructor(limits: RingLimits) {
    this.#limits = limits;
  }

  /** Bytes of the pictures held. */
  get bytes(): number {
    return this.#bytes;
  }
  get length(): number {
    return this.#pictures.length - this.#start;
  }
  /** From the first picture held to the last, ms. */
  get heldMs(): number {
    const first = this.#pictures[this.#start];
    const last = this.#pictures.at(-1);
    return first === undefined || last === undefined ? 0 : last.at - first.at;
  }

  /** Changes what it may hold, at once. */
  limit(limits: RingLimits): void {
    this.#limits = limits;
    this.#trim();
  }

  push(picture: KeptPicture): void {
    // without a key picture before it, it cannot be shown
    if (this.length === 0 && !picture.key) return;
    if (picture.key) this.#keys.push(this.#pictures.length);
    this.#pictures.push(picture);
    this.#bytes += picture.data.length;
    this.#trim();
  }

  /**
   * Pictures from the last key picture at or before `at` to the newest; from the first held, where that is later. A group that
   * ended before `at`, as when the stream was lost, is not among them.
   */
  since(at: number): readonly KeptPicture[] {
    const from = this.#keys.findIndex((_, index) => this.#groupEndsAt(index) >= at - RHYTHM_MS);
    if (from < 0) return [];
    let key = this.#keys[from];
    for (const later of this.#keys.slice(from + 1)) if ((this.#pictures[later]?.at ?? 0) <= at) key = later;
    return key === undefined ? [] : this.#pictures.slice(key);
  }

  /** Pictures from the last key picture on. */
  lastGroup(): readonly KeptPicture[] {
    const key = this.#keys.at(-1);
    return key === undefined ? [] : this.#pictures.slice(key);
  }

  #groupEndsAt(index: number): number {
    const next = this.#keys[index + 1] ?? this.#pictures.length;
    return this.#pictures[next - 1]?.at ?? Number.NEGATIVE_INFINITY;
  }

  /** Forgets everything. */
  clear(): void {
    for (let i = this.#start; i < this.#pictures.length; i++) this.#release(this.#pictures[i]);
    this.#pictures = [];
    this.#keys = [];
    this.#start = 0;
    this.#bytes = 0;
  }

  #trim(): void {
    const newest = this.#pictures.at(-1)?.at ?? 0;
    for (;;) {
      const second = this.#keys[1];
      const secondAt = second === undefined ? undefined : this.#pictures[second]?.at;
      if (this.#bytes > this.#limits.bytes) {
        if (second === undefined) this.clear();
        else this.#dropBefore(second);
      } else if (second !== undefined && secondAt !== undefined && secondAt <= newest - this.#limits.keepMs)
        this.#dropBefore(second);
      else break;
    }
    if (this.#start > 512) this.#compact();
  }

  #dropBefore(index: number): void {
    for (let i = this.#start; i < index; i++) {
      this.#bytes -= this.#pictures[i]?.data.length ?? 0;
      this.#release(this.#pictures[i]);
    }
    this.#pictures.fill(GONE, this.#start, index);
    this.#start = index;
    this.#keys.shift();
  }

  #release(picture: KeptPicture | undefined): void {
    if (!this.shared) picture?.data.buffer.transfer(0);
  }

  #compact(): void {
    this.#pictures = this.#pictures.slice(this.#start);
    this.#keys = this.#keys.map((key) => key - this.#start);
    this.#start = 0;
  }
}

/** Stands where a dropped picture was, so that its bytes are free at once. */
const GONE: KeptPicture = {
  key: false,
  gap: false,
  kind: "h264",
  at: 0,
  timeBase: "arrival",
  data: new Uint8Array(),
  format: { mode: "h264", quality: "main" },
};
