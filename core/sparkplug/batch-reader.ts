import { type BatchIdentity, parseBatch } from "../contracts/batch.ts";
import { InvalidInputError } from "../errors.ts";
import { KIND, reserveSamples, type SampleAppender, type SampleColumns } from "../model/sample-columns.ts";
import { type AliasIndex, READ } from "./alias-index.ts";
import { DECODE_LIMITS, decodeProperties } from "./decode.ts";
import { describeValue } from "./metric-sample.ts";

/** One batch as read; its rows lie behind the `length` of the columns, which is the reader's caller to move. */
export interface ReadBatch {
  readonly identity: BatchIdentity;
  readonly seq: number;
  /** When it was published, Unix ms. */
  readonly timestamp: number;
  readonly rows: number;
}

/** The shortest metric that is a row: tags, lengths, alias, time. */
const SHORTEST_ROW = 11;
/** Property sets that are kept as read: a device that is lost says the same of each of its points. */
const KEPT_PROPERTIES = 16;
const TWO_28 = 0x1000_0000;
const TWO_32 = 0x1_0000_0000;
const KEY = new TextEncoder().encode("\n\nsourceTime");
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

interface KeptProperties {
  readonly bytes: Uint8Array;
  readonly quality: string;
  readonly source: number;
}

/** Not as our gateways write it: who gave the bytes reads them the general way. */
class Odd extends Error {}
const ODD = new Odd("not a plain batch");

function isOdd(error: unknown): boolean {
  // RangeError: a read behind the end of the payload.
  return error instanceof Odd || error instanceof RangeError || error instanceof InvalidInputError;
}

/**
 * Reads a data message of one of our gateways straight into columns: no object per sample. It understands what our encoder
 * writes (alias, time, value, quality, source time, is_historical) and nothing else; what it reads is what `decodePayload`,
 * `MetricTable.resolve` and `sampleOf` make of the same bytes.
 */
export class BatchReader {
  #bytes: Uint8Array = new Uint8Array();
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #row = 0;
  #seq = -1;
  #timestamp = Number.NaN;
  #batch: string | undefined;
  #aliases: AliasIndex | undefined;
  #properties: KeptProperties[] = [];
  #nextKept = 0;
  #good = 0;
  // Of the metric that is being read.
  #alias = 0;
  #kind: number = KIND.null;
  #number = 0;
  #quality = 0;
  #source = Number.NaN;
  #described = false;

  /** Undefined when anything is unusual; the columns then hold what they held, up to their `length`. */
  read(bytes: Uint8Array, aliases: AliasIndex, into: SampleAppender): ReadBatch | undefined {
    if (bytes.byteLength > DECODE_LIMITS.maxBytes) return undefined;
    const { columns } = into;
    const first = columns.length;
    reserveSamples(columns, first + Math.ceil(bytes.byteLength / SHORTEST_ROW));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    this.#row = first;
    this.#seq = -1;
    this.#timestamp = Number.NaN;
    this.#batch = undefined;
    this.#aliases = aliases;
    this.#good = into.quality("good");
    try {
      this.#payload(into, columns);
      return this.#finish(this.#row - first);
    } catch (error) {
      if (isOdd(error)) return undefined;
      throw error;
    }
  }

