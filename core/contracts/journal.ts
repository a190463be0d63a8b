import { type Static, Type } from "typebox";
import { AlarmCategory, AlarmPriority, AlarmTransition, Law } from "../model/alarm.ts";
import { JournalEntry } from "./alarms.ts";
import { PageQuery, Time } from "./http.ts";

const Id = Type.String({ maxLength: 500 });

/** An entry of the alarm journal with what the alarm said then. Later definitions change nothing of it. */
export const JournalRecord = Type.Object({
  ...JournalEntry.properties,
  clockOffsetMs: Type.Optional(
    Type.Integer({
      description:
        "Clock of the gateway that told it minus the cloud's, ms, with the way of the message; absent where it is not known or the cloud itself saw it.",
    }),
  ),
  law: Law,
  category: AlarmCategory,
  priority: AlarmPriority,
  definition: Type.String(),
  source: Type.String(),
  point: Type.Optional(Type.String()),
  device: Type.Optional(Type.String()),
  zone: Type.Optional(Type.String()),
  area: Type.Optional(Type.String()),
  message: Type.String(),
  messageEn: Type.String(),
  hash: Type.String({ description: "SHA-256 over the entry and the hash of the one before it, hex." }),
});
export type JournalRecord = Static<typeof JournalRecord>;

/** What the journal can be asked for. */
export const JournalFilters = {
  alarm: Type.Optional(Id),
  q: Type.Optional(
    Type.String({
      maxLength: 100,
      description: "Part of the texts, the source, the place, the comment or the name of who acted, whatever its case.",
    }),
  ),
  from: Type.Optional(Time),
  to: Type.Optional(Time),
  area: Type.Optional(Type.String({ maxLength: 500, description: "Space id; includes all below it." })),
  law: Type.Optional(Law),
  category: Type.Optional(AlarmCategory),
  priority: Type.Optional(AlarmPriority),
  point: Type.Optional(Id),
  actor: Type.Optional(Type.String({ maxLength: 200 })),
  transition: Type.Optional(AlarmTransition),
};

const closed = { additionalProperties: false } as const;

/** Query of the journal. With `from` or `to` its order is that of the source times, else that in which it came to be known. */
export const JournalListQuery = Type.Object({ ...PageQuery, ...JournalFilters }, closed);
export type JournalListQuery = Static<typeof JournalListQuery>;

/** Query of the journal as a CSV file. */
export const JournalCsvQuery = Type.Object(
  {
    ...JournalFilters,
    lang: Type.Optional(Type.Enum(["zh-CN", "en"], { description: "Language of heads and names; zh-CN when absent." })),
  },
  closed,
);
export type JournalCsvQuery = Static<typeof JournalCsvQuery>;

/** How the chain of the journal stands. */
export const JournalChain = Type.Object({
  whole: Type.Boolean(),
  brokenAt: Type.Optional(Type.Integer({ description: "Number of the first entry that is missing or changed." })),
  entries: Type.Integer({ description: "Entries that were checked." }),
  removed: Type.Integer({ description: "Entries that retention has removed." }),
  head: Type.Object({ seq: Type.Integer(), hash: Type.String() }),
});
export type JournalChain = Static<typeof JournalChain>;
