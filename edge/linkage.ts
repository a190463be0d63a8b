import type { Clock } from "#core/clock.ts";
import type { Bundle } from "#core/contracts/bundle.ts";
import { errorMessage } from "#core/errors.ts";
import { newId } from "#core/ids.ts";
import {
  type Decision,
  EMPTY_MEMORY,
  evaluate,
  type PlannedStep,
  type RuleFacts,
  type RuleMemory,
  type Trigger,
} from "#core/linkage/evaluate.ts";
import { planSite } from "#core/linkage/plan-site.ts";
import type { Rule, RuleOutcome, Run } from "#core/linkage/rule.ts";
import { type EffectEnd, together } from "#core/linkage/step-end.ts";
import type { Logger } from "#core/logger.ts";
import type { Sample } from "#core/model/sample.ts";
import type { Zone } from "#core/model/site.ts";
import type { EffectContext, Effects } from "./effects.ts";
import type { Outbox } from "./outbox.ts";
import { linkageAlarm } from "./self-alarms.ts";

const MEMORY = "ruleMemory";
const RUN = "run";
/** A run that a crash cut off is taken up again when it is not older than this, ms; a later door or picture helps nobody. */
const RESUME_WITHIN_MS = 60_000;
/** How long drivers get to start before a cut-off run is taken up, ms. */
const RESUME_AFTER_MS = 3_000;
/** Dull outcomes of one rule go into the ledger at most so often, ms; those in between are counted. */
const DULL_EVERY_MS = 60_000;

type RunStep = Run["steps"][number];

/** A run that has begun: all that is needed to go on with it after a crash. */
interface OpenRun {
  readonly id: string;
  readonly rule: string;
  readonly reason: string;
  readonly alarm?: string;
  readonly occurrence?: number;
  readonly zone?: string;
  /** Unix ms. */
  readonly startedAt: number;
  readonly steps: readonly PlannedStep[];
  /** What became of the steps of the groups that have ended, in their order. Those are never performed again. */
  readonly done?: readonly RunStep[];
}

interface Dull {
  readonly at: number;
  missed: number;
}

export interface LinkageOptions {
  /** Gateway id `<site>/<gateway>`. */
  readonly gateway: string;
  readonly outbox: Outbox;
  readonly effects: Effects;
  readonly latest: (point: string) => Sample | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told when a run of a rule has ended with a step that failed, after the run is queued for storage. */
  readonly onFailed: (rule: string) => void;
}

/** What of a bundle the rules need. */
type LinkageSite = Pick<Bundle, "rules" | "zones" | "timeZone" | "doors" | "spaces">;

/** Which outcomes an operator must see at once; the others explain a rule's silence and may be sampled. */
const LOUD: ReadonlySet<RuleOutcome> = new Set<RuleOutcome>(["fired", "actionRefused", "actionFailed", "rateLimited"]);

/**
 * The rules placed on this gateway. A trigger is evaluated in the turn in which it arrives; what fires is stored with the alarm
 * that fired it and performed after one commit, so that a crash neither forgets a run nor starts a rule without its alarm.
 */
export class Linkage {
  readonly #options: LinkageOptions;
  readonly #memory = new Map<string, RuleMemory>();
  readonly #dull = new Map<string, Dull>();
  readonly #running = new Set<Promise<void>>();
  readonly #cancels: (() => void)[] = [];
  #rules: readonly Rule[] = [];
  #zones: ReadonlyMap<string, Zone> = new Map();
  #timeZone = "UTC";
  #site = planSite();
  #queued: OpenRun[] = [];
  #stopped = false;
  #counters = { evaluated: 0, fired: 0, dull: 0, steps: 0, failedSteps: 0 };

  constructor(options: LinkageOptions) {
    this.#options = options;
  }

