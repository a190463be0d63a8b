import type { Plane } from "./yuv-picture.ts";

/** Intra16x16PredMode as coded in mb_type. [H.264 table 8-4] */
export const LUMA_MODE = { vertical: 0, horizontal: 1, dc: 2 } as const;
/** intra_chroma_pred_mode. [H.264 table 7-16] */
export const CHROMA_MODE = { dc: 0, horizontal: 1, vertical: 2 } as const;

/** Samples beside a block of one plane, and which of them there are. */
export class Neighbours {
  readonly above: Uint8Array;
  readonly left: Uint8Array;
  hasAbove = false;
  hasLeft = false;
  readonly #side: number;

  constructor(side: number) {
    this.#side = side;
    this.above = new Uint8Array(side);
    this.left = new Uint8Array(side);
  }

  /** Reads them around the block at column and row of macroblocks. The picture is one slice: only its edges have none. */
  read(plane: Plane, column: number, row: number): void {
    const side = this.#side;
    const at = row * side * plane.stride + column * side;
    this.hasAbove = row > 0;
    this.hasLeft = column > 0;
    if (this.hasAbove) this.above.set(plane.samples.subarray(at - plane.stride, at - plane.stride + side));
    if (!this.hasLeft) return;
    for (let y = 0; y < side; y++) this.left[y] = plane.samples[at + y * plane.stride - 1] ?? 0;
  }

  /** Each row the samples above. */
  vertical(prediction: Uint8Array): void {
    for (let y = 0; y < this.#side; y++) prediction.set(this.above, y * this.#side);
  }

  /** Each row its sample to the left. */
  horizontal(prediction: Uint8Array): void {
    for (let y = 0; y < this.#side; y++) {
      prediction.fill(this.left[y] ?? 0, y * this.#side, (y + 1) * this.#side);
    }
  }

  /** The mean of a stretch of the neighbours: above from `x`, left from `y`; 128 where neither is. `count` samples each. */
  mean(x: number, y: number, count: number, above: boolean, left: boolean): number {
    if (!above && !left) return 128;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      if (above) sum += this.above[x + i] ?? 0;
      if (left) sum += this.left[y + i] ?? 0;
    }
    const terms = above && left ? 2 * count : count;
    return Math.floor((sum + terms / 2) / terms);
  }

  /** DC prediction of a luma macroblock. [H.264 8.3.3.3] */
  lumaDc(prediction: Uint8Array): void {
    prediction.fill(this.mean(0, 0, this.#side, this.hasAbove, this.hasLeft));
  }

  /** DC prediction of a chroma block: each quarter by its own neighbours. [H.264 8.3.4.1-3] */
  chromaDc(prediction: Uint8Array): void {
    for (let quarter = 0; quarter < 4; quarter++) {
      const x = (quarter & 1) * 4;
      const y = (quarter >> 1) * 4;
      // Off the diagonal the nearer neighbour alone counts, where there is one.
      const above = this.hasAbove && !(quarter === 2 && this.hasLeft);
      const left = this.hasLeft && !(quarter === 1 && this.hasAbove);
      const value = this.mean(x, y, 4, above, left);
      for (let line = y; line < y + 4; line++) prediction.fill(value, line * 8 + x, line * 8 + x + 4);
    }
  }
}

/** Sum of absolute differences of a block of the plane against a prediction. Gives up above `limit`. */
export function difference(plane: Plane, at: number, side: number, prediction: Uint8Array, limit: number): number {
  let sum = 0;
  for (let y = 0; y < side; y++) {
    const from = at + y * plane.stride;
    for (let x = 0; x < side; x++) sum += Math.abs((plane.samples[from + x] ?? 0) - (prediction[y * side + x] ?? 0));
    if (sum > limit) return sum;
  }
  return sum;
}
