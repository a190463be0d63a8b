import { errorCode } from "#core/errors.ts";
import { malformed, type Reader, type Writer } from "./bytes.ts";
import { readUnsigned, signedBytes, signedOf, unsignedBytes } from "./content.ts";
import { bits, double, octets, real, signed, text, unsigned } from "./context.ts";
import { EVENT_TYPE, PROPERTY_STATE } from "./event-enums.ts";
import {
  anyValues,
  decodeBody,
  encodeBody,
  type Field,
  listOf,
  optional,
  rowsOf,
  sequence,
  wrapped,
} from "./fields.ts";
import {
  type DeviceObjectPropertyReference,
  type DeviceObjectReference,
  deviceObjectPropertyReference,
  deviceObjectReference,
  type PropertyValue,
  propertyValue,
} from "./references.ts";
import { readTag, takeConstructed, writeClosing, writeOpening, writeTag } from "./tags.ts";
import { type BacnetDateTime, type BacnetTimeStamp, dateTime, timeStamp } from "./timestamp.ts";
import type { BacnetValue } from "./values.ts";

/** BACnetStatusFlags: in alarm, fault, overridden, out of service. */
export type StatusFlags = readonly boolean[];

/** A discrete state with its meaning. [BACnet 21, BACnetPropertyStates] */
export interface PropertyState {
  /** Which enumeration it is of: PROPERTY_STATE. */
  readonly choice: number;
  /** The state's number; a Boolean is 0 or 1. */
  readonly value: number;
}

interface Limited {
  readonly exceedingValue: number;
  readonly statusFlags: StatusFlags;
  readonly deadband: number;
  readonly exceededLimit: number;
}

/** What came in by which credential. [BACnet 21, BACnetAuthenticationFactor] */
export interface AuthenticationFactor {
  readonly formatType: number;
  readonly formatClass: number;
  readonly value: Uint8Array;
}

/** The parameters of each event type. [BACnet 21, BACnetNotificationParameters; 13.3] */
export interface ParametersByType {
  readonly changeOfBitstring: { readonly referencedBitstring: readonly boolean[]; readonly statusFlags: StatusFlags };
  readonly changeOfState: { readonly newState: PropertyState; readonly statusFlags: StatusFlags };
  readonly changeOfValue: {
    readonly newValue: { readonly changedBits: readonly boolean[] } | { readonly changedValue: number };
    readonly statusFlags: StatusFlags;
  };
  readonly commandFailure: {
    readonly commandValue: readonly BacnetValue[];
    readonly statusFlags: StatusFlags;
    readonly feedbackValue: readonly BacnetValue[];
  };
  readonly floatingLimit: {
    readonly referenceValue: number;
    readonly statusFlags: StatusFlags;
    readonly setpointValue: number;
    readonly errorLimit: number;
  };
  readonly outOfRange: Limited;
  readonly complexEventType: readonly PropertyValue[];
  readonly changeOfLifeSafety: {
    readonly newState: number;
    readonly newMode: number;
    readonly statusFlags: StatusFlags;
    readonly operationExpected: number;
  };
  readonly extended: {
    readonly vendorId: number;
    readonly extendedEventType: number;
    /** A property with its value stays a raw tree, BACnetDeviceObjectPropertyValue under context tag 0. */
    readonly parameters: readonly BacnetValue[];
  };
  readonly bufferReady: {
    readonly bufferProperty: DeviceObjectPropertyReference;
    readonly previousNotification: number;
    readonly currentNotification: number;
  };
  readonly unsignedRange: {
    readonly exceedingValue: number;
    readonly statusFlags: StatusFlags;
    readonly exceededLimit: number;
  };
  readonly accessEvent: {
    readonly accessEvent: number;
    readonly statusFlags: StatusFlags;
    readonly accessEventTag: number;
    readonly accessEventTime: BacnetTimeStamp;
    readonly accessCredential: DeviceObjectReference;
    readonly authenticationFactor?: AuthenticationFactor;
  };
  readonly doubleOutOfRange: Limited;
  readonly signedOutOfRange: Limited;
  readonly unsignedOutOfRange: Limited;
  readonly changeOfCharacterstring: {
    readonly changedValue: string;
    readonly statusFlags: StatusFlags;
    readonly alarmValue: string;
  };
  readonly changeOfStatusFlags: {
    readonly presentValue?: readonly BacnetValue[];
    readonly referencedFlags: StatusFlags;
  };
  readonly changeOfReliability: {
    readonly reliability: number;
    readonly statusFlags: StatusFlags;
    readonly propertyValues: readonly PropertyValue[];
  };
  readonly changeOfDiscreteValue: {
    /** One value; a date with its time is a raw tree, BACnetDateTime under context tag 0. */
    readonly newValue: readonly BacnetValue[];
    readonly statusFlags: StatusFlags;
  };
  readonly changeOfTimer: {
    readonly newState: number;
    readonly statusFlags: StatusFlags;
    readonly updateTime: BacnetDateTime;
    readonly lastStateChange?: number;
    /** ms. */
    readonly initialTimeoutMs?: number;
    readonly expirationTime?: BacnetDateTime;
  };
}

