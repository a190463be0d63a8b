import { Type } from "typebox";
import { InvalidInputError } from "../../errors.ts";
import { deviceId } from "../../ids.ts";
import { defineAction } from "../action.ts";

/** Unlocks every door on the escape routes of a space and keeps them unlocked. [GB 50348 fire release, GB 50396 6.0.2] */
export const releaseEscapeDoors = defineAction({
  kind: "releaseEscapeDoors",
  params: Type.Object(
    { space: Type.String({ minLength: 1, maxLength: 64, description: "Space id; all below it is meant too." }) },
    { additionalProperties: false },
  ),
  plan({ space }, site) {
    const doors = site.escapeDoors(space);
    if (doors.length === 0)
      throw new InvalidInputError("DOOR_UNKNOWN", `space expected a space with escape doors, got "${space}"`);
    return doors.map((door) => ({
      kind: "door" as const,
      device: deviceId(door.device),
      door: door.token,
      operation: "lockOpen" as const,
    }));
  },
});
