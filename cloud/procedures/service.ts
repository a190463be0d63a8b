import { isClosed } from "#core/alarm/lifecycle.ts";
import type { Clock } from "#core/clock.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";
import type { NotifyItem } from "#core/contracts/lanes.ts";
import type {
  AbandonProcedure,
  AlarmProcedureView,
  ConfirmStep,
  ProcedureRunStatus,
  ProcedureRunView,
  ProcedureVersion,
  SkipStep,
  StartProcedure,
  StepView,
} from "#core/contracts/procedures.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import type { AlarmTold, ProcedureRecords } from "../alarm-ports.ts";
import type { Db } from "../db/database.ts";
import type { Actor, AuditLog, SiteCatalog } from "../ports.ts";
import type { ProcedureLibrary } from "./library.ts";
import { ProcedureRunStore, type RunRow } from "./run-store.ts";
import { isComplete, missingOf, runView, stepViews } from "./run-view.ts";

export interface ProcedureDeps {
  readonly db: Db;
  readonly library: ProcedureLibrary;
  readonly catalog: Pick<SiteCatalog, "spaces" | "device">;
  /** The alarm as the console sees it. */
  readonly alarm: (id: string) => AlarmView | undefined;
  /** Writes a remark into the journal of an alarm that is open, in the running transaction. */
  readonly remark: (alarm: string, occurrence: number, comment: string, actor: Actor) => void;
  /** Keeps a notice in the running transaction; what it returns tells it, after COMMIT. */
  readonly notice: (notice: Omit<NotifyItem, "kind" | "offset">) => () => void;
  /** Tells who looks at an alarm that something about it has changed. */
  readonly refresh: (alarm: string) => void;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: Clock;
}

/** A run with what it is about, as an act needs it. */
interface Work {
  readonly alarm: AlarmView;
  readonly run: RunRow;
  readonly version: ProcedureVersion;
}

/** What people do to a run, and what they said with it. */
interface Act {
  readonly act: "start" | "confirm" | "skip" | "abandon";
  readonly step?: number;
  readonly station?: string | undefined;
  readonly name?: string | undefined;
  readonly reason?: string | undefined;
  readonly key?: string | undefined;
}

/** Runs in which a step may be done: also after the alarm was closed, for what was done must be told. */
const OPEN: ReadonlySet<ProcedureRunStatus> = new Set(["running", "unfinished"]);

/**
 * The work by response procedures. A run belongs to one occurrence of an alarm and to the version that was in force when it began;
 * every act is kept as it was done, with who, when and where.
 */
export class Procedures implements ProcedureRecords {
  readonly #deps: ProcedureDeps;
  readonly #store: ProcedureRunStore;
  /** Occurrence of each alarm that has a run under way: a storm of other alarms asks the database nothing. */
  readonly #running = new Map<string, number>();

