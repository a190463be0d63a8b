import type { ByteWriter } from "./bytes.ts";
import { ESCAPE, zigzag } from "./integer-plan.ts";

/** Bits that are put in one go, with up to 7 that are held. */
const MOST_AT_ONCE = 24;
const escaped = new DataView(new ArrayBuffer(8));

/** Bits, the first one highest, behind what a writer holds. */
export class BitWriter {
  readonly #writer: ByteWriter;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  #at: number;
  #held = 0;
  #count = 0;
  /** `room`: most bytes that will come. */
  constructor(writer: ByteWriter, room: number) {
    this.#writer = writer;
    const { bytes, at } = writer.reserve(room);
    this.#bytes = bytes;
    this.#start = at;
    this.#at = at;
  }
  /** At most MOST_AT_ONCE bits. */
  put(value: number, bits: number): void {
    let held = (this.#held << bits) | value;
    let count = this.#count + bits;
    while (count >= 8) {
      count -= 8;
      this.#bytes[this.#at++] = held >>> count;
    }
    held &= (1 << count) - 1;
    this.#held = held;
    this.#count = count;
  }
  /** The distances of the first `n` numbers from `base`, `width` bits each. */
  packed(column: Float64Array, n: number, base: number, width: number): void {
    for (let i = 0; i < n; i++) this.put((column[i] ?? 0) - base, width);
  }
  /** Their distances from `base` in Rice's code; `signed`: to either side. */
  rice(column: Float64Array, n: number, base: number, width: number, signed: boolean): void {
    const bytes = this.#bytes;
    const mask = (1 << width) - 1;
    for (let i = 0; i < n; i++) {
      const value = column[i] ?? 0;
      const distance = signed ? zigzag(value - base) : value - base;
      const quotient = distance < 0x8000_0000 ? distance >>> width : ESCAPE;
      const bits = quotient + 1 + width;
      if (bits > MOST_AT_ONCE) {
        this.#long(value, distance, quotient, width);
        continue;
      }
      let held = (this.#held << bits) | (((1 << (quotient + 1)) - 2) << width) | (distance & mask);
      let count = this.#count + bits;
      while (count >= 8) {
        count -= 8;
        bytes[this.#at++] = held >>> count;
      }
      held &= (1 << count) - 1;
      this.#held = held;
      this.#count = count;
    }
  }
  /** A number whose code is longer than what is put at once. */
  #long(value: number, distance: number, quotient: number, width: number): void {
    if (quotient >= ESCAPE) {
      this.put(0xff_ffff, ESCAPE);
      this.raw(value);
      return;
    }
    this.put((1 << (quotient + 1)) - 2, quotient + 1);
    this.put(distance & ((1 << width) - 1), width);
  }
  /** A double as it is. */
  raw(value: number): void {
    escaped.setFloat64(0, value);
    for (let i = 0; i < 4; i++) this.put(escaped.getUint16(2 * i), 16);
  }
  /** Fills the last byte up and hands over. */
  end(): void {
    if (this.#count > 0) this.put(0, 8 - this.#count);
    this.#writer.advance(this.#at - this.#start);
  }
}
