import type { BitWriter } from "./bit-writer.ts";
import { CHROMA_DC, ResidualWriter } from "./cavlc.ts";
import { CHROMA_MODE, difference, LUMA_MODE, Neighbours } from "./intra-prediction.ts";
import {
  chromaQp,
  forward,
  hadamard,
  hadamard2,
  inverse,
  quantiseAc,
  quantiseDc,
  scaleChromaDc,
  scaleLumaDc,
  ZIGZAG,
} from "./transform.ts";
import { MACROBLOCK, type Plane, type Planes } from "./yuv-picture.ts";

const CHROMA_SIDE = MACROBLOCK / 2;
/** mb_type of I_PCM in an I slice. [H.264 table 7-11] */
const I_PCM = 25;
/** Most bits of a macroblock that is not I_PCM: 128 + RawMbBits. [H.264 A.3.1 j] */
const MAX_MACROBLOCK_BITS = 128 + 8 * 384;
/** Place of each luma 4x4 block, in coding order, in raster order of blocks. [H.264 6.4.3] */
const BLOCK_ORDER: readonly number[] = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15];

/** What becomes of one chroma plane of a macroblock. */
class ChromaBlock {
  readonly neighbours = new Neighbours(CHROMA_SIDE);
  readonly prediction = new Uint8Array(CHROMA_SIDE * CHROMA_SIDE);
  readonly coefficients = new Int32Array(64);
  readonly dc = new Int32Array(4);
  /** DC levels as coded; `dc` becomes their inverse. */
  readonly dcLevels = new Int32Array(4);
  readonly acLevels = new Int32Array(60);
  /** TotalCoeff of each 4x4 block of the picture, two a macroblock's row. */
  readonly totals: Uint8Array;

  constructor(blocks: number) {
    this.totals = new Uint8Array(blocks * 4);
  }
}

/**
 * Codes macroblocks as Intra_16x16, or as I_PCM where that would not fit, and reconstructs them as every decoder will.
 * @see ITU-T H.264 (08/2021) clauses 7.3.5, 8.3.3, 8.3.4 and 8.5
 */
export class MacroblockCoder {
  readonly #source: Planes;
  readonly #result: Planes;
  readonly #bits: BitWriter;
  readonly #residual: ResidualWriter;
  readonly #neighbours = new Neighbours(MACROBLOCK);
  readonly #prediction = new Uint8Array(MACROBLOCK * MACROBLOCK);
  readonly #trial = new Uint8Array(MACROBLOCK * MACROBLOCK);
  readonly #coefficients = new Int32Array(256);
  readonly #dc = new Int32Array(16);
  readonly #dcScan = new Int32Array(16);
  readonly #acLevels = new Int32Array(240);
  /** TotalCoeff of each luma 4x4 block of the picture, four a macroblock's row. */
  readonly #totals: Uint8Array;
  readonly #cb: ChromaBlock;
  readonly #cr: ChromaBlock;
  readonly #raw = new Uint8Array(384);
  #qp = 26;

  /** `result` receives what decoders show. */
  constructor(source: Planes, result: Planes, bits: BitWriter) {
    this.#source = source;
    this.#result = result;
    this.#bits = bits;
    this.#residual = new ResidualWriter(bits);
    const count = source.columns * source.rows;
    this.#totals = new Uint8Array(count * 16);
    this.#cb = new ChromaBlock(count);
    this.#cr = new ChromaBlock(count);
  }

  /** Begins a picture of one slice with a constant QP, 0 to 51. */
  begin(qp: number): void {
    this.#qp = qp;
    this.#totals.fill(0);
    this.#cb.totals.fill(0);
    this.#cr.totals.fill(0);
  }

