import { errorMessage, InvalidInputError } from "../errors.ts";
import { DataType, type MetricValue } from "./datatype.ts";
import type { Metric, Payload, PropertyValue } from "./metric.ts";
import { WireWriter } from "./wire-writer.ts";

/** How to write a payload. */
export interface EncodeOptions {
  /**
   * Leaves each metric's `datatype` out of the message; it still decides how the value is written. For DATA and CMD.
   * [Sparkplug tck-id-payloads-metric-datatype-not-req]
   */
  readonly omitDatatype?: boolean;
}

const MIN_64 = -(2n ** 63n);
const MAX_64 = 2n ** 63n - 1n;
const MAX_U64 = 2n ** 64n - 1n;
/** Room for every scalar field of a metric: alias, timestamp, datatype, flags, the longest number, tags and length. */
const METRIC_ROOM = 64;

// Field tags (number x 8 + wire type) that differ between Metric and PropertyValue.
const METRIC_VALUE = { int: 80, long: 88, float: 101, double: 105, boolean: 112, string: 122 } as const;
const PROPERTY_VALUE = { int: 24, long: 32, float: 45, double: 49, boolean: 56, string: 66 } as const;
type ValueTags = { readonly [Kind in keyof typeof METRIC_VALUE]: number };

// Shared by every call: encoding is synchronous and no finished payload is written again.
const writer = new WireWriter();

function refuse(value: unknown, expected: string): never {
  throw new InvalidInputError("SPARKPLUG_VALUE_INVALID", `value ${String(value)}: expected ${expected}`);
}

function writeInt(value: MetricValue, minimum: number, maximum: number, tag: number): void {
  if (typeof value !== "number" || !Number.isInteger(value) || value < minimum || value > maximum) {
    refuse(value, `an integer from ${minimum} to ${maximum}`);
  }
  writer.field(tag, value >>> 0); // [Sparkplug 6.4.16] negative: two's complement in uint32
}

function writeLong(value: MetricValue, minimum: bigint, maximum: bigint, tag: number): void {
  if (typeof value === "number" && value >= 0 && Number.isSafeInteger(value) && value <= maximum) {
    writer.field(tag, value);
    return;
  }
  const wide = typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof wide !== "bigint" || wide < minimum || wide > maximum) {
    refuse(value, `an integer from ${minimum} to ${maximum}`);
  }
  writer.byte(tag);
  writer.varint64(BigInt.asUintN(64, wide));
}

function writeText(value: MetricValue, tag: number): void {
  if (typeof value !== "string") refuse(value, "a text");
  writer.text(tag, value);
}

function writeNumber(value: MetricValue, tag: number, single: boolean): void {
  if (typeof value !== "number") refuse(value, "a number");
  if (single) writer.float(tag, value);
  else writer.double(tag, value);
}

function writeBoolean(value: MetricValue, tag: number): void {
  if (typeof value !== "boolean") refuse(value, "true or false");
  writer.small(tag, value ? 1 : 0);
}

function writeTyped(value: MetricValue, datatype: DataType, tags: ValueTags): void {
  switch (datatype) {
    case DataType.Double:
      writeNumber(value, tags.double, false);
      break;
    case DataType.Float:
      writeNumber(value, tags.float, true);
      break;
    case DataType.Boolean:
      writeBoolean(value, tags.boolean);
      break;
    case DataType.Int8:
      writeInt(value, -128, 127, tags.int);
      break;
    case DataType.Int16:
      writeInt(value, -32_768, 32_767, tags.int);
      break;
    case DataType.Int32:
      writeInt(value, -2_147_483_648, 2_147_483_647, tags.int);
      break;
    case DataType.UInt8:
      writeInt(value, 0, 255, tags.int);
      break;
    case DataType.UInt16:
      writeInt(value, 0, 65_535, tags.int);
      break;
    case DataType.UInt32: // long_value, as the standard's own compatibility kit writes and expects it
      writeLong(value, 0n, 4_294_967_295n, tags.long);
      break;
    case DataType.Int64:
      writeLong(value, MIN_64, MAX_64, tags.long);
      break;
    case DataType.UInt64:
    case DataType.DateTime:
      writeLong(value, 0n, MAX_U64, tags.long);
      break;
    case DataType.String:
    case DataType.Text:
    case DataType.UUID:
      writeText(value, tags.string);
      break;
    default:
      refuse(value, `a scalar datatype, not ${datatype}`);
  }
}

