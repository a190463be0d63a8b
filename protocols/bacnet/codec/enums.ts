/** BACnetObjectType numbers of the types we name. [BACnet 21] */
export const OBJECT_TYPES = {
  "analog-input": 0,
  "analog-output": 1,
  "analog-value": 2,
  "binary-input": 3,
  "binary-output": 4,
  "binary-value": 5,
  calendar: 6,
  device: 8,
  "event-enrollment": 9,
  file: 10,
  loop: 12,
  "multi-state-input": 13,
  "multi-state-output": 14,
  "notification-class": 15,
  program: 16,
  schedule: 17,
  "multi-state-value": 19,
  "trend-log": 20,
  "life-safety-point": 21,
  "life-safety-zone": 22,
  accumulator: 23,
  "pulse-converter": 24,
  "access-door": 30,
  "characterstring-value": 40,
  "integer-value": 45,
  "large-analog-value": 46,
  "positive-integer-value": 48,
  "lighting-output": 54,
} as const satisfies Record<string, number>;
export type ObjectTypeName = keyof typeof OBJECT_TYPES;

/** BACnetPropertyIdentifier numbers of the properties we name. [BACnet 21] */
export const PROPERTIES = {
  activeText: 4,
  all: 8,
  apduTimeout: 11,
  applicationSoftwareVersion: 12,
  covIncrement: 22,
  description: 28,
  deviceAddressBinding: 30,
  eventState: 36,
  firmwareRevision: 44,
  inactiveText: 46,
  localDate: 56,
  localTime: 57,
  location: 58,
  maxApduLengthAccepted: 62,
  maxPresValue: 65,
  minPresValue: 69,
  modelName: 70,
  numberOfApduRetries: 73,
  numberOfStates: 74,
  objectIdentifier: 75,
  objectList: 76,
  objectName: 77,
  objectType: 79,
  optional: 80,
  outOfService: 81,
  polarity: 84,
  presentValue: 85,
  priorityArray: 87,
  protocolObjectTypesSupported: 96,
  protocolServicesSupported: 97,
  protocolVersion: 98,
  reliability: 103,
  relinquishDefault: 104,
  required: 105,
  segmentationSupported: 107,
  stateText: 110,
  statusFlags: 111,
  systemStatus: 112,
  units: 117,
  utcOffset: 119,
  vendorIdentifier: 120,
  vendorName: 121,
  protocolRevision: 139,
  activeCovSubscriptions: 152,
  databaseRevision: 155,
  lastRestartReason: 196,
  propertyList: 371,
} as const satisfies Record<string, number>;
export type PropertyName = keyof typeof PROPERTIES;

/** Confirmed service choices. [BACnet 21, BACnetConfirmedServiceChoice] */
export const CONFIRMED = {
  confirmedCovNotification: 1,
  subscribeCov: 5,
  readProperty: 12,
  readPropertyMultiple: 14,
  writeProperty: 15,
} as const;

/** Unconfirmed service choices. [BACnet 21, BACnetUnconfirmedServiceChoice] */
export const UNCONFIRMED = { iAm: 0, unconfirmedCovNotification: 2, whoIs: 8 } as const;

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
  tripped: 15,
} as const;

/** Error classes. [BACnet 18] */
export const ERROR_CLASS = { device: 0, object: 1, property: 2, resources: 3, security: 4, services: 5 } as const;

/** Error codes that we send or act upon. [BACnet 18, 21] */
export const ERROR_CODE = {
  other: 0,
  invalidDataType: 9,
  missingRequiredParameter: 16,
  noSpaceForObject: 18,
  noSpaceToAddListElement: 19,
  noSpaceToWriteProperty: 20,
  unknownObject: 31,
  unknownProperty: 32,
  valueOutOfRange: 37,
  writeAccessDenied: 40,
  invalidArrayIndex: 42,
  covSubscriptionFailed: 43,
  notCovProperty: 44,
  optionalFunctionalityNotSupported: 45,
  propertyIsNotAnArray: 50,
  unknownSubscription: 79,
  busy: 82,
} as const;

/** BACnetRejectReason. [BACnet 18.9] */
export const REJECT = {
  other: 0,
  bufferOverflow: 1,
  inconsistentParameters: 2,
  invalidParameterDataType: 3,
  invalidTag: 4,
  missingRequiredParameter: 5,
  parameterOutOfRange: 6,
  tooManyArguments: 7,
  undefinedEnumeration: 8,
  unrecognizedService: 9,
} as const;

/** BACnetAbortReason. [BACnet 18.10] */
export const ABORT = {
  other: 0,
  bufferOverflow: 1,
  invalidApduInThisState: 2,
  preemptedByHigherPriorityTask: 3,
  segmentationNotSupported: 4,
  outOfResources: 9,
  tsmTimeout: 10,
  apduTooLong: 11,
} as const;

/** BACnetSegmentation. [BACnet 21] */
export const SEGMENTATION = { both: 0, transmit: 1, receive: 2, none: 3 } as const;

/** Name of an object type; `proprietary-<n>` for one we do not name. */
export function objectTypeName(type: number): string {
  const found = Object.entries(OBJECT_TYPES).find(([, number]) => number === type);
  return found?.[0] ?? `proprietary-${type}`;
}
