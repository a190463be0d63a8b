import { Type } from "typebox";
import { deviceId } from "../../ids.ts";
import { defineAction } from "../action.ts";
import { CameraRef } from "./references.ts";

/** Tells the operators at the console, on request with a popup and the picture of a camera. */
export const notifyConsole = defineAction({
  kind: "notifyConsole",
  params: Type.Object(
    {
      text: Type.String({ minLength: 1, maxLength: 500, description: "Text in the site's first language." }),
      textEn: Type.String({ minLength: 1, maxLength: 500, description: "English text." }),
      popup: Type.Optional(Type.Boolean({ description: "Open by itself on the consoles; false when absent." })),
      camera: Type.Optional(CameraRef),
    },
    { additionalProperties: false },
  ),
  plan: ({ text, textEn, popup, camera }) => [
    {
      kind: "notifyConsole",
      text,
      textEn,
      popup: popup ?? false,
      ...(camera === undefined ? {} : { camera: deviceId(camera) }),
    },
  ],
});
