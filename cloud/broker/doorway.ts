/** Connections that have not signed in yet: from one address, and in all. A park behind one address reconnects at once after a cut. */
export interface DoorwayLimits {
  readonly perAddress: number;
  readonly total: number;
}
export const DOORWAY_LIMITS: DoorwayLimits = { perAddress: 128, total: 1000 };

/** Counts who stands in the door, so that a flood from one address keeps nobody else out. */
export class Doorway {
  readonly #limits: DoorwayLimits;
  readonly #waiting = new Map<string, number>();
  #total = 0;

  constructor(limits: DoorwayLimits = DOORWAY_LIMITS) {
    this.#limits = limits;
  }

  /** Connections that wait to sign in. */
  get waiting(): number {
    return this.#total;
  }

  /** Lets one more in; the function takes it out again, once. Undefined when there is no room. */
  enter(address: string): (() => void) | undefined {
    const { perAddress, total } = this.#limits;
    const waiting = this.#waiting.get(address) ?? 0;
    if (waiting >= perAddress || this.#total >= total) return undefined;
    this.#waiting.set(address, waiting + 1);
    this.#total++;
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#total--;
      const left = (this.#waiting.get(address) ?? 1) - 1;
      if (left === 0) this.#waiting.delete(address);
      else this.#waiting.set(address, left);
    };
  }
}
