import { InvalidInputError } from "#core/errors.ts";
import { localDate, startOfLocalDate, startOfLocalDay } from "./local-day.ts";

/** Width of buckets: so many milliseconds, or so many days or months of the calendar. */
export type Interval =
  | { readonly unit: "ms"; readonly count: number }
  | { readonly unit: "day"; readonly count: number }
  | { readonly unit: "month"; readonly count: number };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Shortest and longest a local day or month can be; for estimates only. */
const MONTH_MS = 30 * DAY_MS;
/** Buckets of more would end where there are no dates. */
const LONGEST_MS = 100 * 366 * DAY_MS;

const SHORT = /^([1-9]\d{0,9})(ms|s|m|h|d|w|mo|y)?$/;
const ISO =
  /^P(?:(?<y>\d{1,3})Y|(?<mo>\d{1,4})M|(?<w>\d{1,4})W|(?<d>\d{1,5})D|T(?:(?<h>\d{1,6})H|(?<m>\d{1,7})M|(?<s>\d{1,8})S))$/;
const IN_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: HOUR_MS };

function intervalOf(count: number, unit: string): Interval | undefined {
  if (count < 1) return undefined;
  const ms = IN_MS[unit];
  if (ms !== undefined) return { unit: "ms", count: count * ms };
  if (unit === "d" || unit === "w") return { unit: "day", count: unit === "w" ? count * 7 : count };
  return { unit: "month", count: unit === "y" ? count * 12 : count };
}

/**
 * Reads `500ms`, `30s`, `15m`, `1h`, `1d`, `1w`, `1mo`, `1y`, a bare number of milliseconds, or an ISO 8601 duration of
 * one part such as `PT15M`, `P1D`, `P1M`. Days and longer are of the calendar. @throws INTERVAL_INVALID
 */
export function parseInterval(text: string): Interval {
  const short = SHORT.exec(text);
  let found: Interval | undefined;
  if (short !== null) found = intervalOf(Number(short[1]), short[2] ?? "ms");
  else
    for (const [unit, count] of Object.entries(ISO.exec(text)?.groups ?? {}))
      if (count !== undefined) found = intervalOf(Number(count), unit);
  if (found !== undefined && roughMs(found) <= LONGEST_MS) return found;
  throw new InvalidInputError(
    "INTERVAL_INVALID",
    `interval ${text}: expected such as 30s, 15m, 1h, 1d, 1mo, or PT15M, P1D, P1M, at most 100 years`,
  );
}

/** An interval as `parseInterval` reads it. */
export function formatInterval({ unit, count }: Interval): string {
  if (unit === "day") return `${count}d`;
  if (unit === "month") return `${count}mo`;
  for (const name of ["h", "m", "s"] as const) {
    const ms = IN_MS[name] ?? 1;
    if (count % ms === 0) return `${count / ms}${name}`;
  }
  return `${count}ms`;
}

/** Widths that read well, for a chart that asks for none. */
const STEPS: readonly Interval[] = [
  ...[1, 2, 5, 10, 20, 30].map((s) => ({ unit: "ms" as const, count: s * 1000 })),
  ...[1, 2, 5, 10, 20, 30].map((m) => ({ unit: "ms" as const, count: m * 60_000 })),
  ...[1, 2, 3, 6, 12].map((h) => ({ unit: "ms" as const, count: h * HOUR_MS })),
  ...[1, 7].map((d) => ({ unit: "day" as const, count: d })),
  ...[1, 3, 12].map((m) => ({ unit: "month" as const, count: m })),
];

/** About how long an interval is, ms. */
export function roughMs({ unit, count }: Interval): number {
  return count * (unit === "ms" ? 1 : unit === "day" ? DAY_MS : MONTH_MS);
}

/** The shortest width that reads well and makes at most `most` buckets. */
export function autoInterval(spanMs: number, most: number): Interval {
  return STEPS.find((step) => spanMs / roughMs(step) <= most) ?? { unit: "month", count: 12 };
}

/** Beginnings of the buckets inside one local day, for widths that divide it: a day of 23 or 25 hours begins anew. */
function* dayParts(from: number, to: number, widthMs: number, timeZone: string): Generator<number> {
  for (let day = startOfLocalDay(from, timeZone); day < to; ) {
    const next = startOfLocalDay(day + 36 * HOUR_MS, timeZone);
    for (let at = day; at < next; at += widthMs) yield at;
    day = next;
  }
}

function* fixed(from: number, widthMs: number, timeZone: string): Generator<number> {
  const align = startOfLocalDay(from, timeZone);
  for (let at = align + Math.floor((from - align) / widthMs) * widthMs; ; at += widthMs) yield at;
}

function* calendar(from: number, { unit, count }: Interval, timeZone: string): Generator<number> {
  const { year, month, day } = localDate(from, timeZone);
  // Weeks begin on Monday [ISO 8601]; other numbers of days with the first one.
  const weekday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
  const firstDay = count % 7 === 0 ? day - weekday : day;
  // Months are counted from January, so that quarters and years are those of the calendar.
  const firstMonth = month - 1 - ((month - 1) % Math.min(count, 12));
  for (let i = 0; ; i += count)
    yield unit === "day"
      ? startOfLocalDate(year, month, firstDay + i, timeZone)
      : startOfLocalDate(year, firstMonth + 1 + i, 1, timeZone);
}

function beginnings(from: number, to: number, interval: Interval, timeZone: string): Generator<number> {
  if (interval.unit !== "ms") return calendar(from, interval, timeZone);
  const { count } = interval;
  return count > HOUR_MS && DAY_MS % count === 0 ? dayParts(from, to, count, timeZone) : fixed(from, count, timeZone);
}

/**
 * Edges of whole buckets that hold [from, to): the first begins at or before `from`, the last ends at or after `to`. Buckets
 * shorter than a day are counted from local midnight. Unix ms. @throws HISTORY_TOO_MANY_BUCKETS beyond `most`
 */
export function bucketEdges(from: number, to: number, interval: Interval, timeZone: string, most: number): number[] {
  if ((to - from) / roughMs(interval) > most * 1.1 + 1) throw tooMany(interval, from, to, most);
  const edges: number[] = [];
  for (const at of beginnings(from, to, interval, timeZone)) {
    if (at <= from) edges[0] = at;
    // A day that the calendar of the place leaves out has no width.
    else if (at !== edges.at(-1)) edges.push(at);
    if (at >= to) break;
    if (edges.length > most + 1) throw tooMany(interval, from, to, most);
  }
  if ((edges.at(-1) ?? from) < to) edges.push(startOfLocalDay(to + 36 * HOUR_MS, timeZone));
  return edges;
}

function tooMany(interval: Interval, from: number, to: number, most: number): InvalidInputError {
  const days = ((to - from) / DAY_MS).toFixed(1);
  return new InvalidInputError(
    "HISTORY_TOO_MANY_BUCKETS",
    `intervals of ${formatInterval(interval)} over ${days} days: expected at most ${most} buckets`,
  );
}
