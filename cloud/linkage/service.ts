import type { Clock } from "#core/clock.ts";
import type { RunItem } from "#core/contracts/lanes.ts";
import type { RunView } from "#core/contracts/runs.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import { type GatewayId, newId, type PointId } from "#core/ids.ts";
import type { PlanSite } from "#core/linkage/action.ts";
import { type Decision, evaluate, type RuleFacts, type Trigger } from "#core/linkage/evaluate.ts";
import { planSite } from "#core/linkage/plan-site.ts";
import type { Rule, Run } from "#core/linkage/rule.ts";
import { matches } from "#core/linkage/trigger.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import { type SampleColumns, sampleAt } from "#core/model/sample-columns.ts";
import type { Zone } from "#core/model/site.ts";
import type { Db } from "../db/database.ts";
import type { LiveBus, PageRequest, PageResult, RunService, SiteCatalog } from "../ports.ts";
import type { PointDirectory } from "../telemetry-ports.ts";
import { type CommandPort, Executor, isFailure, type NoticePort } from "./executor.ts";
import type { OpenRun, RunStore } from "./store.ts";

const CLOUD = "cloud";
/**
 * What comes later than this from a gateway that was cut off starts nothing: a light or a picture helps nobody then. The
 * same limit holds for runs that a crash has cut off.
 */
const LATEST_MS = 60_000;
/** Dull outcomes of one rule are written down at most so often, ms; those in between are counted. */
const DULL_EVERY_MS = 60_000;
/** How long gateways get to come back before a cut-off run is taken up, ms. */
const RESUME_AFTER_MS = 3000;
/** How long after a failure the record database is asked again, ms. */
const RETRY_FIRST_MS = 500;
const RETRY_LONGEST_MS = 10_000;

