import type { AlarmView } from "#core/contracts/alarms.ts";
import type { AlarmCategory, AlarmPriority, Law } from "#core/model/alarm.ts";

/** The lists that the alarm page parts the open alarms into: what asks for people, and the three ways of being held back. */
export type AlarmTab = "active" | "shelved" | "suppressed" | "outOfService";

/** The tabs in order. */
export const ALARM_TABS: readonly AlarmTab[] = ["active", "shelved", "suppressed", "outOfService"];

/** States that can be asked for. */
export const STATE_FILTERS = ["unacknowledged", "active", "cleared", "latched", "escalated"] as const;
export type StateFilter = (typeof STATE_FILTERS)[number];

/** What of the list is shown. Undefined or empty lets everything through. */
export interface AlarmFilter {
  readonly priorities: ReadonlySet<AlarmPriority>;
  readonly state: StateFilter | undefined;
  readonly law: Law | undefined;
  readonly category: AlarmCategory | undefined;
  /** Space ids: the chosen one and all below it. */
  readonly area: string | undefined;
  readonly q: string;
}

/** Everything is shown. */
export const NO_FILTER: AlarmFilter = {
  priorities: new Set(),
  state: undefined,
  law: undefined,
  category: undefined,
  area: undefined,
  q: "",
};

/** Does the filter hide anything at all? Then it must be seen that it is on. */
export function isFiltering(filter: AlarmFilter): boolean {
  const { priorities, state, law, category, area, q } = filter;
  return (
    priorities.size > 0 ||
    state !== undefined ||
    law !== undefined ||
    category !== undefined ||
    area !== undefined ||
    q.trim() !== ""
  );
}

/** The one list an alarm stands in: what holds it back the longest names it. */
export function tabOf({ suppression }: Pick<AlarmView, "suppression">): AlarmTab {
  if (suppression.length === 0) return "active";
  if (suppression.includes("outOfService")) return "outOfService";
  return suppression.includes("shelved") ? "shelved" : "suppressed";
}

/**
 * The alarms of one list, in the same order. `alarms` must be in the order of the alarm list: what is held back stands last in it, so
 * that the long list of the others is taken without looking at each.
 */
export function alarmsOfTab(alarms: readonly AlarmView[], tab: AlarmTab): readonly AlarmView[] {
  const held = firstHeld(alarms);
  if (tab === "active") return held === alarms.length ? alarms : alarms.slice(0, held);
  return alarms.slice(held).filter((alarm) => tabOf(alarm) === tab);
}

/** Index of the first alarm that is held back. */
function firstHeld(alarms: readonly AlarmView[]): number {
  let low = 0;
  let high = alarms.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (alarms[middle]?.suppression.length === 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function inState(alarm: AlarmView, state: StateFilter | undefined): boolean {
  switch (state) {
    case undefined:
      return true;
    case "unacknowledged":
      return !alarm.acknowledged;
    case "active":
      return alarm.condition === "active";
    case "cleared":
      return alarm.condition === "inactive";
    case "latched":
      return alarm.condition === "latched";
    case "escalated":
      return alarm.escalatedAt !== undefined;
    default:
      return state satisfies never;
  }
}

/**
 * The alarms that pass. `inside` tells whether a space lies in the area asked for; `words` gives what of an alarm can be searched
 * (names of its place and source in the language shown).
 */
export function filterAlarms(
  alarms: readonly AlarmView[],
  filter: AlarmFilter,
  inside: (space: string | undefined, area: string) => boolean,
  words: (alarm: AlarmView) => string,
): readonly AlarmView[] {
  if (!isFiltering(filter)) return alarms;
  const { priorities, state, law, category, area } = filter;
  const q = filter.q.trim().toLowerCase();
  return alarms.filter(
    (alarm) =>
      (priorities.size === 0 || priorities.has(alarm.priority)) &&
      inState(alarm, state) &&
      (law === undefined || alarm.law === law) &&
      (category === undefined || alarm.category === category) &&
      (area === undefined || inside(alarm.area, area)) &&
      (q === "" || words(alarm).toLowerCase().includes(q)),
  );
}
