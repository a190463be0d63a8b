import { type Static, Type } from "typebox";
import { DoorOperation } from "../model/door.ts";
import { Quality } from "../model/quality.ts";
import { Time } from "./http.ts";

const closed = { additionalProperties: false } as const;

/** A door and how it stands. `state` is its DoorMode. */
export const DoorView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  nameEn: Type.String(),
  space: Type.String(),
  device: Type.String(),
  escape: Type.Boolean(),
  camera: Type.Optional(Type.String()),
  preset: Type.Optional(Type.String()),
  online: Type.Boolean(),
  state: Type.Union([Type.String(), Type.Null()], { description: "ONVIF DoorMode; null: never heard." }),
  open: Type.Union([Type.Boolean(), Type.Null()], { description: "Is the leaf open? null: unknown." }),
  alarm: Type.Union([Type.String(), Type.Null()], { description: "ONVIF DoorAlarmState; null: unknown." }),
  quality: Quality,
  since: Type.Optional(Time),
});
export type DoorView = Static<typeof DoorView>;

/** What is asked of a door. */
export const DoorRequest = Type.Object(
  {
    operation: DoorOperation,
    reason: Type.Optional(Type.String({ maxLength: 500 })),
    idempotencyKey: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  },
  closed,
);
export type DoorRequest = Static<typeof DoorRequest>;
