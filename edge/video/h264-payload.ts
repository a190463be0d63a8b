import type { FragmentReader, PayloadFormat, UnitClass } from "./depacketizer.ts";
import {
  codecString,
  decoderConfiguration,
  pictureParametersId,
  readSequenceParameters,
  type SequenceParameters,
} from "./h264.ts";

/** How a decoder is to be set up for the pictures that follow. */
export interface H264Format {
  /** RFC 6381 codec string. */
  readonly codec: string;
  /** avcC box content. */
  readonly description: Buffer;
  readonly width: number;
  readonly height: number;
}

const IDR_SLICE = 5;
const SEQUENCE_PARAMETERS = 7;
const PICTURE_PARAMETERS = 8;
/** Access unit delimiter, end of sequence, end of stream, filler: no decoder needs them. */
const NEEDLESS = new Set([9, 10, 11, 12]);
const STAP_A = 24;
const FU_A = 28;
/** Picture parameter sets of one sequence; the standard allows 256, cameras have one or two. */
const MAX_PICTURE_PARAMETERS = 32;
const MAX_PARAMETER_SET_BYTES = 16_384;

const DROP: UnitClass = { part: "drop", key: false };
const OTHER: UnitClass = { part: "other", key: false };

/** H.264 in RTP: single units, STAP-A and FU-A. [RFC 6184 5.2] Keeps the parameter sets of the description and of the stream. */
export class H264Payload implements PayloadFormat {
  readonly #onFormat: (format: H264Format) => void;
  #sequence: { readonly nal: Buffer; readonly parameters: SequenceParameters } | undefined;
  readonly #pictures = new Map<number, Buffer>();
  #changed = false;
  #told: Buffer | undefined;

  /** `parameterSets` are those of the session description. */
  constructor(parameterSets: readonly Buffer[], onFormat: (format: H264Format) => void) {
    this.#onFormat = onFormat;
    for (const nal of parameterSets) this.classify(nal);
  }

  split(payload: Buffer, reader: FragmentReader): void {
    const header = payload.readUInt8(0);
    const type = header & 0x1f;
    // forbidden_zero_bit: the sender knows that the unit is broken
    if ((header & 0x80) !== 0) reader.malformed();
    else if (type >= 1 && type < STAP_A) reader.unit(payload);
    else if (type === STAP_A) splitAggregate(payload, reader);
    else if (type === FU_A) splitFragment(payload, reader);
    else reader.malformed();
  }

  classify(nal: Buffer): UnitClass {
    const type = nal.readUInt8(0) & 0x1f;
    if (type === SEQUENCE_PARAMETERS) this.#takeSequence(nal);
    else if (type === PICTURE_PARAMETERS) this.#takePicture(nal);
    else if (type >= 1 && type <= IDR_SLICE) {
      // first_mb_in_slice is ue(v): 0 is a single set bit [H.264 7.3.3]
      const first = ((nal[1] ?? 0) & 0x80) !== 0;
      return { part: first ? "first" : "slice", key: type === IDR_SLICE };
    } else if (!NEEDLESS.has(type)) return OTHER;
    return DROP;
  }

  #takeSequence(nal: Buffer): void {
    if (this.#sequence?.nal.equals(nal) || nal.length > MAX_PARAMETER_SET_BYTES) return;
    const parameters = readSequenceParameters(nal);
    if (parameters === undefined) return;
    this.#sequence = { nal: Buffer.from(nal), parameters };
    // picture parameters refer to the sequence's: those that still hold are sent again
    this.#pictures.clear();
    this.#changed = true;
  }

  #takePicture(nal: Buffer): void {
    if (nal.length < 2 || nal.length > MAX_PARAMETER_SET_BYTES) return;
    const id = pictureParametersId(nal);
    if (this.#pictures.get(id)?.equals(nal)) return;
    if (!this.#pictures.has(id) && this.#pictures.size >= MAX_PICTURE_PARAMETERS) return;
    this.#pictures.set(id, Buffer.from(nal));
    this.#changed = true;
  }

  ready(key: boolean): boolean {
    if (!this.#changed) return this.#told !== undefined;
    // parameter sets that changed hold from a key picture on; one before it cannot be told from a broken one
    if (!key || this.#sequence === undefined || this.#pictures.size === 0) return false;
    this.#changed = false;
    const { nal, parameters } = this.#sequence;
    const description = decoderConfiguration(parameters, nal, [...this.#pictures.values()]);
    if (this.#told?.equals(description)) return true;
    this.#told = description;
    const { width, height } = parameters;
    this.#onFormat({ codec: codecString(parameters), description, width, height });
    return true;
  }
}

/** [RFC 6184 5.7.1] */
function splitAggregate(payload: Buffer, reader: FragmentReader): void {
  let at = 1;
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

/** [RFC 6184 5.8] */
function splitFragment(payload: Buffer, reader: FragmentReader): void {
  if (payload.length < 3) {
    reader.malformed();
    return;
  }
  const indicator = payload.readUInt8(0);
  const fragment = payload.readUInt8(1);
  const header = (fragment & 0x80) === 0 ? undefined : Buffer.from([(indicator & 0xe0) | (fragment & 0x1f)]);
  reader.fragment(header, payload.subarray(2), (fragment & 0x40) !== 0);
}
