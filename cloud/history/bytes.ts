/** Grows as it is written. Integers are zigzag varints of up to 53 bits. */
export class ByteWriter {
  #bytes = new Uint8Array(16_384);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** Where the next byte goes. */
  get at(): number {
    return this.#at;
  }
  /** Begins again; what `done` gave is overwritten. */
  clear(): void {
    this.#at = 0;
  }
  /** Takes back what was written from there on. */
  rewind(at: number): void {
    this.#at = at;
  }
  /** Makes room and gives the raw bytes and where to write; call `advance` afterwards. */
  reserve(count: number): { bytes: Uint8Array; at: number } {
    if (this.#at + count > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return { bytes: this.#bytes, at: this.#at };
  }
  advance(count: number): void {
    this.#at += count;
  }
  byte(value: number): void {
    const { bytes, at } = this.reserve(1);
    bytes[at] = value;
    this.#at = at + 1;
  }
  double(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }
  float(value: number): void {
    this.reserve(4);
    this.#view.setFloat32(this.#at, value, true);
    this.#at += 4;
  }
  uint32(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }
  raw(bytes: Uint8Array): void {
    const room = this.reserve(bytes.length);
    room.bytes.set(bytes, room.at);
    this.#at += bytes.length;
  }
  /** Zeros up to the next multiple of 8, so that a typed array may begin here. */
  align(): void {
    while (this.#at % 8 !== 0) this.byte(0);
  }
  /** A safe integer, small absolute values short. */
  integer(value: number): void {
    const { bytes } = this.reserve(9);
    let at = this.#at;
    if (value >= -0x3fff_ffff && value <= 0x3fff_ffff) {
      let rest = value < 0 ? -2 * value - 1 : 2 * value;
      while (rest > 127) {
        bytes[at++] = (rest & 127) | 128;
        rest >>>= 7;
      }
      bytes[at++] = rest;
    } else {
      // Beyond 2^53 a doubled number loses its low bit, so sign and size go apart.
      let rest = BigInt(value) < 0n ? -2n * BigInt(value) - 1n : 2n * BigInt(value);
      while (rest > 127n) {
        bytes[at++] = Number(rest & 127n) | 128;
        rest >>= 7n;
      }
      bytes[at++] = Number(rest);
    }
    this.#at = at;
  }
  text(value: string): void {
    const utf8 = Buffer.from(value, "utf8");
    this.integer(utf8.length);
    this.raw(utf8);
  }
  texts(values: readonly string[]): void {
    this.integer(values.length);
    for (const value of values) this.text(value);
  }
  /** What was written so far; valid until the next write. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }
}

/** Reads what ByteWriter wrote. Reading a byte past the end gives zeros: a checksum over the whole guards the content. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  byte(): number {
    return this.bytes[this.at++] ?? 0;
  }
  double(): number {
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }
  float(): number {
    const value = this.view.getFloat32(this.at, true);
    this.at += 4;
    return value;
  }
  uint32(): number {
    const value = this.view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }
  /** The next bytes, not copied. */
  raw(count: number): Uint8Array {
    const bytes = this.bytes.subarray(this.at, this.at + count);
    this.at += count;
    return bytes;
  }
  align(): void {
    this.at = (this.at + 7) & ~7;
  }
  integer(): number {
    let byte = this.byte();
    let zigzag = byte & 127;
    for (let shift = 7; byte > 127 && shift < 28; shift += 7) {
      byte = this.byte();
      zigzag |= (byte & 127) << shift;
    }
    if (byte <= 127) return zigzag & 1 ? -(zigzag + 1) / 2 : zigzag / 2;
    let large = BigInt(zigzag);
    for (let shift = 28n; byte > 127; shift += 7n) {
      byte = this.byte();
      large |= BigInt(byte & 127) << shift;
    }
    return Number(large & 1n ? -(large + 1n) / 2n : large / 2n);
  }
  text(): string {
    const length = this.integer();
    const value = Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.at, length).toString("utf8");
    this.at += length;
    return value;
  }
  texts(): string[] {
    const count = this.integer();
    const values: string[] = [];
    for (let i = 0; i < count; i++) values.push(this.text());
    return values;
  }
}
