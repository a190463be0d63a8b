import type { ProcedureRunView, ProcedureVersion, StepView } from "#core/contracts/procedures.ts";
import type { ProcedureStep } from "#core/model/procedure.ts";
import { iso } from "../time.ts";
import { type ActRow, actView, type RunRow } from "./run-store.ts";

/** A step as its last act has left it. */
function stepView(step: ProcedureStep, n: number, acts: readonly ActRow[]): StepView {
  const last = acts.findLast((act) => act.step === n && (act.act === "confirm" || act.act === "skip"));
  if (last === undefined) return { ...step, n, status: "open" };
  return {
    ...step,
    n,
    status: last.act === "confirm" ? "confirmed" : "skipped",
    at: iso(last.at),
    actor: last.actor,
    ...(last.station === null ? {} : { station: last.station }),
    ...(last.name === null ? {} : { doneBy: last.name }),
    ...(last.reason === null ? {} : { reason: last.reason }),
  };
}

/** The steps of a run as they stand after its acts. */
export function stepViews(steps: readonly ProcedureStep[], acts: readonly ActRow[]): readonly StepView[] {
  return steps.map((step, i) => stepView(step, i + 1, acts));
}

/** Numbers of the mandatory steps that nobody has confirmed or skipped. */
export function missingOf(steps: readonly StepView[]): number[] {
  return steps.filter(({ mandatory, status }) => mandatory === true && status === "open").map(({ n }) => n);
}

/** Is there nothing left to confirm? Notes are only read. */
export function isComplete(steps: readonly StepView[]): boolean {
  return steps.every(({ confirm, status }) => confirm === "note" || status !== "open");
}

/** A run with all that was done in it. */
export function runView(row: RunRow, { procedure }: ProcedureVersion, acts: readonly ActRow[]): ProcedureRunView {
  const steps = stepViews(procedure.steps, acts);
  return {
    id: row.id,
    alarm: row.alarm,
    occurrence: row.occurrence,
    procedure: row.procedure,
    version: row.version,
    title: procedure.title,
    titleEn: procedure.titleEn,
    status: row.status,
    startedAt: iso(row.started_at),
    startedBy: row.started_by,
    ...(row.ended_at === null ? {} : { endedAt: iso(row.ended_at) }),
    steps: [...steps],
    missing: missingOf(steps),
    acts: acts.map(actView),
  };
}
