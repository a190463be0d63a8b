import { type Static, Type } from "typebox";
import { Value } from "../model/sample.ts";

const time = Type.String({ format: "date-time", description: "ISO 8601 UTC." });

/** A job of the hub that failed for the last time. */
export const DeadJobView = Type.Object({
  kind: Type.String({ description: "What the job does." }),
  key: Type.String({ description: "What it does it to: of a kind and key one job waits at most." }),
  data: Type.Record(Type.String(), Value),
  attempt: Type.Integer({ description: "Tries that it had." }),
  runAt: time,
  failedAt: time,
  error: Type.String({ description: "Code and message of the last failure." }),
});
export type DeadJobView = Static<typeof DeadJobView>;

/** The jobs of the hub. */
export const JobsView = Type.Object({
  ready: Type.Boolean({ description: "Are jobs done now? What is added meanwhile is kept in any case." }),
  detail: Type.Optional(Type.String({ description: "Why not." })),
  waiting: Type.Integer(),
  active: Type.Integer(),
  dead: Type.Integer(),
  deadJobs: Type.Array(DeadJobView, { description: "Newest first, at most 100." }),
});
export type JobsView = Static<typeof JobsView>;

/** Which dead job is given another round of tries. */
export const JobRetry = Type.Object(
  { kind: Type.String({ minLength: 1, maxLength: 200 }), key: Type.String({ minLength: 1, maxLength: 1000 }) },
  { additionalProperties: false },
);
export type JobRetry = Static<typeof JobRetry>;
