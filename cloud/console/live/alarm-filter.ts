import type { AlarmView } from "#core/contracts/http.ts";
import type { AlarmCategory, AlarmPriority, Law } from "#core/model/alarm.ts";

/** What of the list is shown. Undefined or empty lets everything through. */
export interface AlarmFilter {
  readonly priorities: ReadonlySet<AlarmPriority>;
  readonly state: "unacknowledged" | "active" | "latched" | "suppressed" | undefined;
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

function inState(alarm: AlarmView, state: AlarmFilter["state"]): boolean {
  switch (state) {
    case undefined:
      return true;
    case "unacknowledged":
      return !alarm.acknowledged;
    case "active":
      return alarm.condition === "active";
    case "latched":
      return alarm.condition === "latched";
    case "suppressed":
      return alarm.suppression.length > 0;
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
