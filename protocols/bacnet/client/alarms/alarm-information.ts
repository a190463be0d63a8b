import { unitByBacnet } from "#core/units.ts";
import { CONFIRMED, NOTIFY_TYPE, OBJECT_TYPES, PROPERTIES } from "../../codec/enums.ts";
import { typedList } from "../../codec/property-values.ts";
import {
  decodeGetAlarmSummaryAck,
  decodeGetEventInformationAck,
  type EventInformation,
  encodeGetEventInformation,
} from "../../codec/services/alarms.ts";
import type { PropertyResult } from "../../codec/services/property.ts";
import { type BacnetTimeStamp, timeStamp } from "../../codec/timestamp.ts";
import { type BacnetValue, type ObjectId, objectIdWord } from "../../codec/values.ts";
import type { Counters } from "../../counters.ts";
import { type Contact, decodedOr, isUnknownService } from "../contact.ts";

/** The event state of one object. Three-fold values are to-offnormal, to-fault, to-normal. */
export interface EventRow {
  readonly object: ObjectId;
  /** EVENT_STATE. */
  readonly state: number;
  readonly acked: readonly boolean[];
  /** Absent where the device does not give them. */
  readonly stamps?: readonly BacnetTimeStamp[];
  /** NOTIFY_TYPE. */
  readonly notifyType?: number;
  readonly priorities?: readonly number[];
  readonly facts?: EventFacts;
}

/** What an object says of itself that concerns its alarms. */
export interface EventFacts {
  readonly name?: string;
  readonly notificationClass?: number;
  /** Symbol of its unit. */
  readonly unit?: string;
  readonly notifyType?: number;
}

/** Objects that are not normal or wait to be acknowledged. `unsupported`: the device has no service that tells them. */
export type EventList =
  | { readonly kind: "told"; readonly rows: readonly EventRow[] }
  | { readonly kind: "silent" | "failed" | "unsupported" };

/** Pages of an endless list end here. */
const MOST_EVENTS = 20_000;
/** Bytes that an object's event properties take in an answer, without and with what it says of itself. */
const ROW_BYTES = 90;
const FACTS_BYTES = 180;

/** Reads all pages of GetEventInformation; GetAlarmSummary where the device does not know it. [BACnet 13.10, 13.12] */
export async function readEventList(contact: Contact, counters: Counters): Promise<EventList> {
  const rows = new Map<number, EventRow>();
  let last: ObjectId | undefined;
  for (;;) {
    const page = await readPage(contact, counters, last);
    if (typeof page === "string") {
      return page === "unsupported" && last === undefined ? readAlarmSummary(contact, counters) : { kind: page };
    }
    const before = rows.size;
    for (const summary of page.summaries) {
      const { object, eventState, acknowledgedTransitions, eventTimeStamps, notifyType, eventPriorities } = summary;
      rows.set(objectIdWord(object), {
        object,
        state: eventState,
        acked: acknowledgedTransitions,
        stamps: eventTimeStamps,
        notifyType,
        priorities: eventPriorities,
      });
    }
    last = page.summaries.at(-1)?.object;
    // a device that gives the same page for ever has no more
    if (!page.moreEvents || rows.size === before || rows.size >= MOST_EVENTS) break;
  }
  return { kind: "told", rows: [...rows.values()] };
}

async function readPage(
  { ask }: Contact,
  counters: Counters,
  last: ObjectId | undefined,
): Promise<EventInformation | "silent" | "failed" | "unsupported"> {
  const request = last === undefined ? {} : { lastReceivedObject: last };
  const outcome = await ask(CONFIRMED.getEventInformation, encodeGetEventInformation(request));
  if (outcome.kind === "timeout" || outcome.kind === "cancelled") return "silent";
  if (isUnknownService(outcome)) return "unsupported";
  if (outcome.kind !== "ack") return "failed";
  const malformed = (): void => counters.add("malformed");
  return decodedOr(() => decodeGetEventInformationAck(outcome.body), malformed) ?? "unsupported";
}

async function readAlarmSummary({ ask }: Contact, counters: Counters): Promise<EventList> {
  const outcome = await ask(CONFIRMED.getAlarmSummary, new Uint8Array());
  if (outcome.kind === "timeout" || outcome.kind === "cancelled") return { kind: "silent" };
  if (isUnknownService(outcome)) return { kind: "unsupported" };
  if (outcome.kind !== "ack") return { kind: "failed" };
  const malformed = (): void => counters.add("malformed");
  const summaries = decodedOr(() => decodeGetAlarmSummaryAck(outcome.body), malformed);
  if (summaries === undefined) return { kind: "unsupported" };
  const rows = summaries.map(({ object, alarmState, acknowledgedTransitions }) => ({
    object,
    state: alarmState,
    acked: acknowledgedTransitions,
    notifyType: NOTIFY_TYPE.alarm,
  }));
  return { kind: "told", rows };
}

const STATE = [PROPERTIES.eventState, PROPERTIES.ackedTransitions, PROPERTIES.eventTimeStamps] as const;
const FACTS = [PROPERTIES.objectName, PROPERTIES.notificationClass, PROPERTIES.units, PROPERTIES.notifyType] as const;

