import { DataType, type DataValue, LocalizedText, QualifiedName, type StatusCode, type Variant } from "node-opcua";
import type { Quality } from "#core/model/quality.ts";
import type { Value } from "#core/model/sample.ts";

/** A value with its quality, as a sample carries it. */
export interface Reading {
  readonly value: Value;
  readonly quality: Quality;
  readonly reason?: string;
}

/** Longest text that is passed on. */
const LONGEST_TEXT = 4000;
/** InfoType DataValue with the Overflow bit. [OPC 10000-4 §7.39.1, table 177] */
const OVERFLOW = 0x480;

const REASONS: Readonly<Record<string, string>> = {
  BadNodeIdUnknown: "configError",
  BadNodeIdInvalid: "configError",
  BadAttributeIdInvalid: "configError",
  BadIndexRangeInvalid: "configError",
  BadIndexRangeNoData: "configError",
  BadDataEncodingUnsupported: "configError",
  BadNotReadable: "configError",
  BadUserAccessDenied: "configError",
  BadMonitoredItemFilterUnsupported: "configError",
  BadConfigurationError: "configError",
  BadNoCommunication: "commLost",
  BadNotConnected: "commLost",
  BadCommunicationError: "commLost",
  BadServerNotConnected: "commLost",
  BadConnectionClosed: "commLost",
  BadTimeout: "commLost",
  BadShutdown: "commLost",
  BadServerHalted: "commLost",
  BadOutOfService: "outOfService",
  BadSensorFailure: "deviceFault",
  BadDeviceFailure: "deviceFault",
  BadOutOfRange: "outOfRange",
  BadWaitingForInitialData: "noValue",
  BadNoData: "noValue",
  BadDataUnavailable: "noValue",
  BadNoDataAvailable: "noValue",
  UncertainLastUsableValue: "stale",
  UncertainNoCommunicationLastUsableValue: "stale",
  UncertainEngineeringUnitsExceeded: "outOfRange",
  UncertainSubstituteValue: "overridden",
  UncertainInitialValue: "noValue",
  GoodLocalOverride: "overridden",
};

/** Quality of a StatusCode by its severity, and why it is not good. [OPC 10000-4 §7.39, OPC 10000-8 §6.4] */
export function qualityOf(status: StatusCode): { readonly quality: Quality; readonly reason?: string } {
  const name = status.name.split("#", 1)[0] ?? "";
  const known = REASONS[name];
  if (status.isGood() || status.isGoodish()) {
    if (known !== undefined) return { quality: "uncertain", reason: known };
    return (status.value & OVERFLOW) === OVERFLOW ? { quality: "uncertain", reason: "overflow" } : { quality: "good" };
  }
  const severity = (status.value >>> 30) & 3;
  // what has no shared name keeps its own, in the writing of the shared ones
  const reason = known ?? (severity === 1 ? name.charAt(0).toLowerCase() + name.slice(1) : "deviceFault");
  return { quality: severity === 1 ? "uncertain" : "bad", reason };
}

/** Has the server discarded values before this one? (UA-03) */
export function hasOverflown(status: StatusCode): boolean {
  return (status.value & OVERFLOW) === OVERFLOW;
}

/** What a server told of a point. `element`: the address names one element of an array. */
export function readingOf(data: DataValue, element: boolean): Reading {
  const status = qualityOf(data.statusCode);
  const { value, fault } = converted(data.value, element);
  if (status.quality === "bad") return { value: fault === undefined ? value : null, ...status };
  if (fault !== undefined) return { value, ...fault };
  if (value === null && status.quality === "good") return { value: null, quality: "bad", reason: "noValue" };
  return { value, ...status };
}

interface Converted {
  readonly value: Value;
  readonly fault?: { readonly quality: "bad" | "uncertain"; readonly reason: string };
}

const CONFIG_ERROR: Converted = { value: null, fault: { quality: "bad", reason: "configError" } };
const NO_VALUE: Converted = { value: null };

/** The value of a Variant; a fault where it has none that a point can hold. */
export function converted(variant: Variant | null | undefined, element: boolean): Converted {
  if (variant === null || variant === undefined || variant.dataType === DataType.Null) return NO_VALUE;
  const content: unknown = variant.value;
  if (content === null || content === undefined) return NO_VALUE;
  if (isList(variant, content)) {
    // an index range gives an array with the one element that was asked for
    return element && content.length === 1 ? scalarOf(variant.dataType, content[0]) : CONFIG_ERROR;
  }
  return scalarOf(variant.dataType, content);
}

function isList(variant: Variant, content: unknown): content is ArrayLike<unknown> {
  const big = variant.dataType === DataType.Int64 || variant.dataType === DataType.UInt64;
  // the library holds a 64-bit integer as a pair of numbers
  if (big && Array.isArray(content) && content.length === 2 && variant.arrayType === 0) return false;
  return Array.isArray(content) || (ArrayBuffer.isView(content) && !Buffer.isBuffer(content));
}

function scalarOf(dataType: DataType, content: unknown): Converted {
  switch (typeof content) {
    case "boolean":
      return { value: content };
    case "number":
      return Number.isFinite(content)
        ? { value: content }
        : { value: null, fault: { quality: "bad", reason: "outOfRange" } };
    case "string":
      return { value: content.slice(0, LONGEST_TEXT) };
    case "bigint":
      return bigValue(content);
    default:
      return objectValue(dataType, content);
  }
}

function objectValue(dataType: DataType, content: unknown): Converted {
  if (dataType === DataType.Int64 || dataType === DataType.UInt64) return pairValue(dataType, content);
  if (content === null || content === undefined) return NO_VALUE;
  if (content instanceof Date) {
    // the earliest date of OPC UA stands for no date [OPC 10000-6 §5.2.2.5]
    return content.getUTCFullYear() <= 1601 ? NO_VALUE : { value: content.toISOString() };
  }
  if (content instanceof LocalizedText) return { value: content.text?.slice(0, LONGEST_TEXT) ?? null };
  if (content instanceof QualifiedName) return { value: content.name?.slice(0, LONGEST_TEXT) ?? null };
  if (Buffer.isBuffer(content)) return { value: content.toString("base64").slice(0, LONGEST_TEXT) };
  if (dataType === DataType.StatusCode) return { value: (content as StatusCode).name };
  if (dataType === DataType.NodeId || dataType === DataType.ExpandedNodeId) return { value: String(content) };
  return CONFIG_ERROR;
}

function pairValue(dataType: DataType, content: unknown): Converted {
  const [high, low] = content as readonly [number, number];
  if (typeof high !== "number" || typeof low !== "number") return CONFIG_ERROR;
  const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return bigValue(dataType === DataType.Int64 ? BigInt.asIntN(64, bits) : bits);
}

/** Beyond 2^53 a number has lost its last digits: it is told, and not as good. */
function bigValue(content: bigint): Converted {
  const value = Number(content);
  if (Number.isSafeInteger(value)) return { value };
  return { value, fault: { quality: "uncertain", reason: "precisionLost" } };
}

/** Unix ms of a time stamp; undefined where there is none. */
export function timeOf(date: Date | null | undefined): number | undefined {
  const time = date?.getTime();
  return time === undefined || !Number.isFinite(time) || time <= 0 ? undefined : time;
}
