import { errorCode, InvalidInputError } from "#core/errors.ts";
import type { CalendarEntry, DateRange, SpecialEvent, TimeValue, WeekNDay } from "../../codec/services/schedule.ts";
import { UNSPECIFIED } from "../../codec/timestamp.ts";
import type { BacnetDate, BacnetTime, BacnetValue } from "../../codec/values.ts";
import { objectName } from "../alarms/alarm-map.ts";

/** A value as JSON; null gives the default back. */
export type PlainValue = string | number | boolean | null;

/** From this time of day on, this value. */
export interface PlainTimeValue {
  /** `HH:MM`, with seconds and hundredths where they are not 0; `**` where the device leaves them open. */
  readonly time: string;
  readonly value: PlainValue;
}

const DAYS = 7;
const MOST_ENTRIES = 100;

const two = (number: number): string => (number === UNSPECIFIED ? "**" : String(number).padStart(2, "0"));

function timeText({ hour, minute, second, hundredths }: BacnetTime): string {
  const head = `${two(hour)}:${two(minute)}`;
  if (hundredths !== 0 && hundredths !== UNSPECIFIED) return `${head}:${two(second)}.${two(hundredths)}`;
  return second === 0 ? head : `${head}:${two(second)}`;
}

/** `YYYY-MM-DD`, `*` for what is left open; months `odd` and `even`, days `last`, `odd` and `even` as the standard has them. */
export function dateText({ year, month, day, weekday }: BacnetDate): string {
  const months = new Map([
    [13, "odd"],
    [14, "even"],
    [UNSPECIFIED, "*"],
  ]);
  const days = new Map([
    [32, "last"],
    [33, "odd"],
    [34, "even"],
    [UNSPECIFIED, "*"],
  ]);
  const text = `${year === UNSPECIFIED ? "*" : 1900 + year}-${months.get(month) ?? two(month)}-${days.get(day) ?? two(day)}`;
  // the day of the week says something of its own only where the date leaves it open
  const open = year === UNSPECIFIED || months.has(month) || days.has(day);
  return open && weekday !== UNSPECIFIED ? `${text} weekday ${weekday}` : text;
}

/** A value as JSON; what has no plain form as text. */
export function plainValue(value: BacnetValue): PlainValue {
  switch (value.type) {
    case "null":
      return null;
    case "boolean":
    case "unsigned":
    case "signed":
    case "real":
    case "double":
    case "enumerated":
    case "characterString":
      return value.value;
    case "objectId":
      return objectName(value.value);
    case "date":
      return dateText(value.value);
    case "time":
      return timeText(value.value);
    case "bitString":
      return value.value.map((bit) => (bit ? "1" : "0")).join("");
    case "octetString":
    case "raw":
      return Array.from(value.value, (byte) => byte.toString(16).padStart(2, "0")).join("");
    default:
      return value satisfies never;
  }
}

/** The switching of one day. */
export function plainDay(day: readonly TimeValue[]): readonly PlainTimeValue[] {
  return day.map(({ time, value }) => ({ time: timeText(time), value: plainValue(value) }));
}

/** Both ends; `*` is open. */
export function plainRange({ start, end }: DateRange): { readonly start: string; readonly end: string } {
  return { start: dateText(start), end: dateText(end) };
}

function plainWeekNDay({ month, week, weekday }: WeekNDay): Readonly<Record<string, number | string>> {
  const open = (number: number): number | string => (number === UNSPECIFIED ? "*" : number);
  return { month: open(month), week: open(week), weekday: open(weekday) };
}

/** Days of a calendar: `date`, `dateRange` or `weekNDay`. */
export function plainEntry(entry: CalendarEntry): Readonly<Record<string, unknown>> {
  switch (entry.type) {
    case "date":
      return { date: dateText(entry.value) };
    case "dateRange":
      return { dateRange: plainRange(entry.value) };
    case "weekNDay":
      return { weekNDay: plainWeekNDay(entry.value) };
    default:
      return entry satisfies never;
  }
}

/** What holds on certain days instead of the weekly schedule. */
export function plainException({ period, timeValues, priority }: SpecialEvent): Readonly<Record<string, unknown>> {
  const days = period.type === "calendar" ? { calendar: objectName(period.value) } : plainEntry(period);
  return { ...days, priority, values: plainDay(timeValues) };
}