  /** Monotonic counters since the start. */
  get counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }

  /** Takes over other rules; what each remembers of its firings stays. */
  configure({ rules, zones, timeZone, doors, spaces }: LinkageSite): void {
    this.#rules = rules;
    this.#zones = new Map(zones.map((zone) => [zone.id, zone]));
    this.#timeZone = timeZone;
    this.#site = planSite(doors, spaces);
  }

  /** Takes up memories and unfinished runs of a former process; the runs a moment later, when drivers are there. */
  start(): void {
    const { outbox, clock } = this.#options;
    for (const [rule, memory] of outbox.records(MEMORY)) this.#memory.set(rule, memory as RuleMemory);
    for (const value of outbox.records(RUN).values()) {
      const run = value as OpenRun;
      if (clock.now() - run.startedAt <= RESUME_WITHIN_MS)
        this.#cancels.push(clock.after(RESUME_AFTER_MS, () => this.#enqueue(run)));
      else
        this.#finish(run, [
          ...(run.done ?? []),
          ...leftOf(run).flatMap((group) =>
            group.map((step) => this.#unperformed(step, "failed", "the gateway was restarted")),
          ),
        ]);
    }
  }

  /** Evaluates every rule on what has just happened. */
  trigger(trigger: Trigger): void {
    if (this.#rules.length === 0) return;
    const { latest, clock } = this.#options;
    const facts: RuleFacts = {
      point: latest,
      zone: (id) => this.#zones.get(id),
      now: clock.now(),
      timeZone: this.#timeZone,
      site: this.#site,
    };
    for (const rule of this.#rules) {
      // a rule that answers the alarm of its own failure would fail for ever
      if (trigger.type === "alarm" && trigger.alarm.definition === linkageAlarm(rule.id)) continue;
      const decision = evaluate(rule, trigger, facts, this.#memory.get(rule.id) ?? EMPTY_MEMORY);
      if (decision !== undefined) this.#take(rule, trigger, decision);
    }
  }

  #take(rule: Rule, trigger: Trigger, { outcome, reason, effects, memory }: Decision): void {
    const { outbox, clock, logger } = this.#options;
    this.#counters.evaluated++;
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
      this.#counters.fired++;
      this.#memory.set(rule.id, memory);
      outbox.put(MEMORY, rule.id, memory);
      const run: OpenRun = { ...frame, steps: effects };
      outbox.put(RUN, run.id, run);
      this.#enqueue(run);
      return;
    }
    const sampled = this.#sampled(`${rule.id} ${outcome}`, now);
    if (outcome === "rateLimited" && sampled !== undefined)
      logger.warn({ rule: rule.id, reason }, "rule held back by its rate breaker");
    if (sampled === undefined && outcome !== "actionRefused") return;
    const more = sampled === undefined || sampled === 0 ? "" : ` (and ${sampled} times more since the last entry)`;
    const run: Run = {
      ...frame,
      reason: reason + more,
      ranOn: this.#options.gateway,
      outcome,
      finishedAt: now,
      steps: [],
    };
    outbox.append(LOUD.has(outcome) ? "events" : "ledger", { kind: "run", run });
  }

  /** How many entries were left out since the last one, or undefined when this one is to be left out too. */
  #sampled(key: string, now: number): number | undefined {
    this.#counters.dull++;
    const last = this.#dull.get(key);
    if (last !== undefined && now >= last.at && now - last.at < DULL_EVERY_MS) {
      last.missed++;
      return undefined;
    }
    this.#dull.set(key, { at: now, missed: 0 });
    return last?.missed ?? 0;
  }

  #enqueue(run: OpenRun): void {
    if (this.#stopped) return;
    // one commit for everything that fired in this turn, then the effects
    if (this.#queued.length === 0) setImmediate(() => this.#performQueued());
    this.#queued.push(run);
  }

  #performQueued(): void {
    const runs = this.#queued;
    this.#queued = [];
    // a disk that refuses must not keep the light off: the run is performed all the same
    this.#options.outbox.commit();
    for (const run of runs) {
      const work = this.#perform(run)
        .catch((error: unknown) =>
          this.#options.logger.error({ rule: run.rule, cause: errorMessage(error) }, "linkage run broke off"),
        )
        .finally(() => this.#running.delete(work));
      this.#running.add(work);
    }
  }

  async #perform(run: OpenRun): Promise<void> {
    const { outbox } = this.#options;
    const done: RunStep[] = [...(run.done ?? [])];
    let stopped = groupsOf(run.steps)
      .flat()
      .some((step, at) => step.onFailure === "stop" && isFailure(done[at]));
    for (const group of leftOf(run)) {
      const steps = await Promise.all(
        group.map((step) =>
          stopped ? this.#unperformed(step, "skipped", "a step before it failed") : this.#step(step, run),
        ),
      );
      done.push(...steps);
      stopped ||= group.some((step, at) => step.onFailure === "stop" && isFailure(steps[at]));
      outbox.put(RUN, run.id, { ...run, done } satisfies OpenRun);
    }
    this.#finish(run, done);
  }

  async #step(step: PlannedStep, run: OpenRun): Promise<RunStep> {
    if (step.status === "skipped") return this.#unperformed(step, "skipped", step.detail);
    const { clock, effects } = this.#options;
    const startedAt = clock.now();
    const context: EffectContext = {
      timeoutMs: step.timeoutMs,
      run: run.id,
      rule: run.rule,
      ...(run.alarm === undefined ? {} : { alarm: run.alarm }),
      ...(run.occurrence === undefined ? {} : { occurrence: run.occurrence }),
    };
    this.#counters.steps++;
    const ends = await Promise.all(
      step.effects.map(async (effect): Promise<EffectEnd> => {
        const { code, ...end } = await effects.perform(effect, context);
        const text = [code, end.detail].filter((part) => part !== undefined).join(": ");
        return { ...end, ...(text === "" ? {} : { detail: text }) };
      }),
    );
    const end = together(ends);
    if (end.status !== "done") this.#counters.failedSteps++;
    return {
      action: step.action,
      ...(step.target === undefined ? {} : { target: step.target }),
      ...(step.detail === undefined ? {} : { detail: step.detail }),
      ...end,
      startedAt,
      finishedAt: clock.now(),
    };
  }

  #unperformed(step: PlannedStep, status: RunStep["status"], detail: string | undefined): RunStep {
    const now = this.#options.clock.now();
    return {
      action: step.action,
      ...(step.target === undefined ? {} : { target: step.target }),
      status,
      startedAt: now,
      finishedAt: now,
      ...(detail === undefined ? {} : { detail }),
    };
  }

  #finish(open: OpenRun, steps: readonly RunStep[]): void {
    const { outbox, clock, gateway } = this.#options;
    const { id, rule, alarm, occurrence, zone, startedAt } = open;
    const failed = steps.find(isFailure);
    const run: Run = {
      id,
      rule,
      ...(alarm === undefined ? {} : { alarm }),
      ...(occurrence === undefined ? {} : { occurrence }),
      ...(zone === undefined ? {} : { zone }),
      ranOn: gateway,
      outcome: failed === undefined ? "fired" : "actionFailed",
      reason: failed === undefined ? open.reason : `${failed.action} ${failed.status}: ${failed.detail ?? "no detail"}`,
      startedAt,
      finishedAt: clock.now(),
      steps: [...steps],
    };
    outbox.remove(RUN, id);
    outbox.append("events", { kind: "run", run });
    if (failed !== undefined) this.#options.onFailed(rule);
  }

  /** Starts nothing more; resolves when no run is under way. Runs that were not begun are taken up after a restart. */
  async stop(): Promise<void> {
    for (const cancel of this.#cancels) cancel();
    await this.idle();
    // what drivers still tell while they are being stopped fires, but is not begun any more
    this.#stopped = true;
  }

  /** Resolves when no run is under way. */
  async idle(): Promise<void> {
    while (this.#queued.length > 0 || this.#running.size > 0) {
      await Promise.all(this.#running);
      if (this.#queued.length > 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function isFailure(step: RunStep | undefined): boolean {
  return step !== undefined && (step.status === "failed" || step.status === "timeout" || step.status === "refused");
}

/** Groups of which nothing is known to be done. Steps end by whole groups. */
function leftOf({ steps, done = [] }: OpenRun): PlannedStep[][] {
  let ended = done.length;
  return groupsOf(steps).filter((group) => {
    const left = ended <= 0;
    ended -= group.length;
    return left;
  });
}

/** Steps by group, in rising order. */
function groupsOf(steps: readonly PlannedStep[]): PlannedStep[][] {
  const groups = new Map<number, PlannedStep[]>();
  for (const step of steps) groups.set(step.group, [...(groups.get(step.group) ?? []), step]);
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}
