import type { ActionResult } from "../../../driver.ts";
import { CONFIRMED, ERROR_CLASS, ERROR_CODE, EVENT_STATE } from "../../codec/enums.ts";
import { encodeAcknowledgeAlarm } from "../../codec/services/alarms.ts";
import { type BacnetTimeStamp, dateTimeOf } from "../../codec/timestamp.ts";
import type { Outcome } from "../../station/ports.ts";
import { type Contact, endOf } from "../contact.ts";
import { objectName, TRANSITIONS, type TransitionIndex, transitionTo } from "./alarm-map.ts";
import { isUnspecified } from "./alarm-stamps.ts";
import type { KnownEvent } from "./known-event.ts";

/** Who acknowledges, and when. */
export interface Acknowledger {
  readonly processId: number;
  readonly by: string;
  /** Unix ms. */
  readonly now: number;
  readonly utcOffsetMin: number;
}

/** Names are cut to what small devices keep. */
const LONGEST_NAME = 64;
// what a to-offnormal transition may have led into where nobody told us; tried in the order of how usual they are
const OFFNORMAL_STATES = [
  EVENT_STATE.offnormal,
  EVENT_STATE.highLimit,
  EVENT_STATE.lowLimit,
  EVENT_STATE.lifeSafetyAlarm,
] as const;

function statesOf(known: KnownEvent, at: TransitionIndex): readonly number[] {
  if (at === 2) return [EVENT_STATE.normal];
  if (at === 1) return [EVENT_STATE.fault];
  const told = known.states[0] ?? (transitionTo(known.state) === 0 ? known.state : undefined);
  return told === undefined ? OFFNORMAL_STATES : [told];
}

function isOtherState(outcome: Outcome): boolean {
  if (outcome.kind !== "error") return false;
  const { errorClass, errorCode } = outcome.error;
  return errorClass === ERROR_CLASS.services && errorCode === ERROR_CODE.invalidEventState;
}

/**
 * Acknowledges every transition of an object that waits for it, each with the time stamp that the device gave. `states` are those
 * that the device took. [BACnet 13.5]
 */
export async function acknowledge(
  { ask }: Contact,
  known: KnownEvent,
  who: Acknowledger,
): Promise<{ readonly result: ActionResult; readonly states: readonly number[] }> {
  const { processId, by, now, utcOffsetMin } = who;
  const timeOfAcknowledgment: BacnetTimeStamp = { type: "dateTime", value: dateTimeOf(now, utcOffsetMin) };
  const taken: number[] = [];
  for (const at of TRANSITIONS) {
    const timeStamp = known.stamps[at];
    if (known.acked[at] !== false) continue;
    if (timeStamp === undefined || isUnspecified(timeStamp)) {
      const message = `${objectName(known.object)}: the device did not say when it happened, which it wants to hear again`;
      return { result: { status: "failed", code: "BACNET_TIME_STAMP_UNKNOWN", message }, states: taken };
    }
    const attempt = async (state: number): Promise<Outcome> =>
      ask(
        CONFIRMED.acknowledgeAlarm,
        encodeAcknowledgeAlarm({
          processId,
          eventObject: known.object,
          eventStateAcknowledged: state,
          timeStamp,
          acknowledgmentSource: by.slice(0, LONGEST_NAME),
          timeOfAcknowledgment,
        }),
      );
    const [first = EVENT_STATE.offnormal, ...others] = statesOf(known, at);
    let state: number = first;
    let outcome = await attempt(state);
    for (const other of others) {
      if (!isOtherState(outcome)) break;
      state = other;
      outcome = await attempt(state);
    }
    const end = endOf(outcome, `acknowledging ${objectName(known.object)}`);
    if (end.status !== "done") return { result: end, states: taken };
    taken.push(state);
  }
  return { result: { status: "done" }, states: taken };
}
