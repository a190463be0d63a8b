import type { WeeklyTime } from "#core/contracts/notify.ts";
import { momentOf, offsetMs } from "../wall-clock.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** From a moment (Unix ms) up to another one, without it. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Midnight of the local day of a moment, as if the wall clock were UTC. */
export function wallMidnight(at: number, timeZone: string): number {
  return Math.floor((at + offsetMs(at, timeZone)) / DAY_MS) * DAY_MS;
}

/** Minutes after midnight of `hh:mm`. */
function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/** ISO weekday of a wall-clock midnight. */
function weekdayOf(midnight: number): number {
  return new Date(midnight).getUTCDay() || 7;
}

/**
 * The spans of a weekly time that begin on the local days from the one before `from` to the one after `to`. Each is reckoned
 * from its own two wall-clock times, so a day of 23 or 25 hours neither opens a hole nor lets two of them overlap.
 */
export function spansOf({ days, from, to }: WeeklyTime, around: Span, timeZone: string): readonly Span[] {
  const begin = minutesOf(from);
  const end = minutesOf(to) + (minutesOf(to) <= begin ? 1440 : 0);
  const last = wallMidnight(around.to, timeZone) + DAY_MS;
  const spans: Span[] = [];
  for (let day = wallMidnight(around.from, timeZone) - DAY_MS; day <= last; day += DAY_MS) {
    if (!days.includes(weekdayOf(day))) continue;
    const span = { from: momentOf(day + begin * MINUTE_MS, timeZone), to: momentOf(day + end * MINUTE_MS, timeZone) };
    if (span.from < span.to) spans.push(span);
  }
  return spans;
}

/** The end of the quiet time that a moment lies in, however many follow on each other; undefined: it is not quiet. At most 8 days on. */
export function quietUntil(quiet: readonly WeeklyTime[], timeZone: string, at: number): number | undefined {
  const limit = at + 8 * DAY_MS;
  const spans = quiet.flatMap((time) => spansOf(time, { from: at, to: limit }, timeZone));
  let until = at;
  for (;;) {
    const ends = spans.filter(({ from, to }) => from <= until && to > until).map(({ to }) => to);
    if (ends.length === 0 || until >= limit) break;
    until = Math.max(...ends);
  }
  return until === at ? undefined : Math.min(until, limit);
}
