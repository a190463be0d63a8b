import type { Generated } from "kysely";
import type { ProcedureAct, ProcedureRunStatus } from "#core/contracts/procedures.ts";

/**
 * Response procedures and the work by them. Retention: procedures and their versions are kept, for the runs name them; runs and
 * their acts are kept as long as their alarm and its journal and go with it (cloud/alarms/journal-retention.ts).
 */
export interface ProcedureTables {
  /** One row a procedure; `draft` is the Procedure (core/model/procedure.ts) that is being written, null when there is none. */
  procedures: {
    id: string;
    draft: string | null;
    /** Grows with each draft that is saved. */
    revision: number;
    draft_at: number | null;
    draft_by: string | null;
    /** Version in force; null: none was published. */
    version: number | null;
    retired: number;
  };
  /** What was in force; `document` is the Procedure. */
  procedure_versions: {
    procedure: string;
    version: number;
    at: number;
    actor: string;
    reason: string;
    document: string;
  };
  /** One row an occurrence of an alarm that was worked on by a procedure. */
  procedure_runs: {
    id: string;
    alarm: string;
    occurrence: number;
    procedure: string;
    version: number;
    status: ProcedureRunStatus;
    started_at: number;
    started_by: string;
    ended_at: number | null;
  };
  /** What was done, in order. */
  procedure_acts: {
    seq: Generated<number>;
    run: string;
    act: ProcedureAct["act"];
    /** Number of the step, from 1; null for what is about the run. */
    step: number | null;
    at: number;
    actor: string;
    station: string | null;
    /** Who did it on the spot. */
    name: string | null;
    reason: string | null;
    /** Of the actor: the same key acts once. */
    idempotency_key: string | null;
  };
}
