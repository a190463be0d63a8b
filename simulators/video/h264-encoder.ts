import { BitWriter } from "./bit-writer.ts";
import { MacroblockCoder } from "./macroblock-coder.ts";
import { NAL_TYPE, nalUnit } from "./nal-unit.ts";
import { FRAME_NUM_BITS, INITIAL_QP, type ParameterSets, type PictureFormat, parameterSets } from "./parameter-sets.ts";
import { Planes, type YuvPicture } from "./yuv-picture.ts";

/** slice_type of a picture whose slices are all so. [H.264 table 7-6] */
const P_SLICES = 5;
const I_SLICES = 7;
/** mb_type of intra macroblocks in P slices begins here. [H.264 table 7-13] */
const INTRA_IN_P = 5;

const STILL_QP = 20;
/** So much coarser are pictures of which more than a quarter changes: a head that turns. */
const MOVING_QP_OFFSET = 8;
const MAX_QP = 51;

/** What a stream is coded with. */
export interface EncoderOptions extends Pick<PictureFormat, "picturesPerSecond"> {
  /** QP of pictures in which little changes, 0 to 51; 20 when absent. */
  readonly qp?: number;
}

/** How one picture is to be coded. */
export interface CodingOptions {
  /** As an IDR picture: decoding may begin here. */
  readonly key: boolean;
  /** All samples as they are (I_PCM), 384 bytes a macroblock. */
  readonly raw?: boolean;
}

/** One coded picture. */
export interface CodedPicture {
  readonly key: boolean;
  /** Without start codes; those of a key picture begin with both parameter sets. */
  readonly units: readonly Uint8Array[];
}

/**
 * Codes pictures as H.264 Constrained Baseline: macroblocks that did not change are skipped, others coded intra, and no deblocking
 * is done, so that `result` is what every decoder shows.
 * @see ITU-T H.264 (08/2021)
 */
export class H264Encoder {
  readonly parameters: ParameterSets;
  /** The last coded picture as decoders show it. */
  readonly result: Planes;
  readonly #picture: YuvPicture;
  readonly #bits = new BitWriter();
  readonly #coder: MacroblockCoder;
  readonly #qp: number;
  #frameNum = 0;
  #idrPicId = 0;
  #begun = false;

  /** Codes the states of `picture`, one after the other. */
  constructor(picture: YuvPicture, { picturesPerSecond, qp = STILL_QP }: EncoderOptions) {
    this.#picture = picture;
    this.#qp = qp;
    this.parameters = parameterSets({ picturesPerSecond, width: picture.width, height: picture.height });
    this.result = new Planes(picture.width, picture.height);
    this.#coder = new MacroblockCoder(picture, this.result, this.#bits);
  }

  /** Codes the picture's present state, the first always as a key picture, and takes its marks of change off. */
  encode({ key, raw = false }: CodingOptions): CodedPicture {
    const idr = key || !this.#begun;
    this.#begun = true;
    this.#bits.reset();
    const qp = idr ? this.#qp : this.#qpOfChange();
    this.#header(idr, qp);
    this.#coder.begin(qp);
    if (idr) this.#codeAll(raw);
    else this.#codeChanged(raw);
    this.#picture.settle();
    const payload = this.#bits.finish();
    if (!idr) return { key: false, units: [nalUnit(NAL_TYPE.slice, 3, payload)] };
    return {
      key: true,
      units: [this.parameters.sequence, this.parameters.picture, nalUnit(NAL_TYPE.idrSlice, 3, payload)],
    };
  }

  #qpOfChange(): number {
    let changed = 0;
    for (const mark of this.#picture.changed) changed += mark;
    const moving = changed * 4 > this.#picture.changed.length;
    return moving ? Math.min(MAX_QP, this.#qp + MOVING_QP_OFFSET) : this.#qp;
  }

  /** [H.264 7.3.3] */
  #header(idr: boolean, qp: number): void {
    const bits = this.#bits;
    bits.unsigned(0); // first_mb_in_slice
    bits.unsigned(idr ? I_SLICES : P_SLICES);
    bits.unsigned(0); // pic_parameter_set_id
    this.#frameNum = idr ? 0 : (this.#frameNum + 1) % (1 << FRAME_NUM_BITS);
    bits.put(this.#frameNum, FRAME_NUM_BITS);
    if (idr) {
      // [H.264 7.4.3] differs between IDR pictures that follow each other
      this.#idrPicId ^= 1;
      bits.unsigned(this.#idrPicId);
      bits.put(0, 2); // earlier pictures are shown; no long-term reference
    } else {
      // default number of references, their order kept, sliding window
      bits.put(0, 3);
    }
    bits.signed(qp - INITIAL_QP);
    bits.unsigned(1); // disable_deblocking_filter_idc
  }

  #codeAll(raw: boolean): void {
    for (let row = 0; row < this.#picture.rows; row++) {
      for (let column = 0; column < this.#picture.columns; column++) this.#code(column, row, 0, raw);
    }
  }

  /** What is skipped stays as it is in `result`, which is the reference picture: its inferred vectors are zero among intra macroblocks. [H.264 8.4.1.1] */
  #codeChanged(raw: boolean): void {
    const { changed, columns, rows } = this.#picture;
    let skipped = 0;
    for (let at = 0; at < columns * rows; at++) {
      if (changed[at] === 0) {
        skipped++;
        continue;
      }
      this.#bits.unsigned(skipped);
      skipped = 0;
      this.#code(at % columns, Math.floor(at / columns), INTRA_IN_P, raw);
    }
    if (skipped > 0) this.#bits.unsigned(skipped);
  }

  #code(column: number, row: number, typeOffset: number, raw: boolean): void {
    if (raw) this.#coder.codeRaw(column, row, typeOffset);
    else this.#coder.code(column, row, typeOffset);
  }
}
