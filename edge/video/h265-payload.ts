import type { FragmentReader, PayloadFormat, UnitClass } from "./depacketizer.ts";

const FIRST_NON_SLICE = 32;
const VIDEO_PARAMETERS = 32;
const PICTURE_PARAMETERS = 34;
const AGGREGATE = 48;
const FRAGMENT = 49;
const HEADER_BYTES = 2;
const MAX_PARAMETER_SET_BYTES = 16_384;

const DROP: UnitClass = { part: "drop", key: false };
const OTHER: UnitClass = { part: "other", key: false };

const typeOf = (nal: Buffer): number => (nal.readUInt8(0) >> 1) & 0x3f;

/** H.265 in RTP: single units, aggregates and fragments, without DONL fields. [RFC 7798 4.4] */
export class H265Payload implements PayloadFormat {
  /** Video, sequence and picture parameter set, the last of each. */
  readonly #parameterSets = new Map<number, Buffer>();

  /** `parameterSets` are those of the session description. */
  constructor(parameterSets: readonly Buffer[]) {
    for (const nal of parameterSets) this.classify(nal);
  }

  /** What a decoder needs before a key picture, in order. */
  get parameterSets(): readonly Buffer[] {
    return [...this.#parameterSets].sort(([a], [b]) => a - b).map(([, nal]) => nal);
  }

  split(payload: Buffer, reader: FragmentReader): void {
    if (payload.length <= HEADER_BYTES || (payload.readUInt8(0) & 0x80) !== 0) {
      reader.malformed();
      return;
    }
    const type = typeOf(payload);
    if (type < AGGREGATE) reader.unit(payload);
    else if (type === AGGREGATE) splitAggregate(payload, reader);
    else if (type === FRAGMENT) splitFragment(payload, reader);
    else reader.malformed();
  }

  classify(nal: Buffer): UnitClass {
    if (nal.length <= HEADER_BYTES) return DROP;
    const type = typeOf(nal);
    if (type >= VIDEO_PARAMETERS && type <= PICTURE_PARAMETERS) {
      if (nal.length <= MAX_PARAMETER_SET_BYTES && !this.#parameterSets.get(type)?.equals(nal))
        this.#parameterSets.set(type, Buffer.from(nal));
      return DROP;
    }
    if (type >= FIRST_NON_SLICE) return OTHER;
    // first_slice_segment_in_pic_flag; 16 to 21 are random access points [H.265 7.3.6.1, table 7-1]
    const first = (nal.readUInt8(HEADER_BYTES) & 0x80) !== 0;
    return { part: first ? "first" : "slice", key: type >= 16 && type <= 21 };
  }

  ready(): boolean {
    return this.#parameterSets.size === PICTURE_PARAMETERS - VIDEO_PARAMETERS + 1;
  }
}

/** [RFC 7798 4.4.2] */
function splitAggregate(payload: Buffer, reader: FragmentReader): void {
  let at = HEADER_BYTES;
  while (at < payload.length) {
    const unitAt = at + 2;
    const end = unitAt <= payload.length ? unitAt + payload.readUInt16BE(at) : Number.POSITIVE_INFINITY;
    if (end > payload.length || end === unitAt) {
      reader.malformed();
      return;
    }
    reader.unit(payload.subarray(unitAt, end));
    at = end;
  }
}

/** [RFC 7798 4.4.3] */
function splitFragment(payload: Buffer, reader: FragmentReader): void {
  if (payload.length < 4) {
    reader.malformed();
    return;
  }
  const fragment = payload.readUInt8(2);
  const first = (payload.readUInt8(0) & 0x81) | ((fragment & 0x3f) << 1);
  const header = (fragment & 0x80) === 0 ? undefined : Buffer.from([first, payload.readUInt8(1)]);
  reader.fragment(header, payload.subarray(3), (fragment & 0x40) !== 0);
}
