import type { AlarmView } from "#core/contracts/alarms.ts";
import type { AlarmPriority } from "#core/model/alarm.ts";
import { type AlarmTab, tabOf } from "./alarm-filter.ts";
import { PRIORITIES } from "./alarm-order.ts";
import { Cell } from "./cell.ts";
import type { ItemChanges, LiveCollection } from "./collection.ts";

/** How many of a priority are open, and how many of them unacknowledged. What is suppressed does not count. */
export interface PriorityCount {
  readonly open: number;
  readonly unacknowledged: number;
}

/** The numbers of the open alarms. */
export interface AlarmTally {
  readonly priorities: Readonly<Record<AlarmPriority, PriorityCount>>;
  /** How many stand in each list. */
  readonly tabs: Readonly<Record<AlarmTab, number>>;
}

type Sums<T> = { -readonly [K in keyof T]: T[K] extends number ? number : Sums<T[K]> };

const none = (): Sums<AlarmTally> => ({
  priorities: {
    urgent: { open: 0, unacknowledged: 0 },
    high: { open: 0, unacknowledged: 0 },
    medium: { open: 0, unacknowledged: 0 },
    low: { open: 0, unacknowledged: 0 },
  },
  tabs: { active: 0, shelved: 0, suppressed: 0, outOfService: 0 },
});

/** How many ask for somebody's attention. */
export function countAttention({ priorities }: AlarmTally): number {
  return PRIORITIES.reduce((sum, priority) => sum + priorities[priority].unacknowledged, 0);
}

/** How many are open and not in the list of active ones: shelved, suppressed by design or out of service. */
export function countHeldBack({ tabs }: AlarmTally): number {
  return tabs.shelved + tabs.suppressed + tabs.outOfService;
}

/**
 * Keeps the numbers of a collection of alarms. Several parts of the page show them after every change: of ten thousand alarms only
 * the changed ones are counted anew.
 */
export class AlarmCounter {
  readonly tally = new Cell<AlarmTally>(none());
  /** Each alarm as it was counted. */
  readonly #counted = new Map<string, AlarmView>();
  #sums = none();
  #told = JSON.stringify(this.#sums);

  constructor(alarms: Pick<LiveCollection<AlarmView>, "follow">) {
    alarms.follow((changes) => this.#take(changes));
  }

  #take({ put, gone, all }: ItemChanges<AlarmView>): void {
    if (all) {
      this.#counted.clear();
      this.#sums = none();
    }
    for (const id of gone) this.#replace(id, undefined);
    for (const alarm of put) this.#replace(alarm.id, alarm);
    const told = JSON.stringify(this.#sums);
    if (told === this.#told) return;
    this.#told = told;
    this.tally.set(structuredClone(this.#sums));
  }

  #replace(id: string, alarm: AlarmView | undefined): void {
    const before = this.#counted.get(id);
    if (before !== undefined) this.#add(before, -1);
    if (alarm === undefined) this.#counted.delete(id);
    else {
      this.#counted.set(id, alarm);
      this.#add(alarm, 1);
    }
  }

  #add(alarm: AlarmView, one: 1 | -1): void {
    this.#sums.tabs[tabOf(alarm)] += one;
    if (alarm.suppression.length > 0) return;
    const count = this.#sums.priorities[alarm.priority];
    count.open += one;
    if (!alarm.acknowledged) count.unacknowledged += one;
  }
}
