import { type Static, type TSchema, Type } from "typebox";
import { AlarmDefinition, Law } from "../model/alarm.ts";
import { IdPart } from "../model/site.ts";
import { Time } from "./http.ts";

const closed = { additionalProperties: false } as const;
const Text = Type.String({ minLength: 1, maxLength: 500 });
const Response = Type.String({ maxLength: 2000 });

/** Why a definition is changed. Mandatory with every change. [AL-18] */
export const Why = Type.String({ minLength: 1, maxLength: 500, description: "Why: kept with the change for ever." });

/** How a change names the state it was made on: who changed in between is not overwritten. */
export const Revision = Type.Integer({ minimum: 0, description: "Revision of the definition that was looked at." });

const {
  id: _id,
  message: _m,
  messageEn: _e,
  response: _r,
  responseEn: _re,
  zone: _z,
  space: _s,
  ...others
} = AlarmDefinition.properties;
const nullable = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

/**
 * What shall be different: fields that are not named stay, null takes an optional field away. Every field of AlarmDefinition is
 * known here, whatever kinds of condition there are.
 */
export const DefinitionChangeBody = Type.Object(
  {
    ...Object.fromEntries(Object.entries<TSchema>(others).map(([name, schema]) => [name, nullable(schema)])),
    message: Type.Optional(Text),
    messageEn: Type.Optional(Text),
    response: nullable(Response),
    responseEn: nullable(Response),
    zone: nullable(IdPart),
    space: nullable(IdPart),
  },
  { ...closed, minProperties: 1 },
);
export type DefinitionChange = {
  readonly [K in Exclude<keyof AlarmDefinition, "id">]?: AlarmDefinition[K] | null;
};

/** A definition that is new, with texts of a bounded length. */
export const NewDefinition = Type.Object(
  {
    ...AlarmDefinition.properties,
    message: Text,
    messageEn: Text,
    response: Type.Optional(Response),
    responseEn: Type.Optional(Response),
    zone: Type.Optional(IdPart),
    space: Type.Optional(IdPart),
  },
  closed,
);

export const AddDefinition = Type.Object({ definition: NewDefinition, why: Why }, closed);
export type AddDefinition = Static<typeof AddDefinition>;
export const ChangeDefinition = Type.Object({ revision: Revision, change: DefinitionChangeBody, why: Why }, closed);
export const RetireDefinition = Type.Object({ revision: Revision, why: Why }, closed);
export const RevertDefinition = Type.Object(
  { revision: Revision, to: Type.Integer({ minimum: 1, description: "Revision to go back to." }), why: Why },
  closed,
);
export const DecideProposal = Type.Object({ reason: Type.Optional(Type.String({ maxLength: 500 })) }, closed);

/** What was done to a definition. */
export const DefinitionChangeKind = Type.Enum(["added", "changed", "enabled", "disabled", "retired", "reverted"]);
export type DefinitionChangeKind = Static<typeof DefinitionChangeKind>;

const Before = Type.Union([AlarmDefinition, Type.Null()], { description: "null: there was none." });
const After = Type.Union([AlarmDefinition, Type.Null()], { description: "null: retired." });

/** A change that waits for, or had, the word of a second person. */
export const DefinitionProposal = Type.Object({
  id: Type.String(),
  definition: Type.String(),
  kind: DefinitionChangeKind,
  revision: Revision,
  before: Before,
  after: After,
  why: Type.String(),
  requestedBy: Type.String(),
  requestedAt: Time,
  status: Type.Enum(["pending", "approved", "refused", "withdrawn"]),
  decidedBy: Type.Optional(Type.String()),
  decidedAt: Type.Optional(Time),
  decisionReason: Type.Optional(Type.String()),
});
export type DefinitionProposal = Static<typeof DefinitionProposal>;

/** A definition as it stands, and where it comes from. */
export const DefinitionView = Type.Object({
  definition: AlarmDefinition,
  law: Law,
  enabled: Type.Boolean(),
  retired: Type.Boolean({ description: "It is no longer judged; its history is kept." }),
  revision: Revision,
  origin: Type.Enum(["profile", "site", "console"], { description: "Who wrote it first." }),
  profile: Type.Optional(Type.String({ description: "Profile it came from." })),
  runsOn: Type.Array(Type.String(), { description: "Gateways that judge it; none: the cloud, or nobody." }),
  area: Type.Optional(Type.String({ description: "Space its alarms are shown at." })),
  rules: Type.Array(Type.String(), { description: "Linkage rules that name it." }),
  changedAt: Type.Optional(Time),
  changedBy: Type.Optional(Type.String()),
  pending: Type.Optional(DefinitionProposal),
});
export type DefinitionView = Static<typeof DefinitionView>;

/** One entry of a definition's history. [AL-18] */
export const DefinitionRevision = Type.Object({
  definition: Type.String(),
  revision: Type.Integer({ minimum: 1 }),
  kind: DefinitionChangeKind,
  at: Time,
  actor: Type.String(),
  approvedBy: Type.Optional(Type.String()),
  why: Type.String(),
  fields: Type.Array(Type.String(), { description: "What changed." }),
  before: Before,
  after: After,
  siteVersion: Type.Integer({ description: "Version of the site that it made." }),
});
export type DefinitionRevision = Static<typeof DefinitionRevision>;

/** How a request for a change ended: it stands, or it waits for a second person. */
export const DefinitionOutcome = Type.Object({
  status: Type.Enum(["done", "pending"]),
  definition: DefinitionView,
  proposal: Type.Optional(DefinitionProposal),
});
export type DefinitionOutcome = Static<typeof DefinitionOutcome>;
