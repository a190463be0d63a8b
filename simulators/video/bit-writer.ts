/** Collects bits, most significant first, into bytes. Grows as needed; one instance serves picture after picture. */
export class BitWriter {
  #bytes = new Uint8Array(16_384);
  #length = 0;
  #held = 0;
  #heldBits = 0;

  /** Bits written since the last `reset`. */
  get bitLength(): number {
    return this.#length * 8 + this.#heldBits;
  }

  reset(): void {
    this.#length = 0;
    this.#held = 0;
    this.#heldBits = 0;
  }

  /** Writes the low `bits` (0-24) of `value`, which has no others set. */
  put(value: number, bits: number): void {
    if (this.#length + 4 > this.#bytes.length) this.#grow(4);
    let held = this.#heldBits + bits;
    this.#held = (this.#held << bits) | value;
    while (held >= 8) {
      held -= 8;
      this.#bytes[this.#length++] = this.#held >>> held;
    }
    this.#heldBits = held;
  }

  /** Writes a 32-bit number. */
  put32(value: number): void {
    this.put(value >>> 16, 16);
    this.put(value & 0xffff, 16);
  }

  /** ue(v): unsigned Exp-Golomb, 0 to 4094. [H.264 9.1] */
  unsigned(value: number): void {
    const bits = 32 - Math.clz32(value + 1);
    this.put(value + 1, 2 * bits - 1);
  }

  /** se(v): signed Exp-Golomb. [H.264 9.1.1] */
  signed(value: number): void {
    this.unsigned(value > 0 ? 2 * value - 1 : -2 * value);
  }

  /** Zero bits up to the next byte. */
  align(): void {
    if (this.#heldBits > 0) this.put(0, 8 - this.#heldBits);
  }

  /** Writes whole bytes; the writer stands at a byte's start. */
  append(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Forgets all that was written after `bitLength` was so. */
  rewind(bitLength: number): void {
    const heldBits = bitLength & 7;
    this.#held =
      bitLength >> 3 === this.#length
        ? this.#held >>> (this.#heldBits - heldBits)
        : (this.#bytes[bitLength >> 3] ?? 0) >>> (8 - heldBits);
    this.#length = bitLength >> 3;
    this.#heldBits = heldBits;
  }

  /** rbsp_trailing_bits, then the bytes written: a view, good until the next write. [H.264 7.3.2.11] */
  finish(): Uint8Array {
    this.put(1, 1);
    this.align();
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(by: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + by));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
