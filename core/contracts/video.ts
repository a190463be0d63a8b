import { type Static, Type } from "typebox";

// apart, because a video thread must not load the schema library
export { decodeVideoFrame, encodeVideoFrame, VIDEO_HEADER_BYTES, type VideoFrame } from "./video-frame.ts";

/** How the pictures of a stream come. */
export const VideoFormat = Type.Object({
  mode: Type.Enum(["h264", "transcoded", "snapshots"], {
    description:
      "h264: as the camera sends it; transcoded: H.265 made into H.264 on the gateway; snapshots: JPEG pictures, because the camera offers nothing a browser can show.",
  }),
  quality: Type.Enum(["main", "sub"]),
  codec: Type.Optional(Type.String({ description: "WebCodecs codec string, e.g. avc1.42E01E. @see RFC 6381" })),
  description: Type.Optional(
    Type.String({ description: "avcC box content, base64. @see ISO/IEC 14496-15 §5.3.3.1.2" }),
  ),
  width: Type.Optional(Type.Integer()),
  height: Type.Optional(Type.Integer()),
  reason: Type.Optional(Type.String({ description: "Why it is not h264, in words." })),
});
export type VideoFormat = Static<typeof VideoFormat>;

/** Cloud -> gateway on the gateway's video WebSocket, as JSON text. `stream` is the cloud's number of one pull. */
export const VideoRequest = Type.Union([
  Type.Object({
    t: Type.Literal("play"),
    stream: Type.Integer({ minimum: 1, maximum: 0xffff_ffff }),
    camera: Type.String(),
    quality: Type.Enum(["main", "sub"]),
  }),
  Type.Object({ t: Type.Literal("stop"), stream: Type.Integer({ minimum: 1, maximum: 0xffff_ffff }) }),
]);
export type VideoRequest = Static<typeof VideoRequest>;

/** Gateway -> cloud, as JSON text; frames follow a `format` as binary messages. A new `format` begins with a key frame. */
export const VideoReply = Type.Union([
  Type.Object({ t: Type.Literal("format"), stream: Type.Integer(), format: VideoFormat }),
  Type.Object({ t: Type.Literal("ended"), stream: Type.Integer(), code: Type.String(), message: Type.String() }),
]);
export type VideoReply = Static<typeof VideoReply>;

/** Cloud -> console on `WS /api/v1/cameras/:id/live?quality=main|sub`, as JSON text; binary frames have stream 0. */
export const LiveVideoMessage = Type.Union([
  Type.Object({ t: Type.Literal("format"), format: VideoFormat }),
  Type.Object({ t: Type.Literal("ended"), code: Type.String(), message: Type.String() }),
]);
export type LiveVideoMessage = Static<typeof LiveVideoMessage>;