/** Without a datatype the JavaScript type decides; a number is written as a double. */
function writeUntyped(value: MetricValue, tags: ValueTags): void {
  if (typeof value === "number") writeNumber(value, tags.double, false);
  else if (typeof value === "boolean") writeBoolean(value, tags.boolean);
  else if (typeof value === "string") writeText(value, tags.string);
  else writeLong(value, MIN_64, MAX_U64, tags.long);
}

function writeMetricValue(value: MetricValue, datatype: DataType | undefined): void {
  if (datatype === DataType.Bytes || datatype === DataType.File) {
    if (!(value instanceof Uint8Array)) refuse(value, "bytes");
    writer.blob(130, value);
  } else if (datatype !== undefined) writeTyped(value, datatype, METRIC_VALUE);
  else if (value instanceof Uint8Array) writer.blob(130, value);
  else writeUntyped(value, METRIC_VALUE);
}

function writeProperty(property: PropertyValue): void {
  writer.ensure(METRIC_ROOM);
  const start = writer.begin(18);
  if (property.type !== undefined) writer.small(8, property.type);
  const { value } = property;
  if (value === null) {
    writer.small(16, 1);
  } else if (value !== undefined) {
    if (property.type !== undefined) writeTyped(value, property.type, PROPERTY_VALUE);
    else writeUntyped(value, PROPERTY_VALUE);
  }
  writer.end(start);
}

function writeProperties(properties: Readonly<Record<string, PropertyValue>>): void {
  writer.ensure(METRIC_ROOM);
  const start = writer.begin(74);
  const entries = Object.entries(properties);
  for (const [key] of entries) {
    writer.ensure(METRIC_ROOM);
    writer.text(10, key);
  }
  for (const [, property] of entries) writeProperty(property);
  writer.end(start);
}

function writeFlag(tag: number, value: boolean | undefined): void {
  if (value === true) writer.small(tag, 1);
}

/** What a live value in a DATA message does not have. Apart, so that the engine can inline all of `writeMetric`. */
function writeAttributes(metric: Metric, omitDatatype: boolean): void {
  if (metric.datatype !== undefined && !omitDatatype) writer.small(32, metric.datatype);
  writeFlag(40, metric.isHistorical);
  writeFlag(48, metric.isTransient);
  writeFlag(56, metric.value === null || metric.isNull);
  if (metric.properties === undefined) return;
  writeProperties(metric.properties);
  writer.ensure(METRIC_ROOM);
}

function writeName(name: string): void {
  writer.text(10, name);
  writer.ensure(METRIC_ROOM);
}

function writeMetric(metric: Metric, omitDatatype: boolean): void {
  writer.ensure(METRIC_ROOM);
  const begun = writer.begin(18);
  const { name, alias, timestamp, datatype, value } = metric;
  if (name !== undefined) writeName(name);
  if (alias !== undefined) writer.field(16, alias);
  if (timestamp !== undefined) writer.time(24, timestamp);
  writeAttributes(metric, omitDatatype);
  // [Sparkplug 6.4.6] the value is left out when is_null is set
  if (value !== undefined && value !== null && metric.isNull !== true) {
    if (datatype === DataType.Double && typeof value === "number") writer.double(105, value);
    else writeMetricValue(value, datatype);
  }
  writer.end(begun);
}

/**
 * Writes a payload. Integers outside their datatype's range, fractions in integers and values of another kind are refused;
 * `undefined` writes no value, `null` sets is_null.
 * @throws SPARKPLUG_VALUE_INVALID
 * @see Sparkplug 3.0 §6.4.1
 */
export function encodePayload(payload: Payload, options: EncodeOptions = {}): Uint8Array<ArrayBuffer> {
  const omitDatatype = options.omitDatatype === true;
  writer.reset();
  if (payload.timestamp !== undefined) writer.time(8, payload.timestamp);
  let index = 0;
  try {
    for (const metric of payload.metrics) {
      writeMetric(metric, omitDatatype);
      index++;
    }
  } catch (error) {
    const metric = payload.metrics[index];
    const what = metric?.name ?? `alias ${metric?.alias ?? "absent"}`;
    throw new InvalidInputError("SPARKPLUG_VALUE_INVALID", `metric ${what}: ${errorMessage(error)}`, { cause: error });
  }
  writer.ensure(METRIC_ROOM);
  if (payload.seq !== undefined) writer.field(24, payload.seq);
  if (payload.uuid !== undefined) {
    writer.text(34, payload.uuid);
    writer.ensure(METRIC_ROOM);
  }
  if (payload.body !== undefined) {
    writer.blob(42, payload.body);
  }
  return writer.finish();
}
