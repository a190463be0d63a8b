import type { AlarmView } from "#core/contracts/alarms.ts";
import type { AlarmCategory, AlarmPriority } from "#core/model/alarm.ts";
import { causeOf } from "../live/alarm-groups.ts";
import { asksForAttention, PRIORITIES } from "../live/alarm-order.ts";

/** Whose alarms are heard at this workplace. Empty lists: everything. */
export interface HeardBy {
  readonly areas: readonly string[];
  readonly categories: readonly AlarmCategory[];
}

/** An alarm as the sounder sees it. */
export interface Audible {
  /** Its id. */
  readonly alarm: string;
  /** Alarm and occurrence: another occurrence is another alarm. */
  readonly key: string;
  readonly priority: AlarmPriority;
  /** What it is folded by in a flood; undefined: it always sounds for itself. */
  readonly cause: string | undefined;
}

/** Does an alarm belong to the operator position of this workplace? */
export function isHeardBy(
  alarm: Pick<AlarmView, "area" | "category">,
  { areas, categories }: HeardBy,
  inside: (space: string | undefined, area: string) => boolean,
): boolean {
  return (
    (categories.length === 0 || categories.includes(alarm.category)) &&
    (areas.length === 0 || areas.some((area) => inside(alarm.area, area)))
  );
}

/**
 * The alarm of an operator position as it is to be heard; undefined when it is not: heard is what asks for attention and whose
 * condition holds or is latched. A facility alarm that has cleared by itself waits silently for its acknowledgement.
 */
export function audibleOf(alarm: AlarmView): Audible | undefined {
  if (!asksForAttention(alarm) || alarm.condition === "inactive") return undefined;
  const { id, occurrence, priority } = alarm;
  return { alarm: id, key: `${id}#${occurrence}`, priority, cause: causeOf(alarm) };
}

const rank = (priority: AlarmPriority): number => PRIORITIES.indexOf(priority);

/** What sounds now. */
export interface Sounding {
  /** The highest priority that is to be heard; undefined: silence. */
  readonly priority: AlarmPriority | undefined;
  /** Unacknowledged alarms that a person has silenced here. */
  readonly silenced: number;
}

/**
 * Decides what is heard at one workplace. Silence is no acknowledgement: it covers the alarms that were heard when it was asked
 * for, and ends for every new one [AL-17]. In a flood a cause sounds once: another alarm of a silenced cause stays silent unless
 * it is more important.
 */
export class SoundDecision {
  readonly #silenced = new Map<string, Audible>();
  /** What is audible, by alarm id. */
  readonly #heard = new Map<string, Audible>();
  /** How many of each priority are audible. */
  readonly #counts: Record<AlarmPriority, number> = { urgent: 0, high: 0, medium: 0, low: 0 };

  /** Takes all that is audible. */
  replace(audible: readonly Audible[]): void {
    this.#heard.clear();
    for (const priority of PRIORITIES) this.#counts[priority] = 0;
    for (const one of audible) this.#put(one);
    // What was acknowledged or has gone and comes back is new.
    const still = new Set(audible.map(({ key }) => key));
    for (const key of this.#silenced.keys()) if (!still.has(key)) this.#silenced.delete(key);
  }

  /** Takes how one alarm is audible now; undefined: not any more. Then it is new when it comes back. */
  change(alarm: string, audible: Audible | undefined): void {
    const before = this.#heard.get(alarm);
    if (before !== undefined) {
      this.#heard.delete(alarm);
      this.#counts[before.priority] -= 1;
      if (before.key !== audible?.key) this.#silenced.delete(before.key);
    }
    if (audible !== undefined) this.#put(audible);
  }

  /** What sounds. */
  sounding(flooding: boolean): Sounding {
    // The usual case, and that of a storm: nothing is silenced, and none of ten thousand needs to be looked at.
    if (this.#silenced.size === 0)
      return { priority: PRIORITIES.find((priority) => this.#counts[priority] > 0), silenced: 0 };
    const causes = flooding ? this.#silencedCauses() : undefined;
    let priority: AlarmPriority | undefined;
    let silenced = 0;
    for (const one of this.#heard.values()) {
      const covered = one.cause === undefined ? undefined : causes?.get(one.cause);
      if (this.#silenced.has(one.key) || (covered !== undefined && rank(one.priority) >= covered)) silenced += 1;
      else if (priority === undefined || rank(one.priority) < rank(priority)) priority = one.priority;
    }
    return { priority, silenced };
  }

  /** Silences all that is heard now. */
  silence(): void {
    for (const one of this.#heard.values()) this.#silenced.set(one.key, one);
  }

  /** Lets everything be heard again. */
  resume(): void {
    this.#silenced.clear();
  }

  #put(audible: Audible): void {
    this.#heard.set(audible.alarm, audible);
    this.#counts[audible.priority] += 1;
  }

  /** The rank of the most important silenced alarm of each cause. */
  #silencedCauses(): ReadonlyMap<string, number> {
    const causes = new Map<string, number>();
    for (const { cause, priority } of this.#silenced.values())
      if (cause !== undefined) causes.set(cause, Math.min(rank(priority), causes.get(cause) ?? PRIORITIES.length));
    return causes;
  }
}
