import { InvalidInputError } from "../errors.ts";

/** The bytes are not a Sparkplug B payload, or break a limit. `code` is SPARKPLUG_MALFORMED; `offset` is where it was seen. */
export class MalformedPayloadError extends InvalidInputError {
  readonly offset: number;
  constructor(offset: number, reason: string) {
    super("SPARKPLUG_MALFORMED", `Sparkplug payload at byte ${offset}: ${reason}`);
    this.offset = offset;
  }
}

const TWO_32 = 0x1_0000_0000;
const MAX_VARINT_BYTES = 10;
const SHORT_TEXT = 24;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads protobuf wire format. Every read is checked against the end of the message it is in, each varint has at most ten bytes
 * and every call moves forward, so that no input can hang it; nothing is allocated by a claimed length before that many bytes
 * are there. Every method @throws SPARKPLUG_MALFORMED.
 * @see https://protobuf.dev/programming-guides/encoding
 */
export class WireReader {
  readonly #bytes: Uint8Array;
  // A DataView, because Buffer and Uint8Array would make every byte access polymorphic.
  readonly #view: DataView;
  #at = 0;
  #end: number;
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.byteLength;
  }

  /** Byte offset of the next read. */
  get offset(): number {
    return this.#at;
  }

  /** Is anything left in the current message? */
  more(): boolean {
    return this.#at < this.#end;
  }

  fail(reason: string): never {
    throw new MalformedPayloadError(this.#at, reason);
  }

  /** Enters a length-delimited message; hand the result to `leave`. */
  enter(): number {
    const length = this.#length();
    const outer = this.#end;
    this.#end = this.#at + length;
    return outer;
  }

  /** Back to the outer message. */
  leave(outer: number): void {
    this.#end = outer;
  }

  /** The next tag: field number x 8 + wire type. */
  tag(): number {
    const tag = this.uint32();
    if (tag < 8) this.fail("field number 0");
    return tag;
  }

  /** The low 32 bits of a varint, unsigned; a sender that sign-extends to 64 bits is understood. */
  uint32(): number {
    if (this.#at < this.#end) {
      const first = this.#view.getUint8(this.#at);
      if (first < 128) {
        this.#at++;
        return first;
      }
    }
    this.#varint();
    return this.#low;
  }

  /** A varint that must be a safe integer: time stamps, aliases, sequence numbers. */
  safe(what: string): number {
    const start = this.#at;
    this.#varint();
    if (this.#high < 0x20_0000) return this.#high * TWO_32 + this.#low;
    throw new MalformedPayloadError(start, `${what} above 2^53-1`);
  }

  /** A varint of 64 bits, unsigned: a number when safe, else a bigint. */
  uint64(): number | bigint {
    this.#varint();
    if (this.#high < 0x20_0000) return this.#high * TWO_32 + this.#low;
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /** A varint as true or false. */
  flag(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  float(): number {
    this.#need(4);
    const value = this.#view.getFloat32(this.#at, true);
    this.#at += 4;
    return value;
  }

  double(): number {
    this.#need(8);
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  /** A text; bytes that are not UTF-8 become U+FFFD, so that one badly encoded name does not cost the other values. */
  text(): string {
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    if (length <= SHORT_TEXT) {
      const short = this.#ascii(start, this.#at);
      if (short !== undefined) return short;
    }
    return decoder.decode(this.#bytes.subarray(start, this.#at));
  }

  #ascii(start: number, end: number): string | undefined {
    let text = "";
    for (let at = start; at < end; at++) {
      const unit = this.#view.getUint8(at);
      if (unit > 127) return undefined;
      text += String.fromCharCode(unit);
    }
    return text;
  }

  /** A copy of a byte field: the source may be a view on a pooled or reused buffer. */
  blob(): Uint8Array {
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    return new Uint8Array(this.#bytes.subarray(start, this.#at));
  }

  /** Passes over the field of this tag, whatever it holds. Groups are no part of Sparkplug and are refused: no recursion. */
  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.#varint();
        return;
      case 1:
        this.#need(8);
        this.#at += 8;
        return;
      case 2: {
        const length = this.#length(); // moves #at, so not in one expression with it
        this.#at += length;
        return;
      }
      case 5:
        this.#need(4);
        this.#at += 4;
        return;
      default:
        this.fail(`wire type ${tag & 7} in field ${tag >>> 3}`);
    }
  }

  #need(count: number): void {
    if (this.#end - this.#at < count) this.fail(`expected ${count} bytes, got ${this.#end - this.#at}`);
  }

  #length(): number {
    const start = this.#at;
    this.#varint();
    const left = this.#end - this.#at;
    if (this.#high === 0 && this.#low <= left) return this.#low;
    throw new MalformedPayloadError(start, `length ${this.#high * TWO_32 + this.#low} where ${left} bytes are left`);
  }

  /** Reads a varint into #low and #high, 32 bits each. */
  #varint(): void {
    const view = this.#view;
    const end = Math.min(this.#end, this.#at + MAX_VARINT_BYTES);
    let low = 0;
    let high = 0;
    let shift = 0;
    for (let at = this.#at; at < end; at++) {
      const byte = view.getUint8(at);
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift > 28) high |= bits << (shift - 32);
      else {
        low |= bits << 28;
        high = bits >>> 4;
      }
      if (byte < 128) {
        this.#at = at + 1;
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
      shift += 7;
    }
    this.fail(end === this.#end ? "ends inside a number" : "a number of more than 10 bytes");
  }
}
