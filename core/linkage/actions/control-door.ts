import { Type } from "typebox";
import { InvalidInputError } from "../../errors.ts";
import { deviceId } from "../../ids.ts";
import { DoorOperation } from "../../model/door.ts";
import { defineAction } from "../action.ts";

/** Asks one door for something: momentary access, lock, unlock, block. @see ONVIF Door Control §5.4 */
export const controlDoor = defineAction({
  kind: "controlDoor",
  params: Type.Object(
    { door: Type.String({ minLength: 1, maxLength: 64, description: "Door id." }), operation: DoorOperation },
    { additionalProperties: false },
  ),
  plan({ door: id, operation }, site) {
    const door = site.door(id);
    if (door === undefined) throw new InvalidInputError("DOOR_UNKNOWN", `door expected the id of a door, got "${id}"`);
    return [{ kind: "door", device: deviceId(door.device), door: door.token, operation }];
  },
});
