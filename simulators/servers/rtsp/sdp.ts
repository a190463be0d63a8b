import type { ParameterSets } from "../../video/parameter-sets.ts";

/** Payload type of the video, a dynamic one. */
export const PAYLOAD_TYPE = 96;
/** Relative control address of the only media. */
export const TRACK = "trackID=1";

/** What a stream's description says. */
export interface StreamDescription {
  readonly name: string;
  readonly host: string;
  readonly parameters: ParameterSets;
  readonly picturesPerSecond: number;
  /** Is the stream told to be H.265? Then nothing is told of its parameter sets: they are not H.264's. */
  readonly h265: boolean;
}

/** Describes a stream. @see RFC 8866, RFC 6184 §8.2.1, RFC 7798 §7.2, RFC 2326 appendix C */
export function describeStream({ name, host, parameters, picturesPerSecond, h265 }: StreamDescription): string {
  const sets = [parameters.sequence, parameters.picture].map((set) => Buffer.from(set).toString("base64")).join(",");
  const lines = [
    "v=0",
    `o=- 1 1 IN IP4 ${host}`,
    `s=${name.replaceAll(/[\r\n]/g, " ")}`,
    "c=IN IP4 0.0.0.0",
    "t=0 0",
    "a=control:*",
    "a=range:npt=now-",
    `m=video 0 RTP/AVP ${PAYLOAD_TYPE}`,
    `a=rtpmap:${PAYLOAD_TYPE} ${h265 ? "H265" : "H264"}/90000`,
    ...(h265
      ? []
      : [
          `a=fmtp:${PAYLOAD_TYPE} packetization-mode=1;profile-level-id=${parameters.profileLevelId};sprop-parameter-sets=${sets}`,
        ]),
    `a=framerate:${picturesPerSecond}`,
    "a=recvonly",
    `a=control:${TRACK}`,
  ];
  return lines.map((line) => `${line}\r\n`).join("");
}
