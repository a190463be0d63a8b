import { lawOf } from "#core/alarm/law.ts";
import type { Clock } from "#core/clock.ts";
import type { NotifyOn, NotifyRule } from "#core/contracts/notify.ts";
import {
  type Alarm,
  AlarmCategory as AlarmCategories,
  type AlarmCategory,
  type AlarmTransition,
} from "#core/model/alarm.ts";
import type { AlarmTold, PermitDirectory } from "../alarm-ports.ts";
import type { Db } from "../db/database.ts";
import type { JobQueue } from "../job-ports.ts";
import type { Kept } from "../notify-ports.ts";
import type { NotifyBook } from "./book.ts";
import { type Chain, ChainStore, isUntilAcknowledged, kindOf, MOST_CHAINS } from "./chain-store.ts";
import type { Message, ToldAlarm } from "./message.ts";
import type { Positions } from "./positions.ts";
import type { Bundle, PostOffice } from "./post-office.ts";
import { quietUntil } from "./weekly-time.ts";

/** Kind of the jobs that take the due steps of one rule; the key is its id. */
const STEP_JOB = "notify-step";
const MINUTE_MS = 60_000;
/** An alarm of the security law is told for so long however late it becomes known. */
const SECURITY_LATE_MINUTES = 1440;
/** Security and urgent alarms wait for others no longer. */
const LONGEST_SECURITY_GROUP_MS = 60_000;

/** By which entry of a rule each transition is told; the rest is not. */
const ON: Readonly<Partial<Record<AlarmTransition, NotifyOn>>> = {
  raised: "raised",
  reAlarmed: "raised",
  unshelved: "raised",
  unsuppressed: "raised",
  returnedToService: "raised",
  escalated: "escalated",
  cleared: "cleared",
  acknowledged: "acknowledged",
};
const RETURNS: ReadonlySet<AlarmTransition> = new Set(["unshelved", "unsuppressed", "returnedToService"]);
const SUPPRESSES: ReadonlySet<AlarmTransition> = new Set(["shelved", "suppressed", "outOfService"]);
/** What one occurrence can have more than once. */
const REPEATS: ReadonlySet<AlarmTransition> = new Set(["escalated", "reAlarmed"]);

type Rule = Kept<"rules">;
/** Alarms of one kind wait for each other, never one of the security law for one that is not. */
type Lane = "security" | "urgent" | "facility";

/** What the chains work with. */
export interface ChainsDeps {
  readonly db: Db;
  readonly jobs: Pick<JobQueue, "add" | "work">;
  readonly book: NotifyBook;
  readonly positions: Positions;
  readonly office: PostOffice;
  /** Which alarms a maintenance permit holds back: they may not be out of service yet when they are raised. */
  readonly permits: PermitDirectory;
  /** Name of a space with those above it, in both languages. */
  readonly placeOf: (space: string) => { readonly place: string; readonly placeEn: string } | undefined;
  readonly timeZone: string;
  readonly clock: Clock;
}

/**
 * What the rules do about each alarm, step by step until it is acknowledged. A chain is begun in the transaction that stores the
 * transition; each step with its deliveries is one transaction: killed between any two, every step is taken once.
 */
export class Chains {
  readonly #deps: ChainsDeps;
  readonly store: ChainStore;
  /** Until when each lane of a rule's step collects, by rule, lane, step and kind. */
  readonly #collecting = new Map<string, number>();

  constructor(deps: ChainsDeps) {
    this.#deps = deps;
    this.store = new ChainStore(deps.db);
  }

