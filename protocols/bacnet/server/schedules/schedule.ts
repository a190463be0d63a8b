import { ERROR_CODE, OBJECT_TYPES, PROPERTIES, RELIABILITY } from "../../codec/enums.ts";
import { type DeviceObjectPropertyReference, deviceObjectPropertyReference } from "../../codec/references.ts";
import {
  type DateRange,
  dailySchedule,
  dateRange,
  type SpecialEvent,
  specialEvent,
  type TimeValue,
} from "../../codec/services/schedule.ts";
import { type BacnetDateTime, UNSPECIFIED_DATE_TIME } from "../../codec/timestamp.ts";
import { type BacnetDate, type BacnetValue, encodeValues, type ObjectId } from "../../codec/values.ts";
import { arrayProperty, listProperty } from "../collections.ts";
import type { DeviceClock } from "../device-clock.ts";
import {
  bits,
  boolean,
  enumerated,
  identity,
  optional,
  type Property,
  type PropertyEntry,
  propertyError,
  required,
  type ServedObject,
  single,
  singleOf,
  text,
  unsigned,
} from "../object.ts";
import { writesOne } from "../writing.ts";
import { type Calendar, entryFits } from "./calendar.ts";
import { inDateRange, timeOfDay } from "./patterns.ts";

/** A Schedule object. */
export interface ScheduleDefinition {
  readonly instance: number;
  readonly name: string;
  readonly description: string;
  /** Seven days, Monday first; within a day in the order of time. A NULL gives the default back. */
  readonly weekly: readonly (readonly TimeValue[])[];
  readonly exceptions?: readonly SpecialEvent[];
  /** Holds where neither the week nor an exception says anything. */
  readonly default: BacnetValue;
  /** Always, when absent. */
  readonly effectivePeriod?: DateRange;
  /** What it writes when its value changes. */
  readonly writes?: readonly DeviceObjectPropertyReference[];
  /** 16 when absent. */
  readonly priorityForWriting?: number;
}

/** What a schedule needs of its device. */
export interface ScheduleDeps {
  readonly clock: DeviceClock;
  calendar(id: ObjectId): Calendar | undefined;
  /** Writes a property of one of the device's own objects; false when it cannot be written so. */
  write(reference: DeviceObjectPropertyReference, value: BacnetValue, priority: number): boolean;
}

const DAYS = 7;
const MAX_TIMES = 50;
const MAX_EXCEPTIONS = 255;
const MAX_REFERENCES = 50;
const LOWEST_PRIORITY = 16;
const ALWAYS: DateRange = { start: UNSPECIFIED_DATE_TIME.date, end: UNSPECIFIED_DATE_TIME.date };

/** The value that a day's list asks for at a time; undefined before its first entry, and where it gives the default back. */
function valueAt(times: readonly TimeValue[], now: number): BacnetValue | undefined {
  const passed = times
    .filter(({ time }) => timeOfDay(time) <= now)
    .sort((a, b) => timeOfDay(a.time) - timeOfDay(b.time))
    .at(-1);
  return passed === undefined || passed.value.type === "null" ? undefined : passed.value;
}

/** [BACnet 12.24] */
export class Schedule implements ServedObject {
  readonly id: ObjectId;
  readonly name: string;
  readonly properties: ReadonlyMap<number, Property>;
  readonly #deps: ScheduleDeps;
  readonly #definition: ScheduleDefinition;
  #weekly: readonly (readonly TimeValue[])[];
  #exceptions: readonly SpecialEvent[];
  #references: readonly DeviceObjectPropertyReference[];
  #default: BacnetValue;
  #period: DateRange;
  #priority: number;
  #outOfService = false;
  #held: BacnetValue | undefined;
  #told: Uint8Array | undefined;
  #reliability: number = RELIABILITY.noFaultDetected;

