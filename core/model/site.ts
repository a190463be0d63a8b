import { type Static, Type } from "typebox";
import { ID_PART_PATTERN } from "../ids.ts";

const closed = { additionalProperties: false } as const;
export const IdPart = Type.String({ pattern: ID_PART_PATTERN, description: "Letters, digits, _ . and -, at most 64." });
export const Name = Type.String({ minLength: 1, maxLength: 200, description: "Name in the site's first language." });
export const NameEn = Type.String({ minLength: 1, maxLength: 200, description: "English name." });

/** A place. Spaces form a tree; an `area` in the API is a space id and includes all below it. */
export const Space = Type.Object(
  {
    id: IdPart,
    parent: Type.Optional(
      Type.String({ description: "Id of the space this one lies in; absent for the site itself." }),
    ),
    kind: Type.Enum(["site", "building", "floor", "room", "outdoor"], { description: "What kind of place it is." }),
    name: Name,
    nameEn: NameEn,
  },
  closed,
);
export type Space = Static<typeof Space>;

/** What is armed and disarmed as one. @see GB 50394 */
export const Partition = Type.Object({ id: IdPart, name: Name, nameEn: NameEn, space: IdPart }, closed);
export type Partition = Static<typeof Partition>;

/** One detector input in one partition and one space. It names its camera, preset and light: nothing guesses the nearest. */
export const Zone = Type.Object(
  {
    id: IdPart,
    name: Name,
    nameEn: NameEn,
    partition: IdPart,
    space: IdPart,
    kind: Type.Enum(["perimeter", "interior", "panic", "fire"], { description: "What the detector guards." }),
    camera: Type.Optional(
      Type.String({ description: "Device id <site>/<gateway>/<device> of the camera that looks at it." }),
    ),
    preset: Type.Optional(Type.String({ description: "PTZ preset token of that camera that shows the zone." })),
    light: Type.Optional(Type.String({ description: "Point id of the light that lights the zone." })),
  },
  closed,
);
export type Zone = Static<typeof Zone>;
