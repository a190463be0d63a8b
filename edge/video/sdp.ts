import { RtspError } from "./rtsp-message.ts";

/** The video that a session description offers and this gateway takes. */
export interface VideoMedia {
  readonly codec: "H264" | "H265";
  readonly payloadType: number;
  /** Ticks of RTP time a second. */
  readonly clockRate: number;
  /** As it stands in the description: absolute, relative or `*`. */
  readonly control: string;
  /** NAL units of the parameter sets, without start codes. */
  readonly parameterSets: readonly Buffer[];
}

interface Media {
  readonly kind: string;
  readonly payloadTypes: readonly number[];
  readonly attributes: string[];
}

const MAX_LINES = 1_000;
const MAX_MEDIA = 32;
const MAX_PARAMETER_SET_BYTES = 16_384;
const PARAMETER_SET_NAMES = /^(?:sprop-parameter-sets|sprop-vps|sprop-sps|sprop-pps)$/i;

/** Video encodings of a description, to say what a camera offers. */
export interface Description {
  readonly media: readonly VideoMedia[];
  /** Encodings of all its video, e.g. `H265`, `JPEG`. */
  readonly offered: readonly string[];
}

/** Reads a session description. [RFC 8866, RFC 6184 §8.2, RFC 7798 §7.2] @throws RTSP_SDP_MALFORMED */
export function readSdp(text: string): Description {
  const lines = text.split(/\r?\n/);
  if (lines.length > MAX_LINES) throw new RtspError("RTSP_SDP_MALFORMED", `a description of ${lines.length} lines`);
  const all: Media[] = [];
  for (const line of lines) {
    const media = /^m=([a-z]{1,20}) [0-9]+(?:\/[0-9]+)? [A-Za-z/]{1,20} ([0-9 ]{1,200})$/.exec(line.trimEnd());
    if (media !== null) all.push({ kind: media[1] ?? "", payloadTypes: numbers(media[2] ?? ""), attributes: [] });
    else if (line.startsWith("a=")) all.at(-1)?.attributes.push(line.slice(2).trim());
  }
  if (all.length > MAX_MEDIA) throw new RtspError("RTSP_SDP_MALFORMED", `a description of ${all.length} media`);
  const video = all.filter(({ kind }) => kind === "video");
  if (video.length === 0) throw new RtspError("RTSP_SDP_MALFORMED", "a description without video", { retriable: true });
  const encodings = video.flatMap((media) =>
    media.payloadTypes.map((type) => ({ media, type, ...encoding(media, type) })),
  );
  return {
    offered: encodings.map(({ name }) => name),
    media: encodings.flatMap(({ media, type, name, clockRate }) =>
      name === "H264" || name === "H265" ? [videoMedia(media, type, name, clockRate)] : [],
    ),
  };
}

function numbers(text: string): readonly number[] {
  return text.trim().split(/\s+/).map(Number);
}

/** Of static payload types only JPEG is video that cameras send. [RFC 3551 §6] */
const STATIC: Readonly<Record<number, string>> = { 26: "JPEG" };
const DEFAULT_CLOCK_RATE = 90_000;

function encoding(media: Media, type: number): { readonly name: string; readonly clockRate: number } {
  for (const attribute of media.attributes) {
    const match = /^rtpmap:([0-9]{1,3}) ([A-Za-z0-9.-]{1,40})\/([0-9]{1,9})/.exec(attribute);
    if (match !== null && Number(match[1]) === type) {
      const name = (match[2] ?? "").toUpperCase();
      return { name: name === "HEVC" ? "H265" : name, clockRate: Math.max(1, Number(match[3])) };
    }
  }
  return { name: STATIC[type] ?? "unknown", clockRate: DEFAULT_CLOCK_RATE };
}

function videoMedia(media: Media, payloadType: number, codec: "H264" | "H265", clockRate: number): VideoMedia {
  const control =
    media.attributes.find((attribute) => attribute.startsWith("control:"))?.slice("control:".length) ?? "*";
  const format = media.attributes.find((attribute) => attribute.startsWith(`fmtp:${payloadType} `)) ?? "";
  const parameters = format.slice(`fmtp:${payloadType} `.length).split(";");
  const parameterSets = parameters.flatMap((parameter) => {
    const equals = parameter.indexOf("=");
    if (!PARAMETER_SET_NAMES.test(parameter.slice(0, equals).trim())) return [];
    return parameter
      .slice(equals + 1)
      .split(",")
      .map((base64) => Buffer.from(base64.trim(), "base64"))
      .filter(({ length }) => length > 1 && length <= MAX_PARAMETER_SET_BYTES);
  });
  return { codec, payloadType, clockRate, control, parameterSets };
}

/** The address of a medium for SETUP. [RFC 2326 §C.1.1] */
export function controlUri(base: string, control: string): string {
  if (control === "*" || control === "") return base;
  if (/^rtsps?:\/\//i.test(control)) return control;
  return base.endsWith("/") ? `${base}${control}` : `${base}/${control}`;
}
