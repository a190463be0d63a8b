import { lawOf } from "#core/alarm/law.ts";
import { type AlarmEvent, type AlarmResult, alarmId, apply, raise } from "#core/alarm/lifecycle.ts";
import type { Alarm, AlarmCategory, AlarmTransition } from "#core/model/alarm.ts";

/** Monday 2026-01-05 08:00 UTC. */
export const START = Date.UTC(2026, 0, 5, 8);
export const EPOCH = "0123456789abcdef0123456789abcdef";

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
