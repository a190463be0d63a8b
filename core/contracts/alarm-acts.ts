import { type Static, Type } from "typebox";
import { AlarmView } from "./alarms.ts";
import { Problem } from "./http.ts";

const closed = { additionalProperties: false } as const;
const Station = Type.String({ maxLength: 64, description: "The workplace it is done at. [AL-02]" });
const Comment = Type.String({ maxLength: 500 });

/** Most alarms of one request for many. */
export const MOST_AT_ONCE = 10_000;

/** A request to act on an alarm. An older occurrence is refused with 409 ALARM_OCCURRENCE_STALE. */
export const AlarmAct = Type.Object(
  {
    occurrence: Type.Integer({ minimum: 1 }),
    comment: Type.Optional(Type.String({ maxLength: 500 })),
    idempotencyKey: Type.Optional(Type.String({ maxLength: 64 })),
    minutes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1440,
        description: "For shelve: how long; 60 when absent, with `once` at the latest, 1440 when absent.",
      }),
    ),
    once: Type.Optional(Type.Boolean({ description: "For shelve: until it next returns to normal. [AL-10]" })),
    station: Type.Optional(Type.String({ maxLength: 64, description: "The workplace it is done at. [AL-02]" })),
  },
  closed,
);
export type AlarmAct = Static<typeof AlarmAct>;

/** Hands an alarm to somebody, or (null) to nobody in particular. */
export const AlarmAssignment = Type.Object(
  {
    occurrence: Type.Integer({ minimum: 1 }),
    assignee: Type.Union([Type.String({ minLength: 1, maxLength: 100 }), Type.Null()]),
    comment: Type.Optional(Comment),
    station: Type.Optional(Station),
  },
  closed,
);
export type AlarmAssignment = Static<typeof AlarmAssignment>;

/** Somebody to whom an alarm can be handed. */
export const Assignee = Type.Object({ name: Type.String(), displayName: Type.String() });
export type Assignee = Static<typeof Assignee>;

/** The alarms that were selected, each with the occurrence that was looked at. */
const Items = Type.Array(
  Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }), occurrence: Type.Integer({ minimum: 1 }) }, closed),
  { minItems: 1, maxItems: MOST_AT_ONCE },
);

/** Acknowledges many alarms as one act. */
export const BulkAcknowledge = Type.Object(
  { items: Items, comment: Type.Optional(Comment), station: Type.Optional(Station) },
  closed,
);
export type BulkAcknowledge = Static<typeof BulkAcknowledge>;

/** Shelves many alarms as one act; the comment is the reason. */
export const BulkShelve = Type.Object(
  {
    items: Items,
    comment: Type.Optional(Comment),
    minutes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1440,
        description: "How long; 60 when absent, with `once` at the latest, 1440 when absent.",
      }),
    ),
    once: Type.Optional(Type.Boolean({ description: "Until each next returns to normal. [AL-10]" })),
    station: Type.Optional(Station),
  },
  closed,
);
export type BulkShelve = Static<typeof BulkShelve>;

/** How each alarm of an act on many fared. */
export const BulkAnswer = Type.Object({
  items: Type.Array(
    Type.Object({
      id: Type.String(),
      alarm: Type.Optional(AlarmView),
      problem: Type.Optional(Type.Pick(Problem, ["code", "detail"])),
    }),
  ),
});
export type BulkAnswer = Static<typeof BulkAnswer>;
