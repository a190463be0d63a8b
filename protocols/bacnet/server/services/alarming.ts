import { ERROR_CLASS, ERROR_CODE } from "../../codec/enums.ts";
import { EVENT_STATE, NOTIFY_TYPE } from "../../codec/event-enums.ts";
import {
  decodeAcknowledgeAlarm,
  decodeGetEventInformation,
  type EventSummary,
  encodeGetAlarmSummaryAck,
  encodeGetEventInformationAck,
} from "../../codec/services/alarms.ts";
import { objectIdWord } from "../../codec/values.ts";
import type { EventTable } from "../events/event-table.ts";
import { answered, failed, objectOf, type ServiceHandler, settled, UNKNOWN_OBJECT } from "./context.ts";

// header of the ComplexACK, the tags around the list, more-events
const ACK_OVERHEAD = 3 + 2 + 2;

/** [BACnet 13.5] */
export const acknowledgeAlarm: ServiceHandler = (context, { body }) => {
  const asked = decodeAcknowledgeAlarm(body);
  const object = objectOf(context, asked.eventObject);
  if (object === undefined) return failed(UNKNOWN_OBJECT);
  const events = context.events.of(object.id);
  if (events === undefined) {
    return failed({ errorClass: ERROR_CLASS.object, errorCode: ERROR_CODE.noAlarmConfigured });
  }
  return settled(events.acknowledge(asked.eventStateAcknowledged, asked.timeStamp));
};

function summaries(events: EventTable): readonly EventSummary[] {
  return events.all
    .filter(([, source]) => source.active)
    .map(([object, source]) => ({
      object,
      eventState: source.state,
      acknowledgedTransitions: source.ackedTransitions,
      eventTimeStamps: source.timeStamps,
      notifyType: source.notifyType,
      eventEnable: source.eventEnable,
      eventPriorities: events.priorities(source.notificationClass),
    }));
}

/** Gives as many objects as fit one APDU, in the order of their identifiers, and says whether there are more. [BACnet 13.12] */
export const getEventInformation: ServiceHandler = (context, { body, maxApdu }) => {
  const { lastReceivedObject } = decodeGetEventInformation(body);
  const after = lastReceivedObject === undefined ? -1 : objectIdWord(lastReceivedObject);
  const left = summaries(context.events).filter(({ object }) => objectIdWord(object) > after);
  const space = Math.min(maxApdu, context.maxApdu()) - ACK_OVERHEAD;
  const empty = encodeGetEventInformationAck({ summaries: [], moreEvents: false }).length;
  const page: EventSummary[] = [];
  let used = 0;
  for (const summary of left) {
    used += encodeGetEventInformationAck({ summaries: [summary], moreEvents: false }).length - empty;
    // one is given in any case: a page without any would never end
    if (used > space && page.length > 0) break;
    page.push(summary);
  }
  return answered(encodeGetEventInformationAck({ summaries: page, moreEvents: page.length < left.length }));
};

/** Only alarms, and only those that are on. [BACnet 13.10] */
export const getAlarmSummary: ServiceHandler = (context) => {
  const inAlarm = summaries(context.events).filter(
    ({ eventState, notifyType }) => eventState !== EVENT_STATE.normal && notifyType === NOTIFY_TYPE.alarm,
  );
  return answered(
    encodeGetAlarmSummaryAck(
      inAlarm.map(({ object, eventState, acknowledgedTransitions }) => ({
        object,
        alarmState: eventState,
        acknowledgedTransitions,
      })),
    ),
  );
};
