import { InvalidInputError } from "#core/errors.ts";
import type { Quality } from "#core/model/quality.ts";
import type { Value } from "#core/model/sample.ts";
import { ERROR_CODE, OBJECT_TYPES, PROPERTIES, RELIABILITY } from "../codec/enums.ts";
import type { ErrorPair } from "../codec/services/error.ts";
import type { PropertyReference } from "../codec/services/property.ts";
import type { BacnetDate, BacnetTime, BacnetValue, ObjectId } from "../codec/values.ts";
import type { BacnetAddress } from "../config.ts";

/** A point's address as numbers. */
export interface Target extends PropertyReference {
  readonly object: ObjectId;
  /** Is it to be told by COV where the device can? */
  readonly cov: boolean;
  /** Increment asked for instead of the object's own. */
  readonly covIncrement?: number;
}

/** A value with its quality, as a sample carries it. */
export interface Reading {
  readonly value: Value;
  readonly quality: Quality;
  readonly reason?: string;
}

const BINARY_TYPES: readonly number[] = [
  OBJECT_TYPES["binary-input"],
  OBJECT_TYPES["binary-output"],
  OBJECT_TYPES["binary-value"],
];
const ANALOG_TYPES: readonly number[] = [
  OBJECT_TYPES["analog-input"],
  OBJECT_TYPES["analog-output"],
  OBJECT_TYPES["analog-value"],
];
const CONFIG_ERRORS: readonly number[] = [
  ERROR_CODE.unknownObject,
  ERROR_CODE.unknownProperty,
  ERROR_CODE.invalidArrayIndex,
  ERROR_CODE.propertyIsNotAnArray,
];
// [BACnet 21, BACnetReliability] every other value but noFaultDetected is a fault of the device
const REASON_OF_RELIABILITY = new Map<number, string>([
  [RELIABILITY.overRange, "outOfRange"],
  [RELIABILITY.underRange, "outOfRange"],
  [RELIABILITY.multiStateOutOfRange, "outOfRange"],
  [RELIABILITY.configurationError, "configError"],
  [RELIABILITY.communicationFailure, "commLost"],
]);

/** Numbers of a configured address. Other properties than presentValue are subscribed to only where the address asks for it. */
export function targetOf(address: BacnetAddress): Target {
  const type = typeof address.objectType === "number" ? address.objectType : OBJECT_TYPES[address.objectType];
  const name = address.property ?? "presentValue";
  const property = typeof name === "number" ? name : PROPERTIES[name];
  const isPresentValue = property === PROPERTIES.presentValue && address.index === undefined;
  return {
    object: { type, instance: address.instance },
    property,
    cov: address.cov ?? (isPresentValue || address.covIncrement !== undefined),
    ...(address.covIncrement === undefined ? {} : { covIncrement: address.covIncrement }),
    ...(address.index === undefined ? {} : { index: address.index }),
  };
}

/** Does the object have a COV_Increment? */
export function isAnalog({ type }: ObjectId): boolean {
  return ANALOG_TYPES.includes(type);
}

/** Has a present value with Status_Flags and Reliability beside it: every object type but the Device. */
export function hasStatus({ object, property }: Target): boolean {
  return property === PROPERTIES.presentValue && object.type !== OBJECT_TYPES.device;
}

/** What was read or notified, turned into value and quality. */
export function readingOf(
  target: Target,
  values: readonly BacnetValue[],
  statusFlags?: BacnetValue,
  reliability?: BacnetValue,
): Reading {
  const value = plainValue(target, values);
  const reason = reasonOf(statusFlags, reliability);
  if (reason !== undefined) return { value, ...reason };
  return value === null ? { value, quality: "bad", reason: "noValue" } : { value, quality: "good" };
}

/** An address that the device does not have is a fault of the configuration; all else one of the device. */
export function readingOfError({ errorCode }: ErrorPair): Reading {
  const reason = CONFIG_ERRORS.includes(errorCode) ? "configError" : "deviceFault";
  return { value: null, quality: "bad", reason };
}

// [BACnet 12.2.7] Status_Flags: In_Alarm, Fault, Overridden, Out_Of_Service
function reasonOf(
  statusFlags: BacnetValue | undefined,
  reliability: BacnetValue | undefined,
): { quality: Quality; reason: string } | undefined {
  const [, fault = false, overridden = false, outOfService = false] =
    statusFlags?.type === "bitString" ? statusFlags.value : [];
  const code = reliability?.type === "enumerated" ? reliability.value : RELIABILITY.noFaultDetected;
  const reason = REASON_OF_RELIABILITY.get(code);
  if (reason !== undefined) return { quality: "bad", reason };
  if (fault || code !== RELIABILITY.noFaultDetected) return { quality: "bad", reason: "deviceFault" };
  if (outOfService) return { quality: "uncertain", reason: "outOfService" };
  return overridden ? { quality: "uncertain", reason: "overridden" } : undefined;
}

