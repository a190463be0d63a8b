import { ABORT, ERROR_CLASS, ERROR_CODE, REJECT } from "./error-enums.ts";
import { LATER_PROPERTIES } from "./properties-later.ts";
import { STANDARD_PROPERTIES } from "./properties-standard.ts";

export { ABORT, ERROR_CLASS, ERROR_CODE, REJECT } from "./error-enums.ts";
export {
  EVENT_STATE,
  EVENT_TRANSITION,
  EVENT_TYPE,
  eventStateName,
  eventTypeName,
  NOTIFY_TYPE,
  PROPERTY_STATE,
  propertyStateName,
  STATUS_FLAG,
} from "./event-enums.ts";

/** BACnetObjectType numbers of the standard. [BACnet 21] */
export const OBJECT_TYPES = {
  "analog-input": 0,
  "analog-output": 1,
  "analog-value": 2,
  "binary-input": 3,
  "binary-output": 4,
  "binary-value": 5,
  calendar: 6,
  command: 7,
  device: 8,
  "event-enrollment": 9,
  file: 10,
  group: 11,
  loop: 12,
  "multi-state-input": 13,
  "multi-state-output": 14,
  "notification-class": 15,
  program: 16,
  schedule: 17,
  averaging: 18,
  "multi-state-value": 19,
  "trend-log": 20,
  "life-safety-point": 21,
  "life-safety-zone": 22,
  accumulator: 23,
  "pulse-converter": 24,
  "event-log": 25,
  "global-group": 26,
  "trend-log-multiple": 27,
  "load-control": 28,
  "structured-view": 29,
  "access-door": 30,
  timer: 31,
  "access-credential": 32,
  "access-point": 33,
  "access-rights": 34,
  "access-user": 35,
  "access-zone": 36,
  "credential-data-input": 37,
  "network-security": 38,
  "bitstring-value": 39,
  "characterstring-value": 40,
  "date-pattern-value": 41,
  "date-value": 42,
  "datetime-pattern-value": 43,
  "datetime-value": 44,
  "integer-value": 45,
  "large-analog-value": 46,
  "octetstring-value": 47,
  "positive-integer-value": 48,
  "time-pattern-value": 49,
  "time-value": 50,
  "notification-forwarder": 51,
  "alert-enrollment": 52,
  channel: 53,
  "lighting-output": 54,
  "binary-lighting-output": 55,
  "network-port": 56,
  "elevator-group": 57,
  escalator: 58,
  lift: 59,
  staging: 60,
  "audit-log": 61,
  "audit-reporter": 62,
  color: 63,
  "color-temperature": 64,
} as const satisfies Record<string, number>;
export type ObjectTypeName = keyof typeof OBJECT_TYPES;

/** BACnetPropertyIdentifier numbers of the standard. [BACnet 21] */
export const PROPERTIES = { ...STANDARD_PROPERTIES, ...LATER_PROPERTIES } as const satisfies Record<string, number>;
export type PropertyName = keyof typeof PROPERTIES;

/** Confirmed service choices. [BACnet 21, BACnetConfirmedServiceChoice] */
export const CONFIRMED = {
  acknowledgeAlarm: 0,
  confirmedCovNotification: 1,
  confirmedEventNotification: 2,
  getAlarmSummary: 3,
  getEnrollmentSummary: 4,
  subscribeCov: 5,
  atomicReadFile: 6,
  atomicWriteFile: 7,
  addListElement: 8,
  removeListElement: 9,
  createObject: 10,
  deleteObject: 11,
  readProperty: 12,
  readPropertyConditional: 13,
  readPropertyMultiple: 14,
  writeProperty: 15,
  writePropertyMultiple: 16,
  deviceCommunicationControl: 17,
  confirmedPrivateTransfer: 18,
  confirmedTextMessage: 19,
  reinitializeDevice: 20,
  vtOpen: 21,
  vtClose: 22,
  vtData: 23,
  authenticate: 24,
  requestKey: 25,
  readRange: 26,
  lifeSafetyOperation: 27,
  subscribeCovProperty: 28,
  getEventInformation: 29,
  subscribeCovPropertyMultiple: 30,
  confirmedCovNotificationMultiple: 31,
  confirmedAuditNotification: 32,
  auditLogQuery: 33,
} as const satisfies Record<string, number>;

/** Unconfirmed service choices. [BACnet 21, BACnetUnconfirmedServiceChoice] */
export const UNCONFIRMED = {
  iAm: 0,
  iHave: 1,
  unconfirmedCovNotification: 2,
  unconfirmedEventNotification: 3,
  unconfirmedPrivateTransfer: 4,
  unconfirmedTextMessage: 5,
  timeSynchronization: 6,
  whoHas: 7,
  whoIs: 8,
  utcTimeSynchronization: 9,
  writeGroup: 10,
  unconfirmedCovNotificationMultiple: 11,
  unconfirmedAuditNotification: 12,
} as const satisfies Record<string, number>;

