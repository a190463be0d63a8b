import type { DeviceId } from "#core/ids.ts";
import type { FieldCondition } from "#core/model/field-condition.ts";
import { EVENT_STATE, NOTIFY_TYPE } from "../../codec/enums.ts";
import type { EventNotification } from "../../codec/services/event-notification.ts";
import type { BacnetTimeStamp } from "../../codec/timestamp.ts";
import { type ObjectId, objectIdWord } from "../../codec/values.ts";
import type { AlarmSettings } from "../../settings.ts";
import type { EventFacts, EventRow } from "./alarm-information.ts";
import { categoryOf, objectName, priorityOf, TRANSITIONS, type TransitionIndex, transitionTo } from "./alarm-map.ts";
import { isUnspecified, sameStamp } from "./alarm-stamps.ts";
import { alarmText, messageOf } from "./alarm-text.ts";
import { acknowledgement, isWitnessed } from "./alarm-witness.ts";
import { alarmOf, type KnownEvent, NONE, restored } from "./known-event.ts";

/** What the book needs to know of its device. */
export interface AlarmBookDeps {
  readonly device: DeviceId;
  readonly settings: AlarmSettings;
  now(): number;
  /** Unix ms by our clock of a stamp of the device. */
  sourceTime(stamp: BacnetTimeStamp): number | undefined;
  /** What a notification class wants acknowledged; undefined where it is not known. */
  ackRequired(notificationClass: number | undefined): readonly boolean[] | undefined;
}

/** The book as it is kept on the disk. */
export interface KeptBook {
  /** When all was known last, Unix ms. */
  readonly syncedAt?: number;
  /** When the device had started then, as it told that. */
  readonly startedAt?: string;
  readonly events: readonly KnownEvent[];
}

const NOTHING = [undefined, undefined, undefined] as const;
const ALL = [true, true, true] as const;
/** Some devices stamp whole seconds. */
const STAMP_MS = 1000;
/** A device has fewer objects. */
const MOST_EVENTS = 20_000;

function withAt<T>(list: readonly T[], at: number, value: T): readonly T[] {
  return TRANSITIONS.map((index) => (index === at ? value : (list[index] as T)));
}

/**
 * The event states of one device as they are known here, and what follows from what it tells: which conditions changed, and what
 * came and went while nobody listened.
 */
export class AlarmBook {
  readonly #deps: AlarmBookDeps;
  readonly #events: Map<number, KnownEvent>;
  readonly #facts = new Map<number, EventFacts>();
  #syncedAt: number | undefined;
  #startedAt: string | undefined;

  constructor(deps: AlarmBookDeps, kept: KeptBook | undefined) {
    this.#deps = deps;
    this.#syncedAt = kept?.syncedAt;
    this.#startedAt = kept?.startedAt;
    this.#events = new Map((kept?.events ?? []).map((event) => [objectIdWord(event.object), restored(event)]));
  }

