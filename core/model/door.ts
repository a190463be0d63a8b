import { type Static, Type } from "typebox";
import { IdPart, Name, NameEn } from "./site.ts";

/** One door of an access controller, with the points that tell its state. @see ONVIF Door Control Service Specification */
export const Door = Type.Object(
  {
    id: IdPart,
    name: Name,
    nameEn: NameEn,
    space: IdPart,
    device: Type.String({ description: "Device id <site>/<gateway>/<device> of the controller." }),
    token: Type.String({ minLength: 1, maxLength: 64, description: "Token of the door in its controller." }),
    mode: Type.String({ description: "Point id of the door mode (ONVIF DoorMode)." }),
    physicalState: Type.Optional(Type.String({ description: "Point id that tells whether the leaf is open." })),
    alarmState: Type.Optional(Type.String({ description: "Point id of the door's alarm (forced open, held open)." })),
    escape: Type.Optional(
      Type.Boolean({ description: "On an escape route: released when its building is on fire. false when absent." }),
    ),
    camera: Type.Optional(Type.String({ description: "Device id of the camera that looks at it." })),
    preset: Type.Optional(Type.String({ description: "PTZ preset of that camera that shows the door." })),
  },
  { additionalProperties: false },
);
export type Door = Static<typeof Door>;

/** What may be asked of a door; each is a device action `doorControl {door, operation, seconds?}`. @see ONVIF Door Control §5.4 */
export const DoorOperation = Type.Enum([
  "access",
  "lock",
  "unlock",
  "block",
  "lockDown",
  "lockDownRelease",
  "lockOpen",
  "lockOpenRelease",
  "doubleLock",
]);
export type DoorOperation = Static<typeof DoorOperation>;

/** States of a door's mode point (kind `enum`). @see ONVIF Door Control §5.3.4 DoorMode */
export const DOOR_MODES = [
  "Unknown",
  "Locked",
  "Unlocked",
  "Accessed",
  "Blocked",
  "LockedDown",
  "LockedOpen",
  "DoubleLocked",
] as const;

/** States of a door's leaf point, where it is an `enum`. @see ONVIF Door Control §5.3.5 DoorPhysicalState */
export const DOOR_PHYSICAL_STATES = ["Unknown", "Open", "Closed", "Fault"] as const;

/** States of a door's alarm point (kind `enum`). @see ONVIF Door Control §5.3.7 DoorAlarmState */
export const DOOR_ALARM_STATES = ["Normal", "DoorForcedOpen", "DoorOpenTooLong"] as const;
