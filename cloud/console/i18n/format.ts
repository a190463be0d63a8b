const pad = (value: number, width = 2): string => String(value).padStart(width, "0");

/** Local time of day, `HH:MM:SS`. The same in both languages: nobody shall wonder which field is the month. */
export function timeOfDay(at: Date): string {
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

/** Local date, `YYYY-MM-DD`. */
export function dateOf(at: Date): string {
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
}

/** Time of an ISO text for a list: the time alone when it is of today (`nowMs`), else month, day and time; empty for no time. */
export function shortTime(iso: string | null | undefined, nowMs: number): string {
  if (iso === null || iso === undefined) return "";
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  return dateOf(at) === dateOf(new Date(nowMs)) ? timeOfDay(at) : `${dateOf(at).slice(5)} ${timeOfDay(at)}`;
}

/** Full local time of an ISO text, to the millisecond; empty for no time. */
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