  #finish(rows: number): ReadBatch | undefined {
    if (this.#batch === undefined || this.#seq < 0 || Number.isNaN(this.#timestamp)) return undefined;
    const identity = parseBatch(this.#batch);
    if (identity.last - identity.first + 1 !== rows || rows >= DECODE_LIMITS.maxMetrics) return undefined;
    return { identity, seq: this.#seq, timestamp: this.#timestamp, rows };
  }

  #payload(into: SampleAppender, columns: SampleColumns): void {
    const view = this.#view;
    const end = view.byteLength;
    while (this.#at < end) {
      const tag = view.getUint8(this.#at++);
      if (tag === 18) this.#metric(into, columns);
      else if (tag === 8) this.#timestamp = this.#time();
      else if (tag === 24) this.#seq = this.#below(256);
      else throw ODD;
    }
  }

  #metric(into: SampleAppender, columns: SampleColumns): void {
    const view = this.#view;
    const end = this.#length() + this.#at;
    if (end > view.byteLength) throw ODD;
    if (view.getUint8(this.#at++) !== 16) throw ODD;
    this.#alias = this.#below(TWO_28);
    if (view.getUint8(this.#at++) !== 24) throw ODD;
    const time = this.#time();
    const read = this.#aliases?.readOf(this.#alias) ?? READ.none;
    if (read === READ.none) throw ODD;
    if (read === READ.batch) {
      this.#identity(end);
      return;
    }
    const row = this.#row;
    this.#quality = this.#good;
    this.#described = false;
    this.#source = Number.NaN;
    columns.historical[row] = 0;
    this.#value(read, end, into, columns);
    if (this.#at !== end) throw ODD;
    columns.point[row] = this.#aliases?.pointOf(this.#alias) ?? 0;
    columns.time[row] = time;
    columns.source[row] = this.#source;
    columns.kind[row] = this.#kind;
    columns.number[row] = this.#number;
    columns.quality[row] = this.#quality;
    this.#row = row + 1;
  }

  /** `<epoch>:<first>:<last>`, nothing else, once. */
  #identity(end: number): void {
    if (this.#view.getUint8(this.#at++) !== 122 || this.#batch !== undefined) throw ODD;
    this.#batch = this.#text();
    if (this.#at !== end) throw ODD;
  }

  /** The attributes of a row and then its value: a null has none. */
  #value(read: number, end: number, into: SampleAppender, columns: SampleColumns): void {
    const view = this.#view;
    let isNull = false;
    while (this.#at < end) {
      const tag = view.getUint8(this.#at++);
      switch (tag) {
        case 40:
          columns.historical[this.#row] = this.#below(2);
          break;
        case 56:
          isNull = this.#below(2) === 1;
          break;
        case 74:
          this.#propertySet(into);
          break;
        default:
          if (isNull) throw ODD;
          this.#scalar(tag, read, into);
          return;
      }
    }
    if (!isNull) throw ODD;
    this.#kind = KIND.null;
    this.#number = 0;
  }

  #scalar(tag: number, read: number, into: SampleAppender): void {
    if (read === READ.double && tag === 105) {
      const value = this.#view.getFloat64(this.#at, true);
      this.#at += 8;
      this.#finite(value);
    } else if (read === READ.boolean && tag === 112) {
      this.#kind = this.#below(2) === 1 ? KIND.true : KIND.false;
      this.#number = 0;
    } else if (read === READ.text && tag === 122) {
      this.#kind = KIND.text;
      this.#number = into.text(this.#text());
    } else this.#otherNumber(tag, read);
  }

  #otherNumber(tag: number, read: number): void {
    if (read === READ.float && tag === 101) {
      const value = this.#view.getFloat32(this.#at, true);
      this.#at += 4;
      this.#finite(value);
    } else if (read === READ.long && tag === 88) this.#finite(this.#safe());
    else if (tag === 80 && read >= READ.int8 && read <= READ.unsigned) this.#finite(this.#int(read));
    else throw ODD;
  }

  #finite(value: number): void {
    if (!Number.isFinite(value)) throw ODD;
    this.#kind = KIND.number;
    this.#number = value;
  }

  #int(read: number): number {
    const raw = this.#below(TWO_32);
    if (read === READ.unsigned) return raw;
    const shift = read === READ.int8 ? 24 : read === READ.int16 ? 16 : 0;
    return (raw << shift) >> shift;
  }

  #propertySet(into: SampleAppender): void {
    const length = this.#length();
    const start = this.#at;
    const end = start + length;
    if (end > this.#bytes.length || this.#described) throw ODD;
    this.#described = true;
    this.#at = end;
    if (this.#isSourceTime(start, length)) return;
    for (const kept of this.#properties)
      if (kept.bytes.length === length && this.#equals(kept.bytes, start)) {
        this.#said(kept, into);
        return;
      }
    const bytes = new Uint8Array(this.#bytes.subarray(start, end));
    const said = { bytes, ...describeValue(decodeProperties(bytes)) };
    this.#said(said, into);
    // With a source time no two are the same.
    if (!Number.isNaN(said.source)) return;
    this.#properties[this.#nextKept] = said;
    this.#nextKept = (this.#nextKept + 1) % KEPT_PROPERTIES;
  }

  #said({ quality, source }: KeptProperties, into: SampleAppender): void {
    this.#quality = into.quality(quality);
    this.#source = source;
  }

  #equals(bytes: Uint8Array, start: number): boolean {
    const view = this.#view;
    for (let i = 0; i < bytes.length; i++) if (bytes[i] !== view.getUint8(start + i)) return false;
    return true;
  }

  /** The one property `sourceTime`, Int64: what a good value of a device with a clock says of itself. */
  #isSourceTime(start: number, length: number): boolean {
    const rest = KEY.length + 11;
    if (length !== rest || !this.#equals(KEY, start)) return false;
    const view = this.#view;
    const at = start + KEY.length;
    // tag 18 and length, type (8) Int64, long_value (32)
    if (view.getUint32(at, true) !== 0x0408_0912 || view.getUint8(at + 4) !== 32) return false;
    this.#at = at + 5;
    this.#source = this.#time();
    return true;
  }

  /** A varint of exactly six bytes: the Unix ms of the years 1971 to 2109. */
  #time(): number {
    const view = this.#view;
    const at = this.#at;
    const low = view.getUint32(at, true);
    const high = view.getUint16(at + 4, true);
    if ((low & 0x8080_8080) !== (0x8080_8080 | 0) || (high & 0x8080) !== 0x80) throw ODD;
    this.#at = at + 6;
    const bits = (low & 0x7f) | ((low >>> 1) & 0x3f80) | ((low >>> 2) & 0x1f_c000) | ((low >>> 3) & 0xfe0_0000);
    return ((high & 0x7f) | ((high >>> 1) & 0x3f80)) * TWO_28 + bits;
  }

  #length(): number {
    const first = this.#view.getUint8(this.#at);
    if (first > 127) return this.#below(TWO_28);
    this.#at++;
    return first;
  }

  /** A varint below a limit of at most 2^32. */
  #below(limit: number): number {
    const value = this.#safe();
    if (value >= limit) throw ODD;
    return value;
  }

  /** A varint of at most seven bytes. */
  #safe(): number {
    const view = this.#view;
    let at = this.#at;
    let byte = view.getUint8(at++);
    let value = byte & 127;
    let scale = 128;
    for (let more = 1; byte > 127; more++) {
      if (more === 7) throw ODD;
      byte = view.getUint8(at++);
      value += (byte & 127) * scale;
      scale *= 128;
    }
    this.#at = at;
    return value;
  }

  #text(): string {
    const length = this.#length();
    const start = this.#at;
    const end = start + length;
    if (end > this.#bytes.length) throw ODD;
    this.#at = end;
    let text = "";
    for (let at = start; at < end; at++) {
      const unit = this.#view.getUint8(at);
      if (unit > 127) return decoder.decode(this.#bytes.subarray(start, end));
      text += String.fromCharCode(unit);
    }
    return text;
  }
}
