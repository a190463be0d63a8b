import type { Zone } from "../model/site.ts";
import type { PlanSite } from "./action.ts";
import { type ConditionFacts, unmet } from "./condition.ts";
import { type PlannedStep, planSteps } from "./plan.ts";
import type { Rule, RuleOutcome } from "./rule.ts";
import { describeTrigger, matches, sourceOf, type Trigger, zoneOf } from "./trigger.ts";

export { type PlannedStep, ruleProblems } from "./plan.ts";
export type { Trigger } from "./trigger.ts";

/** What a rule may ask of the world. */
export interface RuleFacts extends ConditionFacts {
  zone(id: string): Zone | undefined;
  /** What the rule's actions may look up. */
  readonly site: PlanSite;
}

/** What a rule remembers of its own firings. A plain value, so that it can be stored; kept for each rule by the caller. */
export interface RuleMemory {
  /** Unix ms of the last firing for each zone or trigger source, for the cooldown. */
  readonly firedAt: Readonly<Record<string, number>>;
  /** Unix ms of the firings of the last minute, for the rate breaker. */
  readonly lastMinute: readonly number[];
}

/** The memory of a rule that has never fired. */
export const EMPTY_MEMORY: RuleMemory = { firedAt: {}, lastMinute: [] };

/** How an evaluation ended. Everything but `fired` causes nothing and leaves `effects` empty. */
export interface Decision {
  readonly outcome: RuleOutcome;
  /** What fired it, or which operand with which value and how old stood against it. */
  readonly reason: string;
  /** In the order in which they are to be run. */
  readonly effects: readonly PlannedStep[];
  /** To be handed in at the next evaluation of this rule. */
  readonly memory: RuleMemory;
}

const DEFAULT_MAX_PER_MINUTE = 60;
const MINUTE_MS = 60_000;

/**
 * Decides what a rule does on a trigger. Undefined when the rule does not listen to it (nothing for the ledger). An alarm that is
 * shelved, suppressed or out of service is not announced and so starts no rule for raised alarms. The wall clock may jump: a
 * firing that seems to lie in the future holds nothing back.
 */
export function evaluate(rule: Rule, trigger: Trigger, facts: RuleFacts, memory: RuleMemory): Decision | undefined {
  if (!matches(rule, trigger, (id) => facts.zone(id))) return undefined;
  const held = hindrance(rule, trigger, facts, memory);
  if (held !== undefined) return { ...held, effects: [], memory };
  const zoneId = zoneOf(trigger);
  const planned = planSteps(rule, zoneId === undefined ? undefined : facts.zone(zoneId), facts.site);
  if ("refused" in planned) return { outcome: "actionRefused", reason: planned.refused, effects: [], memory };
  return {
    outcome: "fired",
    reason: describeTrigger(trigger),
    effects: planned.steps,
    memory: remember(rule, trigger, facts.now, memory),
  };
}

interface Hindrance {
  readonly outcome: RuleOutcome;
  readonly reason: string;
}

function hindrance(rule: Rule, trigger: Trigger, facts: RuleFacts, memory: RuleMemory): Hindrance | undefined {
  if (!rule.enabled) return { outcome: "disabled", reason: "the rule is switched off" };
  return (
    suppressed(trigger) ??
    unmet(rule.if ?? [], facts) ??
    coolingDown(rule, trigger, facts.now, memory) ??
    tooMany(rule, facts.now, memory)
  );
}

function suppressed(trigger: Trigger): Hindrance | undefined {
  if (trigger.type !== "alarm" || trigger.transition !== "raised" || trigger.alarm.suppression.length === 0)
    return undefined;
  return { outcome: "suppressed", reason: `alarm ${trigger.alarm.id} is ${trigger.alarm.suppression.join(", ")}` };
}

function coolingDown(rule: Rule, trigger: Trigger, now: number, memory: RuleMemory): Hindrance | undefined {
  const source = sourceOf(trigger);
  const firedAt = memory.firedAt[source];
  if (firedAt === undefined || !isWithin(firedAt, now, rule.cooldownMs ?? 0)) return undefined;
  return {
    outcome: "cooldown",
    reason: `fired for ${source} ${now - firedAt} ms ago, cooldown ${rule.cooldownMs ?? 0} ms`,
  };
}

function tooMany(rule: Rule, now: number, memory: RuleMemory): Hindrance | undefined {
  const limit = rule.maxPerMinute ?? DEFAULT_MAX_PER_MINUTE;
  const count = memory.lastMinute.filter((at) => isWithin(at, now, MINUTE_MS)).length;
  if (count < limit) return undefined;
  return { outcome: "rateLimited", reason: `fired ${count} times in the last minute, limit ${limit}` };
}

function remember(rule: Rule, trigger: Trigger, now: number, memory: RuleMemory): RuleMemory {
  const cooldownMs = rule.cooldownMs ?? 0;
  const kept = Object.entries(memory.firedAt).filter(([, at]) => isWithin(at, now, cooldownMs));
  return {
    firedAt: cooldownMs === 0 ? {} : Object.fromEntries([...kept, [sourceOf(trigger), now]]),
    lastMinute: [...memory.lastMinute.filter((at) => isWithin(at, now, MINUTE_MS)), now],
  };
}

function isWithin(at: number, now: number, ms: number): boolean {
  return at <= now && now - at < ms;
}
