import { OBJECT_TYPES, PROPERTIES } from "../../codec/enums.ts";
import { typedList } from "../../codec/property-values.ts";
import { type DeviceObjectPropertyReference, deviceObjectPropertyReference } from "../../codec/references.ts";
import type { PropertyResult } from "../../codec/services/property.ts";
import { type BacnetValue, type ObjectId, objectIdWord } from "../../codec/values.ts";
import { type Contact, decodedOr } from "../contact.ts";
import { readObjectList } from "../object-list.ts";
import type { BoundPoint } from "../point-board.ts";
import { propertyKey } from "../polling.ts";
import type { LogCounts } from "./trend-sequence.ts";

/** A trend log of a device, and what it logs. */
export interface FoundLog {
  readonly object: ObjectId;
  /** One for each value of a record; undefined where it is no property of this device. */
  readonly sources: readonly (string | undefined)[];
  /** Between two records; 0 where it logs changes. */
  readonly everyMs: number;
  readonly enabled: boolean;
}

/** A log that is read for its points: those of `columns[i]` have the i-th value of each record. */
export interface LogPlan {
  readonly log: FoundLog;
  readonly columns: readonly (readonly BoundPoint[])[];
}

const MOST_LOGS = 2000;
const LOG_TYPES: readonly number[] = [OBJECT_TYPES["trend-log"], OBJECT_TYPES["trend-log-multiple"]];
const { logDeviceObjectProperty, logInterval, enable, recordCount, totalRecordCount } = PROPERTIES;

/** Is it a TrendLogMultiple, whose records have several values? */
export function isMultiple({ type }: ObjectId): boolean {
  return type === OBJECT_TYPES["trend-log-multiple"];
}

/** The device's Database_Revision, undefined where it tells none; "silent" when it fell silent. */
export async function readRevision({ reader }: Contact, instance: number): Promise<number | "silent" | undefined> {
  const object = { type: OBJECT_TYPES.device, instance };
  const result = await reader.readOne({ object, property: PROPERTIES.databaseRevision });
  if (result === undefined) return "silent";
  return unsignedOf(result);
}

/** Every trend log of a device with what it logs; undefined when the device fell silent. [BACnet 12.25, 12.30] */
export async function findLogs(contact: Contact, instance: number): Promise<readonly FoundLog[] | undefined> {
  const device = { type: OBJECT_TYPES.device, instance };
  const types = await contact.reader.readOne({ object: device, property: PROPERTIES.protocolObjectTypesSupported });
  if (types === undefined) return undefined;
  const [supported] = "values" in types ? types.values : [];
  // what the device does not say is found out from its object list
  if (supported?.type === "bitString" && !LOG_TYPES.some((type) => supported.value[type] === true)) return [];
  const objects = await readObjectList(contact, instance);
  if (objects === undefined) return undefined;
  const logs = objects.filter(({ type }) => LOG_TYPES.includes(type)).slice(0, MOST_LOGS);
  const properties = [logDeviceObjectProperty, logInterval, enable].map((property) => ({ property }));
  const answers = await contact.reader.read(logs.map((object) => ({ object, properties })));
  return answers?.map(({ object, results }) => {
    const by = new Map(results.map((result) => [result.property, result]));
    const on = valuesOf(by.get(enable))[0];
    return {
      object,
      sources: sourcesOf(valuesOf(by.get(logDeviceObjectProperty)), instance),
      // hundredths of a second [BACnet 12.25.9]
      everyMs: (unsignedOf(by.get(logInterval)) ?? 0) * 10,
      enabled: on?.type === "boolean" ? on.value : true,
    };
  });
}

/** Record_Count and Total_Record_Count of logs, by object word; undefined when the device fell silent. */
export async function readCounts(
  { reader }: Contact,
  logs: readonly FoundLog[],
): Promise<ReadonlyMap<number, LogCounts> | undefined> {
  const properties = [recordCount, totalRecordCount].map((property) => ({ property }));
  const answers = await reader.read(logs.map(({ object }) => ({ object, properties })));
  if (answers === undefined) return undefined;
  const counts = new Map<number, LogCounts>();
  for (const { object, results } of answers) {
    const by = new Map(results.map((result) => [result.property, result]));
    const [count, total] = [unsignedOf(by.get(recordCount)), unsignedOf(by.get(totalRecordCount))];
    if (count !== undefined && total !== undefined) counts.set(objectIdWord(object), { count, total });
  }
  return counts;
}

/**
 * Which log tells which points. Where several log the same property, one is taken, so that no value comes twice: one that is
 * enabled before one that is not, a TrendLog (it keeps Status_Flags) before a TrendLogMultiple, the finer one before the coarser.
 */
export function planOf(logs: readonly FoundLog[], points: readonly BoundPoint[]): readonly LogPlan[] {
  const rank = ({ enabled, object, everyMs }: FoundLog): readonly number[] => [
    enabled ? 0 : 1,
    isMultiple(object) ? 1 : 0,
    everyMs,
  ];
  const ordered = logs.toSorted((a, b) => compared(rank(a), rank(b)));
  const wanted = Map.groupBy(points, ({ target }) => propertyKey(objectIdWord(target.object), target));
  return ordered.flatMap((log) => {
    const columns = log.sources.map((source) => {
      const found = source === undefined ? undefined : wanted.get(source);
      if (source !== undefined) wanted.delete(source);
      return found ?? [];
    });
    return columns.some(({ length }) => length > 0) ? [{ log, columns }] : [];
  });
}

function compared(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) {
    const difference = value - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function valuesOf(result: PropertyResult | undefined): readonly BacnetValue[] {
  return result !== undefined && "values" in result ? result.values : [];
}

function unsignedOf(result: PropertyResult | undefined): number | undefined {
  const [value] = valuesOf(result);
  return value?.type === "unsigned" ? value.value : undefined;
}

function sourcesOf(values: readonly BacnetValue[], instance: number): readonly (string | undefined)[] {
  const references: readonly DeviceObjectPropertyReference[] =
    decodedOr(() => typedList(deviceObjectPropertyReference, values)) ?? [];
  return references.map(({ device, object, ...reference }) =>
    device === undefined || device.instance === instance ? propertyKey(objectIdWord(object), reference) : undefined,
  );
}
