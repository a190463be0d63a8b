import type { BacnetTime } from "./content.ts";
import { boolean, real, unsigned } from "./context.ts";
import { application, type Field, optional, sequence, wrapped } from "./fields.ts";
import {
  type ObjectPropertyReference,
  objectPropertyReference,
  type Recipient,
  type RecipientProcess,
  recipient,
  recipientProcess,
} from "./references.ts";

/** Who is told of events, when and of which: an element of a NotificationClass' Recipient_List. [BACnet 21, BACnetDestination] */
export interface Destination {
  /** Monday first. */
  readonly validDays: readonly boolean[];
  readonly fromTime: BacnetTime;
  readonly toTime: BacnetTime;
  readonly recipient: Recipient;
  readonly processId: number;
  readonly issueConfirmedNotifications: boolean;
  /** To-offnormal, to-fault, to-normal. */
  readonly transitions: readonly boolean[];
}

/** BACnetDestination. */
export const destination: Field<Destination> = sequence<Destination>({
  validDays: application("bitString"),
  fromTime: application("time"),
  toTime: application("time"),
  recipient,
  processId: application("unsigned"),
  issueConfirmedNotifications: application("boolean"),
  transitions: application("bitString"),
});

/** An element of a Device's Active_COV_Subscriptions. [BACnet 21, BACnetCOVSubscription] */
export interface CovSubscription {
  readonly recipient: RecipientProcess;
  readonly monitoredProperty: ObjectPropertyReference;
  readonly issueConfirmedNotifications: boolean;
  /** Seconds; 0 is indefinite. */
  readonly timeRemainingS: number;
  readonly covIncrement?: number;
}

/** BACnetCOVSubscription. */
export const covSubscription: Field<CovSubscription> = sequence<CovSubscription>({
  recipient: wrapped(0, recipientProcess),
  monitoredProperty: wrapped(1, objectPropertyReference),
  issueConfirmedNotifications: boolean(2),
  timeRemainingS: unsigned(3),
  covIncrement: optional(real(4)),
});
