import { Type } from "typebox";
import { deviceId } from "../../ids.ts";
import { defineAction } from "../action.ts";
import { CameraRef } from "./references.ts";

const SECOND_MS = 1000;
const BEFORE_S = 10;
const AFTER_S = 30;

/** Keeps the video around now with the alarm. [GB 50395 5.0.4, ONVIF Profile G use case: clip around an event] */
export const recordClip = defineAction({
  kind: "recordClip",
  params: Type.Object(
    {
      camera: CameraRef,
      beforeS: Type.Optional(Type.Integer({ minimum: 0, maximum: 30, description: "Seconds before; 10 when absent." })),
      afterS: Type.Optional(Type.Integer({ minimum: 1, maximum: 120, description: "Seconds after; 30 when absent." })),
    },
    { additionalProperties: false },
  ),
  plan: ({ camera, beforeS, afterS }) => [
    {
      kind: "recordClip",
      device: deviceId(camera),
      beforeMs: (beforeS ?? BEFORE_S) * SECOND_MS,
      afterMs: (afterS ?? AFTER_S) * SECOND_MS,
    },
  ],
});
