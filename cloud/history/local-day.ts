import { momentOf, offsetMs } from "../wall-clock.ts";

/** A day of the calendar: month 1 to 12, day 1 to 31. */
export interface LocalDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** The local day that holds a moment. */
export function localDate(at: number, timeZone: string): LocalDate {
  const local = new Date(at + offsetMs(at, timeZone));
  return { year: local.getUTCFullYear(), month: local.getUTCMonth() + 1, day: local.getUTCDate() };
}

/**
 * Beginning of a local day, Unix ms. Days and months beyond their range count on: day 32 is the next month's. A day that has two
 * midnights begins with the first; one whose midnight the clocks leap over begins with the leap.
 */
export function startOfLocalDate(year: number, month: number, day: number, timeZone: string): number {
  return momentOf(Date.UTC(year, month - 1, day), timeZone);
}

/** Beginning of the local day that holds a moment, Unix ms. */
export function startOfLocalDay(at: number, timeZone: string): number {
  const { year, month, day } = localDate(at, timeZone);
  return startOfLocalDate(year, month, day, timeZone);
}