/**
 * What a notification says of its event. `raw` is a type without a production here, or one whose bytes do not follow
 * it: a notification is never lost for its parameters.
 */
export type NotificationParameters =
  | {
      readonly [K in keyof ParametersByType]: { readonly type: K; readonly value: ParametersByType[K] };
    }[keyof ParametersByType]
  | {
      readonly type: "raw";
      /** Context tag. */
      readonly choice: number;
      readonly constructed: boolean;
      readonly value: Uint8Array;
    };

/** BACnetPropertyStates. */
export const propertyState: Field<PropertyState> = {
  at: (reader) => reader.remaining > 0,
  read(reader) {
    const tag = readTag(reader);
    if (!tag.context || tag.opening || tag.closing) throw malformed("BACnetPropertyStates expected");
    const value =
      tag.number === PROPERTY_STATE.integerValue ? signedOf(reader.take(tag.length)) : readUnsigned(reader, tag.length);
    if (value === undefined) throw malformed("an integer is too large");
    return { choice: tag.number, value };
  },
  write(writer, { choice, value }) {
    const bytes = choice === PROPERTY_STATE.integerValue ? signedBytes(value) : unsignedBytes(value);
    writeTag(writer, choice, true, bytes.length);
    writer.raw(bytes);
  },
};

type NewValue = ParametersByType["changeOfValue"]["newValue"];
const changedBits = bits(0);
const changedValue = real(1);
const newValue: Field<NewValue> = {
  at: (reader) => changedBits.at(reader) || changedValue.at(reader),
  read: (reader) =>
    changedBits.at(reader) ? { changedBits: changedBits.read(reader) } : { changedValue: changedValue.read(reader) },
  write(writer, value) {
    if ("changedBits" in value) changedBits.write(writer, value.changedBits);
    else changedValue.write(writer, value.changedValue);
  },
};

function limited(value: (tag: number) => Field<number>, deadband: (tag: number) => Field<number>): Field<Limited> {
  return sequence<Limited>({
    exceedingValue: value(0),
    statusFlags: bits(1),
    deadband: deadband(2),
    exceededLimit: value(3),
  });
}