/** BACnetReliability. [BACnet 21] */
export const RELIABILITY = {
  noFaultDetected: 0,
  noSensor: 1,
  overRange: 2,
  underRange: 3,
  openLoop: 4,
  shortedLoop: 5,
  noOutput: 6,
  unreliableOther: 7,
  processError: 8,
  multiStateFault: 9,
  configurationError: 10,
  communicationFailure: 12,
  memberFault: 13,
  monitoredObjectFault: 14,
  tripped: 15,
  lampFailure: 16,
  activationFailure: 17,
  renewDhcpFailure: 18,
  renewFdRegistrationFailure: 19,
  restartAutoNegotiationFailure: 20,
  restartFailure: 21,
  proprietaryCommandFailure: 22,
  faultsListed: 23,
  referencedObjectFault: 24,
  multiStateOutOfRange: 25,
} as const satisfies Record<string, number>;

/** BACnetSegmentation. [BACnet 21] */
export const SEGMENTATION = { both: 0, transmit: 1, receive: 2, none: 3 } as const satisfies Record<string, number>;

/** BACnetDeviceStatus, the value of System_Status. [BACnet 21] */
export const DEVICE_STATUS = {
  operational: 0,
  operationalReadOnly: 1,
  downloadRequired: 2,
  downloadInProgress: 3,
  nonOperational: 4,
  backupInProgress: 5,
} as const satisfies Record<string, number>;

/** BACnetRestartReason. [BACnet 21] */
export const RESTART_REASON = {
  unknown: 0,
  coldstart: 1,
  warmstart: 2,
  detectedPowerLost: 3,
  detectedPoweredOff: 4,
  hardwareWatchdog: 5,
  softwareWatchdog: 6,
  suspended: 7,
  activateChanges: 8,
} as const satisfies Record<string, number>;

/** BACnetLoggingType. [BACnet 21] */
export const LOGGING_TYPE = { polled: 0, cov: 1, triggered: 2 } as const satisfies Record<string, number>;

/** BACnetNodeType, what a Structured View stands for. [BACnet 21] */
export const NODE_TYPE = {
  unknown: 0,
  system: 1,
  network: 2,
  device: 3,
  organizational: 4,
  area: 5,
  equipment: 6,
  point: 7,
  collection: 8,
  property: 9,
  functional: 10,
  other: 11,
  subsystem: 12,
  building: 13,
  floor: 14,
  section: 15,
  module: 16,
  tree: 17,
  member: 18,
  protocol: 19,
  room: 20,
  zone: 21,
} as const satisfies Record<string, number>;

function namesOf(table: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(table).map(([name, number]) => [number, name]));
}

const OBJECT_TYPE_NAMES = namesOf(OBJECT_TYPES);
const PROPERTY_NAMES = namesOf(PROPERTIES);
const ERROR_CLASS_NAMES = namesOf(ERROR_CLASS);
const ERROR_CODE_NAMES = namesOf(ERROR_CODE);
const REJECT_NAMES = namesOf(REJECT);
const ABORT_NAMES = namesOf(ABORT);
const RELIABILITY_NAMES = namesOf(RELIABILITY);

/** Name of an object type; `proprietary-<n>` for one the standard has not. */
export function objectTypeName(type: number): string {
  return OBJECT_TYPE_NAMES.get(type) ?? `proprietary-${type}`;
}

/** Name of a property; its number where the standard has none. */
export function propertyName(property: number): string {
  return PROPERTY_NAMES.get(property) ?? String(property);
}

/** `<class>/<code>` by their names, e.g. `object/unknownObject`; numbers where the standard has no name. */
export function errorName(errorClass: number, errorCode: number): string {
  return `${ERROR_CLASS_NAMES.get(errorClass) ?? errorClass}/${ERROR_CODE_NAMES.get(errorCode) ?? errorCode}`;
}

/** Name of a reject reason; its number where the standard has none. */
export function rejectName(reason: number): string {
  return REJECT_NAMES.get(reason) ?? String(reason);
}

/** Name of an abort reason; its number where the standard has none. */
export function abortName(reason: number): string {
  return ABORT_NAMES.get(reason) ?? String(reason);
}

/** Name of a reliability; its number where the standard has none. */
export function reliabilityName(reliability: number): string {
  return RELIABILITY_NAMES.get(reliability) ?? String(reliability);
}
