import { ERROR_CLASS, ERROR_CODE, OBJECT_TYPES } from "../codec/enums.ts";
import type { DeviceObjectPropertyReference } from "../codec/references.ts";
import type { ErrorPair } from "../codec/services/error.ts";
import type { PropertyReference, PropertyResult } from "../codec/services/property.ts";
import type { BacnetTimeStamp } from "../codec/timestamp.ts";
import { type BacnetValue, type ObjectId, objectIdWord } from "../codec/values.ts";
import type { ServedDefinition } from "./definition.ts";
import type { DeviceClock } from "./device-clock.ts";
import { EventTable } from "./events/event-table.ts";
import { NotificationClass } from "./events/notification-class.ts";
import type { EventSource, Transition, TransitionSink } from "./events/reporter.ts";
import { type ServedObject, writeReferenced } from "./object.ts";
import { PointObject } from "./points/point-object.ts";
import { Calendar } from "./schedules/calendar.ts";
import { Schedule } from "./schedules/schedule.ts";
import { structuredView } from "./structured-view.ts";
import type { Log } from "./trends/log.ts";
import { trendLog, trendLogMultiple } from "./trends/trend-log.ts";

const UNKNOWN_OBJECT: ErrorPair = { errorClass: ERROR_CLASS.object, errorCode: ERROR_CODE.unknownObject };

/** The objects of a served device by what is done with them. */
export interface ServedObjects {
  /** In the order of the Object_List, without the Device. */
  readonly all: readonly ServedObject[];
  readonly points: readonly PointObject[];
  readonly classes: ReadonlyMap<number, NotificationClass>;
  readonly logs: readonly AnyLog[];
  readonly schedules: readonly Schedule[];
  readonly events: EventTable;
}

/** A TrendLog or a TrendLogMultiple. */
export type AnyLog = Pick<Log<unknown>, "id" | "name" | "properties" | "events" | "scan" | "clockSet" | "restarted">;

/** What the objects need of their server. */
export interface ObjectDeps {
  readonly clock: DeviceClock;
  readonly device: () => ObjectId;
  tell(transition: Transition, notificationClass: NotificationClass): void;
  read(object: ServedObject, reference: PropertyReference): PropertyResult;
}

/** Makes the objects of a definition. */
export function serveObjects(definition: ServedDefinition, deps: ObjectDeps): ServedObjects {
  const classes = new Map(
    (definition.notificationClasses ?? []).map((one) => [one.instance, new NotificationClass(one)]),
  );
  const transitions = sinkOf(classes, definition.device.eventTimeStamps ?? "dateTime", deps);
  const points = definition.points.map((point) => new PointObject(point, transitions));
  const pointsById = new Map(points.map((point) => [objectIdWord(point.id), point]));
  const logs = logsOf(definition, deps, transitions, pointsById);
  const calendars = new Map((definition.calendars ?? []).map((one) => [one.instance, new Calendar(one, deps.clock)]));
  const write = (reference: DeviceObjectPropertyReference, value: BacnetValue, priority: number): boolean => {
    const object = reference.device === undefined ? pointsById.get(objectIdWord(reference.object)) : undefined;
    return object !== undefined && writeReferenced(object, { ...reference, values: [value], priority }) === undefined;
  };
  const schedules = (definition.schedules ?? []).map(
    (one) =>
      new Schedule(one, {
        clock: deps.clock,
        calendar: ({ type, instance }) => (type === OBJECT_TYPES.calendar ? calendars.get(instance) : undefined),
        write,
      }),
  );
  const views = (definition.views ?? []).map(structuredView);
  const sources = [...points, ...logs].flatMap(({ id, events }): (readonly [ObjectId, EventSource])[] =>
    events === undefined ? [] : [[id, events]],
  );
  return {
    all: [...points, ...classes.values(), ...logs, ...calendars.values(), ...schedules, ...views],
    points,
    classes,
    logs,
    schedules,
    events: new EventTable(sources, classes),
  };
}

function stamper(form: BacnetTimeStamp["type"], clock: DeviceClock): () => BacnetTimeStamp {
  let sequence = 0;
  return () => {
    switch (form) {
      case "dateTime":
        return { type: form, value: clock.local() };
      case "time":
        return { type: form, value: clock.local().time };
      case "sequenceNumber":
        // [BACnet 21, BACnetTimeStamp] 0 to 65535
        sequence = (sequence + 1) % 0x1_0000;
        return { type: form, value: sequence };
      default:
        form satisfies never;
        throw new TypeError("unknown form of time stamp");
    }
  };
}

function sinkOf(
  classes: ReadonlyMap<number, NotificationClass>,
  form: BacnetTimeStamp["type"],
  deps: ObjectDeps,
): TransitionSink {
  const stamp = stamper(form, deps.clock);
  return {
    monotonic: () => deps.clock.monotonic(),
    stamp,
    ackRequired: (notificationClass, transition) => classes.get(notificationClass)?.ackRequired(transition) ?? false,
    tell(transition) {
      const notificationClass = classes.get(transition.notificationClass);
      if (notificationClass !== undefined) deps.tell(transition, notificationClass);
    },
  };
}

function logsOf(
  definition: ServedDefinition,
  deps: ObjectDeps,
  transitions: TransitionSink,
  points: ReadonlyMap<number, PointObject>,
): readonly AnyLog[] {
  const trendDeps = {
    clock: deps.clock,
    device: deps.device,
    transitions,
    read: (reference: DeviceObjectPropertyReference): PropertyResult => {
      const object = points.get(objectIdWord(reference.object));
      if (object !== undefined) return deps.read(object, reference);
      return { property: reference.property, error: UNKNOWN_OBJECT };
    },
  };
  return [
    ...(definition.trendLogs ?? []).map((one) => trendLog(one, trendDeps)),
    ...(definition.trendLogsMultiple ?? []).map((one) => trendLogMultiple(one, trendDeps)),
  ];
}