/**
 * Reads the event properties of objects, a few at a time; objects without any are left out. `withFacts`: also what they say of
 * themselves. Undefined when the device fell silent.
 */
export async function readEventRows(
  { reader, abilities }: Contact,
  objects: readonly ObjectId[],
  withFacts: boolean,
): Promise<readonly EventRow[] | undefined> {
  const properties = [...STATE, ...(withFacts ? FACTS : [])].map((property) => ({ property }));
  const rows: EventRow[] = [];
  let at = 0;
  while (at < objects.length) {
    // small enough by itself, so that nothing is learned of the device from an answer that is too large
    const count = Math.max(1, Math.floor(abilities.budget / (withFacts ? FACTS_BYTES : ROW_BYTES)));
    const some = objects.slice(at, at + count);
    at += count;
    const answers = await reader.read(some.map((object) => ({ object, properties })));
    if (answers === undefined) return undefined;
    for (const { object, results } of answers) {
      const row = rowOf(object, new Map(results.map((result) => [result.property, result])), withFacts);
      if (row !== undefined) rows.push(row);
    }
  }
  return rows;
}

type Results = ReadonlyMap<number, PropertyResult>;

function valuesOf(results: Results, property: number): readonly BacnetValue[] {
  const result = results.get(property);
  return result !== undefined && "values" in result ? result.values : [];
}

function rowOf(object: ObjectId, results: Results, withFacts: boolean): EventRow | undefined {
  const [state] = valuesOf(results, PROPERTIES.eventState);
  const [acked] = valuesOf(results, PROPERTIES.ackedTransitions);
  // Event_State alone is what objects without alarms of their own have
  if (state?.type !== "enumerated" || acked?.type !== "bitString") return undefined;
  const stamps = decodedOr(() => typedList(timeStamp, valuesOf(results, PROPERTIES.eventTimeStamps)));
  const facts = withFacts ? factsOf(results) : undefined;
  return {
    object,
    state: state.value,
    acked: acked.value,
    ...(stamps === undefined || stamps.length !== 3 ? {} : { stamps }),
    ...(facts === undefined ? {} : { facts }),
    ...(facts?.notifyType === undefined ? {} : { notifyType: facts.notifyType }),
  };
}

function factsOf(results: Results): EventFacts {
  const [name] = valuesOf(results, PROPERTIES.objectName);
  const [notificationClass] = valuesOf(results, PROPERTIES.notificationClass);
  const [units] = valuesOf(results, PROPERTIES.units);
  const [notifyType] = valuesOf(results, PROPERTIES.notifyType);
  const symbol = units?.type === "enumerated" ? unitByBacnet(units.value).symbol : "";
  return {
    ...(name?.type === "characterString" && name.value !== "" ? { name: name.value } : {}),
    ...(notificationClass?.type === "unsigned" ? { notificationClass: notificationClass.value } : {}),
    ...(symbol === "" ? {} : { unit: symbol }),
    ...(notifyType?.type === "enumerated" ? { notifyType: notifyType.value } : {}),
  };
}

/** The text of the last transition into a kind of state, 0 off-normal, 1 fault, 2 normal, by object word. [BACnet 12.2.35] */
export async function readMessageTexts(
  { reader }: Contact,
  wanted: readonly { readonly object: ObjectId; readonly transition: number }[],
): Promise<ReadonlyMap<number, string>> {
  const texts = new Map<number, string>();
  for (const { object, transition } of wanted) {
    const index = transition + 1;
    const result = await reader.readOne({ object, property: PROPERTIES.eventMessageTexts, index });
    if (result === undefined) break;
    const [text] = "values" in result ? result.values : [];
    if (text?.type === "characterString" && text.value !== "") texts.set(objectIdWord(object), text.value);
  }
  return texts;
}

const TYPES = new Set<number>([
  OBJECT_TYPES["analog-input"],
  OBJECT_TYPES["analog-output"],
  OBJECT_TYPES["analog-value"],
  OBJECT_TYPES["binary-input"],
  OBJECT_TYPES["binary-output"],
  OBJECT_TYPES["binary-value"],
  OBJECT_TYPES["event-enrollment"],
  OBJECT_TYPES.loop,
  OBJECT_TYPES["multi-state-input"],
  OBJECT_TYPES["multi-state-output"],
  OBJECT_TYPES["multi-state-value"],
  OBJECT_TYPES["life-safety-point"],
  OBJECT_TYPES["life-safety-zone"],
  OBJECT_TYPES.accumulator,
  OBJECT_TYPES["pulse-converter"],
  OBJECT_TYPES["load-control"],
  OBJECT_TYPES["access-door"],
  OBJECT_TYPES["access-zone"],
  OBJECT_TYPES.timer,
  OBJECT_TYPES["bitstring-value"],
  OBJECT_TYPES["characterstring-value"],
  OBJECT_TYPES["integer-value"],
  OBJECT_TYPES["large-analog-value"],
  OBJECT_TYPES["positive-integer-value"],
  OBJECT_TYPES.escalator,
  OBJECT_TYPES.lift,
]);

/** Can objects of this type be in alarm? [BACnet 13.2, Table 13-1] */
export function canAlarm({ type }: ObjectId): boolean {
  return TYPES.has(type);
}
