import { type Static, Type } from "typebox";
import { Time } from "./http.ts";

/** A video clip kept with an alarm. Times are the gateway's. */
export const ClipView = Type.Object({
  url: Type.String(),
  state: Type.Enum(["coming", "here", "expired"], {
    description:
      "coming: the gateway has yet to bring its bytes; expired: its bytes were removed by the retention rules.",
  }),
  sha256: Type.String(),
  bytes: Type.Integer(),
  camera: Type.String(),
  startedAt: Time,
  endedAt: Time,
  triggerAt: Time,
  timeBase: Type.Enum(["rtcp", "arrival"]),
  width: Type.Integer(),
  height: Type.Integer(),
  frames: Type.Integer(),
  missing: Type.Optional(Type.String()),
});
export type ClipView = Static<typeof ClipView>;
