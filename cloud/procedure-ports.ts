import type { AlarmView } from "#core/contracts/alarms.ts";
import type {
  AbandonProcedure,
  AlarmProcedureView,
  ConfirmStep,
  ProcedureVersion,
  ProcedureView,
  SkipStep,
  StartProcedure,
} from "#core/contracts/procedures.ts";
import type { Procedure } from "#core/model/procedure.ts";
import type { Actor } from "./ports.ts";

/** The response procedures as they are written and published. */
export interface ProcedureWriting {
  /** By id, retired ones too. */
  list(): readonly ProcedureView[];
  get(id: string): ProcedureView | undefined;
  /** All versions that were published, newest first. */
  versions(id: string): readonly ProcedureVersion[];
  /** @throws PROCEDURE_EXISTS */
  create(procedure: Procedure, actor: Actor): ProcedureView;
  /** @throws PROCEDURE_UNKNOWN, PROCEDURE_STALE, ID_INVALID */
  save(id: string, procedure: Procedure, revision: number, actor: Actor): ProcedureView;
  /** @throws PROCEDURE_UNKNOWN, PROCEDURE_STALE, PROCEDURE_NO_DRAFT, PROCEDURE_INVALID */
  publish(id: string, revision: number, reason: string, actor: Actor): ProcedureView;
  /** @throws PROCEDURE_UNKNOWN */
  retire(id: string, reason: string, actor: Actor): ProcedureView;
}

/** The work by procedures on alarms. Every act names the occurrence that was looked at. */
export interface ProcedureWork {
  view(alarm: AlarmView): AlarmProcedureView;
  /** @throws ALARM_UNKNOWN, ALARM_OCCURRENCE_STALE, ALARM_CLOSED, PROCEDURE_NONE */
  start(alarm: string, act: StartProcedure, actor: Actor): AlarmProcedureView;
  /** @throws as `start`, and PROCEDURE_ENDED, PROCEDURE_STEP_UNKNOWN, PROCEDURE_NAME_MISSING, IDEMPOTENCY_CONFLICT */
  confirm(alarm: string, step: number, act: ConfirmStep, actor: Actor): AlarmProcedureView;
  /** @throws as `confirm`, and PROCEDURE_STEP_DONE, PROCEDURE_REASON_MISSING */
  skip(alarm: string, step: number, act: SkipStep, actor: Actor): AlarmProcedureView;
  /** @throws as `start`, and PROCEDURE_ENDED, PROCEDURE_REASON_MISSING */
  abandon(alarm: string, act: AbandonProcedure, actor: Actor): AlarmProcedureView;
}

/** Response procedures (处置预案). Implemented by cloud/procedures. */
export interface ProcedureService {
  readonly library: ProcedureWriting;
  readonly runs: ProcedureWork;
}
