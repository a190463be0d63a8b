import { errorCode, errorMessage } from "#core/errors.ts";
import type { ActionRequest, ActionResult } from "../../../driver.ts";
import { CONFIRMED, errorName, OBJECT_TYPES, PROPERTIES } from "../../codec/enums.ts";
import type { Field } from "../../codec/fields.ts";
import { rawList, typedList, typedValue } from "../../codec/property-values.ts";
import type { ErrorPair } from "../../codec/services/error.ts";
import { encodeWriteProperty } from "../../codec/services/property.ts";
import {
  calendarEntry,
  dailySchedule,
  dateRange,
  type SpecialEvent,
  specialEvent,
  type TimeValue,
} from "../../codec/services/schedule.ts";
import type { BacnetValue, ObjectId } from "../../codec/values.ts";
import { objectName, objectOf } from "../alarms/alarm-map.ts";
import { type Contact, decodedOr, endOf } from "../contact.ts";
import { plainDay, plainEntry, plainException, plainRange, plainValue, weekOf } from "./schedule-text.ts";

/** Calendars that one schedule's exceptions are looked up in. */
const MOST_CALENDARS = 50;

const rejected = (code: string, message: string): ActionResult => ({ status: "rejected", code, message });

function json(value: unknown): ActionResult {
  return {
    status: "done",
    blob: { contentType: "application/json", bytes: new TextEncoder().encode(JSON.stringify(value)) },
  };
}

const silent = (device: string): ActionResult => ({
  status: "timeout",
  code: "BACNET_TIMEOUT",
  message: `${device} does not answer`,
});

/** What a device gave for one property. */
type Given = { readonly values: readonly BacnetValue[] } | { readonly error: ErrorPair };

/** Properties read one after the other: schedules are too long for a common answer. Undefined when the device fell silent. */
async function readAll(
  { reader }: Contact,
  object: ObjectId,
  properties: readonly number[],
): Promise<ReadonlyMap<number, Given> | undefined> {
  const given = new Map<number, Given>();
  for (const property of properties) {
    const result = await reader.readOne({ object, property });
    if (result === undefined) return undefined;
    given.set(property, result);
  }
  return given;
}

const NONE: readonly BacnetValue[] = [];

function valuesOf(given: ReadonlyMap<number, Given>, property: number): readonly BacnetValue[] {
  const one = given.get(property);
  return one !== undefined && "values" in one ? one.values : NONE;
}

/** Productions of a property; null where the device has none or they cannot be understood. */
function listOf<T, P>(given: ReadonlyMap<number, Given>, property: number, field: Field<T>, show: (one: T) => P) {
  const one = given.get(property);
  if (one === undefined || !("values" in one)) return null;
  return decodedOr(() => typedList(field, one.values))?.map(show) ?? null;
}

function single(given: ReadonlyMap<number, Given>, property: number) {
  const [value] = valuesOf(given, property);
  return value === undefined ? null : plainValue(value);
}

function objectIn(request: ActionRequest, type: "schedule" | "calendar"): ObjectId | ActionResult {
  const { object: name } = request.params;
  const object = objectOf(name);
  if (object?.type === OBJECT_TYPES[type]) return object;
  return rejected("BACNET_PARAMETER_INVALID", `object: expected "${type}:<instance>", got ${JSON.stringify(name)}`);
}

function unknown(given: ReadonlyMap<number, Given>, object: ObjectId): ActionResult | undefined {
  const name = given.get(PROPERTIES.objectName);
  if (name === undefined || "values" in name) return undefined;
  const { errorClass, errorCode: code } = name.error;
  const message = `${objectName(object)}: the device answers ${errorName(errorClass, code)}`;
  return { status: "failed", code: `BACNET_ERROR_${errorClass}_${code}`, message };
}

async function calendarsOf(contact: Contact, exceptions: readonly SpecialEvent[]) {
  const names = new Map(
    exceptions.flatMap(({ period }) => (period.type === "calendar" ? [[objectName(period.value), period.value]] : [])),
  );
  const calendars: Record<string, unknown> = {};
  for (const [name, object] of [...names].slice(0, MOST_CALENDARS)) {
    const given = await readAll(contact, object as ObjectId, [PROPERTIES.dateList]);
    if (given === undefined) break;
    calendars[name as string] = listOf(given, PROPERTIES.dateList, calendarEntry, plainEntry);
  }
  return calendars;
}

