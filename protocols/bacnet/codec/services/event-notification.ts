import { Reader } from "../bytes.ts";
import type { ObjectId } from "../content.ts";
import { boolean, objectId, text, unsigned } from "../context.ts";
import { type NotificationParameters, notificationParameters } from "../event-parameters.ts";
import { encodeBody, type Field, optional, sequence, wrapped } from "../fields.ts";
import { type BacnetTimeStamp, timeStamp } from "../timestamp.ts";

/** An event notification, confirmed (2) or not (3). [BACnet 13.8, 13.9] */
export interface EventNotification {
  readonly processId: number;
  readonly initiatingDevice: ObjectId;
  readonly eventObject: ObjectId;
  readonly timeStamp: BacnetTimeStamp;
  readonly notificationClass: number;
  /** 0 most urgent to 255. */
  readonly priority: number;
  /** EVENT_TYPE. */
  readonly eventType: number;
  readonly messageText?: string;
  /** NOTIFY_TYPE. */
  readonly notifyType: number;
  /** Absent in an acknowledgement notification, like `fromState` and `eventValues`. */
  readonly ackRequired?: boolean;
  /** EVENT_STATE. */
  readonly fromState?: number;
  /** EVENT_STATE. */
  readonly toState: number;
  readonly eventValues?: NotificationParameters;
}

const eventNotification: Field<EventNotification> = sequence<EventNotification>({
  processId: unsigned(0),
  initiatingDevice: objectId(1),
  eventObject: objectId(2),
  timeStamp: wrapped(3, timeStamp),
  notificationClass: unsigned(4),
  priority: unsigned(5),
  eventType: unsigned(6),
  messageText: optional(text(7)),
  notifyType: unsigned(8),
  ackRequired: optional(boolean(9)),
  fromState: optional(unsigned(10)),
  toState: unsigned(11),
  eventValues: optional(wrapped(12, notificationParameters)),
});

/** Body of a confirmed or unconfirmed event notification. @throws BACNET_MALFORMED */
export function encodeEventNotification(notification: EventNotification): Uint8Array {
  return encodeBody(eventNotification, notification);
}

/** Fields that a later revision appends are passed over: an alarm is not lost for them. @throws BACNET_MALFORMED */
export function decodeEventNotification(body: Uint8Array): EventNotification {
  return eventNotification.read(new Reader(body));
}
