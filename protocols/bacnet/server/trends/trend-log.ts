import { ERROR_CODE, OBJECT_TYPES, PROPERTIES } from "../../codec/enums.ts";
import {
  type DeviceObjectPropertyReference,
  deviceObjectPropertyReference,
  type ObjectPropertyReference,
} from "../../codec/references.ts";
import {
  encodeLogMultipleRecords,
  encodeLogRecords,
  type LoggedValue,
  type LogMultipleRecord,
  type LogRecord,
} from "../../codec/services/log-records.ts";
import type { PropertyResult } from "../../codec/services/property.ts";
import { arrayOfAll, optional, type PropertyEntry, real, required, single, singleOf } from "../object.ts";
import { writesOne } from "../writing.ts";
import { Log, type LogDefinition, type LogDeps, type Recorded } from "./log.ts";

/** A TrendLog object: the history of one property. */
export interface TrendLogDefinition extends LogDefinition {
  readonly source: ObjectPropertyReference;
  /** Smallest change that is logged, where changes are; 0 any. */
  readonly covIncrement?: number;
}

/** A TrendLogMultiple object: several properties, read at the same moments. */
export interface TrendLogMultipleDefinition extends LogDefinition {
  readonly logs: { readonly everyMs: number };
  readonly sources: readonly ObjectPropertyReference[];
}

/** What trend logs need of their device. */
export interface TrendDeps extends LogDeps {
  /** A property of one of the device's own objects. */
  read(reference: ObjectPropertyReference): PropertyResult;
}

// the value of a single property as a datum; what has no alternative of its own goes in as any [BACnet 21, BACnetLogRecord]
function datumOf(result: PropertyResult): LoggedValue {
  if ("error" in result) return { type: "failure", value: result.error };
  const [value] = result.values;
  if (value === undefined || result.values.length > 1) return { type: "any", value: result.values };
  switch (value.type) {
    case "boolean":
      return { type: "boolean", value: value.value };
    case "real":
    case "unsigned":
    case "signed":
    case "enumerated":
      return { type: value.type, value: value.value };
    case "bitString":
      return { type: "bitString", value: value.value };
    case "null":
      return { type: "null", value: null };
    default:
      return { type: "any", value: [value] };
  }
}

/** Makes a TrendLog. [BACnet 12.25] */
export function trendLog(definition: TrendLogDefinition, deps: TrendDeps): Log<Omit<LogRecord, "timestamp">> {
  let increment = definition.covIncrement ?? 0;
  let last: LoggedValue | undefined;
  const flags = (): readonly boolean[] | undefined => {
    const result = deps.read({ object: definition.source.object, property: PROPERTIES.statusFlags });
    const [value] = "values" in result ? result.values : [];
    return value?.type === "bitString" ? shared(value.value) : undefined;
  };
  const reference: DeviceObjectPropertyReference = definition.source;
  const sources: PropertyEntry[] = [
    optional(PROPERTIES.logDeviceObjectProperty, () => singleOf(deviceObjectPropertyReference, reference)),
    optional(
      PROPERTIES.clientCovIncrement,
      () => single(real(increment)),
      writesOne("real", (value) => {
        if (!(value >= 0)) return ERROR_CODE.valueOutOfRange;
        increment = value;
        return undefined;
      }),
    ),
  ];
  const recorded: Recorded<Omit<LogRecord, "timestamp">> = {
    sample() {
      const datum = datumOf(deps.read(definition.source));
      last = datum;
      const statusFlags = flags();
      return { datum, ...(statusFlags === undefined ? {} : { statusFlags }) };
    },
    changed: () => last === undefined || differs(last, datumOf(deps.read(definition.source)), increment),
    status: (value) => ({ datum: { type: "logStatus", value } }),
    timeChange: (value) => ({ datum: { type: "timeChange", value } }),
    encode: (record, timestamp) => encodeLogRecords([{ timestamp, ...record }]),
    sources,
  };
  return new Log({ type: OBJECT_TYPES["trend-log"], instance: definition.instance }, definition, recorded, deps);
}

// thousands of records have the same flags
const FLAGS = new Map<string, readonly boolean[]>();
function shared(flags: readonly boolean[]): readonly boolean[] {
  const key = flags.map(Number).join("");
  const known = FLAGS.get(key);
  if (known !== undefined) return known;
  // four flags have sixteen values; a device's own property cannot make it grow
  if (flags.length <= 4) FLAGS.set(key, flags);
  return flags;
}

function differs(before: LoggedValue, after: LoggedValue, increment: number): boolean {
  if (before.type !== "real" || after.type !== "real") {
    return before.type !== after.type || JSON.stringify(before.value) !== JSON.stringify(after.value);
  }
  if (Number.isNaN(before.value) !== Number.isNaN(after.value)) return true;
  const difference = Math.abs(after.value - before.value);
  return difference > 0 && difference >= increment;
}

/** Makes a TrendLogMultiple. [BACnet 12.30] */
export function trendLogMultiple(
  definition: TrendLogMultipleDefinition,
  deps: TrendDeps,
): Log<Omit<LogMultipleRecord, "timestamp">> {
  const sources: PropertyEntry[] = [
    required(PROPERTIES.logDeviceObjectProperty, () => arrayOfAll(deviceObjectPropertyReference, definition.sources)),
  ];
  const recorded: Recorded<Omit<LogMultipleRecord, "timestamp">> = {
    sample: () => ({
      data: { type: "values", value: definition.sources.map((source) => datumOf(deps.read(source))) },
    }),
    // [BACnet 12.30.12] it is polled or triggered, never fed by changes
    changed: () => false,
    status: (value) => ({ data: { type: "logStatus", value } }),
    timeChange: (value) => ({ data: { type: "timeChange", value } }),
    encode: (record, timestamp) => encodeLogMultipleRecords([{ timestamp, ...record }]),
    sources,
  };
  const id = { type: OBJECT_TYPES["trend-log-multiple"], instance: definition.instance };
  return new Log(id, definition, recorded, deps);
}
