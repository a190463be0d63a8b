/** Milliseconds by which a time zone is ahead of UTC at an instant. */
function aheadMs(at: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(new Date(at));
  const field = (name: string): number => Number(parts.find(({ type }) => type === name)?.value);
  const shown = Date.UTC(
    field("year"),
    field("month") - 1,
    field("day"),
    field("hour"),
    field("minute"),
    field("second"),
  );
  return shown - Math.floor(at / 1000) * 1000;
}

/**
 * The instant (Unix ms) at which the clocks of a time zone show `YYYY-MM-DDTHH:MM`; undefined for another text. A time that the
 * clocks skip is taken as if they had not been set; of one that they show twice it is the first.
 */
export function instantOf(text: string, timeZone: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(text)) return undefined;
  const shown = Date.parse(`${text}:00Z`);
  if (Number.isNaN(shown)) return undefined;
  const around = [shown - 86_400_000, shown + 86_400_000].map((at) => shown - aheadMs(at, timeZone));
  return around.find((at) => at + aheadMs(at, timeZone) === shown) ?? around[0];
}
