import type { Picture } from "./picture-decoder.ts";

export interface JpegLineOptions<P extends Picture> {
  readonly decode: (jpeg: Uint8Array) => Promise<P>;
  readonly onPicture: (picture: P, capturedAt: number) => void;
  readonly onFailure: (error: unknown) => void;
}

interface Waiting {
  readonly jpeg: Uint8Array;
  readonly capturedAt: number;
}

/** JPEG into pictures, one at a time; of those that come meanwhile only the newest is kept. */
export class JpegLine<P extends Picture> {
  readonly #options: JpegLineOptions<P>;
  #waiting: Waiting | undefined;
  #busy = false;
  #round = 0;
  #dropped = 0;

  constructor(options: JpegLineOptions<P>) {
    this.#options = options;
  }

  /** Pictures that were left out. */
  get dropped(): number {
    return this.#dropped;
  }

  take(jpeg: Uint8Array, capturedAt: number): void {
    if (this.#waiting !== undefined) this.#dropped++;
    this.#waiting = { jpeg, capturedAt };
    if (!this.#busy) void this.#work();
  }

  /** What waits or is under way is shown no more. */
  close(): void {
    this.#round++;
    this.#waiting = undefined;
  }

  async #work(): Promise<void> {
    this.#busy = true;
    const { decode, onPicture, onFailure } = this.#options;
    while (this.#waiting !== undefined) {
      const { jpeg, capturedAt } = this.#waiting;
      const round = this.#round;
      this.#waiting = undefined;
      try {
        const picture = await decode(jpeg);
        if (round === this.#round) onPicture(picture, capturedAt);
        else picture.close();
      } catch (error) {
        if (round === this.#round) onFailure(error);
      }
    }
    this.#busy = false;
  }
}
