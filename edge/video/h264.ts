/** Reads bits of a NAL unit's RBSP; beyond its end everything is 0 and `overrun` tells. [H.264 7.2] */
class BitReader {
  readonly #bytes: Uint8Array;
  #bit = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get overrun(): boolean {
    return this.#bit > this.#bytes.length * 8;
  }

  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      const byte = this.#bytes[this.#bit >> 3] ?? 0;
      value = value * 2 + ((byte >> (7 - (this.#bit & 7))) & 1);
      this.#bit++;
    }
    return value;
  }

  /** ue(v) [H.264 9.1] */
  unsigned(): number {
    let zeros = 0;
    while (zeros < 32 && this.bits(1) === 0) zeros++;
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v) [H.264 9.1.1] */
  signed(): number {
    const code = this.unsigned();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}

/** Takes the emulation prevention bytes out. [H.264 7.4.1] */
function rbsp(nal: Uint8Array): Uint8Array {
  const out = new Uint8Array(nal.length);
  let length = 0;
  let zeros = 0;
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

/** What a sequence parameter set says that others need. */
export interface SequenceParameters {
  readonly profile: number;
  readonly constraints: number;
  readonly level: number;
  readonly chromaFormat: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  /** Size as shown, after cropping, pixels. */
  readonly width: number;
  readonly height: number;
}

/** Profiles whose parameter sets tell the chroma format. [H.264 7.3.2.1.1] */
const WITH_CHROMA = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
/** Greatest side that a level can hold is below this, pixels. [H.264 table A-1] */
const LARGEST_SIDE = 16_384;
/** Cropping units across and down, by chroma format. [H.264 table 6-1] */
const SUB_WIDTH = [1, 2, 2, 1] as const;
const SUB_HEIGHT = [1, 2, 1, 1] as const;

interface Chroma {
  readonly format: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
}

function skipScalingList(reader: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size && next !== 0; i++) {
    next = (last + reader.signed() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

function readChroma(reader: BitReader): Chroma {
  const format = reader.unsigned();
  if (format === 3) reader.bits(1);
  const bitDepthLuma = reader.unsigned() + 8;
  const bitDepthChroma = reader.unsigned() + 8;
  reader.bits(1);
  const lists = reader.bits(1) * (format === 3 ? 12 : 8);
  for (let list = 0; list < lists; list++) if (reader.bits(1) === 1) skipScalingList(reader, list < 6 ? 16 : 64);
  return { format, bitDepthLuma, bitDepthChroma };
}

function skipPictureOrder(reader: BitReader): void {
  const type = reader.unsigned();
  if (type === 0) reader.unsigned();
  if (type !== 1) return;
  reader.bits(1);
  reader.signed();
  reader.signed();
  const cycle = Math.min(reader.unsigned(), 255);
  for (let i = 0; i < cycle; i++) reader.signed();
}

function readSize(reader: BitReader, chromaFormat: number): { width: number; height: number } {
  const widthInMacroblocks = reader.unsigned() + 1;
  const heightInMapUnits = reader.unsigned() + 1;
  const framesOnly = reader.bits(1);
  if (framesOnly === 0) reader.bits(1);
  reader.bits(1);
  const crop = reader.bits(1) === 1 ? [0, 0, 0, 0].map(() => reader.unsigned()) : [0, 0, 0, 0];
  const [left = 0, right = 0, top = 0, bottom = 0] = crop;
  const acrossUnit = SUB_WIDTH[chromaFormat] ?? 1;
  const downUnit = (SUB_HEIGHT[chromaFormat] ?? 1) * (2 - framesOnly);
  return {
    width: widthInMacroblocks * 16 - (left + right) * acrossUnit,
    height: heightInMapUnits * 16 * (2 - framesOnly) - (top + bottom) * downUnit,
  };
}

/** Reads a sequence parameter set with its NAL header; undefined where it is none that a picture can have. [H.264 7.3.2.1.1] */
export function readSequenceParameters(nal: Uint8Array): SequenceParameters | undefined {
  const [header = 0, profile = 0, constraints = 0, level = 0] = nal;
  if (nal.length < 5 || (header & 0x1f) !== 7) return undefined;
  const reader = new BitReader(rbsp(nal.subarray(4)));
  reader.unsigned();
  const chroma = WITH_CHROMA.has(profile) ? readChroma(reader) : { format: 1, bitDepthLuma: 8, bitDepthChroma: 8 };
  reader.unsigned();
  skipPictureOrder(reader);
  reader.unsigned();
  reader.bits(1);
  const { width, height } = readSize(reader, chroma.format);
  const possible = width > 0 && height > 0 && width <= LARGEST_SIDE && height <= LARGEST_SIDE && chroma.format <= 3;
  if (reader.overrun || !possible) return undefined;
  const { bitDepthLuma, bitDepthChroma } = chroma;
  return { profile, constraints, level, chromaFormat: chroma.format, bitDepthLuma, bitDepthChroma, width, height };
}

/** Number of a picture parameter set. [H.264 7.3.2.2] */
export function pictureParametersId(nal: Uint8Array): number {
  return new BitReader(rbsp(nal.subarray(1, 16))).unsigned();
}

/** RFC 6381 codec string, e.g. `avc1.42E01E`. */
export function codecString({ profile, constraints, level }: SequenceParameters): string {
  const hex = [profile, constraints, level].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `avc1.${hex.toUpperCase()}`;
}

/** The avcC box's content: how a decoder is set up for units with lengths of 4 bytes. [ISO/IEC 14496-15 5.3.3.1.2] */
export function decoderConfiguration(
  parameters: SequenceParameters,
  sequence: Uint8Array,
  pictures: readonly Uint8Array[],
): Buffer {
  const { profile, constraints, level, chromaFormat, bitDepthLuma, bitDepthChroma } = parameters;
  const sized = (nal: Uint8Array): Buffer => Buffer.concat([Buffer.from([nal.length >> 8, nal.length & 0xff]), nal]);
  const high = [100, 110, 122, 144, 244].includes(profile)
    ? [Buffer.from([0xfc | chromaFormat, 0xf8 | (bitDepthLuma - 8), 0xf8 | (bitDepthChroma - 8), 0])]
    : [];
  return Buffer.concat([
    Buffer.from([1, profile, constraints, level, 0xff, 0xe1]),
    sized(sequence),
    Buffer.from([pictures.length]),
    ...pictures.map(sized),
    ...high,
  ]);
}