  constructor(definition: ScheduleDefinition, deps: ScheduleDeps) {
    this.id = { type: OBJECT_TYPES.schedule, instance: definition.instance };
    this.name = definition.name;
    this.#deps = deps;
    this.#definition = definition;
    this.#weekly = Array.from({ length: DAYS }, (_, day) => definition.weekly[day] ?? []);
    this.#exceptions = definition.exceptions ?? [];
    this.#references = definition.writes ?? [];
    this.#default = definition.default;
    this.#period = definition.effectivePeriod ?? ALWAYS;
    this.#priority = definition.priorityForWriting ?? LOWEST_PRIORITY;
    this.properties = new Map(this.#table());
  }

  /** What holds now. [BACnet 12.24.4] */
  presentValue(): BacnetValue {
    return this.#held ?? this.valueAt(this.#deps.clock.local());
  }

  /** What holds at a moment of the device's own time. */
  valueAt({ date, time }: BacnetDateTime): BacnetValue {
    const now = timeOfDay(time);
    if (!inDateRange(this.#period.start, this.#period.end, date)) return this.#default;
    // an exception without a value at this time leaves room for the next one, and then for the week
    const exceptions = this.#exceptions
      .filter((event) => this.#isDay(event, date))
      .sort((a, b) => a.priority - b.priority);
    for (const { timeValues } of exceptions) {
      const value = valueAt(timeValues, now);
      if (value !== undefined) return value;
    }
    return valueAt(this.#weekly[date.weekday - 1] ?? [], now) ?? this.#default;
  }

  /** Writes to its references when its value has changed. [BACnet 12.24.10] */
  scan(): void {
    if (this.#references.length === 0) return;
    const value = this.presentValue();
    const bytes = encodeValues([value]);
    if (this.#told?.join() === bytes.join()) return;
    this.#told = bytes;
    const written = this.#references.map((reference) => this.#deps.write(reference, value, this.#priority));
    // [BACnet 12.24.13] what it cannot command makes it unreliable
    this.#reliability = written.includes(false) ? RELIABILITY.configurationError : RELIABILITY.noFaultDetected;
  }

  /** Power loss: it writes anew. */
  restarted(): void {
    this.#told = undefined;
    this.#outOfService = false;
    this.#held = undefined;
  }

  #isDay({ period }: SpecialEvent, date: BacnetDate): boolean {
    if (period.type !== "calendar") return entryFits(period, date);
    return this.#deps.calendar(period.value)?.includes(date) ?? false;
  }

  #table(): readonly PropertyEntry[] {
    const { description } = this.#definition;
    return [
      ...identity(this.id, this.name),
      required(
        PROPERTIES.presentValue,
        () => single(this.presentValue()),
        ({ values }) => {
          const [value] = values;
          if (!this.#outOfService) return propertyError(ERROR_CODE.writeAccessDenied);
          if (value === undefined || values.length > 1) return propertyError(ERROR_CODE.invalidDataType);
          this.#held = value;
          return undefined;
        },
      ),
      optional(PROPERTIES.description, () => single(text(description))),
      ...this.#plan(),
      ...this.#outputs(),
      required(PROPERTIES.statusFlags, () =>
        single(bits([false, this.#reliability !== RELIABILITY.noFaultDetected, false, this.#outOfService])),
      ),
      required(PROPERTIES.reliability, () => single(enumerated(this.#reliability))),
      required(
        PROPERTIES.outOfService,
        () => single(boolean(this.#outOfService)),
        writesOne("boolean", (value) => {
          this.#held = value ? this.presentValue() : undefined;
          this.#outOfService = value;
          return undefined;
        }),
      ),
    ];
  }

  #plan(): readonly PropertyEntry[] {
    const weekly = arrayProperty<readonly TimeValue[]>(
      {
        field: dailySchedule,
        get: () => this.#weekly,
        set: (days) => {
          this.#weekly = days;
        },
        most: DAYS,
        check: (day) => (day.length > MAX_TIMES ? ERROR_CODE.noSpaceToWriteProperty : undefined),
      },
      false,
      true,
    );
    const exceptions = arrayProperty<SpecialEvent>(
      {
        field: specialEvent,
        get: () => this.#exceptions,
        set: (events) => {
          this.#exceptions = events;
        },
        most: MAX_EXCEPTIONS,
        check: ({ timeValues, priority }) =>
          timeValues.length > MAX_TIMES || priority < 1 || priority > LOWEST_PRIORITY
            ? ERROR_CODE.valueOutOfRange
            : undefined,
      },
      false,
      false,
    );
    return [
      [PROPERTIES.effectivePeriod, this.#periodProperty()],
      [PROPERTIES.weeklySchedule, weekly],
      [PROPERTIES.exceptionSchedule, exceptions],
      required(
        PROPERTIES.scheduleDefault,
        () => single(this.#default),
        ({ values }) => {
          const [value] = values;
          if (value === undefined || values.length > 1) return propertyError(ERROR_CODE.invalidDataType);
          this.#default = value;
          return undefined;
        },
      ),
    ];
  }

  #periodProperty(): Property {
    return {
      required: true,
      read: () => singleOf(dateRange, this.#period),
      write: ({ values }) => {
        const [start, end] = values;
        if (start?.type !== "date" || end?.type !== "date" || values.length > 2) {
          return propertyError(ERROR_CODE.invalidDataType);
        }
        this.#period = { start: start.value, end: end.value };
        return undefined;
      },
    };
  }

  #outputs(): readonly PropertyEntry[] {
    const references = listProperty<DeviceObjectPropertyReference>(
      {
        field: deviceObjectPropertyReference,
        get: () => this.#references,
        set: (list) => {
          this.#references = list;
          this.#told = undefined;
        },
        most: MAX_REFERENCES,
      },
      true,
    );
    return [
      [PROPERTIES.listOfObjectPropertyReferences, references],
      required(
        PROPERTIES.priorityForWriting,
        () => single(unsigned(this.#priority)),
        writesOne("unsigned", (value) => {
          if (value < 1 || value > LOWEST_PRIORITY) return ERROR_CODE.valueOutOfRange;
          this.#priority = value;
          return undefined;
        }),
      ),
    ];
  }
}
