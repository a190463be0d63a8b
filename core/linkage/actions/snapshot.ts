import { Type } from "typebox";
import { deviceId } from "../../ids.ts";
import { defineAction } from "../action.ts";
import { CameraRef } from "./references.ts";

/** Takes a picture and keeps it with the alarm. */
export const snapshot = defineAction({
  kind: "snapshot",
  params: Type.Object({ camera: CameraRef }, { additionalProperties: false }),
  plan: ({ camera }) => [{ kind: "snapshot", device: deviceId(camera) }],
});
