import { InvalidInputError } from "#core/errors.ts";
import { bacnetOfUnit, unitById } from "#core/units.ts";
import { OBJECT_TYPES, PROPERTIES } from "#protocols/bacnet/codec/enums.ts";
import type { ObjectId } from "#protocols/bacnet/codec/values.ts";
import type { ServedDefinition } from "#protocols/bacnet/server/definition.ts";
import type { DeviceDefinition } from "#protocols/bacnet/server/device-object.ts";
import type { EventDefinition } from "#protocols/bacnet/server/events/definition.ts";
import type { NotificationClassDefinition } from "#protocols/bacnet/server/events/notification-class.ts";
import type { PointDefinition } from "#protocols/bacnet/server/points/definition.ts";
import type { CalendarDefinition } from "#protocols/bacnet/server/schedules/calendar.ts";
import type { ScheduleDefinition } from "#protocols/bacnet/server/schedules/schedule.ts";
import type { StructuredViewDefinition } from "#protocols/bacnet/server/structured-view.ts";
import type { BufferReadyDefinition } from "#protocols/bacnet/server/trends/buffer-ready.ts";
import type { Signal, SimulatedDevice } from "../../device.ts";
import type { BacnetObjectMapping, BacnetObjects } from "./mapping.ts";

/** History of one signal, kept by the device itself. */
export interface SignalTrend {
  readonly signal: string;
  /** A value each so many ms; absent: each change beyond the COV increment. */
  readonly everyMs?: number;
  /** 2000 when absent. */
  readonly bufferSize?: number;
  readonly stopWhenFull?: boolean;
  readonly bufferReady?: BufferReadyDefinition;
}

/** History of several signals at the same moments. */
export interface SignalTrends {
  readonly name: string;
  readonly description: string;
  readonly signals: readonly string[];
  readonly everyMs: number;
  readonly bufferSize?: number;
}

/** Signals that belong together. */
export interface SignalView {
  readonly name: string;
  readonly description: string;
  readonly nodeType: StructuredViewDefinition["nodeType"];
  readonly nodeSubtype?: string;
  readonly signals: readonly string[];
}

/** What a simulated device serves beside its signals. Instances count from 1 in the order given. */
export interface BacnetExtras {
  readonly notificationClasses?: readonly NotificationClassDefinition[];
  /** Intrinsic alarms by signal. */
  readonly events?: Readonly<Record<string, EventDefinition>>;
  readonly trends?: readonly SignalTrend[];
  readonly trendGroups?: readonly SignalTrends[];
  readonly calendars?: readonly CalendarDefinition[];
  readonly schedules?: readonly ScheduleDefinition[];
  readonly views?: readonly SignalView[];
}

const DEFAULT_BUFFER = 2000;

/** The objects of a simulated device. @throws SIM_SIGNAL_UNKNOWN, SIM_UNIT_UNKNOWN */
export function objectsOf(
  device: SimulatedDevice,
  facts: DeviceDefinition,
  objects: BacnetObjects,
  extras: BacnetExtras,
): ServedDefinition {
  const signalOf = (name: string): Signal => {
    const signal = device.signals.find((candidate) => candidate.name === name);
    if (signal !== undefined) return signal;
    throw new InvalidInputError("SIM_SIGNAL_UNKNOWN", `device ${device.id} has no signal "${name}"`);
  };
  const objectOf = (name: string): ObjectId => {
    const mapping = objects[name];
    if (mapping === undefined) {
      throw new InvalidInputError("SIM_SIGNAL_UNKNOWN", `signal "${name}" of ${device.id} is no BACnet object`);
    }
    return { type: OBJECT_TYPES[mapping.objectType], instance: mapping.instance };
  };
  const presentValue = (name: string) => ({ object: objectOf(name), property: PROPERTIES.presentValue });
  return {
    device: facts,
    points: Object.entries(objects).map(([name, mapping]) =>
      pointOf(device, signalOf(name), mapping, extras.events?.[name]),
    ),
    notificationClasses: extras.notificationClasses ?? [],
    trendLogs: (extras.trends ?? []).map(({ signal, everyMs, bufferSize = DEFAULT_BUFFER, ...rest }, index) => {
      const { label, labelEn, covIncrement = 0 } = signalOf(signal);
      return {
        ...rest,
        instance: index + 1,
        name: `${label}历史`,
        description: `${labelEn}, trend`,
        source: presentValue(signal),
        bufferSize,
        logs: everyMs === undefined ? "changes" : { everyMs },
        covIncrement,
      };
    }),
    trendLogsMultiple: (extras.trendGroups ?? []).map(({ name, description, signals, everyMs, bufferSize }, index) => ({
      instance: index + 1,
      name,
      description,
      sources: signals.map(presentValue),
      bufferSize: bufferSize ?? DEFAULT_BUFFER,
      logs: { everyMs },
    })),
    calendars: extras.calendars ?? [],
    schedules: extras.schedules ?? [],
    views: (extras.views ?? []).map(({ signals, ...view }, index) => ({
      ...view,
      instance: index + 1,
      subordinates: signals.map((name) => ({ object: objectOf(name), annotation: signalOf(name).label })),
    })),
  };
}

function pointOf(
  device: SimulatedDevice,
  signal: Signal,
  { objectType, instance, covIncrement = signal.covIncrement }: BacnetObjectMapping,
  event: EventDefinition | undefined,
): PointDefinition {
  const { name, min, max, states } = signal;
  const units = unitNumber(signal.unit);
  return {
    id: { type: OBJECT_TYPES[objectType], instance },
    name: signal.label,
    description: signal.labelEn,
    source: { read: () => device.read(name), write: (value) => device.write(name, value) },
    commandable: signal.writable,
    ...(units === undefined ? {} : { units }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(covIncrement === undefined ? {} : { covIncrement }),
    ...(states === undefined ? {} : { states: states.map(([text]) => text) }),
    ...(event === undefined ? {} : { event }),
  };
}

function unitNumber(unit: string | undefined): number | undefined {
  if (unit === undefined) return undefined;
  if (unitById(unit) === undefined) {
    throw new InvalidInputError("SIM_UNIT_UNKNOWN", `"${unit}" is no canonical unit id`);
  }
  return bacnetOfUnit(unit);
}
