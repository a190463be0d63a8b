import type { ObjectId } from "../content.ts";
import { bits, boolean, objectId, text, unsigned } from "../context.ts";
import {
  application,
  decodeBody,
  encodeBody,
  type Field,
  listOf,
  optional,
  rowsOf,
  sequence,
  wrapped,
} from "../fields.ts";
import { type RecipientProcess, recipientProcess } from "../references.ts";
import { type BacnetTimeStamp, timeStamp } from "../timestamp.ts";

/** AcknowledgeAlarm (0); answered by a SimpleACK. [BACnet 13.5] */
export interface AcknowledgeAlarm {
  readonly processId: number;
  readonly eventObject: ObjectId;
  /** EVENT_STATE of the transition that is acknowledged. */
  readonly eventStateAcknowledged: number;
  /** Exactly as the notification or the event information gave it. */
  readonly timeStamp: BacnetTimeStamp;
  /** Who acknowledges. */
  readonly acknowledgmentSource: string;
  readonly timeOfAcknowledgment: BacnetTimeStamp;
}

const acknowledgeAlarm: Field<AcknowledgeAlarm> = sequence<AcknowledgeAlarm>({
  processId: unsigned(0),
  eventObject: objectId(1),
  eventStateAcknowledged: unsigned(2),
  timeStamp: wrapped(3, timeStamp),
  acknowledgmentSource: text(4),
  timeOfAcknowledgment: wrapped(5, timeStamp),
});

/** Body of an AcknowledgeAlarm request. @throws BACNET_MALFORMED */
export function encodeAcknowledgeAlarm(request: AcknowledgeAlarm): Uint8Array {
  return encodeBody(acknowledgeAlarm, request);
}

/** @throws BACNET_MALFORMED */
export function decodeAcknowledgeAlarm(body: Uint8Array): AcknowledgeAlarm {
  return decodeBody(acknowledgeAlarm, body);
}

/** GetEventInformation (29). [BACnet 13.12] */
export interface GetEventInformation {
  /** The last object of the page before; absent for the first page. */
  readonly lastReceivedObject?: ObjectId;
}

/** One object that is not normal or has a transition to acknowledge. Three-fold values are to-offnormal, to-fault, to-normal. */
export interface EventSummary {
  readonly object: ObjectId;
  /** EVENT_STATE. */
  readonly eventState: number;
  readonly acknowledgedTransitions: readonly boolean[];
  readonly eventTimeStamps: readonly BacnetTimeStamp[];
  /** NOTIFY_TYPE. */
  readonly notifyType: number;
  readonly eventEnable: readonly boolean[];
  readonly eventPriorities: readonly number[];
}

/** One page of event information. */
export interface EventInformation {
  readonly summaries: readonly EventSummary[];
  /** Ask again from the last object of this page on. */
  readonly moreEvents: boolean;
}

const getEventInformation: Field<GetEventInformation> = sequence<GetEventInformation>({
  lastReceivedObject: optional(objectId(0)),
});

const eventInformation: Field<EventInformation> = sequence<EventInformation>({
  summaries: listOf(
    0,
    sequence<EventSummary>({
      object: objectId(0),
      eventState: unsigned(1),
      acknowledgedTransitions: bits(2),
      eventTimeStamps: listOf(3, timeStamp),
      notifyType: unsigned(4),
      eventEnable: bits(5),
      eventPriorities: listOf(6, application("unsigned")),
    }),
  ),
  moreEvents: boolean(1),
});

/** Body of a GetEventInformation request. @throws BACNET_MALFORMED */
export function encodeGetEventInformation(request: GetEventInformation): Uint8Array {
  return encodeBody(getEventInformation, request);
}

/** @throws BACNET_MALFORMED */
export function decodeGetEventInformation(body: Uint8Array): GetEventInformation {
  return decodeBody(getEventInformation, body);
}

/** Body of a GetEventInformation acknowledgement. @throws BACNET_MALFORMED */
export function encodeGetEventInformationAck(page: EventInformation): Uint8Array {
  return encodeBody(eventInformation, page);
}

