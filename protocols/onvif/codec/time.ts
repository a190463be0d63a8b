import type { XmlElement } from "./xml.ts";

/** Unix ms of an xs:dateTime; one without time zone is UTC. [ONVIF Core 5.12.1] Undefined where it is none. */
export function parseDateTime(text: string | undefined): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$/.exec(text ?? "");
  if (match === null) return undefined;
  const ms = Date.parse(`${match[1] ?? ""}${(match[2] ?? "").slice(0, 4)}${match[3] ?? "Z"}`);
  return Number.isFinite(ms) ? ms : undefined;
}

/** An xs:dateTime in UTC, to the millisecond. */
export function formatDateTime(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

/** Milliseconds of an xs:duration without years and months, e.g. PT1M30.5S. Undefined where it is none. */
export function parseDuration(text: string | undefined): number | undefined {
  const match = /^P(?:(\d{1,4})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$/.exec(text ?? "");
  if (match === null || !/\d/.test(text ?? "")) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

/** An xs:duration in seconds. */
export function formatDuration(ms: number): string {
  return `PT${ms / 1000}S`;
}

/** Unix ms of the UTCDateTime of a GetSystemDateAndTimeResponse; undefined where the device gives none. [ONVIF Core 8.3.5] */
export function parseSystemDateAndTime(response: XmlElement): number | undefined {
  const utc = response.at("SystemDateAndTime", "UTCDateTime");
  const part = (...path: readonly string[]): number => Number(utc?.textAt(...path) ?? Number.NaN);
  const ms = Date.UTC(
    part("Date", "Year"),
    part("Date", "Month") - 1,
    part("Date", "Day"),
    part("Time", "Hour"),
    part("Time", "Minute"),
    part("Time", "Second"),
  );
  return Number.isFinite(ms) ? ms : undefined;
}

/** The SystemDateAndTime element of an answer. */
export function buildSystemDateAndTime(unixMs: number): string {
  const at = new Date(unixMs);
  return (
    "<tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>" +
    `<tt:UTCDateTime><tt:Time><tt:Hour>${at.getUTCHours()}</tt:Hour><tt:Minute>${at.getUTCMinutes()}</tt:Minute>` +
    `<tt:Second>${at.getUTCSeconds()}</tt:Second></tt:Time><tt:Date><tt:Year>${at.getUTCFullYear()}</tt:Year>` +
    `<tt:Month>${at.getUTCMonth() + 1}</tt:Month><tt:Day>${at.getUTCDate()}</tt:Day></tt:Date></tt:UTCDateTime>` +
    "</tds:SystemDateAndTime>"
  );
}
