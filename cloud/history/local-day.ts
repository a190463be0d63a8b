/** A day of the calendar: month 1 to 12, day 1 to 31. */
export interface LocalDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

const DAY_MS = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making one costs a hundred times its use. The names come from `Intl`, which knows a few hundred. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(timeZone, format);
  }
  return format;
}

/** How far local time is ahead of UTC at a moment, ms. */
function offsetMs(at: number, timeZone: string): number {
  const parts = formatOf(timeZone).formatToParts(at);
  const part = (type: string): number => Number(parts.find((p) => p.type === type)?.value ?? 0);
  const local = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return local - Math.floor(at / 1000) * 1000;
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
  const midnight = Date.UTC(year, month - 1, day);
  const before = midnight - offsetMs(midnight - DAY_MS, timeZone);
  const after = midnight - offsetMs(midnight + DAY_MS, timeZone);
  const midnights = [before, after].filter((at) => at + offsetMs(at, timeZone) === midnight);
  return midnights.length === 0 ? before : Math.min(...midnights);
}

/** Beginning of the local day that holds a moment, Unix ms. */
export function startOfLocalDay(at: number, timeZone: string): number {
  const { year, month, day } = localDate(at, timeZone);
  return startOfLocalDate(year, month, day, timeZone);
}
