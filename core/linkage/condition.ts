import type { Sample } from "../model/sample.ts";
import type { RuleGroup, RuleOutcome, RuleTest } from "./rule.ts";
import { compare } from "./trigger.ts";

/** What a condition may ask. */
export interface ConditionFacts {
  /** Present value; undefined when nothing was ever heard of the point. */
  point(id: string): Sample | undefined;
  /** Unix ms. */
  readonly now: number;
  /** IANA time zone of the site. */
  readonly timeZone: string;
}

/** Why a condition does not hold. */
export interface Unmet {
  readonly outcome: Extract<RuleOutcome, "conditionFalse" | "outsideSchedule" | "inputStale">;
  /** Which operand, which value, how old. */
  readonly reason: string;
}

/**
 * Three-valued: a point that is not good makes a test neither true nor false but unknown, so that not even a group of `none` is
 * fulfilled by a dead sensor.
 */
type Verdict = { readonly holds: true; readonly reason: string } | ({ readonly holds: false | undefined } & Unmet);

/** The first group that does not hold, with its reason; undefined when all hold. */
export function unmet(groups: readonly RuleGroup[], facts: ConditionFacts): Unmet | undefined {
  for (const group of groups) {
    const verdict = judgeGroup(group, facts);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

function judgeGroup({ match, tests }: RuleGroup, facts: ConditionFacts): Unmet | undefined {
  const verdicts = tests.map((test) => judge(test, facts));
  const failed = verdicts.filter((verdict) => verdict.holds === false);
  const unknown = verdicts.filter((verdict) => verdict.holds === undefined);
  const met = verdicts.find((verdict) => verdict.holds === true);
  switch (match) {
    case "all":
      return unmetOf(failed[0] ?? unknown[0]);
    case "any": {
      if (met !== undefined) return undefined;
      return unmetOf(unknown[0]) ?? joined(failed);
    }
    case "none":
      if (met !== undefined) return { outcome: "conditionFalse", reason: `must not hold: ${met.reason}` };
      return unmetOf(unknown[0]);
    default:
      return match satisfies never;
  }
}

function unmetOf(verdict: Verdict | undefined): Unmet | undefined {
  return verdict === undefined || verdict.holds ? undefined : { outcome: verdict.outcome, reason: verdict.reason };
}

function joined(verdicts: readonly Verdict[]): Unmet {
  const unmets = verdicts.flatMap((verdict) => unmetOf(verdict) ?? []);
  const outside = unmets.length > 0 && unmets.every(({ outcome }) => outcome === "outsideSchedule");
  return {
    outcome: outside ? "outsideSchedule" : "conditionFalse",
    reason: `none of: ${unmets.map(({ reason }) => reason).join("; ")}`,
  };
}

function judge(test: RuleTest, facts: ConditionFacts): Verdict {
  switch (test.type) {
    case "point":
      return judgePoint(test, facts);
    case "time":
      return judgeTime(test, facts);
    default:
      return test satisfies never;
  }
}

function judgePoint(test: Extract<RuleTest, { type: "point" }>, facts: ConditionFacts): Verdict {
  const sample = facts.point(test.point);
  if (sample === undefined)
    return { holds: undefined, outcome: "inputStale", reason: `point ${test.point} was never heard of` };
  const age = `${Math.max(0, facts.now - sample.observedAt)} ms old`;
  if (sample.quality !== "good")
    return {
      holds: undefined,
      outcome: "inputStale",
      reason: `point ${test.point} is ${sample.quality}${sample.reason === undefined ? "" : ` (${sample.reason})`}, ${age}`,
    };
  const expected = `${test.operator} ${JSON.stringify(test.value)}`;
  const reason = `point ${test.point} = ${JSON.stringify(sample.value)}, expected ${expected}, ${age}`;
  return compare(sample.value, test.operator, test.value)
    ? { holds: true, reason }
    : { holds: false, outcome: "conditionFalse", reason };
}

function judgeTime({ from, to }: Extract<RuleTest, { type: "time" }>, facts: ConditionFacts): Verdict {
  const time = localTime(facts.now, facts.timeZone);
  const inside = from < to ? from <= time && time < to : from <= time || time < to;
  const reason = `local time ${time}, window ${from} to ${to}`;
  return inside ? { holds: true, reason } : { holds: false, outcome: "outsideSchedule", reason };
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Local time of day as HH:MM (00:00 to 23:59). @param now Unix ms @param timeZone IANA name */
export function localTime(now: number, timeZone: string): string {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    formats.set(timeZone, format);
  }
  return format.format(now);
}