const FIELDS: { readonly [K in keyof ParametersByType]: Field<ParametersByType[K]> } = {
  changeOfBitstring: sequence<ParametersByType["changeOfBitstring"]>({
    referencedBitstring: bits(0),
    statusFlags: bits(1),
  }),
  changeOfState: sequence<ParametersByType["changeOfState"]>({
    newState: wrapped(0, propertyState),
    statusFlags: bits(1),
  }),
  changeOfValue: sequence<ParametersByType["changeOfValue"]>({ newValue: wrapped(0, newValue), statusFlags: bits(1) }),
  commandFailure: sequence<ParametersByType["commandFailure"]>({
    commandValue: anyValues(0),
    statusFlags: bits(1),
    feedbackValue: anyValues(2),
  }),
  floatingLimit: sequence<ParametersByType["floatingLimit"]>({
    referenceValue: real(0),
    statusFlags: bits(1),
    setpointValue: real(2),
    errorLimit: real(3),
  }),
  outOfRange: limited(real, real),
  complexEventType: rowsOf(propertyValue),
  changeOfLifeSafety: sequence<ParametersByType["changeOfLifeSafety"]>({
    newState: unsigned(0),
    newMode: unsigned(1),
    statusFlags: bits(2),
    operationExpected: unsigned(3),
  }),
  extended: sequence<ParametersByType["extended"]>({
    vendorId: unsigned(0),
    extendedEventType: unsigned(1),
    parameters: anyValues(2),
  }),
  bufferReady: sequence<ParametersByType["bufferReady"]>({
    bufferProperty: wrapped(0, deviceObjectPropertyReference),
    previousNotification: unsigned(1),
    currentNotification: unsigned(2),
  }),
  unsignedRange: sequence<ParametersByType["unsignedRange"]>({
    exceedingValue: unsigned(0),
    statusFlags: bits(1),
    exceededLimit: unsigned(2),
  }),
  accessEvent: sequence<ParametersByType["accessEvent"]>({
    accessEvent: unsigned(0),
    statusFlags: bits(1),
    accessEventTag: unsigned(2),
    accessEventTime: wrapped(3, timeStamp),
    accessCredential: wrapped(4, deviceObjectReference),
    authenticationFactor: optional(
      wrapped(
        5,
        sequence<AuthenticationFactor>({ formatType: unsigned(0), formatClass: unsigned(1), value: octets(2) }),
      ),
    ),
  }),
  doubleOutOfRange: limited(double, double),
  signedOutOfRange: limited(signed, unsigned),
  unsignedOutOfRange: limited(unsigned, unsigned),
  changeOfCharacterstring: sequence<ParametersByType["changeOfCharacterstring"]>({
    changedValue: text(0),
    statusFlags: bits(1),
    alarmValue: text(2),
  }),
  changeOfStatusFlags: sequence<ParametersByType["changeOfStatusFlags"]>({
    presentValue: optional(anyValues(0)),
    referencedFlags: bits(1),
  }),
  changeOfReliability: sequence<ParametersByType["changeOfReliability"]>({
    reliability: unsigned(0),
    statusFlags: bits(1),
    propertyValues: listOf(2, propertyValue),
  }),
  changeOfDiscreteValue: sequence<ParametersByType["changeOfDiscreteValue"]>({
    newValue: anyValues(0),
    statusFlags: bits(1),
  }),
  changeOfTimer: sequence<ParametersByType["changeOfTimer"]>({
    newState: unsigned(0),
    statusFlags: bits(1),
    updateTime: wrapped(2, dateTime),
    lastStateChange: optional(unsigned(3)),
    initialTimeoutMs: optional(unsigned(4)),
    expirationTime: optional(wrapped(5, dateTime)),
  }),
};

const TYPES: ReadonlyMap<number, keyof ParametersByType> = new Map(
  (Object.keys(FIELDS) as (keyof ParametersByType)[]).map((type) => [EVENT_TYPE[type], type]),
);

function readParameters(reader: Reader): NotificationParameters {
  const tag = readTag(reader);
  if (!tag.context || tag.closing) throw malformed("notification parameters expected");
  const constructed = tag.opening;
  const bytes = constructed ? takeConstructed(reader, tag.number) : reader.take(tag.length);
  const raw = { type: "raw", choice: tag.number, constructed, value: bytes } as const;
  const type = TYPES.get(tag.number);
  if (type === undefined || !constructed) return raw;
  try {
    // the field of a type gives its parameters
    return { type, value: decodeBody<unknown>(FIELDS[type], bytes) } as NotificationParameters;
  } catch (error) {
    if (errorCode(error) !== "BACNET_MALFORMED") throw error;
    return raw;
  }
}

function writeParameters(writer: Writer, parameters: NotificationParameters): void {
  if (parameters.type === "raw" && !parameters.constructed) {
    writeTag(writer, parameters.choice, true, parameters.value.length);
    writer.raw(parameters.value);
    return;
  }
  const choice = parameters.type === "raw" ? parameters.choice : EVENT_TYPE[parameters.type];
  writeOpening(writer, choice);
  if (parameters.type === "raw") writer.raw(parameters.value);
  // the field of a type takes its parameters
  else writer.raw(encodeBody(FIELDS[parameters.type] as Field<unknown>, parameters.value));
  writeClosing(writer, choice);
}

/** BACnetNotificationParameters. */
export const notificationParameters: Field<NotificationParameters> = {
  at: (reader) => reader.remaining > 0,
  read: readParameters,
  write: writeParameters,
};
