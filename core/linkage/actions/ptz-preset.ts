import { Type } from "typebox";
import { deviceId } from "../../ids.ts";
import { defineAction } from "../action.ts";
import { CameraRef } from "./references.ts";

/** Turns a camera to one of its presets. [GB 50395 5.0.4] */
export const ptzPreset = defineAction({
  kind: "ptzPreset",
  params: Type.Object(
    { camera: CameraRef, preset: Type.String({ minLength: 1, maxLength: 64, description: "Preset token." }) },
    { additionalProperties: false },
  ),
  plan: ({ camera, preset }) => [{ kind: "ptzPreset", device: deviceId(camera), preset }],
});
