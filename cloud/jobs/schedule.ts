import type { HubError } from "#core/errors.ts";
import type { JobSchedule } from "../job-ports.ts";
import { JobError } from "./job-error.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MINUTES_OF_DAY = 1440;

/** Formats by time zone: making one costs more than using it a thousand times. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(timeZone, made);
  return made;
}

/** What the clock on the wall shows at an instant, as if it were UTC. */
function wallClock(at: number, timeZone: string): number {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  return Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
}

/** By how much the wall clock is ahead of UTC at an instant, ms. */
function offsetAt(at: number, timeZone: string): number {
  return wallClock(at, timeZone) - Math.floor(at / 1000) * 1000;
}

/**
 * The instant at which a wall clock shows a time. Where it shows it twice, the first one; where it leaps over it, as late after
 * the leap as the time lies behind its beginning [RFC 5545 3.3.5].
 */
function instantOf(wall: number, timeZone: string): number {
  const before = offsetAt(wall - DAY_MS, timeZone);
  const after = offsetAt(wall + DAY_MS, timeZone);
  const candidates = [wall - before, wall - after].filter((at) => wallClock(at, timeZone) === wall);
  return candidates.length === 0 ? wall - before : Math.min(...candidates);
}

/** @throws JOB_SCHEDULE_INVALID */
export function checkSchedule(kind: string, schedule: JobSchedule): void {
  const wrong = (what: string, cause?: unknown): HubError =>
    new JobError("JOB_SCHEDULE_INVALID", `schedule of ${kind}: ${what}`, { cause });
  if ("everyMs" in schedule) {
    if (!Number.isSafeInteger(schedule.everyMs) || schedule.everyMs < 1)
      throw wrong(`expected a whole number of milliseconds, got ${schedule.everyMs}`);
    return;
  }
  const { dailyAtMinute, timeZone } = schedule;
  if (!Number.isInteger(dailyAtMinute) || dailyAtMinute < 0 || dailyAtMinute >= MINUTES_OF_DAY)
    throw wrong(`expected a minute from 0 to ${MINUTES_OF_DAY - 1}, got ${dailyAtMinute}`);
  try {
    formatOf(timeZone);
  } catch (error) {
    throw wrong(`expected an IANA time zone, got ${timeZone}`, error);
  }
}

/** The next time of a schedule after `after`, Unix ms. `last`: its time before, which an interval is counted from. */
export function nextTime(schedule: JobSchedule, after: number, last?: number): number {
  if ("everyMs" in schedule) {
    const from = last ?? after;
    return from + (Math.max(0, Math.floor((after - from) / schedule.everyMs)) + 1) * schedule.everyMs;
  }
  const { dailyAtMinute, timeZone } = schedule;
  const today = Math.floor(wallClock(after, timeZone) / DAY_MS) * DAY_MS;
  // The day before, too: where clocks are set back at midnight a day begins twice.
  for (let day = -1; ; day++) {
    const at = instantOf(today + day * DAY_MS + dailyAtMinute * MINUTE_MS, timeZone);
    if (at > after) return at;
  }
}