  /** For the disk: what has ever happened. */
  kept(): KeptBook {
    const events = [...this.#events.values()].filter(
      ({ state, stamps }) =>
        state !== EVENT_STATE.normal || stamps.some((stamp) => stamp !== undefined && !isUnspecified(stamp)),
    );
    return {
      ...(this.#syncedAt === undefined ? {} : { syncedAt: this.#syncedAt }),
      ...(this.#startedAt === undefined ? {} : { startedAt: this.#startedAt }),
      events,
    };
  }

  known(object: ObjectId): KnownEvent | undefined {
    return this.#events.get(objectIdWord(object));
  }

  /** Objects that are in alarm, or wait to be acknowledged, as far as is known. */
  get open(): readonly ObjectId[] {
    return [...this.#events.values()].filter(isOpen).map(({ object }) => object);
  }

  facts(object: ObjectId): EventFacts | undefined {
    return this.#facts.get(objectIdWord(object));
  }

  /** Remembers what objects say of themselves. */
  learn(rows: readonly EventRow[]): void {
    for (const { object, facts } of rows) if (facts !== undefined) this.#facts.set(objectIdWord(object), facts);
  }

  /** Was this transition told before? Then it changes nothing, and its acknowledgement stands. */
  isKnown({ eventObject, timeStamp, toState }: EventNotification): boolean {
    const known = this.known(eventObject);
    const index = transitionTo(toState);
    const [stamp, state] = [known?.stamps[index], known?.states[index]];
    return stamp !== undefined && sameStamp(stamp, timeStamp) && (state === undefined || state === toState);
  }

  /** Is it older than what is known of its object? It came late, or the device's clock was set back. */
  isOld({ eventObject, timeStamp }: EventNotification): boolean {
    const at = this.#deps.sourceTime(timeStamp);
    if (at === undefined) return false;
    const known = this.known(eventObject);
    return known !== undefined && (this.#newest(known) ?? -Infinity) > at;
  }

  /** Takes a transition that the device told, and gives what changed. */
  transit(notification: EventNotification): readonly FieldCondition[] {
    const { eventObject, toState, timeStamp, ackRequired = false, priority } = notification;
    const before = this.known(eventObject);
    const index = transitionTo(toState);
    const after: KnownEvent = {
      object: eventObject,
      state: toState,
      acked: withAt(before?.acked ?? ALL, index, !ackRequired),
      witnessed: withAt(before?.witnessed ?? NONE, index, false),
      ...alarmOf(index, before),
      stamps: withAt(before?.stamps ?? NOTHING, index, timeStamp),
      states: withAt(before?.states ?? NOTHING, index, toState),
      priority,
      message: messageOf(notification, this.facts(eventObject)),
    };
    this.#set(after);
    const told = this.#condition(after, timeStamp, notification.notificationClass);
    return this.#reopened(before, after) ? [over(told), told] : [told];
  }

  /**
   * Somebody acknowledged the transition into this state. `stamp`: when the device said so; an acknowledgement that is older than the
   * transition was of another one, and came late. [BACnet 13.5]
   */
  acknowledged(object: ObjectId, state: number, stamp?: BacnetTimeStamp): readonly FieldCondition[] {
    const known = this.known(object);
    if (known === undefined) return [];
    const index = transitionTo(state);
    const [given, transition] = [stamp, known.stamps[index]].map((one) => one && this.#deps.sourceTime(one));
    if ((given ?? Number.POSITIVE_INFINITY) + STAMP_MS < (transition ?? Number.NEGATIVE_INFINITY)) return [];
    const [acked, witnessed] = [withAt(known.acked, index, true), withAt(known.witnessed, index, true)];
    const after = { ...known, acked, witnessed };
    this.#set(after);
    return [this.#condition(after, undefined, undefined)];
  }

  /**
   * Takes what was read of one object, and gives what happened to it since it was known last, in order. `restarted`: the device is
   * known to have started again, so that its flags say nothing of people.
   */
  read(row: EventRow, message: string | undefined, restarted = false): readonly FieldCondition[] {
    const before = this.known(row.object);
    const stamps = row.stamps ?? before?.stamps ?? NOTHING;
    const facts = this.facts(row.object);
    const wants = this.#deps.ackRequired(facts?.notificationClass);
    const look = { restarted, first: this.#syncedAt === undefined, wants };
    const isNew = TRANSITIONS.map((at) => this.#isNew(at, row, before));
    const index = transitionTo(row.state);
    const text = message ?? (before?.state === row.state ? before.message : undefined);
    const priority = row.priorities?.[index === 2 ? 0 : index] ?? before?.priority;
    const after: KnownEvent = {
      object: row.object,
      state: row.state,
      acked: TRANSITIONS.map((at) => row.acked[at] ?? true),
      witnessed: TRANSITIONS.map((at) => isWitnessed(at, row, before, look)),
      ...alarmOf(index === 2 ? (passedAt(isNew) ?? 2) : index, before),
      stamps,
      states: TRANSITIONS.map((at) => this.#stateOf(at, row, before)),
      message: text ?? alarmText(row.object, row.state, facts),
      ...(priority === undefined ? {} : { priority }),
    };
    this.#set(after);
    return this.#happened(before, after, isNew);
  }

  /** Did the device start again since it told all last, also while nobody was in touch with it? `startedAt`: what it tells of that. */
  hasRestarted(startedAt: string | undefined): boolean {
    return startedAt !== undefined && this.#startedAt !== undefined && startedAt !== this.#startedAt;
  }

  /** The device, which had started then, has told all: from here on what is newer is news. */
  synced(startedAt?: string): void {
    this.#syncedAt = this.#deps.now();
    this.#startedAt = startedAt ?? this.#startedAt;
  }

  /** Everything that is active or waits to be acknowledged. */
  conditions(): readonly FieldCondition[] {
    return [...this.#events.values()]
      .filter(isOpen)
      .map((event) => this.#condition(event, event.stamps[transitionTo(event.state)], undefined));
  }

  #set(event: KnownEvent): void {
    const word = objectIdWord(event.object);
    if (this.#events.has(word) || this.#events.size < MOST_EVENTS) this.#events.set(word, event);
  }

  #stateOf(at: TransitionIndex, row: EventRow, before: KnownEvent | undefined): number | undefined {
    if (transitionTo(row.state) === at) return row.state;
    const [stamp, old] = [row.stamps?.[at], before?.stamps[at]];
    return stamp === undefined || (old !== undefined && sameStamp(stamp, old)) ? before?.states[at] : undefined;
  }

  /** Has this transition happened since the object was known last? */
  #isNew(at: TransitionIndex, row: EventRow, before: KnownEvent | undefined): boolean {
    const stamp = row.stamps?.[at];
    if (stamp === undefined || isUnspecified(stamp)) return false;
    const old = before?.stamps[at];
    if (old !== undefined) return !sameStamp(old, stamp);
    const time = this.#deps.sourceTime(stamp);
    const heard = before === undefined ? undefined : this.#newest(before);
    if (time !== undefined && heard !== undefined) return time > heard;
    // at the first contact the past is past, but for what still waits for a person
    if (this.#syncedAt === undefined) return row.acked[at] === false;
    return time === undefined ? before !== undefined : time > this.#syncedAt;
  }

  /** When the last transition that is known of an object happened. */
  #newest({ stamps }: KnownEvent): number | undefined {
    const times = stamps.flatMap((stamp) => (stamp === undefined ? [] : (this.#deps.sourceTime(stamp) ?? [])));
    return times.length === 0 ? undefined : Math.max(...times);
  }

  #happened(before: KnownEvent | undefined, after: KnownEvent, isNew: readonly boolean[]): readonly FieldCondition[] {
    const wasActive = before !== undefined && before.state !== EVENT_STATE.normal;
    const index = transitionTo(after.state);
    const seen =
      before?.state === after.state && isNew[index] !== true && acknowledgement(before) !== acknowledgement(after);
    // only the acknowledgement is news: it was not given when the alarm came
    const told = this.#condition(after, seen ? undefined : after.stamps[index], undefined);
    const ended = { ...over(told), ...this.#time(isNew[2] === true ? after.stamps[2] : undefined) };
    if (after.state !== EVENT_STATE.normal) {
      const again = wasActive && (isNew[index] === true || before.state !== after.state);
      return again ? [ended, told] : [told];
    }
    const came = passedAt(isNew);
    if (came === undefined) return wasActive || seen || after.acked.includes(false) ? [told] : [];
    const passed = this.#passed(after, came);
    return wasActive ? [over(passed), passed, told] : [passed, told];
  }

  /** An alarm that is over already, as it was. */
  #passed(after: KnownEvent, came: 0 | 1): FieldCondition {
    const state = after.states[came] ?? (came === 1 ? EVENT_STATE.fault : EVENT_STATE.offnormal);
    const facts = this.facts(after.object);
    const then = { ...after, state, message: alarmText(after.object, state, facts) };
    return this.#condition(then, after.stamps[came], undefined);
  }

  #reopened(before: KnownEvent | undefined, after: KnownEvent): boolean {
    const both = before !== undefined && before.state !== EVENT_STATE.normal && after.state !== EVENT_STATE.normal;
    return both && before.state !== after.state;
  }

  #time(stamp: BacnetTimeStamp | undefined): { sourceTime?: number } {
    const time = stamp === undefined ? undefined : this.#deps.sourceTime(stamp);
    return time === undefined ? {} : { sourceTime: time };
  }

  #condition(known: KnownEvent, stamp: BacnetTimeStamp | undefined, told: number | undefined): FieldCondition {
    const { device, settings } = this.#deps;
    const notificationClass = told ?? this.facts(known.object)?.notificationClass;
    const acknowledged = acknowledgement(known);
    const category = categoryOf(known.object, notificationClass, settings);
    const priority = priorityOf(known.priority, notificationClass, settings);
    return {
      device,
      condition: objectName(known.object),
      active: known.state !== EVENT_STATE.normal,
      ...(acknowledged === undefined ? {} : { acknowledged }),
      ...(category === undefined ? {} : { category }),
      ...(priority === undefined ? {} : { priority }),
      ...(known.message === undefined ? {} : { message: known.message }),
      ...this.#time(stamp),
      observedAt: this.#deps.now(),
    };
  }
}

function isOpen({ state, acked }: KnownEvent): boolean {
  return state !== EVENT_STATE.normal || acked.includes(false);
}

/** The same condition when it is over. */
function over({ acknowledged: _, ...condition }: FieldCondition): FieldCondition {
  return { ...condition, active: false };
}

/** Which alarm came and went, of the transitions that are new. */
function passedAt(isNew: readonly boolean[]): 0 | 1 | undefined {
  return ([0, 1] as const).find((at) => isNew[at] === true);
}

/** Is it an alarm, and not an event that only informs? */
export function isAlarm(notifyType: number | undefined): boolean {
  return notifyType !== NOTIFY_TYPE.event;
}
