import type { BacnetDate, BacnetTime } from "../../codec/values.ts";

/** Any value fits an octet that says so. [BACnet 20.2.12, 20.2.13] */
const ANY = 255;
const ODD_MONTHS = 13;
const EVEN_MONTHS = 14;
const LAST_DAY = 32;
const ODD_DAYS = 33;
const EVEN_DAYS = 34;

/** Days of a month; `year` counts from 1900. */
export function daysOfMonth(year: number, month: number): number {
  const full = 1900 + year;
  const leap = (full % 4 === 0 && full % 100 !== 0) || full % 400 === 0;
  if (month === 2) return leap ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Does a month fit a month octet, with its patterns for odd and even months? */
export function monthFits(pattern: number, month: number): boolean {
  switch (pattern) {
    case ANY:
      return true;
    case ODD_MONTHS:
      return month % 2 === 1;
    case EVEN_MONTHS:
      return month % 2 === 0;
    default:
      return pattern === month;
  }
}

function dayFits(pattern: number, { year, month, day }: BacnetDate): boolean {
  switch (pattern) {
    case ANY:
      return true;
    case LAST_DAY:
      return day === daysOfMonth(year, month);
    case ODD_DAYS:
      return day % 2 === 1;
    case EVEN_DAYS:
      return day % 2 === 0;
    default:
      return pattern === day;
  }
}

/** Does a day fit a date pattern? */
export function dateFits(pattern: BacnetDate, date: BacnetDate): boolean {
  return (
    (pattern.year === ANY || pattern.year === date.year) &&
    monthFits(pattern.month, date.month) &&
    dayFits(pattern.day, date) &&
    (pattern.weekday === ANY || pattern.weekday === date.weekday)
  );
}

function dayNumber({ year, month, day }: BacnetDate): number {
  return (year * 16 + month) * 32 + day;
}

function unspecified({ year, month, day }: BacnetDate): boolean {
  return year === ANY && month === ANY && day === ANY;
}

/** Is a day in a range, both ends included? An end that says nothing is open. [BACnet 21, BACnetDateRange] */
export function inDateRange(start: BacnetDate, end: BacnetDate, date: BacnetDate): boolean {
  const after = unspecified(start) || dayNumber(date) >= dayNumber(start);
  return after && (unspecified(end) || dayNumber(date) <= dayNumber(end));
}

/** Week of a month: 1 to 5 for days 1-7 and so on, 6 the last seven days, 7 to 9 the seven before each. [BACnet 21, BACnetWeekNDay] */
export function weekFits(pattern: number, { year, month, day }: BacnetDate): boolean {
  if (pattern === ANY) return true;
  if (pattern <= 5) return Math.ceil(day / 7) === pattern;
  const fromEnd = daysOfMonth(year, month) - day;
  return Math.floor(fromEnd / 7) === pattern - 6;
}

/** Hundredths of a second since midnight; an octet that says nothing counts as `otherwise`. */
export function timeOfDay({ hour, minute, second, hundredths }: BacnetTime, otherwise: 0 | "last" = 0): number {
  const part = (value: number, most: number): number => {
    if (value !== ANY) return value;
    return otherwise === 0 ? 0 : most;
  };
  return ((part(hour, 23) * 60 + part(minute, 59)) * 60 + part(second, 59)) * 100 + part(hundredths, 99);
}
