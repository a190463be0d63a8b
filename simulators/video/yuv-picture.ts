/** Sides of a macroblock, luma samples. */
export const MACROBLOCK = 16;

/** A rectangle of pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** One plane of samples, its sides whole macroblocks. */
export interface Plane {
  readonly samples: Uint8Array;
  readonly stride: number;
}

/** Luma and both chroma planes of 4:2:0, padded to whole macroblocks. */
export class Planes {
  readonly columns: number;
  readonly rows: number;
  readonly luma: Plane;
  readonly cb: Plane;
  readonly cr: Plane;

  /** Of a picture of `width` x `height` pixels; both even. */
  constructor(width: number, height: number) {
    this.columns = Math.ceil(width / MACROBLOCK);
    this.rows = Math.ceil(height / MACROBLOCK);
    const count = this.columns * this.rows;
    const plane = (side: number): Plane => ({
      samples: new Uint8Array(count * side * side),
      stride: this.columns * side,
    });
    this.luma = plane(MACROBLOCK);
    this.cb = plane(MACROBLOCK / 2);
    this.cr = plane(MACROBLOCK / 2);
  }
}

/** ITU-R BT.709, limited range, 8 bits: what the VUI of the stream says. */
const lumaOf = (red: number, green: number, blue: number): number =>
  16 + ((47 * red + 157 * green + 16 * blue + 128) >> 8);
const cbOf = (red: number, green: number, blue: number): number =>
  128 + ((112 * blue - 26 * red - 86 * green + 128) >> 8);
const crOf = (red: number, green: number, blue: number): number =>
  128 + ((112 * red - 102 * green - 10 * blue + 128) >> 8);

/** A picture to be coded, with a mark on each macroblock that changed since it was last coded. */
export class YuvPicture extends Planes {
  readonly width: number;
  readonly height: number;
  /** 1 for each macroblock that changed, in raster order. */
  readonly changed: Uint8Array;

  constructor(width: number, height: number) {
    super(width, height);
    this.width = width;
    this.height = height;
    this.changed = new Uint8Array(this.columns * this.rows);
  }

  /** Takes over the pixels of a box. `rgba`: the whole picture, four bytes a pixel, row by row. */
  update(rgba: Uint32Array, box: Box): void {
    // Chroma has one sample for 2x2 pixels; at the right and lower edge the padding repeats the last pixels.
    const left = Math.max(0, box.left) & ~1;
    const top = Math.max(0, box.top) & ~1;
    const right = box.left + box.width >= this.width ? this.columns * MACROBLOCK : box.left + box.width;
    const bottom = box.top + box.height >= this.height ? this.rows * MACROBLOCK : box.top + box.height;
    for (let y = top; y < bottom; y += 2) this.#updateRows(rgba, y, left, right);
  }

  /** Every macroblock is as it was coded. */
  settle(): void {
    this.changed.fill(0);
  }

  #updateRows(rgba: Uint32Array, y: number, left: number, right: number): void {
    const upper = Math.min(y, this.height - 1) * this.width;
    const lower = Math.min(y + 1, this.height - 1) * this.width;
    const luma = y * this.luma.stride;
    const chroma = (y >> 1) * this.cb.stride;
    const mark = (y >> 4) * this.columns;
    for (let x = left; x < right; x += 2) {
      const x0 = Math.min(x, this.width - 1);
      const x1 = Math.min(x + 1, this.width - 1);
      const a = rgba[upper + x0] ?? 0;
      const b = rgba[upper + x1] ?? 0;
      const c = rgba[lower + x0] ?? 0;
      const d = rgba[lower + x1] ?? 0;
      const differs =
        a === b && a === c && a === d
          ? this.#setFlat(luma + x, chroma + (x >> 1), a)
          : this.#setFour(luma + x, chroma + (x >> 1), a, b, c, d);
      if (differs) this.changed[mark + (x >> 4)] = 1;
    }
  }

  #setFlat(at: number, chroma: number, pixel: number): boolean {
    const red = pixel & 255;
    const green = (pixel >> 8) & 255;
    const blue = (pixel >> 16) & 255;
    const luma = lumaOf(red, green, blue);
    const { samples, stride } = this.luma;
    const differs = this.#setChroma(chroma, red, green, blue);
    const same =
      samples[at] === luma &&
      samples[at + 1] === luma &&
      samples[at + stride] === luma &&
      samples[at + stride + 1] === luma;
    if (same) return differs;
    samples[at] = luma;
    samples[at + 1] = luma;
    samples[at + stride] = luma;
    samples[at + stride + 1] = luma;
    return true;
  }

  #setFour(at: number, chroma: number, a: number, b: number, c: number, d: number): boolean {
    const { stride } = this.luma;
    // Two channels of four pixels are summed at once: each sum has 16 bits of room.
    const redBlue = (a & 0xff00ff) + (b & 0xff00ff) + (c & 0xff00ff) + (d & 0xff00ff) + 0x20002;
    const green = (((a >> 8) & 255) + ((b >> 8) & 255) + ((c >> 8) & 255) + ((d >> 8) & 255) + 2) >> 2;
    let differs = this.#setChroma(chroma, (redBlue >> 2) & 255, green, (redBlue >> 18) & 255);
    differs = this.#setLuma(at, a) || differs;
    differs = this.#setLuma(at + 1, b) || differs;
    differs = this.#setLuma(at + stride, c) || differs;
    return this.#setLuma(at + stride + 1, d) || differs;
  }

  #setLuma(at: number, pixel: number): boolean {
    const luma = lumaOf(pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255);
    if (this.luma.samples[at] === luma) return false;
    this.luma.samples[at] = luma;
    return true;
  }

  #setChroma(at: number, red: number, green: number, blue: number): boolean {
    const cb = cbOf(red, green, blue);
    const cr = crOf(red, green, blue);
    if (this.cb.samples[at] === cb && this.cr.samples[at] === cr) return false;
    this.cb.samples[at] = cb;
    this.cr.samples[at] = cr;
    return true;
  }
}

/** Halves a box of a picture of `width` pixels into `target`, whose rows are half as long. Gives the box there. */
export function halve(rgba: Uint32Array, width: number, height: number, box: Box, target: Uint32Array): Box {
  const left = Math.max(0, box.left) >> 1;
  const top = Math.max(0, box.top) >> 1;
  const right = Math.min(width, box.left + box.width + 1) >> 1;
  const bottom = Math.min(height, box.top + box.height + 1) >> 1;
  for (let y = top; y < bottom; y++) {
    const from = 2 * y * width;
    const to = y * (width >> 1);
    for (let x = left; x < right; x++) {
      const a = rgba[from + 2 * x] ?? 0;
      const b = rgba[from + 2 * x + 1] ?? 0;
      const c = rgba[from + width + 2 * x] ?? 0;
      const d = rgba[from + width + 2 * x + 1] ?? 0;
      target[to + x] = a === b && a === c && a === d ? a : mean(a, b, c, d);
    }
  }
  return { left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}

function mean(a: number, b: number, c: number, d: number): number {
  const redBlue = (a & 0xff00ff) + (b & 0xff00ff) + (c & 0xff00ff) + (d & 0xff00ff) + 0x20002;
  const green = (a & 0xff00) + (b & 0xff00) + (c & 0xff00) + (d & 0xff00) + 0x200;
  return (0xff000000 | ((redBlue >> 2) & 0xff00ff) | ((green >> 2) & 0xff00)) >>> 0;
}
