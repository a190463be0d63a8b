import { InvalidInputError } from "#core/errors.ts";
import { QUALITY_REASONS, type Quality } from "#core/model/quality.ts";
import type { Value } from "#core/model/sample.ts";

/** A sample as an outbox row holds it: the point by its persistent number. Times are Unix ms. */
export interface PackedSample {
  readonly number: number;
  readonly value: Value;
  readonly quality: Quality;
  readonly reason?: string;
  readonly sourceTime?: number;
  readonly observedAt: number;
  readonly historical?: true;
}

const VERSION = 1;
const QUALITIES: readonly Quality[] = ["good", "uncertain", "bad"];
const VALUE_NULL = 0;
const VALUE_FALSE = 1;
const VALUE_TRUE = 2;
const VALUE_NUMBER = 3;
const VALUE_INTEGER = 4;
const VALUE_TEXT = 5;
const HAS_REASON = 0x20;
const HAS_SOURCE_TIME = 0x40;
const HISTORICAL = 0x80;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

class Writer {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #room(extra: number): void {
    if (this.#length + extra <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + extra));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }
  /** Unsigned, up to 2^53-1. */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }
  signed(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }
  double(value: number): void {
    this.#room(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }
  text(value: string): void {
    const bytes = encoder.encode(value);
    this.varint(bytes.length);
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }
  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw malformed("ends early");
    return value;
  }
  varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 0x80;
    }
    if (!Number.isSafeInteger(value)) throw malformed("holds a number beyond 2^53");
    return value;
  }
  signed(): number {
    const value = this.varint();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }
  double(): number {
    if (this.#at + 8 > this.#bytes.length) throw malformed("ends early");
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }
  text(): string {
    const length = this.varint();
    if (this.#at + length > this.#bytes.length) throw malformed("ends early");
    const value = decoder.decode(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return value;
  }
}

function malformed(what: string): InvalidInputError {
  return new InvalidInputError("OUTBOX_ROW_MALFORMED", `packed samples: expected whole samples, the row ${what}`);
}

const isCompactInteger = (value: number): boolean =>
  Number.isInteger(value) && Math.abs(value) < 2 ** 48 && !Object.is(value, -0);

function writeValue(writer: Writer, value: Value, flags: number): void {
  if (value === null) writer.byte(flags | VALUE_NULL);
  else if (typeof value === "boolean") writer.byte(flags | (value ? VALUE_TRUE : VALUE_FALSE));
  else if (typeof value === "string") {
    writer.byte(flags | VALUE_TEXT);
    writer.text(value);
  } else if (isCompactInteger(value)) {
    writer.byte(flags | VALUE_INTEGER);
    writer.signed(value);
  } else {
    writer.byte(flags | VALUE_NUMBER);
    writer.double(value);
  }
}

function readValue(reader: Reader, type: number): Value {
  switch (type) {
    case VALUE_NULL:
      return null;
    case VALUE_FALSE:
      return false;
    case VALUE_TRUE:
      return true;
    case VALUE_INTEGER:
      return reader.signed();
    case VALUE_NUMBER:
      return reader.double();
    case VALUE_TEXT:
      return reader.text();
    default:
      throw malformed(`holds the unknown value type ${type}`);
  }
}

/** Packs samples into the bytes of one outbox row, about 10 bytes a sample. Lossless, order kept. */
export function packSamples<T extends Omit<PackedSample, "number">>(
  samples: readonly T[],
  numberOf: (sample: T) => number,
): Uint8Array {
  const writer = new Writer();
  writer.byte(VERSION);
  let previous = 0;
  for (const sample of samples) {
    let flags = sample.quality === "good" ? 0 : QUALITIES.indexOf(sample.quality) << 3;
    if (sample.reason !== undefined) flags |= HAS_REASON;
    if (sample.sourceTime !== undefined) flags |= HAS_SOURCE_TIME;
    if (sample.historical === true) flags |= HISTORICAL;
    writeValue(writer, sample.value, flags);
    writer.varint(numberOf(sample));
    writer.signed(sample.observedAt - previous);
    previous = sample.observedAt;
    if (sample.reason !== undefined) {
      // the shared reasons as a number from 1, any other as text after 0
      const known = (QUALITY_REASONS as readonly string[]).indexOf(sample.reason) + 1;
      writer.varint(known);
      if (known === 0) writer.text(sample.reason);
    }
    if (sample.sourceTime !== undefined) writer.signed(sample.sourceTime - sample.observedAt);
  }
  return writer.take();
}

/** The inverse of `packSamples`. @throws OUTBOX_ROW_MALFORMED */
export function unpackSamples(bytes: Uint8Array): PackedSample[] {
  const reader = new Reader(bytes);
  const version = reader.byte();
  if (version !== VERSION) throw malformed(`has version ${version}, known is ${VERSION}`);
  const samples: PackedSample[] = [];
  let previous = 0;
  while (!reader.done) {
    const flags = reader.byte();
    const value = readValue(reader, flags & 0x07);
    const number = reader.varint();
    const observedAt = previous + reader.signed();
    previous = observedAt;
    const quality = QUALITIES[(flags >> 3) & 0x03];
    if (quality === undefined) throw malformed("holds an unknown quality");
    samples.push({
      number,
      value,
      quality,
      ...((flags & HAS_REASON) === 0 ? {} : { reason: readReason(reader) }),
      ...((flags & HAS_SOURCE_TIME) === 0 ? {} : { sourceTime: observedAt + reader.signed() }),
      observedAt,
      ...((flags & HISTORICAL) === 0 ? {} : { historical: true as const }),
    });
  }
  return samples;
}

function readReason(reader: Reader): string {
  const known = reader.varint();
  return known === 0 ? reader.text() : (QUALITY_REASONS[known - 1] ?? "unknown");
}
