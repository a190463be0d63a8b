import { type Static, Type } from "typebox";
import { Role } from "../contracts/session.ts";
import { AlarmCategory, AlarmPriority, Law } from "./alarm.ts";
import { IdPart, Name, NameEn } from "./site.ts";

const closed = { additionalProperties: false } as const;
const Words = Type.String({ maxLength: 2000 });
const Thing = Type.String({ minLength: 1, maxLength: 300 });

/** Which alarms a procedure is for: those that fit every list that is given; with none, every alarm. */
export const ProcedureScope = Type.Object(
  {
    definitions: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 300 }), {
        maxItems: 100,
        description: "Alarm definitions; one that ends in `*` means all that begin so.",
      }),
    ),
    deviceKinds: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        maxItems: 20,
        description: "Kinds of the device that raised it.",
      }),
    ),
    categories: Type.Optional(Type.Array(AlarmCategory, { maxItems: 10 })),
    areas: Type.Optional(Type.Array(IdPart, { maxItems: 100, description: "Spaces with all that lies below them." })),
    priorities: Type.Optional(Type.Array(AlarmPriority, { maxItems: 4 })),
    law: Type.Optional(Law),
  },
  closed,
);
export type ProcedureScope = Static<typeof ProcedureScope>;

/** What a step offers to open or to do. A command is only suggested: it goes its own way, with its own permission. */
export const ProcedureLink = Type.Union([
  Type.Object({ kind: Type.Literal("camera"), device: Thing }, closed),
  Type.Object({ kind: Type.Literal("door"), door: IdPart }, closed),
  Type.Object(
    {
      kind: Type.Literal("command"),
      point: Thing,
      value: Type.Union([Type.Number(), Type.Boolean(), Type.String({ maxLength: 200 })]),
    },
    closed,
  ),
]);
export type ProcedureLink = Static<typeof ProcedureLink>;

/** How a step is done with. `note`: it is only read. `person`: whoever is signed in confirms it. `name`: and names who did it. */
export const StepConfirm = Type.Enum(["note", "person", "name"]);
export type StepConfirm = Static<typeof StepConfirm>;

/** One step of a procedure. Its number is its place, from 1. */
export const ProcedureStep = Type.Object(
  {
    title: Name,
    titleEn: NameEn,
    text: Type.Optional(Words),
    textEn: Type.Optional(Words),
    role: Type.Optional(Role),
    confirm: StepConfirm,
    mandatory: Type.Optional(
      Type.Boolean({ description: "An alarm that is closed without it is told. Not with `note`." }),
    ),
    link: Type.Optional(ProcedureLink),
  },
  closed,
);
export type ProcedureStep = Static<typeof ProcedureStep>;

/** A response procedure (处置预案): what people do when an alarm of its scope comes. */
export const Procedure = Type.Object(
  {
    id: IdPart,
    title: Name,
    titleEn: NameEn,
    scope: ProcedureScope,
    steps: Type.Array(ProcedureStep, { minItems: 1, maxItems: 40 }),
  },
  closed,
);
export type Procedure = Static<typeof Procedure>;
