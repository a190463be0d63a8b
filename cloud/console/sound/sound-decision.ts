import type { AlarmView } from "#core/contracts/http.ts";
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
  /** Alarm and occurrence: another occurrence is another alarm. */
  readonly key: string;
  readonly priority: AlarmPriority;
  /** What it is folded by in a flood; undefined: it always sounds for itself. */
  readonly cause: string | undefined;
}

/** Of each view once: of ten thousand rows only what changed is made anew. */
const known = new WeakMap<AlarmView, Audible>();

function audibleOf(alarm: AlarmView): Audible {
  const before = known.get(alarm);
  if (before !== undefined) return before;
  const { id, occurrence, priority } = alarm;
  const made = { key: `${id}#${occurrence}`, priority, cause: causeOf(alarm) };
  known.set(alarm, made);
  return made;
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
 * What is to be heard: every alarm that asks for attention and whose condition holds or is latched. A facility alarm that has
 * cleared by itself waits silently for its acknowledgement. The filter of the list plays no part; the operator position does.
 */
export function audibleAlarms(
  alarms: readonly AlarmView[],
  heardBy: HeardBy,
  inside: (space: string | undefined, area: string) => boolean,
): readonly Audible[] {
  const heard: Audible[] = [];
  for (const alarm of alarms) {
    if (!asksForAttention(alarm) || alarm.condition === "inactive") continue;
    if (isHeardBy(alarm, heardBy, inside)) heard.push(audibleOf(alarm));
  }
  return heard;
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
  #heard: readonly Audible[] = [];

  /** Takes what is audible as it stands. */
  update(audible: readonly Audible[], flooding: boolean): Sounding {
    this.#heard = audible;
    if (this.#silenced.size > 0) this.#forget(new Set(audible.map(({ key }) => key)));
    const causes = flooding ? this.#silencedCauses() : undefined;
    let priority: AlarmPriority | undefined;
    let silenced = 0;
    for (const one of audible) {
      const covered = one.cause === undefined ? undefined : causes?.get(one.cause);
      if (this.#silenced.has(one.key) || (covered !== undefined && rank(one.priority) >= covered)) silenced += 1;
      else if (priority === undefined || rank(one.priority) < rank(priority)) priority = one.priority;
    }
    return { priority, silenced };
  }

  /** Silences all that is heard now. */
  silence(): void {
    for (const one of this.#heard) this.#silenced.set(one.key, one);
  }

  /** Lets everything be heard again. */
  resume(): void {
    this.#silenced.clear();
  }

  /** What was acknowledged or has gone and comes back is new. */
  #forget(still: ReadonlySet<string>): void {
    for (const key of this.#silenced.keys()) if (!still.has(key)) this.#silenced.delete(key);
  }

  /** The rank of the most important silenced alarm of each cause. */
  #silencedCauses(): ReadonlyMap<string, number> {
    const causes = new Map<string, number>();
    for (const { cause, priority } of this.#silenced.values())
      if (cause !== undefined) causes.set(cause, Math.min(rank(priority), causes.get(cause) ?? PRIORITIES.length));
    return causes;
  }
}
