const pad = (value: number, width = 2): string => String(value).padStart(width, "0");

/** Fields of a time in the site's time zone. h23: midnight is 00, never 24. */
function formatIn(timeZone: string | undefined): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

let fields = formatIn(undefined);
let zone = fields.resolvedOptions().timeZone;

/** The time zone in which times are shown. */
export function shownTimeZone(): string {
  return zone;
}

/** From now on every time is shown in this IANA time zone: the site's, wherever the browser stands. */
export function showTimesIn(timeZone: string): void {
  fields = formatIn(timeZone);
  zone = timeZone;
}

function partsOf(at: Date): Readonly<Record<string, string>> {
  const parts: Record<string, string> = {};
  for (const { type, value } of fields.formatToParts(at)) parts[type] = value;
  return parts;
}

function dateIn({ year, month, day }: Readonly<Record<string, string>>): string {
  return `${year}-${month}-${day}`;
}

function timeIn({ hour, minute, second }: Readonly<Record<string, string>>): string {
  return `${hour}:${minute}:${second}`;
}

/** The date of the present moment that was last asked for: a list asks for the same with each of its rows. */
let today: { readonly nowMs: number; readonly in: Intl.DateTimeFormat; readonly date: string } | undefined;

function dateToday(nowMs: number): string {
  if (today?.nowMs !== nowMs || today.in !== fields) today = { nowMs, in: fields, date: dateOf(new Date(nowMs)) };
  return today.date;
}

/** Time of day at the site, `HH:MM:SS`. The same in both languages: nobody shall wonder which field is the month. */
export function timeOfDay(at: Date): string {
  return timeIn(partsOf(at));
}

/** Date at the site, `YYYY-MM-DD`. */
export function dateOf(at: Date): string {
  return dateIn(partsOf(at));
}

/** Time of an ISO text for a list: the time alone when it is of today (`nowMs`), else month, day and time; empty for no time. */
export function shortTime(iso: string | null | undefined, nowMs: number): string {
  if (iso === null || iso === undefined) return "";
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const parts = partsOf(at);
  const date = dateIn(parts);
  return date === dateToday(nowMs) ? timeIn(parts) : `${date.slice(5)} ${timeIn(parts)}`;
}

/** Full time at the site of an ISO text, to the millisecond; empty for no time. */
export function fullTime(iso: string | null | undefined): string {
  if (iso === null || iso === undefined) return "";
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "" : `${dateOf(at)} ${timeOfDay(at)}.${pad(at.getMilliseconds(), 3)}`;
}

/** An age in the largest unit that fits: `{unit, count}` is a text `age.<unit>`. A time in the future counts as now. */
export function age(ms: number): { unit: "seconds" | "minutes" | "hours" | "days"; count: number } {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return { unit: "seconds", count: seconds };
  if (seconds < 3600) return { unit: "minutes", count: Math.floor(seconds / 60) };
  if (seconds < 86_400) return { unit: "hours", count: Math.floor(seconds / 3600) };
  return { unit: "days", count: Math.floor(seconds / 86_400) };
}

/** A whole number with thin groups of three, as offsets and counts are shown. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
