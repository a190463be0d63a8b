import { InvalidInputError } from "../errors.ts";

const CHUNK_BYTES = 65_536;
const TWO_28 = 0x1000_0000;
const encoder = new TextEncoder();

/**
 * Writes protobuf wire format, one payload after the other into a chunk of memory; a finished payload is a view on its part,
 * never written again, and a full chunk is replaced. (Copying each payload out costs as much as writing it.) Nothing here makes
 * room by itself except `text`, `blob` and `end`: call `ensure` first with the most that the following writes can take.
 * @see https://protobuf.dev/programming-guides/encoding
 */
export class WireWriter {
  #bytes = new Uint8Array(CHUNK_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #at = 0;
  // A varint's bytes above 2^28, kept from the last time stamp: those of one batch differ in the low 28 bits only.
  #timeBase = Number.NaN;
  #timeHigh = 0;

  /** Forgets a payload that was not finished. */
  reset(): void {
    this.#at = this.#start;
  }

  /** Makes room for `count` more bytes. */
  ensure(count: number): void {
    if (this.#at + count > this.#bytes.length) this.#grow(count);
  }

  #grow(count: number): void {
    const written = this.#at - this.#start;
    const needed = 2 * (written + count);
    const bytes = new Uint8Array(Math.max(CHUNK_BYTES, needed));
    bytes.set(this.#bytes.subarray(this.#start, this.#at));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#start = 0;
    this.#at = written;
  }

  /** One byte: a tag below 128, or a flag. */
  byte(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  /** A tag below 128 and a varint of an integer from 0 to 2^53-1; at most 9 bytes. @throws SPARKPLUG_VALUE_INVALID */
  field(tag: number, value: number): void {
    let rest = value >>> 0;
    if (rest !== value) {
      this.#wideField(tag, value);
      return;
    }
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = tag;
    while (rest > 127) {
      bytes[at++] = rest | 128;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.#at = at;
  }

  #wideField(tag: number, value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new InvalidInputError("SPARKPLUG_VALUE_INVALID", `number ${value}: expected an integer from 0 to 2^53-1`);
    }
    this.byte(tag);
    this.varint(value);
  }

  /** A varint of an integer from 0 to 2^53-1; at most 8 bytes. */
  varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  /** A varint of 64 bits, 0 to 2^64-1; at most 10 bytes. */
  varint64(value: bigint): void {
    let rest = value;
    while (rest > 127n) {
      this.byte(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    this.byte(Number(rest));
  }

  /** As `field`, for Unix ms: quick where it lies within three days of the last one. @throws SPARKPLUG_VALUE_INVALID */
  time(tag: number, value: number): void {
    const offset = value - this.#timeBase;
    const low = offset & 0xfff_ffff;
    if (low !== offset) {
      this.#otherTime(tag, value);
      return;
    }
    const at = this.#at;
    this.#bytes[at] = tag;
    // Four groups of seven bits, each with its continuation bit, in one write.
    const groups = (low & 0x7f) | ((low & 0x3f80) << 1) | ((low & 0x1f_c000) << 2) | ((low & 0xfe0_0000) << 3);
    this.#view.setInt32(at + 1, groups | 0x8080_8080, true);
    this.#view.setInt16(at + 5, this.#timeHigh, true);
    this.#at = at + 7;
  }

  #otherTime(tag: number, value: number): void {
    this.field(tag, value);
    const high = Math.floor(value / TWO_28);
    // Two more bytes, 128 to 16383: the years 1971 to 2109.
    if (high < 128 || high > 16_383) return;
    this.#timeHigh = (high & 127) | 128 | ((high >> 7) << 8);
    this.#timeBase = high * TWO_28;
  }

  /** Tag and one byte: a flag or a number below 128. */
  small(tag: number, value: number): void {
    const at = this.#at;
    this.#bytes[at] = tag;
    this.#bytes[at + 1] = value;
    this.#at = at + 2;
  }

  /** Tag and IEEE 754 single. */
  float(tag: number, value: number): void {
    this.#bytes[this.#at] = tag;
    this.#view.setFloat32(this.#at + 1, value, true);
    this.#at += 5;
  }

  /** Tag and IEEE 754 double. */
  double(tag: number, value: number): void {
    this.#bytes[this.#at] = tag;
    this.#view.setFloat64(this.#at + 1, value, true);
    this.#at += 9;
  }

  /** Tag, length and UTF-8 of a text; a lone surrogate becomes U+FFFD. */
  text(tag: number, value: string): void {
    const { length } = value;
    this.ensure(length * 3 + 8);
    if (length < 128 && this.#ascii(tag, value)) return;
    const start = this.begin(tag);
    this.#at += encoder.encodeInto(value, this.#bytes.subarray(this.#at)).written;
    this.end(start);
  }

  #ascii(tag: number, value: string): boolean {
    const bytes = this.#bytes;
    const start = this.#at + 2;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 127) return false;
      bytes[start + i] = unit;
    }
    this.small(tag, value.length);
    this.#at = start + value.length;
    return true;
  }

  /** Tag (below 16384, as two bytes when above 127), length and bytes. */
  blob(tag: number, value: Uint8Array): void {
    this.ensure(value.length + 8);
    this.varint(tag);
    this.varint(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** Tag of a length-delimited message; hand the result to `end`. Room for two bytes is needed. */
  begin(tag: number): number {
    this.#bytes[this.#at] = tag;
    this.#at += 2;
    // Relative to the payload, which `ensure` may move to another chunk.
    return this.#at - 1 - this.#start;
  }

  /** Closes a message: writes its length in front, moving it when the length needs more than one byte. */
  end(begun: number): void {
    const start = begun + this.#start;
    const length = this.#at - start - 1;
    if (length < 128) this.#bytes[start] = length;
    else this.#endLong(begun, length);
  }

  #endLong(begun: number, length: number): void {
    const extra = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < 0x1000_0000 ? 3 : 4;
    this.ensure(extra);
    const start = begun + this.#start;
    this.#bytes.copyWithin(start + 1 + extra, start + 1, this.#at);
    this.#at = start;
    this.varint(length);
    this.#at += length;
  }

  /** The payload; its bytes are not written again. */
  finish(): Uint8Array<ArrayBuffer> {
    const payload = this.#bytes.subarray(this.#start, this.#at);
    this.#start = this.#at;
    return payload;
  }
}