export interface LinkageDeps {
  readonly db: Db;
  readonly store: RunStore;
  readonly catalog: Pick<SiteCatalog, "timeZone" | "rules" | "placement" | "zones" | "doors" | "spaces" | "onChange">;
  readonly points: PointDirectory;
  readonly commands: CommandPort;
  readonly notices: NoticePort;
  /** The newest sample of a point. */
  readonly sample: (point: string) => Sample | undefined;
  readonly bus: LiveBus;
  /** Told that an alarm has got a run. */
  readonly onRunOfAlarm: (alarm: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Dull {
  readonly at: number;
  missed: number;
}

/**
 * Runs of all rules, and the rules that are placed in the cloud because their inputs and outputs lie on several gateways.
 * A trigger is evaluated inside the transaction that stores it; what fires is kept with it and performed after COMMIT, so
 * that a crash neither forgets a run nor starts a rule without its alarm.
 */
export class Linkage implements RunService {
  readonly #deps: LinkageDeps;
  readonly #executor: Executor;
  readonly #dull = new Map<string, Dull>();
  /** Of watched points, by number. */
  readonly #previous = new Map<number, Sample>();
  readonly #running = new Set<Promise<void>>();
  /** End the waiting of those that could not write their run down. */
  readonly #wakes = new Set<() => void>();
  #cancel: (() => void) | undefined;
  #stopped = false;
  #rules: readonly Rule[] = [];
  /** By the number of a point: 1 where a rule of the cloud waits for it. */
  #watched = new Uint8Array(0);
  /** The rules that do. */
  #byPoint: ReadonlyMap<number, readonly Rule[]> = new Map();
  #site: PlanSite = planSite();

  constructor(deps: LinkageDeps) {
    this.#deps = deps;
    this.#executor = new Executor(deps.commands, deps.notices, deps.clock);
    this.#configure();
    deps.catalog.onChange(() => this.#configure());
  }

  /** Takes up runs that a former process has not finished, a moment later when gateways are back. */
  start(): void {
    const { store, clock } = this.#deps;
    const opened = store.opened();
    const late = opened.filter(({ startedAt }) => clock.now() - startedAt > LATEST_MS);
    for (const run of late)
      this.#finish(
        run,
        run.steps.map((step) => this.#executor.unperformed(step, "failed", "the cloud was restarted")),
      );
    const young = opened.filter((run) => !late.includes(run));
    this.#cancel ??= clock.after(RESUME_AFTER_MS, () => {
      for (const run of young) this.#begin(run);
    });
  }

  /** Starts nothing more by itself. */
  stop(): void {
    this.#cancel?.();
    this.#stopped = true;
    for (const wake of this.#wakes) wake();
  }

  /** Resolves when no run is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  runsOf(rule: string, query: PageRequest): PageResult<RunView> {
    return this.#deps.store.runsOf(rule, query);
  }

  run(id: string): RunView | undefined {
    return this.#deps.store.run(id);
  }

  /**
   * Keeps a run that a gateway tells of, inside its lane's transaction; the callback runs after COMMIT.
   * @throws RUN_FOREIGN when it ran elsewhere
   */
  takeRun(gateway: GatewayId, { run }: RunItem): (() => void) | undefined {
    if (run.ranOn !== gateway)
      throw new InvalidInputError("RUN_FOREIGN", `${gateway} tells of run ${run.id}, which ran on ${run.ranOn}`);
    return this.#deps.store.add(run) ? () => this.#publish(run) : undefined;
  }

  /**
   * Evaluates the rules of the cloud on what has just happened, in the running transaction or in its own; the callback
   * performs what fired and runs after COMMIT. `at` is when it happened, Unix ms.
   */
  trigger(trigger: Trigger, at: number): (() => void) | undefined {
    return this.#trigger(this.#rules, trigger, at);
  }

  #trigger(candidates: readonly Rule[], trigger: Trigger, at: number): (() => void) | undefined {
    const { catalog, db } = this.#deps;
    const zone = (id: string): Zone | undefined => catalog.zones().find((known) => known.id === id);
    // Most of what happens concerns no rule: no transaction for that.
    const rules = candidates.filter((rule) => matches(rule, trigger, zone));
    if (rules.length === 0) return undefined;
    const started = db.sync.transaction<readonly (() => void)[]>(() => this.#evaluate(rules, trigger, at));
    if (started.length === 0) return undefined;
    return () => {
      for (const start of started) start();
    };
  }

  /** What points are at the moment, from births: nothing begins to hold by being told again. */
  takeBirth(samples: readonly Sample[]): void {
    if (this.#watched.length === 0) return;
    for (const sample of samples) {
      const point = this.#deps.points.numberOf(sample.point);
      if (this.#watched[point] === 1) this.#previous.set(point, sample);
    }
  }

  /** Rows [from, to) of live samples, after the current state has taken them; the historical ones among them start nothing. */
  takeRows(columns: SampleColumns, from: number, to: number): void {
    const watched = this.#watched;
    if (watched.length === 0) return;
    const { point: points, historical } = columns;
    for (let row = from; row < to; row++) {
      const point = points[row] ?? 0;
      if (watched[point] !== 1 || historical[row] === 1) continue;
      this.#takeSample(point, sampleAt(columns, row, this.#deps.points.pointOf(point)));
    }
  }

  #takeSample(point: number, sample: Sample): void {
    const previous = this.#previous.get(point);
    this.#previous.set(point, sample);
    try {
      const trigger = { type: "point" as const, sample, ...(previous === undefined ? {} : { previous }) };
      this.#trigger(this.#byPoint.get(point) ?? [], trigger, sample.observedAt)?.();
    } catch (error) {
      // The sample itself is stored: a rule that cannot be kept must not stop the samples behind it.
      this.#deps.logger.error({ point: sample.point, err: error }, "rules cannot be evaluated");
    }
  }

  #configure(): void {
    const { catalog } = this.#deps;
    this.#rules = catalog.rules().filter(({ id }) => catalog.placement(id)?.place === CLOUD);
    this.#site = planSite(catalog.doors(), catalog.spaces());
    const waiting = this.#rules.flatMap((rule) =>
      rule.when.type === "point" ? [{ rule, point: this.#deps.points.numberOf(rule.when.point as PointId) }] : [],
    );
    this.#byPoint = new Map(
      [...Map.groupBy(waiting, ({ point }) => point)].map(([point, of]) => [point, of.map(({ rule }) => rule)]),
    );
    this.#watched = new Uint8Array(waiting.reduce((most, { point }) => Math.max(most, point + 1), 0));
    for (const { point } of waiting) this.#watched[point] = 1;
  }

  #evaluate(rules: readonly Rule[], trigger: Trigger, at: number): readonly (() => void)[] {
    const { catalog, store, clock, sample } = this.#deps;
    const facts: RuleFacts = {
      point: sample,
      zone: (id) => catalog.zones().find((zone) => zone.id === id),
      site: this.#site,
      now: clock.now(),
      timeZone: catalog.timeZone,
    };
    return rules.flatMap((rule) => {
      const decision = evaluate(rule, trigger, facts, store.memory(rule.id));
      if (decision === undefined) return [];
      const start = this.#take(rule, trigger, tooLate(decision, facts.now - at));
      return start === undefined ? [] : [start];
    });
  }

  #take(rule: Rule, trigger: Trigger, { outcome, reason, effects, memory }: Decision): (() => void) | undefined {
    const { store, clock } = this.#deps;
    const now = clock.now();
    const alarm = trigger.type === "alarm" ? trigger.alarm : undefined;
    const frame = {
      id: newId(now),
      rule: rule.id,
      reason,
      ...(alarm === undefined ? {} : { alarm: alarm.id, occurrence: alarm.occurrence }),
      ...(alarm?.zone === undefined ? {} : { zone: alarm.zone }),
      startedAt: now,
    };
    if (outcome === "fired") {
      const open: OpenRun = { ...frame, steps: effects };
      store.remember(rule.id, memory);
      store.open(open);
      return () => this.#begin(open);
    }
    const missed = this.#sampled(`${rule.id} ${outcome}`, now);
    if (missed === undefined && outcome !== "actionRefused") return undefined;
    const more = missed === undefined || missed === 0 ? "" : ` (and ${missed} times more since the last entry)`;
    const run: Run = { ...frame, reason: reason + more, ranOn: CLOUD, outcome, finishedAt: now, steps: [] };
    store.add(run);
    return () => this.#publish(run);
  }