function plainValue(target: Target, values: readonly BacnetValue[]): Value {
  const [value] = values;
  if (value === undefined || values.length > 1) return null;
  switch (value.type) {
    case "null":
    case "raw":
      return null;
    case "boolean":
    case "characterString":
      return value.value;
    case "enumerated":
      return isBinaryState(target) ? value.value === 1 : value.value;
    case "unsigned":
    case "signed":
      return value.value;
    case "real":
    case "double":
      return Number.isFinite(value.value) ? value.value : null;
    case "bitString":
      return value.value.map((bit) => (bit ? "1" : "0")).join("");
    case "octetString":
      return Array.from(value.value, (byte) => byte.toString(16).padStart(2, "0")).join("");
    case "objectId":
      return `${value.value.type}:${value.value.instance}`;
    case "date":
      return dateText(value.value);
    case "time":
      return timeText(value.value);
    default:
      value satisfies never;
      return null;
  }
}

function isBinaryState({ object, property }: Target): boolean {
  const state = property === PROPERTIES.presentValue || property === PROPERTIES.relinquishDefault;
  return state && BINARY_TYPES.includes(object.type);
}

const UNSPECIFIED = 255;
const two = (part: number): string => (part === UNSPECIFIED ? "**" : String(part).padStart(2, "0"));

// wildcards stay visible: a date pattern is no instant [BACnet 20.2.12]
function dateText({ year, month, day }: BacnetDate): string {
  return `${year === UNSPECIFIED ? "****" : 1900 + year}-${two(month)}-${two(day)}`;
}

function timeText({ hour, minute, second, hundredths }: BacnetTime): string {
  return `${two(hour)}:${two(minute)}:${two(second)}.${two(hundredths)}`;
}

function refused(target: Target, value: Value, expected: string): InvalidInputError {
  const { type, instance } = target.object;
  return new InvalidInputError(
    "BACNET_VALUE_INVALID",
    `object ${type}:${instance} property ${target.property}: expected ${expected}, got ${JSON.stringify(value)}`,
  );
}

const MAX_SIGNED = 2 ** 47;

/**
 * The BACnet value for a write. The object type decides for presentValue; for other properties the type last read does.
 * @throws BACNET_VALUE_INVALID
 */
export function encodedFor(target: Target, value: Value, lastRead: BacnetValue | undefined): BacnetValue {
  if (value === null) return { type: "null" };
  const type = writeTypeOf(target) ?? lastRead?.type;
  switch (type) {
    case "real":
    case "double":
      if (typeof value !== "number" || !Number.isFinite(value)) throw refused(target, value, "a finite number");
      return { type, value };
    case "enumerated":
      return { type, value: wholeNumber(target, typeof value === "boolean" ? Number(value) : value) };
    case "unsigned":
      return { type, value: wholeNumber(target, value) };
    case "signed":
      if (typeof value !== "number" || !Number.isInteger(value) || value < -MAX_SIGNED || value >= MAX_SIGNED) {
        throw refused(target, value, "an integer of at most 48 bits");
      }
      return { type, value };
    case "boolean":
      if (typeof value !== "boolean") throw refused(target, value, "true or false");
      return { type, value };
    case "characterString":
      if (typeof value !== "string") throw refused(target, value, "a text");
      return { type, value };
    default:
      throw refused(target, value, "a property of a writable type");
  }
}

function wholeNumber(target: Target, value: Value): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw refused(target, value, "a whole number from 0");
  }
  return value;
}

const WRITE_TYPES = new Map<number, BacnetValue["type"]>([
  ...ANALOG_TYPES.map((type) => [type, "real"] as const),
  ...BINARY_TYPES.map((type) => [type, "enumerated"] as const),
  [OBJECT_TYPES["multi-state-input"], "unsigned"],
  [OBJECT_TYPES["multi-state-output"], "unsigned"],
  [OBJECT_TYPES["multi-state-value"], "unsigned"],
  [OBJECT_TYPES["large-analog-value"], "double"],
  [OBJECT_TYPES["integer-value"], "signed"],
  [OBJECT_TYPES["positive-integer-value"], "unsigned"],
  [OBJECT_TYPES["characterstring-value"], "characterString"],
]);

function writeTypeOf({ object, property }: Target): BacnetValue["type"] | undefined {
  return property === PROPERTIES.presentValue ? WRITE_TYPES.get(object.type) : undefined;
}

/** Is this what was written? A number counts as equal after rounding to REAL. */
export function sameValue(written: BacnetValue, read: BacnetValue | undefined): boolean {
  if (read === undefined || !("value" in written) || !("value" in read)) return written.type === read?.type;
  if (typeof written.value === "number" && typeof read.value === "number") {
    return written.value === read.value || Math.fround(written.value) === Math.fround(read.value);
  }
  return written.value === read.value;
}
