import { OBJECT_TYPES, PROPERTIES } from "../../codec/enums.ts";
import { type CalendarEntry, calendarEntry } from "../../codec/services/schedule.ts";
import type { BacnetDate, ObjectId } from "../../codec/values.ts";
import { listProperty } from "../collections.ts";
import type { DeviceClock } from "../device-clock.ts";
import { boolean, identity, optional, type Property, required, type ServedObject, single, text } from "../object.ts";
import { dateFits, inDateRange, monthFits, weekFits } from "./patterns.ts";

const ANY = 255;
const MAX_ENTRIES = 200;

/** A Calendar object: days that are special. */
export interface CalendarDefinition {
  readonly instance: number;
  readonly name: string;
  readonly description: string;
  readonly dates: readonly CalendarEntry[];
}

/** Is the day one of the entry's? [BACnet 12.9.6] */
export function entryFits(entry: CalendarEntry, date: BacnetDate): boolean {
  switch (entry.type) {
    case "date":
      return dateFits(entry.value, date);
    case "dateRange":
      return inDateRange(entry.value.start, entry.value.end, date);
    case "weekNDay": {
      const { month, week, weekday } = entry.value;
      return monthFits(month, date.month) && weekFits(week, date) && (weekday === ANY || weekday === date.weekday);
    }
    default:
      entry satisfies never;
      return false;
  }
}

/** [BACnet 12.9] */
export class Calendar implements ServedObject {
  readonly id: ObjectId;
  readonly name: string;
  readonly properties: ReadonlyMap<number, Property>;
  readonly #clock: DeviceClock;
  #dates: readonly CalendarEntry[];

  constructor(definition: CalendarDefinition, clock: DeviceClock) {
    this.id = { type: OBJECT_TYPES.calendar, instance: definition.instance };
    this.name = definition.name;
    this.#clock = clock;
    this.#dates = definition.dates;
    const dates = {
      field: calendarEntry,
      get: () => this.#dates,
      set: (entries: readonly CalendarEntry[]) => {
        this.#dates = entries;
      },
      most: MAX_ENTRIES,
    };
    this.properties = new Map([
      ...identity(this.id, this.name),
      required(PROPERTIES.presentValue, () => single(boolean(this.includes(this.#clock.local().date)))),
      [PROPERTIES.dateList, listProperty(dates, true)],
      optional(PROPERTIES.description, () => single(text(definition.description))),
    ]);
  }

  /** Is the day in the Date_List? */
  includes(date: BacnetDate): boolean {
    return this.#dates.some((entry) => entryFits(entry, date));
  }
}
