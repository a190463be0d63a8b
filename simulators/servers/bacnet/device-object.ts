import type { Clock } from "#core/clock.ts";
import { CONFIRMED, ERROR_CODE, OBJECT_TYPES, PROPERTIES, SEGMENTATION } from "#protocols/bacnet/codec/enums.ts";
import type { ObjectId } from "#protocols/bacnet/codec/values.ts";
import { type PropertyContent, propertyError, type ServedObject, scalar, text } from "./served-object.ts";

/** What the Device object tells of its device. */
export interface DeviceFacts {
  readonly instance: number;
  readonly name: string;
  readonly nameEn: string;
  readonly vendorId: number;
  readonly maxApdu: number;
  readonly segments: boolean;
  readonly readsMultiple: boolean;
  readonly clock: Clock;
  /** Identifiers of the other objects. */
  readonly objects: readonly ObjectId[];
}

const APDU_TIMEOUT_MS = 3000;
const APDU_RETRIES = 3;
// BACnetServicesSupported: services executed [BACnet 21]
const WHO_IS_BIT = 34;
const SERVICE_BITS: readonly number[] = [
  CONFIRMED.subscribeCov,
  CONFIRMED.readProperty,
  CONFIRMED.writeProperty,
  WHO_IS_BIT,
];

function bits(length: number, set: readonly number[]): PropertyContent {
  return scalar({ type: "bitString", value: Array.from({ length }, (_, bit) => set.includes(bit)) });
}

/** The Device object. Local_Date and Local_Time are in UTC, with UTC_Offset 0. [BACnet 12.11] */
export function deviceObject(facts: DeviceFacts): ServedObject {
  const id: ObjectId = { type: OBJECT_TYPES.device, instance: facts.instance };
  const all = [id, ...facts.objects];
  const services = facts.readsMultiple ? [...SERVICE_BITS, CONFIRMED.readPropertyMultiple] : SERVICE_BITS;
  const unsigned = (value: number) => () => scalar({ type: "unsigned", value });
  const enumerated = (value: number) => () => scalar({ type: "enumerated", value });
  const words = (value: string) => () => scalar(text(value));
  const required = new Map<number, () => PropertyContent>([
    [PROPERTIES.objectIdentifier, () => scalar({ type: "objectId", value: id })],
    [PROPERTIES.objectName, words(facts.name)],
    [PROPERTIES.objectType, enumerated(OBJECT_TYPES.device)],
    [PROPERTIES.systemStatus, enumerated(0)],
    [PROPERTIES.vendorName, words("Parkhub")],
    [PROPERTIES.vendorIdentifier, unsigned(facts.vendorId)],
    [PROPERTIES.modelName, words("Parkhub simulator")],
    [PROPERTIES.firmwareRevision, words("1")],
    [PROPERTIES.applicationSoftwareVersion, words("1")],
    [PROPERTIES.protocolVersion, unsigned(1)],
    [PROPERTIES.protocolRevision, unsigned(14)],
    [PROPERTIES.protocolServicesSupported, () => bits(40, services)],
    [PROPERTIES.protocolObjectTypesSupported, () => bits(55, [...new Set(all.map(({ type }) => type))])],
    [PROPERTIES.objectList, () => ({ array: true, values: all.map((value) => ({ type: "objectId", value })) })],
    [PROPERTIES.maxApduLengthAccepted, unsigned(facts.maxApdu)],
    [PROPERTIES.segmentationSupported, enumerated(facts.segments ? SEGMENTATION.transmit : SEGMENTATION.none)],
    [PROPERTIES.apduTimeout, unsigned(APDU_TIMEOUT_MS)],
    [PROPERTIES.numberOfApduRetries, unsigned(APDU_RETRIES)],
    [PROPERTIES.deviceAddressBinding, () => ({ array: false, values: [] })],
    [PROPERTIES.databaseRevision, unsigned(1)],
  ]);
  const optional = new Map<number, () => PropertyContent>([
    [PROPERTIES.description, words(facts.nameEn)],
    [PROPERTIES.localDate, () => localDate(facts.clock.now())],
    [PROPERTIES.localTime, () => localTime(facts.clock.now())],
    [PROPERTIES.utcOffset, () => scalar({ type: "signed", value: 0 })],
  ]);
  const properties = new Map([...required, ...optional]);
  return {
    id,
    properties,
    required: new Set(required.keys()),
    write: ({ property }) =>
      propertyError(properties.has(property) ? ERROR_CODE.writeAccessDenied : ERROR_CODE.unknownProperty),
  };
}

function localDate(nowMs: number): PropertyContent {
  const at = new Date(nowMs);
  const value = {
    year: at.getUTCFullYear() - 1900,
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    // [BACnet 20.2.12] Monday is 1, Sunday 7
    weekday: at.getUTCDay() === 0 ? 7 : at.getUTCDay(),
  };
  return scalar({ type: "date", value });
}

function localTime(nowMs: number): PropertyContent {
  const at = new Date(nowMs);
  const hundredths = Math.floor(at.getUTCMilliseconds() / 10);
  const value = { hour: at.getUTCHours(), minute: at.getUTCMinutes(), second: at.getUTCSeconds(), hundredths };
  return scalar({ type: "time", value });
}
