import type { BitWriter } from "./bit-writer.ts";
import { CHROMA_DC_TOTAL_ZEROS, COEFF_TOKEN, type CodeTable, RUN_BEFORE, TOTAL_ZEROS } from "./cavlc-tables.ts";

/** nC of a chroma DC block. [H.264 9.2.1] */
export const CHROMA_DC = -1;

/** Largest level_code whose suffix fits the 12 bits of level_prefix 15, which is the longest of the profile. [H.264 9.2.2.1] */
const ESCAPE_LIMIT = 4096;

const NO_TABLE: CodeTable = { columns: 1, code: new Uint16Array(1), bits: new Uint8Array(1) };

function put(bits: BitWriter, table: CodeTable, row: number, column: number): void {
  const at = row * table.columns + column;
  bits.put(table.code[at] ?? 0, table.bits[at] ?? 0);
}

function tokenTable(nC: number): CodeTable {
  const index = nC === CHROMA_DC ? 4 : nC < 2 ? 0 : nC < 4 ? 1 : nC < 8 ? 2 : 3;
  return COEFF_TOKEN[index] ?? NO_TABLE;
}

/** Writes residual blocks with CAVLC. [H.264 7.3.5.3.2, 9.2] */
export class ResidualWriter {
  readonly #bits: BitWriter;
  /** Non-zero levels, highest frequency first, and the zeros before each. */
  readonly #levels = new Int32Array(16);
  readonly #runs = new Int32Array(16);
  #overflow = false;

  constructor(bits: BitWriter) {
    this.#bits = bits;
  }

  /** Was a level too large to be written since the last call? Then what was written is to be thrown away. */
  takeOverflow(): boolean {
    const overflow = this.#overflow;
    this.#overflow = false;
    return overflow;
  }

  /** Writes `count` (4, 15 or 16) levels in scan order from `at`. Gives TotalCoeff. */
  write(scan: Int32Array, at: number, count: number, nC: number): number {
    let total = 0;
    let zeros = 0;
    let run = 0;
    for (let i = 0; i < count; i++) {
      const level = scan[at + i] ?? 0;
      if (level === 0) {
        run++;
        continue;
      }
      this.#levels[total] = level;
      this.#runs[total] = run;
      zeros += run;
      run = 0;
      total++;
    }
    const ones = this.#trailingOnes(total);
    put(this.#bits, tokenTable(nC), total, ones);
    if (total === 0) return 0;
    this.#writeLevels(total, ones);
    if (total < count) put(this.#bits, nC === CHROMA_DC ? CHROMA_DC_TOTAL_ZEROS : TOTAL_ZEROS, total - 1, zeros);
    let left = zeros;
    for (let i = total - 1; i > 0 && left > 0; i--) {
      const before = this.#runs[i] ?? 0;
      put(this.#bits, RUN_BEFORE, Math.min(left, 7) - 1, before);
      left -= before;
    }
    return total;
  }

  #trailingOnes(total: number): number {
    let ones = 0;
    while (ones < 3 && ones < total && Math.abs(this.#levels[total - 1 - ones] ?? 0) === 1) ones++;
    return ones;
  }

  #writeLevels(total: number, ones: number): void {
    for (let i = 0; i < ones; i++) this.#bits.put((this.#levels[total - 1 - i] ?? 0) < 0 ? 1 : 0, 1);
    let suffixLength = total > 10 && ones < 3 ? 1 : 0;
    for (let i = ones; i < total; i++) {
      const level = this.#levels[total - 1 - i] ?? 0;
      let code = level > 0 ? 2 * level - 2 : -2 * level - 1;
      // Fewer than three trailing ones: the next level is no one.
      if (i === ones && ones < 3) code -= 2;
      this.#writeLevel(code, suffixLength);
      if (suffixLength === 0) suffixLength = 1;
      if (Math.abs(level) > 3 << (suffixLength - 1) && suffixLength < 6) suffixLength++;
    }
  }

  #writeLevel(code: number, suffixLength: number): void {
    if (suffixLength === 0 && code < 14) {
      this.#bits.put(1, code + 1);
    } else if (suffixLength === 0 && code < 30) {
      this.#bits.put(1, 15);
      this.#bits.put(code - 14, 4);
    } else if (suffixLength > 0 && code < 15 << suffixLength) {
      this.#bits.put(1, (code >> suffixLength) + 1);
      this.#bits.put(code & ((1 << suffixLength) - 1), suffixLength);
    } else {
      const rest = code - (suffixLength === 0 ? 30 : 15 << suffixLength);
      if (rest >= ESCAPE_LIMIT) this.#overflow = true;
      this.#bits.put(1, 16);
      this.#bits.put(rest & (ESCAPE_LIMIT - 1), 12);
    }
  }
}