  /** How many entries were left out since the last one, or undefined when this one is to be left out too. */
  #sampled(key: string, now: number): number | undefined {
    const last = this.#dull.get(key);
    if (last !== undefined && now >= last.at && now - last.at < DULL_EVERY_MS) {
      last.missed++;
      return undefined;
    }
    this.#dull.set(key, { at: now, missed: 0 });
    return last?.missed ?? 0;
  }

  #begin(open: OpenRun): void {
    const work = this.#executor
      .perform(open)
      .then((steps) => this.#keep(open, steps))
      .catch((error: unknown) => this.#deps.logger.error({ rule: open.rule, err: error }, "linkage run broke off"))
      .finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  /** Writes down what was done as soon as the database takes it: a run that stays open would be taken up again. */
  async #keep(open: OpenRun, steps: readonly Run["steps"][number][]): Promise<void> {
    for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(waitMs * 2, RETRY_LONGEST_MS)) {
      try {
        this.#finish(open, steps);
        return;
      } catch (error) {
        if (this.#stopped || !(error instanceof HubError && error.retriable)) throw error;
        if (waitMs === RETRY_FIRST_MS)
          this.#deps.logger.warn({ rule: open.rule, err: error }, "a run cannot be written down, trying again");
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          cancel();
          this.#wakes.delete(wake);
          resolve();
        };
        const cancel = this.#deps.clock.after(waitMs, wake);
        this.#wakes.add(wake);
      });
    }
  }

  #finish({ steps: _planned, ...open }: OpenRun, steps: readonly Run["steps"][number][]): void {
    const failed = steps.find(isFailure);
    const run: Run = {
      ...open,
      ranOn: CLOUD,
      outcome: failed === undefined ? "fired" : "actionFailed",
      ...(failed === undefined ? {} : { reason: `${failed.action} ${failed.status}: ${failed.detail ?? "no detail"}` }),
      finishedAt: this.#deps.clock.now(),
      steps: [...steps],
    };
    this.#deps.store.close(run);
    this.#publish(run);
  }

  /** Tells who looks that something about a run has changed: a clip. */
  refresh(id: string): void {
    const item = this.#deps.store.run(id);
    if (item !== undefined) this.#deps.bus.publish({ kind: "runs", id, item });
  }

  #publish(run: Run): void {
    this.#deps.bus.publish({ kind: "runs", id: run.id, item: this.#deps.store.view(run) });
    if (run.alarm !== undefined) this.#deps.onRunOfAlarm(run.alarm);
  }
}

function tooLate(decision: Decision, ageMs: number): Decision {
  if (decision.outcome !== "fired" || ageMs <= LATEST_MS) return decision;
  return {
    ...decision,
    outcome: "inputStale",
    reason: `${decision.reason}, but it was told ${ageMs} ms late`,
    effects: [],
  };
}
