import { Type } from "typebox";
import { ID_PART_PATTERN } from "../../ids.ts";

const PART = ID_PART_PATTERN.replace(/^\^|\$$/g, "");

/** A point id as an action's parameter. */
export const PointRef = Type.String({
  pattern: `^${PART}(/${PART}){3}$`,
  description: "Point id <site>/<gateway>/<device>/<point>.",
});

/** A camera as an action's parameter. */
export const CameraRef = Type.String({
  pattern: `^${PART}(/${PART}){2}$`,
  description: "Device id <site>/<gateway>/<device> of the camera.",
});
