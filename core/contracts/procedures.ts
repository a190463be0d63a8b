import { type Static, Type } from "typebox";
import { Procedure, ProcedureStep } from "../model/procedure.ts";
import { Time } from "./http.ts";

const closed = { additionalProperties: false } as const;
const Reason = Type.String({ minLength: 1, maxLength: 500 });
const Station = Type.Optional(Type.String({ maxLength: 64, description: "The workplace it is done at." }));
const Key = Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "The same key acts once." }));
const Occurrence = Type.Integer({ minimum: 1, description: "The occurrence of the alarm that was looked at." });

export const CreateProcedure = Type.Object({ procedure: Procedure }, closed);
export const SaveDraft = Type.Object(
  {
    procedure: Procedure,
    revision: Type.Integer({ minimum: 0, description: "Revision that was looked at." }),
  },
  closed,
);
export const PublishProcedure = Type.Object(
  { revision: Type.Integer({ minimum: 1, description: "Revision of the draft that was looked at." }), reason: Reason },
  closed,
);
export const RetireProcedure = Type.Object({ reason: Reason }, closed);

/** Somebody begins to work by the procedure. */
export const StartProcedure = Type.Object({ occurrence: Occurrence, station: Station }, closed);
export type StartProcedure = Static<typeof StartProcedure>;
export const ConfirmStep = Type.Object(
  {
    occurrence: Occurrence,
    station: Station,
    name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: "Who did it on the spot. Needed where the step asks." }),
    ),
    idempotencyKey: Key,
  },
  closed,
);
export type ConfirmStep = Static<typeof ConfirmStep>;
export const SkipStep = Type.Object(
  { occurrence: Occurrence, station: Station, reason: Reason, idempotencyKey: Key },
  closed,
);
export type SkipStep = Static<typeof SkipStep>;
export const AbandonProcedure = Type.Object({ occurrence: Occurrence, station: Station, reason: Reason }, closed);
export type AbandonProcedure = Static<typeof AbandonProcedure>;

/** One published version of a procedure. */
export const ProcedureVersion = Type.Object({
  procedure: Procedure,
  version: Type.Integer({ minimum: 1 }),
  at: Time,
  by: Type.String(),
  reason: Type.String(),
});
export type ProcedureVersion = Static<typeof ProcedureVersion>;

/** A procedure with its draft and what is in force. */
export const ProcedureView = Type.Object({
  id: Type.String(),
  retired: Type.Boolean({ description: "Its last version is for no alarm any more." }),
  revision: Type.Integer({ description: "Of the draft; grows with each one that is saved." }),
  draft: Type.Optional(Type.Object({ procedure: Procedure, at: Time, by: Type.String() })),
  published: Type.Optional(ProcedureVersion),
});
export type ProcedureView = Static<typeof ProcedureView>;

/** One step of a run. */
export const StepView = Type.Object({
  ...ProcedureStep.properties,
  n: Type.Integer({ minimum: 1 }),
  status: Type.Enum(["open", "confirmed", "skipped"]),
  at: Type.Optional(Time),
  actor: Type.Optional(Type.String()),
  station: Type.Optional(Type.String()),
  doneBy: Type.Optional(Type.String({ description: "Who did it on the spot." })),
  reason: Type.Optional(Type.String({ description: "Why it was skipped." })),
});
export type StepView = Static<typeof StepView>;

/**
 * `running`; `finished`: every step that is to be confirmed is confirmed or skipped, or the alarm was closed with every mandatory one
 * so; `unfinished`: the alarm was closed while mandatory ones were open; `abandoned`: somebody gave it up, with a reason;
 * `superseded`: the alarm came again.
 */
export const ProcedureRunStatus = Type.Enum(["running", "finished", "unfinished", "abandoned", "superseded"]);
export type ProcedureRunStatus = Static<typeof ProcedureRunStatus>;

/** One act within a run, as it was done: nothing of it is ever changed. */
export const ProcedureAct = Type.Object({
  act: Type.Enum(["start", "confirm", "skip", "abandon"]),
  n: Type.Optional(Type.Integer({ description: "Number of the step." })),
  at: Time,
  actor: Type.String(),
  station: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
});
export type ProcedureAct = Static<typeof ProcedureAct>;

/** The work by a procedure on one occurrence of an alarm. */
export const ProcedureRunView = Type.Object({
  id: Type.String(),
  alarm: Type.String(),
  occurrence: Type.Integer(),
  procedure: Type.String(),
  version: Type.Integer(),
  title: Type.String(),
  titleEn: Type.String(),
  status: ProcedureRunStatus,
  startedAt: Time,
  startedBy: Type.String(),
  endedAt: Type.Optional(Time),
  steps: Type.Array(StepView),
  missing: Type.Array(Type.Integer(), { description: "Numbers of the mandatory steps that are open." }),
  acts: Type.Array(ProcedureAct, { description: "In the order in which they were done." }),
});
export type ProcedureRunView = Static<typeof ProcedureRunView>;

/** The procedure of an alarm: what is to be done, and what was. */
export const AlarmProcedureView = Type.Object({
  alarm: Type.String(),
  occurrence: Type.Integer(),
  procedure: Type.Union([ProcedureVersion, Type.Null()], { description: "null: none is published for such an alarm." }),
  run: Type.Union([ProcedureRunView, Type.Null()], { description: "null: nobody has begun with this occurrence." }),
  earlier: Type.Array(ProcedureRunView, { description: "Runs of former occurrences, newest first." }),
});
export type AlarmProcedureView = Static<typeof AlarmProcedureView>;