  constructor(deps: ProcedureDeps) {
    this.#deps = deps;
    this.#store = new ProcedureRunStore(deps.db);
    for (const { alarm, occurrence } of this.#store.running()) this.#running.set(alarm, occurrence);
  }

  of(alarm: string): readonly ProcedureRunView[] {
    return this.#store.of(alarm).flatMap((row) => this.#view(row) ?? []);
  }

  /** What is to be done for an alarm, and what was. */
  view({ id, occurrence, ...alarm }: AlarmView): AlarmProcedureView {
    const runs = this.of(id);
    const run = runs.find((one) => one.occurrence === occurrence) ?? null;
    const version =
      run === null
        ? this.#chosen({ id, occurrence, ...alarm })
        : this.#deps.library.version(run.procedure, run.version);
    return { alarm: id, occurrence, procedure: version ?? null, run, earlier: runs.filter((one) => one !== run) };
  }

  /** Somebody begins. Who comes second joins. @throws ALARM_UNKNOWN, ALARM_OCCURRENCE_STALE, PROCEDURE_NONE, ALARM_CLOSED */
  start(alarm: string, { occurrence, station }: StartProcedure, actor: Actor): AlarmProcedureView {
    return this.#tell(alarm, () => void this.#begin(this.#alarm(alarm, occurrence), station, actor));
  }

  /**
   * A step is done. The same step is confirmed once; one that was skipped can be done after all.
   * @throws ALARM_UNKNOWN, ALARM_OCCURRENCE_STALE, ALARM_CLOSED, PROCEDURE_NONE, PROCEDURE_ENDED, PROCEDURE_STEP_UNKNOWN,
   * PROCEDURE_NAME_MISSING, IDEMPOTENCY_CONFLICT
   */
  confirm(alarm: string, n: number, body: ConfirmStep, actor: Actor): AlarmProcedureView {
    const { occurrence, station, idempotencyKey: key } = body;
    const name = body.name?.trim();
    const act: Act = { act: "confirm", step: n, station, key, ...(name ? { name } : {}) };
    return this.#tell(alarm, () => {
      const work = this.#begin(this.#alarm(alarm, occurrence), station, actor);
      if (this.#wasDone(work, act, actor)) return undefined;
      const step = this.#step(work, n);
      if (step.status === "confirmed") return undefined;
      if (step.confirm === "name" && !name)
        throw new InvalidInputError("PROCEDURE_NAME_MISSING", `step ${n} of ${work.run.procedure} asks who did it`);
      this.#write(work, act, actor);
      return this.#completed(work);
    });
  }

