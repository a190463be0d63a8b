/** How far local time is ahead of UTC at a moment, ms. */
function offsetMs(at: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(at);
  const part = (type: string): number => Number(parts.find((p) => p.type === type)?.value ?? 0);
  const local = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return local - Math.floor(at / 1000) * 1000;
}

/** Beginning of the local day that holds a moment, Unix ms. */
export function startOfLocalDay(at: number, timeZone: string): number {
  const day = 24 * 3600 * 1000;
  const local = at + offsetMs(at, timeZone);
  const midnight = Math.floor(local / day) * day;
  // The offset at midnight may differ from the one now: summer time begins or ends during the day.
  const guess = midnight - offsetMs(at, timeZone);
  return midnight - offsetMs(guess, timeZone);
}