  /** Takes up the jobs and what a former process has left. Before the queue is started. */
  start(): void {
    const { jobs } = this.#deps;
    jobs.work(STEP_JOB, async ({ key }) => this.#run(key));
    for (const rule of this.store.openRules()) this.#ask(rule, this.#deps.clock.now());
  }

  /** A transition of an alarm, in the transaction that stores it. */
  take({ alarm, transition, at }: AlarmTold): void {
    const { book, clock } = this.#deps;
    const rules = book.list("rules").filter(({ document }) => document.enabled);
    if (rules.length === 0) return;
    const now = clock.now();
    this.#end(alarm, transition, rules, now);
    const on = ON[transition];
    if (on === undefined || !announces(alarm, transition) || this.#isPermitted(alarm)) return;
    const told = toldOf(alarm, at);
    const kind = RETURNS.has(transition) ? "raised" : transition;
    const named = REPEATS.has(transition) ? `${kind}@${at}` : kind;
    const again = RETURNS.has(transition);
    for (const rule of rules) if (this.#wants(rule.document, on, alarm)) this.#begin(rule, told, named, { now, again });
  }

  /** What a maintenance permit held back, told like an alarm by the rules that want digests. Part of the running transaction. */
  takeDigest(
    told: ToldAlarm,
    { areas, categories }: { readonly areas: readonly string[]; readonly categories: readonly AlarmCategory[] },
  ): void {
    const { book, clock } = this.#deps;
    const now = clock.now();
    const { area: _, ...anywhere } = told;
    const scope = (areas.length === 0 ? [undefined] : areas).flatMap((area) =>
      (categories.length === 0 ? AlarmCategories.enum : categories).map((category) => {
        const about = { ...anywhere, category, law: lawOf(category) };
        return area === undefined ? about : { ...about, area };
      }),
    );
    for (const rule of book.list("rules"))
      if (rule.document.enabled && scope.some((about) => this.#wants(rule.document, "permitDigest", about)))
        this.#begin(rule, told, "permitDigest", { now, again: false });
  }

  #isPermitted(alarm: Alarm): boolean {
    return alarm.category !== "panic" && this.#deps.permits.permitOf(alarm) !== undefined;
  }

  #end(alarm: Alarm, transition: AlarmTransition, rules: readonly Rule[], now: number): void {
    if (transition === "acknowledged" || transition === "reset") this.store.end(alarm, "acknowledged", now);
    else if (SUPPRESSES.has(transition) && alarm.category !== "panic") this.store.end(alarm, "suppressed", now);
    else if (transition === "cleared" && alarm.law === "facility") {
      const stopping = rules.filter(({ document }) => document.stopWhenCleared).map(({ id }) => id);
      if (stopping.length > 0) this.store.end(alarm, "cleared", now, stopping);
    }
  }

  #wants(rule: NotifyRule, on: NotifyOn, alarm: Pick<Alarm, "law" | "category" | "priority" | "area">): boolean {
    const fits = <T>(list: readonly T[], one: T): boolean => list.length === 0 || list.includes(one);
    return (
      rule.on.includes(on) &&
      fits(rule.laws, alarm.law) &&
      fits(rule.categories, alarm.category) &&
      fits(rule.priorities, alarm.priority) &&
      this.#deps.positions.looksAfter(rule.position, alarm)
    );
  }

  #begin(
    { id: rule, document }: Rule,
    told: ToldAlarm,
    transition: string,
    { now, again }: { readonly now: number; readonly again: boolean },
  ): void {
    const [first] = document.steps;
    if (first === undefined) return;
    const lateMinutes =
      told.law === "security" ? Math.max(document.tooLateMinutes, SECURITY_LATE_MINUTES) : document.tooLateMinutes;
    if (now - told.at > lateMinutes * MINUTE_MS) {
      if (this.store.tooLate({ rule, told, transition, now }))
        this.#deps.office.tooLate(this.#bundle(rule, 0, transition, [{ transition, told }]));
      return;
    }
    // What needs no acknowledgement has no later steps.
    if (!isUntilAcknowledged(transition) && first.afterMinutes > 0) return;
    this.store.begin({ rule, told, transition, now, nextAt: now + first.afterMinutes * MINUTE_MS }, again);
    this.#ask(rule, first.afterMinutes === 0 ? now : (this.store.nextAt(rule) ?? now));
  }

  /** Of a rule one job waits at most: it is always asked for the earliest of all its times. */
  #ask(rule: string, runAt: number): void {
    this.#deps.jobs.add({ kind: STEP_JOB, key: rule, runAt });
  }

  /** Takes every step of a rule that is due. */
  #run(id: string): void {
    const { db, book, clock } = this.#deps;
    const now = clock.now();
    const rule = book.get("rules", id);
    const windows = new Map<string, number>();
    const after = db.sync.transaction<(() => void)[]>(() => {
      if (rule === undefined || !rule.document.enabled) {
        this.store.endRule(id, now);
        return [];
      }
      const due = this.store.due(id, now);
      const told = this.#steps(rule, due, now, windows);
      const nextAt = this.store.nextAt(id);
      if (nextAt !== undefined) this.#ask(id, nextAt);
      return told;
    });
    for (const [name, until] of this.#collecting) if (until <= now) this.#collecting.delete(name);
    for (const [name, until] of windows) this.#collecting.set(name, until);
    for (const tell of after) tell();
  }

