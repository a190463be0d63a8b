const DAY_MS = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making one costs a hundred times its use. The names come from `Intl`, which knows a few hundred. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
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

/** How far the wall clock is ahead of UTC at a moment, ms. */
export function offsetMs(at: number, timeZone: string): number {
  const parts = formatOf(timeZone).formatToParts(at);
  const part = (type: string): number => Number(parts.find((p) => p.type === type)?.value ?? 0);
  const local = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return local - Math.floor(at / 1000) * 1000;
}

/**
 * The moment, Unix ms, at which a wall clock shows a time (given as if it were UTC). Where it shows it twice, the first one; where
 * it leaps over it, as late after the leap as the time lies behind its beginning. [RFC 5545 3.3.5]
 */
export function momentOf(wall: number, timeZone: string): number {
  const before = wall - offsetMs(wall - DAY_MS, timeZone);
  const after = wall - offsetMs(wall + DAY_MS, timeZone);
  const moments = [before, after].filter((at) => at + offsetMs(at, timeZone) === wall);
  return moments.length === 0 ? before : Math.min(...moments);
}
