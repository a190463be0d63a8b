import { lawOf } from "#core/alarm/law.ts";
import { type AlarmEvent, type AlarmResult, alarmId, apply, raise } from "#core/alarm/lifecycle.ts";
import type { Clock } from "#core/clock.ts";
import type { Alarm, AlarmCategory, AlarmTransition } from "#core/model/alarm.ts";

/** Monday 2026-01-05 08:00 UTC. */
export const START = Date.UTC(2026, 0, 5, 8);
export const EPOCH = "0123456789abcdef0123456789abcdef";

/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
  #now = START;
  #setBackMs = 0;
  #timers: { dueAt: number; callback: () => void }[] = [];

  now(): number {
    return this.#now - this.#setBackMs;
  }
  /** Sets the wall clock back; timers do not notice. */
  setBack(ms: number): void {
    this.#setBackMs += ms;
  }
  monotonic(): number {
    return this.#now - START;
  }
  after(delayMs: number, callback: () => void): () => void {
    const timer = { dueAt: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }
  every(): () => void {
    throw new Error("not used here");
  }
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ dueAt }) => dueAt <= end).sort((a, b) => a.dueAt - b.dueAt)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.dueAt);
      next.callback();
    }
    this.#now = end;
  }
  get running(): number {
    return this.#timers.length;
  }
}

/** A newly raised alarm of a category. */
export function raised(category: AlarmCategory, fields: Partial<Alarm> = {}): Alarm {
  const seed = {
    id: alarmId({ origin: "park/gw-1", definition: "d", epoch: EPOCH, episode: 1 }),
    origin: "park/gw-1",
    definition: "d",
    law: lawOf(category),
    category,
    priority: "medium" as const,
    source: "park/gw-1/ahu-1/fault",
    message: "故障",
    messageEn: "Fault",
  };
  return { ...raise(seed, { type: "activate", sourceTime: START - 500 }, START), ...fields };
}

/** Applies events one after the other on the minting side; each must be accepted. */
export function after(alarm: Alarm, ...events: readonly AlarmEvent[]): Alarm {
  return events.reduce((held, event) => accepted(apply(held, event, { now: START, side: "minting" })).alarm, alarm);
}

export function accepted(result: AlarmResult): { alarm: Alarm; transition?: AlarmTransition } {
  if ("refused" in result) throw new Error(`refused: ${result.refused} ${result.message}`);
  return result;
}

export const acknowledge = (occurrence = 1, by = "li.wei", at = START): AlarmEvent => ({
  type: "acknowledge",
  occurrence,
  by,
  at,
});
export const reset = (occurrence = 1, by = "li.wei", at = START): AlarmEvent => ({ type: "reset", occurrence, by, at });
