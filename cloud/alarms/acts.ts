import { MAX_SHELVE_MS, operatorMayShelve } from "#core/alarm/law.ts";
import { type AlarmApplied, type AlarmEvent, type AlarmRefusal, apply } from "#core/alarm/lifecycle.ts";
import type { AlarmAct } from "#core/contracts/alarm-acts.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import type { Alarm, AlarmPriority, Law } from "#core/model/alarm.ts";
import type { AlarmActKind } from "../ports.ts";

/** An act that changes an alarm. */
export type ChangingAct = Exclude<AlarmActKind, "comment">;

const DEFAULT_SHELVE_MINUTES = 60;
const MAX_SHELVE_MINUTES = MAX_SHELVE_MS / 60_000;

/** Acts that nobody does without saying why, and on which alarms. What hides an alarm always needs a reason. [AL-02, AL-10] */
export const COMMENT_NEEDED: Readonly<
  Partial<Record<ChangingAct, { readonly law?: Law; readonly priority?: AlarmPriority }>>
> = {
  acknowledge: { priority: "urgent" },
  reset: { law: "security" },
};

/** @throws ALARM_COMMENT_MISSING where an act on this alarm needs one */
export function checkCommentNeeded(alarm: Alarm, kind: ChangingAct, { comment }: AlarmAct): void {
  const needed = COMMENT_NEEDED[kind];
  if (needed === undefined || (comment ?? "").trim() !== "") return;
  if (needed.law !== undefined && needed.law !== alarm.law) return;
  if (needed.priority !== undefined && needed.priority !== alarm.priority) return;
  throw new InvalidInputError(
    "ALARM_COMMENT_MISSING",
    `alarm ${alarm.id}: ${kind} of an alarm of law ${alarm.law} and priority ${alarm.priority} needs a comment`,
  );
}

/** What the API calls a refusal of the core, where the two differ. */
const API_CODE: Partial<Record<AlarmRefusal, string>> = {
  ALARM_SHELVE_FORBIDDEN: "ALARM_LAW_FORBIDS",
  ALARM_SUPPRESSION_FORBIDDEN: "ALARM_LAW_FORBIDS",
  ALARM_OUT_OF_SERVICE_FORBIDDEN: "ALARM_LAW_FORBIDS",
  ALARM_NOT_LATCHING: "ALARM_LAW_FORBIDS",
};

/** How an act shelves: until when at the latest (Unix ms), and whether only until the alarm next returns to normal. [AL-10] */
export function shelvingOf(
  { once = false, minutes = once ? MAX_SHELVE_MINUTES : DEFAULT_SHELVE_MINUTES }: AlarmAct,
  now: number,
): { readonly until: number; readonly once?: true } {
  return { until: now + minutes * 60_000, ...(once ? { once } : {}) };
}

function eventOf(kind: ChangingAct, act: AlarmAct, by: string, now: number): AlarmEvent {
  const { occurrence, comment = "" } = act;
  switch (kind) {
    case "acknowledge":
    case "reset":
      return { type: kind, occurrence, by, at: now };
    case "shelve":
      return { type: kind, occurrence, ...shelvingOf(act, now), reason: comment };
    case "outOfService":
      return { type: kind, occurrence, reason: comment };
    case "unshelve":
    case "returnToService":
      return { type: kind, occurrence };
    default:
      return kind satisfies never;
  }
}

/** Is this an act that a mirror does at once? What hides an alarm is decided where it was minted. */
export function mirrors(kind: ChangingAct): boolean {
  return kind === "acknowledge" || kind === "reset";
}

/**
 * What an act does to an alarm.
 * @throws ALARM_OCCURRENCE_STALE, ALARM_STILL_ACTIVE, ALARM_NOT_ACKNOWLEDGED, ALARM_LAW_FORBIDS, ALARM_REASON_MISSING, ALARM_CLOSED
 */
export function applyAct(
  alarm: Alarm,
  kind: ChangingAct,
  act: AlarmAct,
  who: { readonly by: string; readonly now: number; readonly side: "minting" | "mirror" },
): AlarmApplied {
  const { by, now, side } = who;
  if (kind === "shelve" && !operatorMayShelve(alarm))
    throw new HubError(
      "ALARM_LAW_FORBIDS",
      `alarm ${alarm.id}: a ${alarm.law} alarm of priority ${alarm.priority} may not be shelved`,
    );
  const result = apply(alarm, eventOf(kind, act, by, now), { now, side });
  if ("refused" in result)
    throw new HubError(API_CODE[result.refused] ?? result.refused, `alarm ${alarm.id}: ${result.message}`);
  return result;
}

/** @throws ALARM_OCCURRENCE_STALE, ALARM_OCCURRENCE_UNKNOWN */
export function checkOccurrence(alarm: Alarm, occurrence: number): void {
  if (occurrence !== alarm.occurrence)
    throw new HubError(
      occurrence < alarm.occurrence ? "ALARM_OCCURRENCE_STALE" : "ALARM_OCCURRENCE_UNKNOWN",
      `alarm ${alarm.id}: occurrence ${occurrence} was named, the alarm is at ${alarm.occurrence}`,
    );
}

/** Checks a comment on an alarm. @throws ALARM_OCCURRENCE_STALE, ALARM_OCCURRENCE_UNKNOWN, ALARM_COMMENT_MISSING */
export function checkComment(alarm: Alarm, { occurrence, comment }: AlarmAct): string {
  checkOccurrence(alarm, occurrence);
  const text = comment?.trim() ?? "";
  if (text === "") throw new InvalidInputError("ALARM_COMMENT_MISSING", `alarm ${alarm.id}: a comment needs a text`);
  return text;
}
