import { InvalidInputError } from "#core/errors.ts";

/** The error of every decoder here: the bytes do not follow the standard's encoding. Code `BACNET_MALFORMED`. */
export function malformed(what: string): InvalidInputError {
  return new InvalidInputError("BACNET_MALFORMED", `BACnet frame is malformed: ${what}`);
}

/** Reads big-endian numbers from a view and never beyond its end. Every method @throws BACNET_MALFORMED when the bytes run out. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Position of the next byte, counted from the start of the view. */
  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** The next byte without consuming it. */
  peek(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw malformed(`ends at byte ${this.#offset}`);
    return byte;
  }

  u8(): number {
    const byte = this.peek();
    this.#offset += 1;
    return byte;
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  f32(): number {
    return this.#view.getFloat32(this.#advance(4));
  }

  f64(): number {
    return this.#view.getFloat64(this.#advance(8));
  }

  /** The next `length` bytes as a view on the same memory. */
  take(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** All that is left. */
  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  /** Goes back to an earlier position, e.g. to keep a value raw after its tag was read. */
  rewind(offset: number): void {
    if (offset < 0 || offset > this.#offset) throw malformed(`cannot go back to byte ${offset}`);
    this.#offset = offset;
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.remaining) throw malformed(`needs ${length} bytes at ${start}, has ${this.remaining}`);
    this.#offset = start + length;
    return start;
  }
}

/** Collects big-endian bytes in a buffer that grows. */
export class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value);
    return this;
  }

  f32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setFloat32(at, value);
    return this;
  }

  f64(value: number): this {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** A copy of what was written. */
  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  // replaces #bytes and #view when it grows: call it before touching either
  #reserve(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}