  #steps(rule: Rule, due: readonly Chain[], now: number, windows: Map<string, number>): (() => void)[] {
    const { quietHours } = rule.document;
    const quiet = quietHours.length === 0 ? undefined : quietUntil(quietHours, this.#deps.timeZone, now);
    const ready = due.filter((chain) => !this.#waits(chain, quiet));
    const lanes = Map.groupBy(ready, (chain) =>
      JSON.stringify([rule.id, laneOf(chain), chain.step, kindOf(chain.transition)]),
    );
    return [...lanes].flatMap(([name, chains]) => {
      const [first, ...others] = chains;
      const open = this.#collecting.get(name) ?? 0;
      if (first === undefined) return [];
      // What is left over of a large crowd goes with it.
      if (open > now && due.length < MOST_CHAINS) {
        for (const chain of chains) this.store.hold(chain, open);
        return [];
      }
      windows.set(name, now + groupMs(rule.document, laneOf(first)));
      const alone = rule.document.groupSeconds === 0 || (laneOf(first) === "security" && first.step === 0);
      if (!alone) return [this.#post(rule, chains, now)];
      const rest = rule.document.groupSeconds === 0 ? others.map((chain) => [chain]) : [others];
      return [[first], ...rest].filter((part) => part.length > 0).map((part) => this.#post(rule, part, now));
    });
  }

  /** Has a chain wait for the end of the quiet hours. Neither the security law nor an urgent alarm knows any. */
  #waits(chain: Chain, quiet: number | undefined): boolean {
    if (quiet === undefined || laneOf(chain) !== "facility") return false;
    this.store.hold(chain, quiet);
    return true;
  }

  #post({ id, document }: Rule, chains: readonly Chain[], now: number): () => void {
    const step = chains[0]?.step ?? 0;
    const transition = chains[0]?.transition ?? "";
    const told = chains.map((chain) => ({ transition: chain.transition, told: toldAlarm(chain) }));
    const after = this.#deps.office.post(this.#bundle(id, step, transition, told), document);
    const [taken, next] = [document.steps[step], document.steps[step + 1]];
    const goesOn =
      taken !== undefined && next !== undefined && (isUntilAcknowledged(transition) || next.afterMinutes === 0);
    // Counted on from when this step was taken: what quiet hours held back must not escalate all at once.
    const nextAt = goesOn ? now + (next.afterMinutes - taken.afterMinutes) * MINUTE_MS : undefined;
    for (const chain of chains) this.store.advance(chain, nextAt, now);
    return after;
  }

  #bundle(
    rule: string,
    step: number,
    transition: string,
    told: readonly { readonly transition: string; readonly told: ToldAlarm }[],
  ): Bundle {
    return {
      rule,
      step,
      transition: kindOf(transition),
      told: told.map((one) => ({
        alarm: one.told.id,
        occurrence: one.told.occurrence,
        transition: one.transition,
        alarmTold: this.#placed(one.told),
      })),
    };
  }

  #placed(told: ToldAlarm): Message["alarms"][number] {
    return { ...told, ...(told.area === undefined ? {} : this.#deps.placeOf(told.area)) };
  }
}

/** Is anybody to be told? What is suppressed calls nobody, panic always does; what comes back from suppression must still hold. */
function announces(alarm: Alarm, transition: AlarmTransition): boolean {
  if (alarm.suppression.length > 0 && alarm.category !== "panic") return false;
  return !RETURNS.has(transition) || (!alarm.acknowledged && alarm.condition !== "inactive");
}

function toldOf(alarm: Alarm, at: number): ToldAlarm {
  const { id, occurrence, law, category, priority, message, messageEn, source, raisedAt, area } = alarm;
  const told = { id, occurrence, law, category, priority, message, messageEn, source, raisedAt, at };
  return area === undefined ? told : { ...told, area };
}

function toldAlarm({ document }: Chain): ToldAlarm {
  return JSON.parse(document) as ToldAlarm;
}

function laneOf(chain: Chain): Lane {
  if (chain.law === "security") return "security";
  return toldAlarm(chain).priority === "urgent" ? "urgent" : "facility";
}

function groupMs({ groupSeconds }: NotifyRule, lane: Lane): number {
  const asked = groupSeconds * 1000;
  return lane === "facility" ? asked : Math.min(asked, LONGEST_SECURITY_GROUP_MS);
}
