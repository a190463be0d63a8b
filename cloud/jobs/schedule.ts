import type { HubError } from "#core/errors.ts";
import type { JobSchedule } from "../job-ports.ts";
import { momentOf, offsetMs } from "../wall-clock.ts";
import { JobError } from "./job-error.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MINUTES_OF_DAY = 1440;

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
    offsetMs(0, timeZone);
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
  const today = Math.floor((after + offsetMs(after, timeZone)) / DAY_MS) * DAY_MS;
  // The day before, too: where clocks are set back at midnight a day begins twice.
  for (let day = -1; ; day++) {
    const at = momentOf(today + day * DAY_MS + dailyAtMinute * MINUTE_MS, timeZone);
    if (at > after) return at;
  }
}
