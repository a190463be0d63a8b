import { malformed } from "../bytes.ts";
import type { BacnetDate, BacnetTime, ObjectId } from "../content.ts";
import { date, objectId, octets, unsigned } from "../context.ts";
import { anyPrimitive, application, choice, type Field, listOf, sequence, wrapped } from "../fields.ts";
import type { BacnetValue } from "../values.ts";

/** From this time of day on, this value; null gives the default back. [BACnet 21, BACnetTimeValue] */
export interface TimeValue {
  readonly time: BacnetTime;
  readonly value: BacnetValue;
}

/** Both ends included; an unspecified end is open. [BACnet 21, BACnetDateRange] */
export interface DateRange {
  readonly start: BacnetDate;
  readonly end: BacnetDate;
}

/** A pattern of days, 255 is any. `month` 1-12, 13 odd, 14 even; `week` 1-5 of the month, 6 the last seven days, 7-9 the weeks before; `weekday` 1 Monday to 7. [BACnet 21, BACnetWeekNDay] */
export interface WeekNDay {
  readonly month: number;
  readonly week: number;
  readonly weekday: number;
}

/** Days of a calendar. [BACnet 21, BACnetCalendarEntry] */
export type CalendarEntry =
  | { readonly type: "date"; readonly value: BacnetDate }
  | { readonly type: "dateRange"; readonly value: DateRange }
  | { readonly type: "weekNDay"; readonly value: WeekNDay };

/** What holds on certain days instead of the weekly schedule. [BACnet 21, BACnetSpecialEvent] */
export interface SpecialEvent {
  readonly period: CalendarEntry | { readonly type: "calendar"; readonly value: ObjectId };
  readonly timeValues: readonly TimeValue[];
  /** 1 before all others to 16. */
  readonly priority: number;
}

/** BACnetTimeValue. */
export const timeValue: Field<TimeValue> = sequence<TimeValue>({ time: application("time"), value: anyPrimitive });

/** BACnetDailySchedule, the elements of Weekly_Schedule, Monday first: rawList and typedList of property-values.ts. */
export const dailySchedule: Field<readonly TimeValue[]> = listOf(0, timeValue);

/** BACnetDateRange, also the value of Effective_Period. */
export const dateRange: Field<DateRange> = sequence<DateRange>({
  start: application("date"),
  end: application("date"),
});

const pattern = octets(2);
const weekNDay: Field<WeekNDay> = {
  at: (reader) => pattern.at(reader),
  read(reader) {
    const [month, week, weekday, ...more] = pattern.read(reader);
    if (month === undefined || week === undefined || weekday === undefined || more.length > 0) {
      throw malformed("BACnetWeekNDay has three bytes");
    }
    return { month, week, weekday };
  },
  write: (writer, { month, week, weekday }) => pattern.write(writer, Uint8Array.of(month, week, weekday)),
};

/** BACnetCalendarEntry, the elements of a Calendar's Date_List. */
export const calendarEntry: Field<CalendarEntry> = choice<CalendarEntry>("BACnetCalendarEntry", {
  date: date(0),
  dateRange: wrapped(1, dateRange),
  weekNDay,
});

const reference = objectId(1);
const entry = wrapped(0, calendarEntry);
const period: Field<SpecialEvent["period"]> = {
  at: (reader) => entry.at(reader) || reference.at(reader),
  read: (reader) => (reference.at(reader) ? { type: "calendar", value: reference.read(reader) } : entry.read(reader)),
  write(writer, value) {
    if (value.type === "calendar") reference.write(writer, value.value);
    else entry.write(writer, value);
  },
};

/** BACnetSpecialEvent, the elements of Exception_Schedule. */
export const specialEvent: Field<SpecialEvent> = sequence<SpecialEvent>({
  period,
  timeValues: listOf(2, timeValue),
  priority: unsigned(3),
});