function invalid(where: string, expected: string, got: unknown): InvalidInputError {
  const text = JSON.stringify(got) ?? "nothing";
  return new InvalidInputError("BACNET_PARAMETER_INVALID", `${where}: expected ${expected}, got ${text.slice(0, 100)}`);
}

function timeOf(where: string, text: unknown): BacnetTime {
  const match = typeof text === "string" ? /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{2}))?)?$/.exec(text) : null;
  const [hour = 0, minute = 0, second = 0, hundredths = 0] = (match ?? []).slice(1).map((part) => Number(part ?? 0));
  if (match === null || hour > 23 || minute > 59 || second > 59) throw invalid(where, "a time of day HH:MM[:SS]", text);
  return { hour, minute, second, hundredths };
}

type Numeric = "real" | "double" | "signed" | "unsigned" | "enumerated";

function inRange(value: number, type: Numeric): boolean {
  if (type === "real" || type === "double") return Number.isFinite(value);
  if (!Number.isSafeInteger(value)) return false;
  return type === "signed" ? Math.abs(value) <= 0x7fff_ffff : value >= 0 && value <= 0xffff_ffff;
}

/** Of the type that the schedule's values have. [BACnet 12.24.7] */
function typed(where: string, value: unknown, type: BacnetValue["type"]): BacnetValue {
  if (value === null) return { type: "null" };
  switch (type) {
    case "boolean":
      if (typeof value === "boolean") return { type, value };
      throw invalid(where, "true, false or null", value);
    case "characterString":
      if (typeof value === "string") return { type, value };
      throw invalid(where, "a text or null", value);
    case "real":
    case "double":
    case "signed":
    case "unsigned":
    case "enumerated": {
      const number = typeof value === "boolean" && type === "enumerated" ? Number(value) : value;
      if (typeof number === "number" && inRange(number, type)) return { type, value: number };
      throw invalid(where, `a number that fits ${type}, or null`, value);
    }
    default:
      throw invalid(where, "null, because the schedule's values are of a type that has no plain form", value);
  }
}

function dayMs({ hour, minute, second, hundredths }: BacnetTime): number {
  return ((hour * 60 + minute) * 60 + second) * 1000 + hundredths * 10;
}

function dayOf(where: string, day: unknown, type: BacnetValue["type"]): readonly TimeValue[] {
  if (!Array.isArray(day) || day.length > MOST_ENTRIES) throw invalid(where, `a list of up to ${MOST_ENTRIES}`, day);
  const entries = day.map((entry: unknown, at): TimeValue => {
    const here = `${where}[${at}]`;
    if (typeof entry !== "object" || entry === null) throw invalid(here, "{time, value}", entry);
    const fields: Readonly<Record<string, unknown>> = { ...entry };
    const unknown = Object.keys(fields).find((name) => name !== "time" && name !== "value");
    if (unknown !== undefined || !("value" in fields)) throw invalid(here, "{time, value} and nothing else", entry);
    return { time: timeOf(`${here}.time`, fields["time"]), value: typed(`${here}.value`, fields["value"], type) };
  });
  for (const [at, { time }] of entries.entries()) {
    const before = entries[at - 1];
    if (before !== undefined && dayMs(before.time) >= dayMs(time)) {
      throw invalid(`${where}[${at}].time`, `later than ${timeText(before.time)}`, timeText(time));
    }
  }
  return entries;
}

/**
 * The seven days of a week, Monday first, from their JSON text: each a list of `{time: "HH:MM", value}` in the order of time. `type`
 * is the schedule's. @throws BACNET_PARAMETER_INVALID
 */
export function weekOf(text: unknown, type: BacnetValue["type"]): readonly (readonly TimeValue[])[] {
  const week = parsed(text);
  if (!Array.isArray(week) || week.length !== DAYS) {
    throw invalid("weekly", "JSON of seven days, Monday first", text);
  }
  return week.map((day: unknown, at) => dayOf(`weekly[${at}]`, day, type));
}

function parsed(text: unknown): unknown {
  if (typeof text !== "string") throw invalid("weekly", "JSON of seven days, Monday first", text);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (errorCode(error) === "BACNET_PARAMETER_INVALID") throw error;
    throw invalid("weekly", "JSON of seven days, Monday first", text);
  }
}
