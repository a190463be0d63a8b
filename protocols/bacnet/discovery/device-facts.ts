import { CONFIRMED, OBJECT_TYPES, PROPERTIES } from "../codec/enums.ts";
import { bitsOf, numberOf, type Results, textOf } from "./results.ts";

/** What a device says of itself; what it does not say is absent. */
export interface DeviceFacts {
  readonly name?: string;
  readonly description?: string;
  readonly location?: string;
  readonly vendorName?: string;
  readonly modelName?: string;
  readonly firmwareRevision?: string;
  readonly applicationSoftwareVersion?: string;
  readonly profileName?: string;
  readonly protocolRevision?: number;
  /** Changes when objects come, go or are renamed. [BACnet 12.11.35] */
  readonly databaseRevision?: number;
  readonly systemStatus?: number;
  /** Minutes; local time plus it is UTC. */
  readonly utcOffsetMin?: number;
  /** Names of the services that it executes. */
  readonly services: readonly string[];
  /** Names of the object types that it can hold. */
  readonly objectTypes: readonly string[];
}

const P = PROPERTIES;

/** The few properties that name a device, for a list of many devices. */
export const NAMING_PROPERTIES: readonly number[] = [P.objectName, P.vendorName, P.modelName, P.description];

/** Properties of the Device object that are read. [BACnet 12.11] */
export const DEVICE_PROPERTIES: readonly number[] = [
  ...NAMING_PROPERTIES,
  P.location,
  P.firmwareRevision,
  P.applicationSoftwareVersion,
  P.profileName,
  P.protocolRevision,
  P.databaseRevision,
  P.systemStatus,
  P.utcOffset,
  P.protocolServicesSupported,
  P.protocolObjectTypesSupported,
];

/** Services whose bit in BACnetServicesSupported is not their confirmed choice. [BACnet 21] */
const LATER_SERVICES: readonly (readonly [number, string])[] = [
  [26, "iAm"],
  [27, "iHave"],
  [28, "unconfirmedCovNotification"],
  [29, "unconfirmedEventNotification"],
  [30, "unconfirmedPrivateTransfer"],
  [31, "unconfirmedTextMessage"],
  [32, "timeSynchronization"],
  [33, "whoHas"],
  [34, "whoIs"],
  [35, "readRange"],
  [36, "utcTimeSynchronization"],
  [37, "lifeSafetyOperation"],
  [38, "subscribeCovProperty"],
  [39, "getEventInformation"],
  [40, "writeGroup"],
  [41, "subscribeCovPropertyMultiple"],
  [42, "confirmedCovNotificationMultiple"],
  [43, "unconfirmedCovNotificationMultiple"],
  [44, "confirmedAuditNotification"],
  [45, "auditLogQuery"],
  [46, "unconfirmedAuditNotification"],
];
const FIRST_LATER = 26;
const SERVICE_NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(CONFIRMED).flatMap(([name, bit]): (readonly [number, string])[] =>
    bit < FIRST_LATER ? [[bit, name]] : [],
  ),
  ...LATER_SERVICES,
]);
const OBJECT_TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(OBJECT_TYPES).map(([name, number]) => [number, name]),
);

/** Drops what is undefined. */
function given<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

type Optional = Omit<DeviceFacts, "services" | "objectTypes">;

/** The facts in what was read of a Device object. */
export function factsOf(results: Results): DeviceFacts {
  const facts = given<Required<Optional>>({
    name: textOf(results, P.objectName),
    description: textOf(results, P.description),
    location: textOf(results, P.location),
    vendorName: textOf(results, P.vendorName),
    modelName: textOf(results, P.modelName),
    firmwareRevision: textOf(results, P.firmwareRevision),
    applicationSoftwareVersion: textOf(results, P.applicationSoftwareVersion),
    profileName: textOf(results, P.profileName),
    protocolRevision: numberOf(results, P.protocolRevision),
    databaseRevision: numberOf(results, P.databaseRevision),
    systemStatus: numberOf(results, P.systemStatus),
    utcOffsetMin: numberOf(results, P.utcOffset),
  });
  return {
    ...facts,
    services: bitsOf(results, P.protocolServicesSupported, SERVICE_NAMES),
    objectTypes: bitsOf(results, P.protocolObjectTypesSupported, OBJECT_TYPE_NAMES),
  };
}
