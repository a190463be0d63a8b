import type { BacnetTime, ObjectId } from "../content.ts";
import { boolean, objectId, real, time, unsigned } from "../context.ts";
import { anyValues, decodeBody, encodeBody, type Field, listOf, optional, sequence, wrapped } from "../fields.ts";
import { type PropertyReference, propertyReference } from "../references.ts";
import { type BacnetDateTime, dateTime } from "../timestamp.ts";
import type { BacnetValue } from "../values.ts";

/** SubscribeCOVProperty (28); without `confirmed` and `lifetimeS` it cancels. [BACnet 13.15] */
export interface SubscribeCovProperty {
  readonly processId: number;
  readonly object: ObjectId;
  readonly confirmed?: boolean;
  /** Seconds; 0 or absent is indefinite. */
  readonly lifetimeS?: number;
  readonly monitoredProperty: PropertyReference;
  /** Of a REAL property; the device's own where absent. */
  readonly covIncrement?: number;
}

const subscribeCovProperty: Field<SubscribeCovProperty> = sequence<SubscribeCovProperty>({
  processId: unsigned(0),
  object: objectId(1),
  confirmed: optional(boolean(2)),
  lifetimeS: optional(unsigned(3)),
  monitoredProperty: wrapped(4, propertyReference),
  covIncrement: optional(real(5)),
});

/** Body of a SubscribeCOVProperty request. @throws BACNET_MALFORMED */
export function encodeSubscribeCovProperty(request: SubscribeCovProperty): Uint8Array {
  return encodeBody(subscribeCovProperty, request);
}

/** @throws BACNET_MALFORMED */
export function decodeSubscribeCovProperty(body: Uint8Array): SubscribeCovProperty {
  return decodeBody(subscribeCovProperty, body);
}

/** A property in a SubscribeCOVPropertyMultiple. */
export interface CovReference {
  readonly monitoredProperty: PropertyReference;
  readonly covIncrement?: number;
  /** Tell the time of the change with it. */
  readonly timestamped: boolean;
}

/** SubscribeCOVPropertyMultiple (30). [BACnet 13.16] */
export interface SubscribeCovPropertyMultiple {
  readonly processId: number;
  readonly confirmed?: boolean;
  /** Seconds. */
  readonly lifetimeS?: number;
  /** Longest delay of a notification, seconds. */
  readonly maxNotificationDelayS?: number;
  readonly specifications: readonly { readonly object: ObjectId; readonly references: readonly CovReference[] }[];
}

const subscribeMultiple: Field<SubscribeCovPropertyMultiple> = sequence<SubscribeCovPropertyMultiple>({
  processId: unsigned(0),
  confirmed: optional(boolean(1)),
  lifetimeS: optional(unsigned(2)),
  maxNotificationDelayS: optional(unsigned(3)),
  specifications: listOf(
    4,
    sequence<SubscribeCovPropertyMultiple["specifications"][number]>({
      object: objectId(0),
      references: listOf(
        1,
        sequence<CovReference>({
          monitoredProperty: wrapped(0, propertyReference),
          covIncrement: optional(real(1)),
          timestamped: boolean(2),
        }),
      ),
    }),
  ),
});

/** Body of a SubscribeCOVPropertyMultiple request. @throws BACNET_MALFORMED */
export function encodeSubscribeCovPropertyMultiple(request: SubscribeCovPropertyMultiple): Uint8Array {
  return encodeBody(subscribeMultiple, request);
}

/** @throws BACNET_MALFORMED */
export function decodeSubscribeCovPropertyMultiple(body: Uint8Array): SubscribeCovPropertyMultiple {
  return decodeBody(subscribeMultiple, body);
}

/** A property in a COV notification of several objects. */
export interface TimedCovValue extends PropertyReference {
  readonly values: readonly BacnetValue[];
  readonly timeOfChange?: BacnetTime;
}

/** COVNotificationMultiple, confirmed (31) or not (11). [BACnet 13.17, 13.18] */
export interface CovNotificationMultiple {
  readonly processId: number;
  readonly device: ObjectId;
  readonly timeRemainingS: number;
  readonly timeStamp: BacnetDateTime;
  readonly notifications: readonly { readonly object: ObjectId; readonly values: readonly TimedCovValue[] }[];
}

const notificationMultiple: Field<CovNotificationMultiple> = sequence<CovNotificationMultiple>({
  processId: unsigned(0),
  device: objectId(1),
  timeRemainingS: unsigned(2),
  timeStamp: wrapped(3, dateTime),
  notifications: listOf(
    4,
    sequence<CovNotificationMultiple["notifications"][number]>({
      object: objectId(0),
      values: listOf(
        1,
        sequence<TimedCovValue>({
          property: unsigned(0),
          index: optional(unsigned(1)),
          values: anyValues(2),
          timeOfChange: optional(time(3)),
        }),
      ),
    }),
  ),
});

/** Body of a COVNotificationMultiple. @throws BACNET_MALFORMED */
export function encodeCovNotificationMultiple(notification: CovNotificationMultiple): Uint8Array {
  return encodeBody(notificationMultiple, notification);
}

/** @throws BACNET_MALFORMED */
export function decodeCovNotificationMultiple(body: Uint8Array): CovNotificationMultiple {
  return decodeBody(notificationMultiple, body);
}
