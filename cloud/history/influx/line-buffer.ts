const ZERO = 48;
const POINT = 46;
const MINUS = 45;
const BACKSLASH = 92;
const QUOTE = 34;
/** Numbers up to here have digits that 32-bit arithmetic makes. */
const SMALL = 1_000_000_000;

/** Bytes of one request under construction; grows, is used again, makes no text per number. */
export class LineBuffer {
  #bytes: Buffer;
  #at = 0;
  #cachedHigh = -1;
  readonly #highDigits = new Uint8Array(9);

  /** `capacity`: bytes at first. */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
  }

  get length(): number {
    return this.#at;
  }

  /** What was written. Valid until the next `clear`. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Forgets everything behind `length`; the memory is used again. */
  clear(length = 0): void {
    this.#at = length;
  }

  /** Makes room; to be called before anything else is written. */
  reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#at + bytes, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }

  byte(byte: number): void {
    this.#bytes[this.#at++] = byte;
  }

  raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** A text without anything to escape, ASCII only. */
  ascii(text: string): void {
    this.#at += this.#bytes.write(text, this.#at, "latin1");
  }

  /** A whole number of at most 2^53. */
  whole(value: number): void {
    let rest = value;
    if (rest < 0) {
      this.byte(MINUS);
      rest = -rest;
    }
    if (rest < SMALL) {
      this.#digits(rest);
      return;
    }
    const high = Math.floor(rest / SMALL);
    this.#digits(high);
    this.#padded(rest - high * SMALL, 9);
  }

  /** Unix ms: neighbours share their first digits, which are copied. */
  time(value: number): void {
    if (value < 1_000_000_000_000 || value >= 10_000_000_000_000) {
      this.whole(value);
      return;
    }
    const high = Math.floor(value / 10_000);
    if (high !== this.#cachedHigh) {
      this.#cachedHigh = high;
      let rest = high;
      for (let i = 8; i >= 0; i--) {
        const next = Math.floor(rest / 10);
        this.#highDigits[i] = ZERO + rest - next * 10;
        rest = next;
      }
    }
    this.raw(this.#highDigits);
    this.#padded(value - high * 10_000, 4);
  }

  /** A finite number, to the last bit. */
  number(value: number): void {
    const scaled = Math.round(value * 10_000);
    if (scaled > -SMALL && scaled < SMALL && scaled / 10_000 === value) {
      // The division rounds correctly, and so does every reader of decimals: m / 10^4 === value means the digits name it.
      if (value < 0 || Object.is(value, -0)) this.byte(MINUS);
      this.#decimal(Math.abs(scaled));
      return;
    }
    if (Number.isInteger(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER) this.whole(value);
    else this.ascii(String(value));
  }

  /** A text between quotes, its quotes and backslashes escaped. */
  quoted(text: string): void {
    this.byte(QUOTE);
    const start = this.#at;
    this.#at += this.#bytes.write(text, start);
    this.#escapeFrom(start);
    this.byte(QUOTE);
  }

  /** Puts backslashes in, from the end, so that nothing is copied twice. Bytes of UTF-8 beyond ASCII are never 34 or 92. */
  #escapeFrom(start: number): void {
    const bytes = this.#bytes;
    const needs = (byte: number | undefined): boolean => byte === QUOTE || byte === BACKSLASH;
    let count = 0;
    for (let i = start; i < this.#at; i++) if (needs(bytes[i])) count++;
    if (count === 0) return;
    let from = this.#at - 1;
    this.#at += count;
    for (let to = this.#at - 1; to > from; from--) {
      const byte = bytes[from] ?? 0;
      bytes[to--] = byte;
      if (needs(byte)) bytes[to--] = BACKSLASH;
    }
  }

  #decimal(scaled: number): void {
    const whole = Math.floor(scaled / 10_000);
    this.#digits(whole);
    let fraction = scaled - whole * 10_000;
    if (fraction === 0) return;
    let places = 4;
    while (fraction % 10 === 0) {
      fraction /= 10;
      places--;
    }
    this.byte(POINT);
    this.#padded(fraction, places);
  }

  #digits(value: number): void {
    let places = 1;
    for (let limit = 10; places < 10 && value >= limit; limit *= 10) places++;
    this.#padded(value, places);
  }

  #padded(value: number, places: number): void {
    const bytes = this.#bytes;
    let rest = value | 0;
    this.#at += places;
    for (let at = this.#at - 1, left = places; left > 0; left--, at--) {
      const next = (rest / 10) | 0;
      bytes[at] = ZERO + rest - next * 10;
      rest = next;
    }
  }
}