/** `readSchedule {object}`: all that a Schedule says, and the days of the calendars it names. [BACnet 12.24] */
export async function readSchedule(request: ActionRequest, contact: Contact): Promise<ActionResult> {
  const object = objectIn(request, "schedule");
  if ("status" in object) return object;
  const { objectName: name, description, presentValue, weeklySchedule, exceptionSchedule } = PROPERTIES;
  const { effectivePeriod, scheduleDefault, priorityForWriting } = PROPERTIES;
  const given = await readAll(contact, object, [
    name,
    description,
    presentValue,
    effectivePeriod,
    weeklySchedule,
    exceptionSchedule,
    scheduleDefault,
    priorityForWriting,
  ]);
  if (given === undefined) return silent(request.device);
  const refused = unknown(given, object);
  if (refused !== undefined) return refused;
  const exceptions = decodedOr(() => typedList(specialEvent, valuesOf(given, exceptionSchedule))) ?? [];
  const period = valuesOf(given, effectivePeriod);
  return json({
    object: objectName(object),
    name: single(given, name),
    description: single(given, description),
    presentValue: single(given, presentValue),
    scheduleDefault: single(given, scheduleDefault),
    priorityForWriting: single(given, priorityForWriting),
    effectivePeriod: period.length === 0 ? null : (decodedOr(() => plainRange(typedValue(dateRange, period))) ?? null),
    weekly: listOf(given, weeklySchedule, dailySchedule, plainDay),
    exceptions: listOf(given, exceptionSchedule, specialEvent, plainException),
    calendars: await calendarsOf(contact, exceptions),
  });
}

/** `readCalendar {object}`: whether today is in a Calendar, and its days. [BACnet 12.9] */
export async function readCalendar(request: ActionRequest, contact: Contact): Promise<ActionResult> {
  const object = objectIn(request, "calendar");
  if ("status" in object) return object;
  const { objectName: name, description, presentValue, dateList } = PROPERTIES;
  const given = await readAll(contact, object, [name, description, presentValue, dateList]);
  if (given === undefined) return silent(request.device);
  return (
    unknown(given, object) ??
    json({
      object: objectName(object),
      name: single(given, name),
      description: single(given, description),
      presentValue: single(given, presentValue),
      entries: listOf(given, dateList, calendarEntry, plainEntry),
    })
  );
}

/** Type of the values of a schedule: of its default, else of the first that is not NULL. [BACnet 12.24.7, 12.24.9] */
function typeOf(given: ReadonlyMap<number, Given>): BacnetValue["type"] | undefined {
  const weekly = decodedOr(() => typedList(dailySchedule, valuesOf(given, PROPERTIES.weeklySchedule))) ?? [];
  const [fallback] = valuesOf(given, PROPERTIES.scheduleDefault);
  const values: readonly (BacnetValue | undefined)[] = [
    ...weekly.flat().map(({ value }: TimeValue) => value),
    fallback,
    valuesOf(given, PROPERTIES.presentValue)[0],
  ];
  return values.find((value) => value !== undefined && value.type !== "null")?.type;
}

/**
 * `writeWeeklySchedule {object, weekly}`: replaces Weekly_Schedule by the seven days of `weekly`, JSON text as readSchedule gives it,
 * and reads back what the device made of it. [BACnet 12.24.7]
 */
export async function writeWeeklySchedule(request: ActionRequest, contact: Contact): Promise<ActionResult> {
  const object = objectIn(request, "schedule");
  if ("status" in object) return object;
  const { objectName: name, weeklySchedule, scheduleDefault, presentValue } = PROPERTIES;
  const given = await readAll(contact, object, [name, weeklySchedule, scheduleDefault, presentValue]);
  if (given === undefined) return silent(request.device);
  const refused = unknown(given, object);
  if (refused !== undefined) return refused;
  const type = typeOf(given);
  if (type === undefined) {
    return rejected("BACNET_SCHEDULE_UNTYPED", `${objectName(object)}: its values and its default say no type`);
  }
  let values: readonly BacnetValue[];
  try {
    values = rawList(dailySchedule, weekOf(request.params["weekly"], type));
  } catch (error) {
    return rejected(errorCode(error), errorMessage(error));
  }
  const body = encodeWriteProperty({ object, property: weeklySchedule, values });
  const end = endOf(await contact.ask(CONFIRMED.writeProperty, body), `weekly schedule of ${objectName(object)}`);
  if (end.status !== "done") return end;
  const after = await readAll(contact, object, [weeklySchedule]);
  if (after === undefined) return silent(request.device);
  return json({ object: objectName(object), weekly: listOf(after, weeklySchedule, dailySchedule, plainDay) });
}
