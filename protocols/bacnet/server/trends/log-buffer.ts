/** A record of a log. */
export interface Kept<R> {
  /** 1 to 2^32 - 1, then 1 again. [BACnet 12.25.16] */
  readonly sequence: number;
  /** The device's clock when it was made, Unix ms. */
  readonly at: number;
  readonly record: R;
}

const LAST_SEQUENCE = 0xffff_ffff;

/** Sequence number that follows; 0 is none. [BACnet 12.25.16] */
export function nextSequence(sequence: number): number {
  return sequence >= LAST_SEQUENCE ? 1 : sequence + 1;
}

/** The records of a log, oldest first, at most `size`; the oldest makes room for the newest unless it stops when full. */
export class LogBuffer<R> {
  #size: number;
  // a ring: the oldest stands at #start
  readonly #ring: (Kept<R> | undefined)[] = [];
  #start = 0;
  #count = 0;
  #total: number;

  /** `total`: records made before, of a log that has run for years. */
  constructor(size: number, total = 0) {
    this.#size = size;
    this.#total = total;
  }

  get size(): number {
    return this.#size;
  }

  /** Record_Count. */
  get count(): number {
    return this.#count;
  }

  /** Total_Record_Count: the sequence number of the newest record ever made, 0 before the first. */
  get total(): number {
    return this.#total;
  }

  get full(): boolean {
    return this.#count >= this.#size;
  }

  /** Adds a record and gives its sequence number. */
  add(at: number, record: R): number {
    this.#total = nextSequence(this.#total);
    const place = (this.#start + this.#count) % this.#size;
    this.#ring[place] = { sequence: this.#total, at, record };
    if (this.#count < this.#size) this.#count += 1;
    else this.#start = (this.#start + 1) % this.#size;
    return this.#total;
  }

  /** Record at a position, 0 the oldest. */
  at(index: number): Kept<R> | undefined {
    return index < 0 || index >= this.#count ? undefined : this.#ring[(this.#start + index) % this.#size];
  }

  /** Forgets the records; the total goes on. */
  purge(): void {
    this.#ring.length = 0;
    this.#start = 0;
    this.#count = 0;
  }

  /** Forgets the records and takes another size. */
  resize(size: number): void {
    this.purge();
    this.#size = size;
  }

  /** Begins anew, as a controller that has lost its memory. */
  clear(): void {
    this.purge();
    this.#total = 0;
  }
}
