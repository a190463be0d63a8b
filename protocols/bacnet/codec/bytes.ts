import { InvalidInputError } from "#core/errors.ts";

/** The error of every decoder here: the bytes do not follow the standard's encoding. Code `BACNET_MALFORMED`. */
export function malformed(what: string): InvalidInputError {
  return new InvalidInputError("BACNET_MALFORMED", `BACnet frame is malformed: ${what}`);
}

// floating-point numbers go through here, so that no reader and no writer needs a view of its own
const FLOAT_BYTES = new Uint8Array(8);
const FLOAT = new DataView(FLOAT_BYTES.buffer);

/** Reads big-endian numbers from a view and never beyond its end. Every method @throws BACNET_MALFORMED when the bytes run out. */
export class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
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

  /** The byte after the next one without consuming anything; undefined at the end. */
  peekSecond(): number | undefined {
    return this.#bytes[this.#offset + 1];
  }

  u8(): number {
    const byte = this.peek();
    this.#offset += 1;
    return byte;
  }

  u16(): number {
    const at = this.#advance(2);
    return ((this.#bytes[at] ?? 0) << 8) | (this.#bytes[at + 1] ?? 0);
  }

  u32(): number {
    const at = this.#advance(4);
    const bytes = this.#bytes;
    const low = ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    return (bytes[at] ?? 0) * 0x100_0000 + low;
  }

  f32(): number {
    const at = this.#advance(4);
    for (let i = 0; i < 4; i++) FLOAT_BYTES[i] = this.#bytes[at + i] ?? 0;
    return FLOAT.getFloat32(0);
  }

  f64(): number {
    const at = this.#advance(8);
    for (let i = 0; i < 8; i++) FLOAT_BYTES[i] = this.#bytes[at + i] ?? 0;
    return FLOAT.getFloat64(0);
  }

  /**
   * A big-endian unsigned of `length` bytes without a view on them; undefined, with nothing consumed, beyond 2^53.
   * @throws BACNET_MALFORMED also for no bytes at all
   */
  unsigned(length: number): number | undefined {
    if (length === 0) throw malformed("an integer has no bytes");
    const start = this.#advance(length);
    let value = 0;
    for (let at = start; at < start + length; at++) value = value * 256 + (this.#bytes[at] ?? 0);
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    this.#offset = start;
    return undefined;
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

// one BACnet/IP datagram fits; writers stand inside each other some levels deep
const SHEET_BYTES = 2048;
const MAX_SHEETS = 16;
/** Buffers that no writer uses: making one for each message costs more than writing the message. */
const sheets: Uint8Array[] = [];

/** Collects big-endian bytes in a buffer that grows. */
export class Writer {
  #bytes = sheets.pop() ?? new Uint8Array(SHEET_BYTES);
  #isSheet = true;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#bytes[at] = value >> 8;
    this.#bytes[at + 1] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
    return this;
  }

  f32(value: number): this {
    FLOAT.setFloat32(0, value);
    const at = this.#reserve(4);
    for (let i = 0; i < 4; i++) this.#bytes[at + i] = FLOAT_BYTES[i] ?? 0;
    return this;
  }

  f64(value: number): this {
    FLOAT.setFloat64(0, value);
    return this.raw(FLOAT_BYTES);
  }

  /** A big-endian unsigned in `length` bytes. */
  unsigned(value: number, length: number): this {
    let at = this.#reserve(length) + length;
    for (let rest = value, left = length; left > 0; left--, rest = Math.floor(rest / 256)) {
      at -= 1;
      this.#bytes[at] = rest % 256;
    }
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** A copy of what was written. */
  done(): Uint8Array {
    const written = this.#bytes.slice(0, this.#length);
    if (this.#isSheet && sheets.length < MAX_SHEETS) {
      sheets.push(this.#bytes);
      // the bytes so far are never changed any more: the copy serves as well, until more is written
      this.#bytes = written;
      this.#isSheet = false;
    }
    return written;
  }

  // replaces #bytes when it grows: call it before touching them
  #reserve(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) this.#grow();
    return at;
  }

  #grow(): void {
    const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#isSheet = false;
  }
}
