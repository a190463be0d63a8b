/**
 * The 4x4 integer transform, its quantisation and their inverses. Blocks are 16 numbers in raster order inside a larger array.
 * @see ITU-T H.264 (08/2021) clause 8.5
 */

/** Raster position of each place in the zig-zag scan of frame macroblocks. [H.264 8.5.6] */
export const ZIGZAG: readonly number[] = [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15];

/** Scales of positions with both, no and one coordinate even, by QP % 6. normAdjust4x4 [H.264 8.5.9] and what a forward quantiser takes with it. */
const NORM_ADJUST = ["10 16 13", "11 18 14", "13 20 16", "14 23 18", "16 25 20", "18 29 23"];
const MULTIPLIER = [
  "13107 5243 8066",
  "11916 4660 7490",
  "10082 4194 6554",
  "9362 3647 5825",
  "8192 3355 5243",
  "7282 2893 4559",
];

function spread(rows: readonly string[]): readonly Int32Array[] {
  return rows.map((row) => {
    const [even = 0, odd = 0, mixed = 0] = row.split(" ").map(Number);
    return Int32Array.from({ length: 16 }, (_, at) => {
      const oddRow = (at >> 2) & 1;
      const oddColumn = at & 1;
      return oddRow + oddColumn === 0 ? even : oddRow + oddColumn === 2 ? odd : mixed;
    });
  });
}

const SCALES = spread(NORM_ADJUST);
const MULTIPLIERS = spread(MULTIPLIER);

/** QP of chroma for QP of luma 30-51 with chroma_qp_index_offset 0; below it is the same. [H.264 table 8-15] */
const CHROMA_QP = [29, 30, 31, 32, 32, 33, 34, 34, 35, 35, 36, 36, 37, 37, 37, 38, 38, 38, 39, 39, 39, 39];

/** QP'C of a QP'Y. */
export function chromaQp(qp: number): number {
  return qp < 30 ? qp : (CHROMA_QP[qp - 30] ?? 39);
}

/** The forward core transform, in place. */
export function forward(block: Int32Array, at: number): void {
  butterfly(block, at, 1, 4);
  butterfly(block, at, 4, 1);
}

function butterfly(block: Int32Array, at: number, step: number, next: number): void {
  for (let line = 0; line < 4; line++) {
    const i = at + line * next;
    const a = block[i] ?? 0;
    const b = block[i + step] ?? 0;
    const c = block[i + 2 * step] ?? 0;
    const d = block[i + 3 * step] ?? 0;
    block[i] = a + d + b + c;
    block[i + step] = 2 * (a - d) + (b - c);
    block[i + 2 * step] = a + d - b - c;
    block[i + 3 * step] = a - d - 2 * (b - c);
  }
}

/** The inverse core transform, in place; gives residual samples. [H.264 8.5.12.2] */
export function inverse(block: Int32Array, at: number): void {
  inverseLines(block, at, 1, 4);
  inverseLines(block, at, 4, 1);
  for (let i = at; i < at + 16; i++) block[i] = ((block[i] ?? 0) + 32) >> 6;
}

function inverseLines(block: Int32Array, at: number, step: number, next: number): void {
  for (let line = 0; line < 4; line++) {
    const i = at + line * next;
    const a = block[i] ?? 0;
    const b = block[i + step] ?? 0;
    const c = block[i + 2 * step] ?? 0;
    const d = block[i + 3 * step] ?? 0;
    const e = (b >> 1) - d;
    const f = b + (d >> 1);
    block[i] = a + c + f;
    block[i + step] = a - c + e;
    block[i + 2 * step] = a - c - e;
    block[i + 3 * step] = a + c - f;
  }
}

/** 4x4 Hadamard transform of the luma DC coefficients, in place; its own inverse but for scale. [H.264 8.5.10] */
export function hadamard(block: Int32Array): void {
  hadamardLines(block, 1, 4);
  hadamardLines(block, 4, 1);
}

function hadamardLines(block: Int32Array, step: number, next: number): void {
  for (let line = 0; line < 4; line++) {
    const i = line * next;
    const a = block[i] ?? 0;
    const b = block[i + step] ?? 0;
    const c = block[i + 2 * step] ?? 0;
    const d = block[i + 3 * step] ?? 0;
    block[i] = a + b + c + d;
    block[i + step] = a + b - c - d;
    block[i + 2 * step] = a - b - c + d;
    block[i + 3 * step] = a - b + c - d;
  }
}

/** 2x2 transform of chroma DC coefficients, in place. [H.264 8.5.11.1] */
export function hadamard2(block: Int32Array): void {
  const [a = 0, b = 0, c = 0, d = 0] = block;
  block[0] = a + b + c + d;
  block[1] = a - b + c - d;
  block[2] = a + b - c - d;
  block[3] = a - b - c + d;
}

function quantise(value: number, multiplier: number, rounding: number, shift: number): number {
  const level = (Math.abs(value) * multiplier + rounding) >> shift;
  return value < 0 ? -level : level;
}

/**
 * Quantises the AC coefficients of a block. Writes their 15 levels in scan order to `scan` from `scanAt`, leaves the scaled
 * coefficients in the block (its DC untouched), and gives whether any level is not zero.
 */
export function quantiseAc(block: Int32Array, at: number, qp: number, scan: Int32Array, scanAt: number): boolean {
  const sixth = Math.floor(qp / 6);
  const multipliers = MULTIPLIERS[qp % 6] ?? SCALES[0];
  const scales = SCALES[qp % 6];
  // A third of a step is rounded up, as is usual for intra coding.
  const rounding = Math.floor((1 << (15 + sixth)) / 3);
  let some = false;
  for (let i = 1; i < 16; i++) {
    const place = ZIGZAG[i] ?? 0;
    const level = quantise(block[at + place] ?? 0, multipliers?.[place] ?? 0, rounding, 15 + sixth);
    scan[scanAt + i - 1] = level;
    block[at + place] = (level * (scales?.[place] ?? 0)) << sixth;
    if (level !== 0) some = true;
  }
  return some;
}

/** Quantises transformed DC coefficients in place, `count` of them. Luma's 4x4 transform has twice the gain, which `halve` takes out. */
export function quantiseDc(block: Int32Array, count: number, qp: number, halve: boolean): void {
  const sixth = Math.floor(qp / 6);
  const multiplier = MULTIPLIERS[qp % 6]?.[0] ?? 0;
  const rounding = Math.floor((1 << (16 + sixth)) / 3);
  for (let i = 0; i < count; i++) {
    const value = block[i] ?? 0;
    block[i] = quantise(halve ? value / 2 : value, multiplier, rounding, 16 + sixth);
  }
}

/** Scaled luma DC coefficients from inverse-transformed levels, in place. [H.264 8.5.10] */
export function scaleLumaDc(block: Int32Array, qp: number): void {
  const sixth = Math.floor(qp / 6);
  const scale = 16 * (SCALES[qp % 6]?.[0] ?? 0);
  for (let i = 0; i < 16; i++) {
    const value = (block[i] ?? 0) * scale;
    block[i] = sixth >= 6 ? value << (sixth - 6) : (value + (1 << (5 - sixth))) >> (6 - sixth);
  }
}

/** Scaled chroma DC coefficients from inverse-transformed levels, in place. [H.264 8.5.11.2] */
export function scaleChromaDc(block: Int32Array, qp: number): void {
  const scale = 16 * (SCALES[qp % 6]?.[0] ?? 0);
  for (let i = 0; i < 4; i++) block[i] = (((block[i] ?? 0) * scale) << Math.floor(qp / 6)) >> 5;
}