  /**
   * A step is left out, with a reason that is told to the supervisors and written into the journal of the alarm.
   * @throws as `confirm`, and PROCEDURE_STEP_DONE
   */
  skip(alarm: string, n: number, body: SkipStep, actor: Actor): AlarmProcedureView {
    const { occurrence, station, idempotencyKey: key } = body;
    const act: Act = { act: "skip", step: n, station, key, reason: given(body.reason) };
    return this.#tell(alarm, () => {
      const work = this.#begin(this.#alarm(alarm, occurrence), station, actor);
      if (this.#wasDone(work, act, actor)) return undefined;
      const step = this.#step(work, n);
      if (step.status === "skipped") return undefined;
      if (step.status === "confirmed")
        throw new HubError("PROCEDURE_STEP_DONE", `step ${n} of ${work.run.procedure} was confirmed by ${step.actor}`);
      this.#write(work, act, actor);
      const told = this.#skipped(work, step, act.reason ?? "", actor);
      const ended = this.#completed(work);
      return () => {
        told();
        ended?.();
      };
    });
  }

  /** The work is given up, with a reason that is told to the supervisors. @throws as `confirm` */
  abandon(alarm: string, { occurrence, station, reason }: AbandonProcedure, actor: Actor): AlarmProcedureView {
    return this.#tell(alarm, () => {
      const known = this.#alarm(alarm, occurrence);
      const run = this.#store.at(alarm, occurrence);
      if (run === undefined) throw new HubError("PROCEDURE_NONE", `alarm ${alarm}: nobody has begun`);
      if (run.status === "abandoned") return undefined;
      if (!OPEN.has(run.status)) throw new HubError("PROCEDURE_ENDED", `the run of ${run.procedure} is ${run.status}`);
      const work = this.#open(known, run);
      const why = given(reason);
      this.#write(work, { act: "abandon", station, reason: why }, actor);
      const { title, titleEn } = work.version.procedure;
      const told = this.#say(work, actor, {
        text: `预案“${title}”被 ${actor.name} 中止：${why}`,
        textEn: `Procedure “${titleEn}” was abandoned by ${actor.name}: ${why}`,
        popup: true,
      });
      const ended = this.#end(work.run, "abandoned");
      return () => {
        told();
        ended();
      };
    });
  }

  /**
   * Told each transition inside the transaction that stores it: a run ends when its alarm comes again or is closed. What is
   * missing then is told, and hinders nothing.
   */
  readonly told = ({ alarm }: AlarmTold): (() => void) | undefined => {
    const occurrence = this.#running.get(alarm.id);
    if (occurrence === undefined) return undefined;
    const run = this.#store.at(alarm.id, occurrence);
    if (run === undefined || run.status !== "running") return undefined;
    if (alarm.occurrence > occurrence) return this.#end(run, "superseded");
    return isClosed(alarm) ? this.#closed(run) : undefined;
  };

  /** These alarms are removed with their journal: so is what was done for them. In the running transaction. */
  readonly forgetAlarms = (alarms: readonly string[]): void => this.#store.forget(alarms);

  #closed(run: RunRow): () => void {
    const version = this.#deps.library.version(run.procedure, run.version);
    const steps = stepViews(version?.procedure.steps ?? [], this.#store.acts(run.id));
    const missing = missingOf(steps);
    const ended = this.#end(run, missing.length > 0 ? "unfinished" : "finished");
    if (missing.length === 0 || version === undefined) return ended;
    const { title, titleEn } = version.procedure;
    const told = this.#deps.notice({
      at: this.#deps.clock.now(),
      text: `报警已关闭，预案“${title}”还有必做步骤未完成：${missing.join("、")}`,
      textEn: `The alarm is closed while mandatory steps of “${titleEn}” are open: ${missing.join(", ")}`,
      popup: true,
      alarm: run.alarm,
    });
    return () => {
      ended();
      told();
    };
  }

  #alarm(id: string, occurrence: number): AlarmView {
    const alarm = this.#deps.alarm(id);
    if (alarm === undefined) throw new HubError("ALARM_UNKNOWN", `alarm ${id}: no such alarm`);
    if (alarm.occurrence !== occurrence)
      throw new HubError(
        "ALARM_OCCURRENCE_STALE",
        `alarm ${id} is at occurrence ${alarm.occurrence}, not ${occurrence}`,
      );
    return alarm;
  }

  /** The run of the alarm's occurrence that is open; begins it where nobody has. */
  #begin(alarm: AlarmView, station: string | undefined, actor: Actor): Work {
    const known = this.#store.at(alarm.id, alarm.occurrence);
    if (known !== undefined) return this.#open(alarm, known);
    if (alarm.state === "A")
      throw new HubError("ALARM_CLOSED", `alarm ${alarm.id} is over: nothing is to be done for it`);
    const version = this.#chosen(alarm);
    if (version === undefined) throw new HubError("PROCEDURE_NONE", `alarm ${alarm.id}: no procedure is for it`);
    const now = this.#deps.clock.now();
    const run: RunRow = {
      id: newId(now),
      alarm: alarm.id,
      occurrence: alarm.occurrence,
      procedure: version.procedure.id,
      version: version.version,
      status: "running",
      started_at: now,
      started_by: actor.name,
      ended_at: null,
    };
    const work = { alarm, run, version };
    this.#store.add(run);
    this.#write(work, { act: "start", station }, actor);
    return work;
  }

  #open(alarm: AlarmView, run: RunRow): Work {
    const version = this.#deps.library.version(run.procedure, run.version);
    if (version === undefined)
      throw new HubError("PROCEDURE_UNKNOWN", `procedure ${run.procedure}: no version ${run.version}`);
    return { alarm, run, version };
  }

  #step({ run, version }: Work, n: number): StepView {
    if (!OPEN.has(run.status)) throw new HubError("PROCEDURE_ENDED", `the run of ${run.procedure} is ${run.status}`);
    const step = stepViews(version.procedure.steps, this.#store.acts(run.id))[n - 1];
    if (step !== undefined && step.confirm !== "note") return step;
    throw new HubError("PROCEDURE_STEP_UNKNOWN", `${run.procedure} has no step ${n} to confirm`);
  }

  /** Was the same act done under the same key before? @throws IDEMPOTENCY_CONFLICT */
  #wasDone({ run }: Work, { act, step, key }: Act, { name }: Actor): boolean {
    const done = key === undefined ? undefined : this.#store.actByKey(name, key);
    if (done === undefined) return false;
    if (done.run === run.id && done.act === act && done.step === (step ?? null)) return true;
    throw new HubError("IDEMPOTENCY_CONFLICT", `the key ${key} was used for another act`);
  }

  #write({ alarm, run }: Work, { act, step, station, name, reason, key }: Act, actor: Actor): void {
    const { clock, audit } = this.#deps;
    this.#store.addAct({
      run: run.id,
      act,
      step: step ?? null,
      at: clock.now(),
      actor: actor.name,
      station: station ?? null,
      name: name ?? null,
      reason: reason ?? null,
      idempotency_key: key ?? null,
    });
    const said = Object.entries({ step, station, name, reason }).filter(([, value]) => value !== undefined);
    audit.append({
      actor: actor.name,
      action: `procedure.${act}`,
      target: alarm.id,
      result: "ok",
      detail: {
        occurrence: run.occurrence,
        procedure: run.procedure,
        version: run.version,
        ...Object.fromEntries(said),
      },
      ...(actor.ip === undefined ? {} : { ip: actor.ip }),
    });
  }

  #skipped(work: Work, step: StepView, reason: string, actor: Actor): () => void {
    const { title, titleEn } = work.version.procedure;
    return this.#say(work, actor, {
      text: `预案“${title}”第 ${step.n} 步“${step.title}”被 ${actor.name} 跳过：${reason}`,
      textEn: `Step ${step.n} “${step.titleEn}” of “${titleEn}” was skipped by ${actor.name}: ${reason}`,
      popup: step.mandatory === true,
    });
  }

  /** Tells the supervisors, and the journal while the alarm is open. */
  #say({ alarm }: Work, actor: Actor, said: { text: string; textEn: string; popup: boolean }): () => void {
    const { clock, notice, remark } = this.#deps;
    if (alarm.state !== "A") remark(alarm.id, alarm.occurrence, said.text.slice(0, 500), actor);
    return notice({ at: clock.now(), ...said, alarm: alarm.id });
  }

  #completed({ run, version }: Work): (() => void) | undefined {
    const complete = isComplete(stepViews(version.procedure.steps, this.#store.acts(run.id)));
    const missing = complete ? [] : missingOf(stepViews(version.procedure.steps, this.#store.acts(run.id)));
    // after the alarm was closed only what was mandatory is still waited for
    return complete || (run.status === "unfinished" && missing.length === 0) ? this.#end(run, "finished") : undefined;
  }

  #end({ id, alarm }: RunRow, status: ProcedureRunStatus): () => void {
    this.#store.end(id, status, this.#deps.clock.now());
    return () => void this.#running.delete(alarm);
  }

  /** Does the work in one transaction, and tells who looks. */
  #tell(alarm: string, work: () => (() => void) | undefined): AlarmProcedureView {
    const after = this.#deps.db.sync.transaction<{ done: (() => void) | undefined }>(() => ({ done: work() }));
    const now = this.#deps.alarm(alarm);
    if (now === undefined) throw new HubError("ALARM_UNKNOWN", `alarm ${alarm}: no such alarm`);
    if (this.#store.at(alarm, now.occurrence)?.status === "running") this.#running.set(alarm, now.occurrence);
    after.done?.();
    this.#deps.refresh(alarm);
    return this.view(now);
  }

  #chosen({ area, device, definition, category, priority, law }: AlarmView): ProcedureVersion | undefined {
    const { catalog, library } = this.#deps;
    const parents = new Map(catalog.spaces().map(({ id, parent }) => [id, parent]));
    const areas: string[] = [];
    for (let at = area; at !== undefined && !areas.includes(at); at = parents.get(at)) areas.push(at);
    const deviceKind = device === undefined ? undefined : catalog.device(device)?.kind;
    return library.choose({ definition, category, priority, law, deviceKind, areas });
  }

  #view(row: RunRow): ProcedureRunView | undefined {
    const version = this.#deps.library.version(row.procedure, row.version);
    return version && runView(row, version, this.#store.acts(row.id));
  }
}

/** @throws PROCEDURE_REASON_MISSING */
function given(reason: string): string {
  const text = reason.trim();
  if (text !== "") return text;
  throw new InvalidInputError("PROCEDURE_REASON_MISSING", "say why");
}