/** @throws BACNET_MALFORMED */
export function decodeGetEventInformationAck(body: Uint8Array): EventInformation {
  return decodeBody(eventInformation, body);
}

/** One object in alarm. GetAlarmSummary (3) has an empty request. [BACnet 13.10] */
export interface AlarmSummary {
  readonly object: ObjectId;
  /** EVENT_STATE. */
  readonly alarmState: number;
  readonly acknowledgedTransitions: readonly boolean[];
}

const alarmSummaries: Field<readonly AlarmSummary[]> = rowsOf(
  sequence<AlarmSummary>({
    object: application("objectId"),
    alarmState: application("enumerated"),
    acknowledgedTransitions: application("bitString"),
  }),
);

/** Body of a GetAlarmSummary acknowledgement. @throws BACNET_MALFORMED */
export function encodeGetAlarmSummaryAck(summaries: readonly AlarmSummary[]): Uint8Array {
  return encodeBody(alarmSummaries, summaries);
}

/** @throws BACNET_MALFORMED */
export function decodeGetAlarmSummaryAck(body: Uint8Array): readonly AlarmSummary[] {
  return decodeBody(alarmSummaries, body);
}

/** GetEnrollmentSummary (4): filters, all must hold. [BACnet 13.11] */
export interface GetEnrollmentSummary {
  /** 0 all, 1 acknowledged, 2 not acknowledged. */
  readonly acknowledgmentFilter: number;
  readonly enrollmentFilter?: RecipientProcess;
  /** 0 offnormal, 1 fault, 2 normal, 3 all, 4 active. */
  readonly eventStateFilter?: number;
  /** EVENT_TYPE. */
  readonly eventTypeFilter?: number;
  /** Both ends included. */
  readonly priorityFilter?: { readonly min: number; readonly max: number };
  readonly notificationClassFilter?: number;
}

/** One object that can notify. */
export interface EnrollmentSummary {
  readonly object: ObjectId;
  /** EVENT_TYPE. */
  readonly eventType: number;
  /** EVENT_STATE. */
  readonly eventState: number;
  readonly priority: number;
  readonly notificationClass?: number;
}

const getEnrollmentSummary: Field<GetEnrollmentSummary> = sequence<GetEnrollmentSummary>({
  acknowledgmentFilter: unsigned(0),
  enrollmentFilter: optional(wrapped(1, recipientProcess)),
  eventStateFilter: optional(unsigned(2)),
  eventTypeFilter: optional(unsigned(3)),
  priorityFilter: optional(wrapped(4, sequence<{ min: number; max: number }>({ min: unsigned(0), max: unsigned(1) }))),
  notificationClassFilter: optional(unsigned(5)),
});

const enrollmentSummaries: Field<readonly EnrollmentSummary[]> = rowsOf(
  sequence<EnrollmentSummary>({
    object: application("objectId"),
    eventType: application("enumerated"),
    eventState: application("enumerated"),
    priority: application("unsigned"),
    notificationClass: optional(application("unsigned")),
  }),
);

/** Body of a GetEnrollmentSummary request. @throws BACNET_MALFORMED */
export function encodeGetEnrollmentSummary(request: GetEnrollmentSummary): Uint8Array {
  return encodeBody(getEnrollmentSummary, request);
}

/** @throws BACNET_MALFORMED */
export function decodeGetEnrollmentSummary(body: Uint8Array): GetEnrollmentSummary {
  return decodeBody(getEnrollmentSummary, body);
}

/** Body of a GetEnrollmentSummary acknowledgement. @throws BACNET_MALFORMED */
export function encodeGetEnrollmentSummaryAck(summaries: readonly EnrollmentSummary[]): Uint8Array {
  return encodeBody(enrollmentSummaries, summaries);
}

/** @throws BACNET_MALFORMED */
export function decodeGetEnrollmentSummaryAck(body: Uint8Array): readonly EnrollmentSummary[] {
  return decodeBody(enrollmentSummaries, body);
}
