import type { BacnetDate, BacnetTime } from "./content.ts";
import { time, unsigned } from "./context.ts";
import { application, choice, type Field, sequence, wrapped } from "./fields.ts";

/** Date and time of a day; either may hold wildcards. [BACnet 21, BACnetDateTime] */
export interface BacnetDateTime {
  readonly date: BacnetDate;
  readonly time: BacnetTime;
}

/** When something happened: a time of day, a number in a device's own sequence, or date and time. [BACnet 21, BACnetTimeStamp] */
export type BacnetTimeStamp =
  | { readonly type: "time"; readonly value: BacnetTime }
  | { readonly type: "sequenceNumber"; readonly value: number }
  | { readonly type: "dateTime"; readonly value: BacnetDateTime };

/** BACnetDateTime: date and time, both application-tagged. */
export const dateTime: Field<BacnetDateTime> = sequence<BacnetDateTime>({
  date: application("date"),
  time: application("time"),
});

/** BACnetTimeStamp. */
export const timeStamp: Field<BacnetTimeStamp> = choice<BacnetTimeStamp>("BACnetTimeStamp", {
  time: time(0),
  sequenceNumber: unsigned(1),
  dateTime: wrapped(2, dateTime),
});

/** "Unspecified" in a field of a date or time. [BACnet 20.2.12] */
export const UNSPECIFIED = 255;

/** Date and time of which nothing is known, e.g. an event that has not happened yet. */
export const UNSPECIFIED_DATE_TIME: BacnetDateTime = {
  date: { year: UNSPECIFIED, month: UNSPECIFIED, day: UNSPECIFIED, weekday: UNSPECIFIED },
  time: { hour: UNSPECIFIED, minute: UNSPECIFIED, second: UNSPECIFIED, hundredths: UNSPECIFIED },
};

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const YEAR_BASE = 1900;

// days since 1970-01-01 of a date of the Gregorian calendar, counted in eras of 400 years that begin in March
function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return (
    era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
  );
}

// the way back
function civilOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, month, day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1 };
}

function dayMsOf({ hour, minute, second, hundredths }: BacnetTime): number | undefined {
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  // a clock without hundredths says that they are unspecified: that is no wildcard worth losing the moment for
  const fraction = hundredths === UNSPECIFIED ? 0 : hundredths;
  return fraction > 99 ? undefined : ((hour * 60 + minute) * 60 + second) * 1000 + fraction * 10;
}

function dayOf({ year, month, day }: BacnetDate): number | undefined {
  if (year === UNSPECIFIED || month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  const days = daysOf(YEAR_BASE + year, month, day);
  // 31 April names no day
  return civilOf(days).day === day ? days : undefined;
}

/**
 * Unix ms of a device's date and time; undefined where a wildcard or a date that does not exist leaves the moment open.
 * `utcOffsetMin` is the device's UTC_Offset, minutes: local time plus it is UTC, -480 in China. [BACnet 12.11.25]
 */
export function unixMsOf({ date: day, time: clock }: BacnetDateTime, utcOffsetMin: number): number | undefined {
  const days = dayOf(day);
  const ms = dayMsOf(clock);
  return days === undefined || ms === undefined ? undefined : days * DAY_MS + ms + utcOffsetMin * MINUTE_MS;
}

/** Date and time that a device with this UTC_Offset (minutes, -480 in China) shows at a moment (Unix ms, years 1900 to 2154); exact to 10 ms. */
export function dateTimeOf(unixMs: number, utcOffsetMin: number): BacnetDateTime {
  const local = unixMs - utcOffsetMin * MINUTE_MS;
  const days = Math.floor(local / DAY_MS);
  const ms = Math.floor(local - days * DAY_MS);
  const { year, month, day } = civilOf(days);
  return {
    // 1970-01-01 was a Thursday; Monday is 1 [BACnet 20.2.12]
    date: { year: year - YEAR_BASE, month, day, weekday: ((((days + 3) % 7) + 7) % 7) + 1 },
    time: {
      hour: Math.floor(ms / 3_600_000),
      minute: Math.floor(ms / MINUTE_MS) % 60,
      second: Math.floor(ms / 1000) % 60,
      hundredths: Math.floor(ms / 10) % 100,
    },
  };
}

/**
 * Unix ms of a time of day, on the day that puts it nearest to `nearUnixMs`; undefined for a wildcard. For time stamps
 * that are a time only, and close to now. `utcOffsetMin` as in unixMsOf.
 */
export function unixMsNear(clock: BacnetTime, nearUnixMs: number, utcOffsetMin: number): number | undefined {
  const ms = dayMsOf(clock);
  if (ms === undefined) return undefined;
  const local = nearUnixMs - utcOffsetMin * MINUTE_MS;
  const days = Math.round((local - ms) / DAY_MS);
  return days * DAY_MS + ms + utcOffsetMin * MINUTE_MS;
}
