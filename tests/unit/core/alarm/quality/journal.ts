import { momentOf, offsetMs } from "#cloud/wall-clock.ts";
import type { KpiEntry } from "#core/alarm/annunciations.ts";
import type { WallClock } from "#core/alarm/periods.ts";

/** Monday 2026-11-16 00:00 in Shanghai. */
export const MONDAY = Date.parse("2026-11-15T16:00:00Z");
export const SECOND = 1000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const DAY = 86_400_000;

/** The wall clock of a time zone. */
export const clockOf = (timeZone: string): WallClock => ({
  offsetMs: (at) => offsetMs(at, timeZone),
  momentOf: (wall) => momentOf(wall, timeZone),
});
export const SHANGHAI = clockOf("Asia/Shanghai");
export const SHIFTS = [8 * 60, 20 * 60];

/** An entry of the journal of a facility alarm. */
export function entry(transition: KpiEntry["transition"], at: number, more: Partial<KpiEntry> = {}): KpiEntry {
  const { definition = "supply-air-high" } = more;
  return {
    alarm: `alarm-${definition}`,
    occurrence: 1,
    transition,
    at,
    receivedAt: at,
    definition,
    source: `point-of-${definition}`,
    law: "facility",
    category: "comfort",
    priority: "low",
    area: "floor-1",
    ...more,
  };
}

/** One activation: raised, acknowledged after a while if asked for, and gone after `activeMs`. */
export function activation(at: number, activeMs: number, more: Partial<KpiEntry> = {}): KpiEntry[] {
  return [
    entry("raised", at, more),
    entry("cleared", at + activeMs, { ...more, receivedAt: at + activeMs, raisedAt: at }),
  ];
}

/** As many different alarms as times. */
export function different(times: readonly number[], name = "alarm"): KpiEntry[] {
  return times.map((at, i) => entry("raised", at, { definition: `${name}-${i}` }));
}

export const every = (stepMs: number, count: number, from = MONDAY): readonly number[] =>
  Array.from({ length: count }, (_, i) => from + i * stepMs);
