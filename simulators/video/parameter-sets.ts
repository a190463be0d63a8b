import { BitWriter } from "./bit-writer.ts";
import { NAL_TYPE, nalUnit } from "./nal-unit.ts";
import { MACROBLOCK } from "./yuv-picture.ts";

/** Bits of frame_num. */
export const FRAME_NUM_BITS = 8;
/** pic_init_qp: what slices' QP is told against. */
export const INITIAL_QP = 26;

const BASELINE = 66;
/** constraint_set0_flag and constraint_set1_flag: also every decoder of Constrained Baseline and Main takes it. [H.264 A.2.1.1] */
const CONSTRAINED = 0xc0;

/** Levels with their largest picture and rate, macroblocks and macroblocks a second. [H.264 table A-1] */
const LEVELS = [
  { level: 20, picture: 396, perSecond: 11_880 },
  { level: 30, picture: 1620, perSecond: 40_500 },
  { level: 31, picture: 3600, perSecond: 108_000 },
  { level: 40, picture: 8192, perSecond: 245_760 },
] as const;

/** What a stream's pictures are. */
export interface PictureFormat {
  /** Pixels; both even. */
  readonly width: number;
  readonly height: number;
  readonly picturesPerSecond: number;
}

/** Both parameter sets of a stream as NAL units. */
export interface ParameterSets {
  readonly sequence: Uint8Array;
  readonly picture: Uint8Array;
  /** profile-level-id: profile_idc, constraint flags and level_idc, six hex digits. @see RFC 6184 §8.1 */
  readonly profileLevelId: string;
}

function levelOf({ width, height, picturesPerSecond }: PictureFormat): number {
  const picture = Math.ceil(width / MACROBLOCK) * Math.ceil(height / MACROBLOCK);
  const rate = picture * picturesPerSecond;
  return LEVELS.find((one) => one.picture >= picture && one.perSecond >= rate)?.level ?? 51;
}

/** Parameter sets of Constrained Baseline: one reference picture, output in coding order, no deblocking across slices to tell of. */
export function parameterSets(format: PictureFormat): ParameterSets {
  const level = levelOf(format);
  return {
    sequence: sequenceParameters(format, level),
    picture: pictureParameters(),
    profileLevelId: [BASELINE, CONSTRAINED, level].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}

/** [H.264 7.3.2.1.1] */
function sequenceParameters(format: PictureFormat, level: number): Uint8Array {
  const bits = new BitWriter();
  const columns = Math.ceil(format.width / MACROBLOCK);
  const rows = Math.ceil(format.height / MACROBLOCK);
  bits.put(BASELINE, 8);
  bits.put(CONSTRAINED, 8);
  bits.put(level, 8);
  bits.unsigned(0); // seq_parameter_set_id
  bits.unsigned(FRAME_NUM_BITS - 4);
  bits.unsigned(2); // pic_order_cnt_type: output in decoding order
  bits.unsigned(1); // max_num_ref_frames
  bits.put(0, 1); // gaps_in_frame_num_value_allowed_flag
  bits.unsigned(columns - 1);
  bits.unsigned(rows - 1);
  bits.put(1, 1); // frame_mbs_only_flag
  bits.put(1, 1); // direct_8x8_inference_flag
  const cropRight = (columns * MACROBLOCK - format.width) / 2;
  const cropBottom = (rows * MACROBLOCK - format.height) / 2;
  bits.put(cropRight + cropBottom > 0 ? 1 : 0, 1);
  if (cropRight + cropBottom > 0) for (const crop of [0, cropRight, 0, cropBottom]) bits.unsigned(crop);
  bits.put(1, 1); // vui_parameters_present_flag
  usability(bits, format.picturesPerSecond);
  return nalUnit(NAL_TYPE.sequenceParameters, 3, bits.finish());
}

/** [H.264 E.1.1] */
function usability(bits: BitWriter, picturesPerSecond: number): void {
  bits.put(0, 2); // no aspect ratio, no overscan
  bits.put(1, 1); // video_signal_type_present_flag
  bits.put(5, 3); // video_format unspecified
  bits.put(0, 1); // limited range
  bits.put(1, 1); // colour_description_present_flag
  for (let i = 0; i < 3; i++) bits.put(1, 8); // BT.709 primaries, transfer, matrix
  bits.put(0, 1); // chroma_loc_info_present_flag
  bits.put(1, 1); // timing_info_present_flag
  // A picture takes two ticks [H.264 E.2.1]; the rate is not fixed, because a camera may leave pictures out.
  bits.put32(1000);
  bits.put32(Math.round(picturesPerSecond * 2000));
  bits.put(0, 1); // fixed_frame_rate_flag
  bits.put(0, 3); // no HRD parameters, no pic_struct
  bits.put(1, 1); // bitstream_restriction_flag
  bits.put(1, 1); // motion_vectors_over_pic_boundaries_flag
  // No limits on sizes, no vectors; nothing is reordered: a decoder may show each picture at once.
  for (const value of [0, 0, 0, 0, 0, 1]) bits.unsigned(value);
}

/** [H.264 7.3.2.2] */
function pictureParameters(): Uint8Array {
  const bits = new BitWriter();
  bits.unsigned(0); // pic_parameter_set_id
  bits.unsigned(0); // seq_parameter_set_id
  bits.put(0, 2); // CAVLC, no bottom field order
  bits.unsigned(0); // one slice group
  bits.unsigned(0); // num_ref_idx_l0_default_active_minus1
  bits.unsigned(0); // num_ref_idx_l1_default_active_minus1
  bits.put(0, 3); // no weighted prediction
  bits.signed(INITIAL_QP - 26);
  bits.signed(0); // pic_init_qs
  bits.signed(0); // chroma_qp_index_offset
  bits.put(1, 1); // deblocking_filter_control_present_flag
  bits.put(0, 2); // no constrained intra prediction, no redundant pictures
  return nalUnit(NAL_TYPE.pictureParameters, 3, bits.finish());
}