  /** Writes a macroblock. `typeOffset`: 0 in an I slice, 5 in a P slice. [H.264 table 7-13] */
  code(column: number, row: number, typeOffset: number): void {
    const start = this.#bits.bitLength;
    const lumaMode = this.#predictLuma(column, row);
    const lumaAc = this.#codeLuma(column, row);
    const chromaMode = this.#predictChroma(column, row);
    const chromaPattern = this.#codeChroma(column, row);
    this.#bits.unsigned(typeOffset + 1 + lumaMode + 4 * chromaPattern + (lumaAc ? 12 : 0));
    this.#bits.unsigned(chromaMode);
    this.#bits.signed(0); // mb_qp_delta
    this.#writeLuma(column, row, lumaAc);
    this.#writeChroma(column, row, chromaPattern);
    if (!this.#residual.takeOverflow() && this.#bits.bitLength - start <= MAX_MACROBLOCK_BITS) return;
    this.#bits.rewind(start);
    this.codeRaw(column, row, typeOffset);
  }

  /** Writes a macroblock sample by sample. [H.264 7.3.5, I_PCM] */
  codeRaw(column: number, row: number, typeOffset: number): void {
    this.#bits.unsigned(typeOffset + I_PCM);
    this.#bits.align();
    let at = 0;
    for (const name of ["luma", "cb", "cr"] as const) {
      const side = name === "luma" ? MACROBLOCK : CHROMA_SIDE;
      const source = this.#source[name];
      const result = this.#result[name];
      for (let y = 0; y < side; y++) {
        const from = (row * side + y) * source.stride + column * side;
        const line = source.samples.subarray(from, from + side);
        this.#raw.set(line, at);
        result.samples.set(line, from);
        at += side;
      }
    }
    this.#bits.append(this.#raw);
    // [H.264 9.2.1] to its neighbours every block of it has 16 coefficients
    this.#setTotals(this.#totals, column, row, 4, 16);
    this.#setTotals(this.#cb.totals, column, row, 2, 16);
    this.#setTotals(this.#cr.totals, column, row, 2, 16);
  }

  /** Chooses the mode that is nearest to the source; its prediction stands in `#prediction` and in the result. */
  #predictLuma(column: number, row: number): number {
    const near = this.#neighbours;
    near.read(this.#result.luma, column, row);
    const source = this.#source.luma;
    const at = row * MACROBLOCK * source.stride + column * MACROBLOCK;
    near.lumaDc(this.#prediction);
    let mode: number = LUMA_MODE.dc;
    let least = difference(source, at, MACROBLOCK, this.#prediction, Number.POSITIVE_INFINITY);
    const attempt = (candidate: number): void => {
      const sum = difference(source, at, MACROBLOCK, this.#trial, least);
      if (sum >= least) return;
      least = sum;
      mode = candidate;
      this.#prediction.set(this.#trial);
    };
    if (near.hasAbove && least > 0) {
      near.vertical(this.#trial);
      attempt(LUMA_MODE.vertical);
    }
    if (near.hasLeft && least > 0) {
      near.horizontal(this.#trial);
      attempt(LUMA_MODE.horizontal);
    }
    return mode;
  }

  /** Transforms, quantises and reconstructs luma. Gives whether AC levels are to be coded. */
  #codeLuma(column: number, row: number): boolean {
    const source = this.#source.luma;
    const at = row * MACROBLOCK * source.stride + column * MACROBLOCK;
    const coefficients = this.#coefficients;
    if (!subtract(source, at, MACROBLOCK, this.#prediction, coefficients)) {
      this.#dcScan.fill(0);
      restore(this.#result.luma, at, MACROBLOCK, this.#prediction, undefined);
      return false;
    }
    let ac = false;
    for (let block = 0; block < 16; block++) {
      forward(coefficients, block * 16);
      this.#dc[block] = coefficients[block * 16] ?? 0;
      if (quantiseAc(coefficients, block * 16, this.#qp, this.#acLevels, block * 15)) ac = true;
    }
    hadamard(this.#dc);
    quantiseDc(this.#dc, 16, this.#qp, true);
    for (let i = 0; i < 16; i++) this.#dcScan[i] = this.#dc[ZIGZAG[i] ?? 0] ?? 0;
    hadamard(this.#dc);
    scaleLumaDc(this.#dc, this.#qp);
    for (let block = 0; block < 16; block++) {
      coefficients[block * 16] = this.#dc[block] ?? 0;
      inverse(coefficients, block * 16);
    }
    restore(this.#result.luma, at, MACROBLOCK, this.#prediction, coefficients);
    return ac;
  }

  /** One mode holds for both chroma planes. */
  #predictChroma(column: number, row: number): number {
    const planes = [
      { block: this.#cb, source: this.#source.cb, result: this.#result.cb },
      { block: this.#cr, source: this.#source.cr, result: this.#result.cr },
    ] as const;
    const at = row * CHROMA_SIDE * this.#source.cb.stride + column * CHROMA_SIDE;
    const trial = this.#trial.subarray(0, CHROMA_SIDE * CHROMA_SIDE);
    const { neighbours } = this.#cb;
    const sums = [0, 0, 0];
    for (const { block, source, result } of planes) {
      block.neighbours.read(result, column, row);
      for (const mode of [CHROMA_MODE.dc, CHROMA_MODE.horizontal, CHROMA_MODE.vertical]) {
        predictChroma(block.neighbours, mode, trial);
        sums[mode] = (sums[mode] ?? 0) + difference(source, at, CHROMA_SIDE, trial, Number.POSITIVE_INFINITY);
      }
    }
    let mode: number = CHROMA_MODE.dc;
    const sumOf = (candidate: number): number => sums[candidate] ?? 0;
    if (neighbours.hasLeft && sumOf(CHROMA_MODE.horizontal) < sumOf(mode)) mode = CHROMA_MODE.horizontal;
    if (neighbours.hasAbove && sumOf(CHROMA_MODE.vertical) < sumOf(mode)) mode = CHROMA_MODE.vertical;
    for (const { block } of planes) predictChroma(block.neighbours, mode, block.prediction);
    return mode;
  }

  /** Gives the chroma part of coded_block_pattern: 0 nothing, 1 DC only, 2 DC and AC. */
  #codeChroma(column: number, row: number): number {
    const first = this.#codeChromaPlane(this.#cb, this.#source.cb, this.#result.cb, column, row);
    const second = this.#codeChromaPlane(this.#cr, this.#source.cr, this.#result.cr, column, row);
    return Math.max(first, second);
  }

  #codeChromaPlane(block: ChromaBlock, source: Plane, result: Plane, column: number, row: number): number {
    const at = row * CHROMA_SIDE * source.stride + column * CHROMA_SIDE;
    const { coefficients, dc, dcLevels } = block;
    if (!subtract(source, at, CHROMA_SIDE, block.prediction, coefficients)) {
      dcLevels.fill(0);
      block.acLevels.fill(0);
      restore(result, at, CHROMA_SIDE, block.prediction, undefined);
      return 0;
    }
    const qp = chromaQp(this.#qp);
    let ac = false;
    for (let i = 0; i < 4; i++) {
      forward(coefficients, i * 16);
      dc[i] = coefficients[i * 16] ?? 0;
      if (quantiseAc(coefficients, i * 16, qp, block.acLevels, i * 15)) ac = true;
    }
    hadamard2(dc);
    quantiseDc(dc, 4, qp, false);
    dcLevels.set(dc);
    const some = dcLevels.some((level) => level !== 0);
    hadamard2(dc);
    scaleChromaDc(dc, qp);
    for (let i = 0; i < 4; i++) {
      coefficients[i * 16] = dc[i] ?? 0;
      inverse(coefficients, i * 16);
    }
    restore(result, at, CHROMA_SIDE, block.prediction, coefficients);
    return ac ? 2 : some ? 1 : 0;
  }

  #writeLuma(column: number, row: number, ac: boolean): void {
    const stride = this.#source.columns * 4;
    const x = column * 4;
    const y = row * 4;
    this.#residual.write(this.#dcScan, 0, 16, contextOf(this.#totals, stride, x, y));
    if (!ac) return;
    for (const block of BLOCK_ORDER) {
      const bx = x + (block & 3);
      const by = y + (block >> 2);
      const nC = contextOf(this.#totals, stride, bx, by);
      this.#totals[by * stride + bx] = this.#residual.write(this.#acLevels, block * 15, 15, nC);
    }
  }

  #writeChroma(column: number, row: number, pattern: number): void {
    if (pattern === 0) return;
    for (const block of [this.#cb, this.#cr]) this.#residual.write(block.dcLevels, 0, 4, CHROMA_DC);
    if (pattern === 1) return;
    const stride = this.#source.columns * 2;
    for (const block of [this.#cb, this.#cr]) {
      for (let i = 0; i < 4; i++) {
        const x = column * 2 + (i & 1);
        const y = row * 2 + (i >> 1);
        const nC = contextOf(block.totals, stride, x, y);
        block.totals[y * stride + x] = this.#residual.write(block.acLevels, i * 15, 15, nC);
      }
    }
  }

  #setTotals(totals: Uint8Array, column: number, row: number, side: number, value: number): void {
    const stride = this.#source.columns * side;
    for (let y = row * side; y < (row + 1) * side; y++) {
      totals.fill(value, y * stride + column * side, y * stride + (column + 1) * side);
    }
  }
}

function predictChroma(near: Neighbours, mode: number, prediction: Uint8Array): void {
  if (mode === CHROMA_MODE.horizontal) near.horizontal(prediction);
  else if (mode === CHROMA_MODE.vertical) near.vertical(prediction);
  else near.chromaDc(prediction);
}

/** nC of a 4x4 block by TotalCoeff of its neighbours. [H.264 9.2.1] */
function contextOf(totals: Uint8Array, stride: number, x: number, y: number): number {
  const left = x > 0 ? (totals[y * stride + x - 1] ?? 0) : -1;
  const above = y > 0 ? (totals[(y - 1) * stride + x] ?? 0) : -1;
  if (left < 0) return Math.max(0, above);
  return above < 0 ? left : (left + above + 1) >> 1;
}

/** Residual samples, ordered by 4x4 blocks of 16. Gives whether there are any. */
function subtract(plane: Plane, at: number, side: number, prediction: Uint8Array, residual: Int32Array): boolean {
  let some = 0;
  const across = side >> 2;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const value = (plane.samples[at + y * plane.stride + x] ?? 0) - (prediction[y * side + x] ?? 0);
      residual[((y >> 2) * across + (x >> 2)) * 16 + (y & 3) * 4 + (x & 3)] = value;
      some |= value;
    }
  }
  return some !== 0;
}

/** Prediction plus residual, as `subtract` orders it, into the plane. */
function restore(
  plane: Plane,
  at: number,
  side: number,
  prediction: Uint8Array,
  residual: Int32Array | undefined,
): void {
  const across = side >> 2;
  for (let y = 0; y < side; y++) {
    const to = at + y * plane.stride;
    if (residual === undefined) {
      plane.samples.set(prediction.subarray(y * side, (y + 1) * side), to);
      continue;
    }
    for (let x = 0; x < side; x++) {
      const added = residual[((y >> 2) * across + (x >> 2)) * 16 + (y & 3) * 4 + (x & 3)] ?? 0;
      plane.samples[to + x] = Math.max(0, Math.min(255, (prediction[y * side + x] ?? 0) + added));
    }
  }
}
