/** BACnetEventState. [BACnet 21] */
export const EVENT_STATE = {
  normal: 0,
  fault: 1,
  offnormal: 2,
  highLimit: 3,
  lowLimit: 4,
  lifeSafetyAlarm: 5,
} as const satisfies Record<string, number>;

/** BACnetEventType. [BACnet 21] */
export const EVENT_TYPE = {
  changeOfBitstring: 0,
  changeOfState: 1,
  changeOfValue: 2,
  commandFailure: 3,
  floatingLimit: 4,
  outOfRange: 5,
  complexEventType: 6,
  changeOfLifeSafety: 8,
  extended: 9,
  bufferReady: 10,
  unsignedRange: 11,
  accessEvent: 13,
  doubleOutOfRange: 14,
  signedOutOfRange: 15,
  unsignedOutOfRange: 16,
  changeOfCharacterstring: 17,
  changeOfStatusFlags: 18,
  changeOfReliability: 19,
  none: 20,
  changeOfDiscreteValue: 21,
  changeOfTimer: 22,
} as const satisfies Record<string, number>;

/** BACnetNotifyType. [BACnet 21] */
export const NOTIFY_TYPE = { alarm: 0, event: 1, ackNotification: 2 } as const satisfies Record<string, number>;

/** Places in BACnetEventTransitionBits. [BACnet 21] */
export const EVENT_TRANSITION = { toOffnormal: 0, toFault: 1, toNormal: 2 } as const satisfies Record<string, number>;

/** Places in BACnetStatusFlags. [BACnet 21] */
export const STATUS_FLAG = {
  inAlarm: 0,
  fault: 1,
  overridden: 2,
  outOfService: 3,
} as const satisfies Record<string, number>;

/** Alternatives of BACnetPropertyStates by their context tag. [BACnet 21] */
export const PROPERTY_STATE = {
  booleanValue: 0,
  binaryValue: 1,
  eventType: 2,
  polarity: 3,
  programChange: 4,
  programState: 5,
  reasonForHalt: 6,
  reliability: 7,
  state: 8,
  systemStatus: 9,
  units: 10,
  unsignedValue: 11,
  lifeSafetyMode: 12,
  lifeSafetyState: 13,
  restartReason: 14,
  doorAlarmState: 15,
  action: 16,
  doorSecuredStatus: 17,
  doorStatus: 18,
  doorValue: 19,
  fileAccessMethod: 20,
  lockStatus: 21,
  lifeSafetyOperation: 22,
  maintenance: 23,
  nodeType: 24,
  notifyType: 25,
  securityLevel: 26,
  shedState: 27,
  silencedState: 28,
  accessEvent: 30,
  zoneOccupancyState: 31,
  accessCredentialDisableReason: 32,
  accessCredentialDisable: 33,
  authenticationStatus: 34,
  backupState: 36,
  writeStatus: 37,
  lightingInProgress: 38,
  lightingOperation: 39,
  lightingTransition: 40,
  integerValue: 41,
  binaryLightingValue: 42,
  timerState: 43,
  timerTransition: 44,
  bacnetIpMode: 45,
  networkPortCommand: 46,
  networkType: 47,
  networkNumberQuality: 48,
  escalatorOperationDirection: 49,
  escalatorFault: 50,
  escalatorMode: 51,
  liftCarDirection: 52,
  liftCarDoorCommand: 53,
  liftCarDriveStatus: 54,
  liftCarMode: 55,
  liftGroupMode: 56,
  liftFault: 57,
  protocolLevel: 58,
  auditLevel: 59,
  auditOperation: 60,
  extendedValue: 254,
} as const satisfies Record<string, number>;

function nameIn(table: Readonly<Record<string, number>>, number: number): string | undefined {
  return Object.entries(table).find(([, code]) => code === number)?.[0];
}

/** Name of an event state; its number where the standard has none. */
export function eventStateName(state: number): string {
  return nameIn(EVENT_STATE, state) ?? String(state);
}

/** Name of an event type; its number where the standard has none. */
export function eventTypeName(type: number): string {
  return nameIn(EVENT_TYPE, type) ?? String(type);
}

/** Name of an alternative of BACnetPropertyStates; its number where the standard has none. */
export function propertyStateName(choice: number): string {
  return nameIn(PROPERTY_STATE, choice) ?? String(choice);
}
