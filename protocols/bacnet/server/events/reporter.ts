import { ERROR_CLASS, ERROR_CODE, PROPERTIES, RELIABILITY } from "../../codec/enums.ts";
import { EVENT_STATE, EVENT_TYPE, NOTIFY_TYPE } from "../../codec/event-enums.ts";
import type { NotificationParameters } from "../../codec/event-parameters.ts";
import { encodeBody } from "../../codec/fields.ts";
import type { ErrorPair } from "../../codec/services/error.ts";
import { type BacnetTimeStamp, timeStamp as timeStampField, UNSPECIFIED_DATE_TIME } from "../../codec/timestamp.ts";
import type { ObjectId } from "../../codec/values.ts";
import {
  arrayOf,
  arrayOfAll,
  bits,
  boolean,
  enumerated,
  optional,
  type PropertyEntry,
  single,
  text,
  unsigned,
} from "../object.ts";
import { writesBits, writesOne } from "../writing.ts";
import { type Algorithm, algorithmOf } from "./algorithms.ts";
import type { EventDefinition, EventSubject, TransitionBits } from "./definition.ts";

/** The event state of an object, as alarm services see it. */
export interface EventSource {
  readonly notificationClass: number;
  /** BACnetEventState now. */
  readonly state: number;
  /** Not normal, or not acknowledged. [BACnet 13.12.1] */
  readonly active: boolean;
  /** Acknowledged, or in no need of it: to off-normal, to fault, to normal. */
  readonly ackedTransitions: TransitionBits;
  readonly eventEnable: TransitionBits;
  /** BACnetNotifyType. */
  readonly notifyType: number;
  /** When each transition last happened; `NEVER` where it has not. */
  readonly timeStamps: readonly [BacnetTimeStamp, BacnetTimeStamp, BacnetTimeStamp];
  /** Takes an operator's acknowledgement; undefined when it fits. [BACnet 13.5.1.3] */
  acknowledge(state: number, timeStamp: BacnetTimeStamp): ErrorPair | undefined;
}

/** A change of event state, to be told to the recipients of its class. */
export interface Transition {
  readonly object: ObjectId;
  readonly notificationClass: number;
  /** BACnetEventType. */
  readonly eventType: number;
  /** BACnetNotifyType. */
  readonly notifyType: number;
  /** Absent in the notification of an acknowledgement. */
  readonly fromState?: number;
  readonly toState: number;
  readonly timeStamp: BacnetTimeStamp;
  readonly messageText?: string;
  readonly ackRequired: boolean;
  readonly parameters?: NotificationParameters;
}

/** Where transitions go, and what is known there. */
export interface TransitionSink {
  /** For delays, ms. */
  monotonic(): number;
  /** A time stamp of now. */
  stamp(): BacnetTimeStamp;
  /** Does the class want an acknowledgement of transition 0 to off-normal, 1 to fault, 2 to normal? */
  ackRequired(notificationClass: number, transition: TransitionIndex): boolean;
  tell(transition: Transition): void;
}

/** Index into the three transitions. */
export type TransitionIndex = 0 | 1 | 2;

/** Which of the three transitions leads into a state. */
export function transitionTo(state: number): TransitionIndex {
  if (state === EVENT_STATE.normal) return 2;
  return state === EVENT_STATE.fault ? 1 : 0;
}

interface Pending {
  readonly state: number;
  readonly cause: number;
  /** Monotonic ms. */
  readonly since: number;
}

interface Last {
  readonly timeStamp: BacnetTimeStamp;
  readonly state: number;
  readonly messageText: string;
}

const SAYS: Readonly<Record<number, string>> = {
  [EVENT_STATE.normal]: "恢复正常",
  [EVENT_STATE.fault]: "故障",
  [EVENT_STATE.offnormal]: "报警",
  [EVENT_STATE.highLimit]: "高于上限",
  [EVENT_STATE.lowLimit]: "低于下限",
};
/** Time stamp of what has not happened yet. [BACnet 12.2.21] */
export const NEVER: BacnetTimeStamp = { type: "dateTime", value: UNSPECIFIED_DATE_TIME };
const ALL: TransitionBits = [true, true, true];

/** The event state machine of one object, with its properties. [BACnet 13.2.2] */
export class EventReporter implements EventSource {
  readonly notificationClass: number;
  readonly #subject: EventSubject;
  readonly #definition: EventDefinition;
  readonly #algorithm: Algorithm;
  readonly #sink: TransitionSink;
  readonly #last: [Last | undefined, Last | undefined, Last | undefined] = [undefined, undefined, undefined];
  readonly #acked: [boolean, boolean, boolean] = [true, true, true];
  #state: number = EVENT_STATE.normal;
  // the value that caused the last off-normal state: another alarm value is another transition [BACnet 13.3.2 c]
  #cause = 0;
  #pending: Pending | undefined;
  #eventEnable: TransitionBits;
  #notifyType: number;
  #timeDelayS: number;
  #timeDelayNormalS: number;
  #inhibited = false;

  constructor(subject: EventSubject, definition: EventDefinition, sink: TransitionSink) {
    this.#subject = subject;
    this.#definition = definition;
    this.#sink = sink;
    this.#algorithm = algorithmOf(definition.algorithm);
    this.notificationClass = definition.notificationClass;
    this.#eventEnable = definition.eventEnable ?? ALL;
    this.#notifyType = definition.notifyType === "event" ? NOTIFY_TYPE.event : NOTIFY_TYPE.alarm;
    this.#timeDelayS = definition.timeDelayS ?? 0;
    this.#timeDelayNormalS = definition.timeDelayNormalS ?? this.#timeDelayS;
  }

  get state(): number {
    return this.#state;
  }

  get ackedTransitions(): TransitionBits {
    return [...this.#acked];
  }

  get eventEnable(): TransitionBits {
    return this.#eventEnable;
  }

  get notifyType(): number {
    return this.#notifyType;
  }

  get timeStamps(): readonly [BacnetTimeStamp, BacnetTimeStamp, BacnetTimeStamp] {
    const [offnormal, fault, normal] = this.#last;
    return [offnormal?.timeStamp ?? NEVER, fault?.timeStamp ?? NEVER, normal?.timeStamp ?? NEVER];
  }

  get active(): boolean {
    return this.#state !== EVENT_STATE.normal || this.#acked.includes(false);
  }

  /** Looks whether the object has changed its state long enough. */
  scan(): void {
    const target = this.#target();
    if (target.state === this.#state && (target.state !== EVENT_STATE.offnormal || target.cause === this.#cause)) {
      this.#pending = undefined;
      return;
    }
    const now = this.#sink.monotonic();
    const pending = this.#pending;
    const goesOn = pending?.state === target.state && pending.cause === target.cause;
    const since = goesOn ? pending.since : now;
    this.#pending = { ...target, since };
    if (now - since >= target.delayS * 1000) this.#transit(target.state, target.cause);
  }

  /** Power loss: everything is judged anew. */
  reset(): void {
    this.#state = EVENT_STATE.normal;
    this.#cause = 0;
    this.#pending = undefined;
    this.#last.fill(undefined);
    this.#acked.fill(true);
    this.#inhibited = false;
  }

  acknowledge(state: number, timeStamp: BacnetTimeStamp): ErrorPair | undefined {
    const index = transitionTo(state);
    const last = this.#last[index];
    if (last === undefined || !sameStamp(last.timeStamp, timeStamp)) {
      return { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.invalidTimeStamp };
    }
    if (last.state !== state) return { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.invalidEventState };
    if (this.#acked[index]) return undefined;
    this.#acked[index] = true;
    this.#sink.tell({
      object: this.#subject.id,
      notificationClass: this.notificationClass,
      eventType: this.#eventTypeOf(state),
      notifyType: NOTIFY_TYPE.ackNotification,
      toState: state,
      timeStamp: this.#sink.stamp(),
      messageText: last.messageText,
      ackRequired: false,
    });
    return undefined;
  }

  /** Properties of intrinsic reporting. */
  properties(): readonly PropertyEntry[] {
    return [
      optional(PROPERTIES.notificationClass, () => single(unsigned(this.notificationClass))),
      optional(
        PROPERTIES.eventEnable,
        () => single(bits(this.#eventEnable)),
        writesBits(3, ([offnormal = true, fault = true, normal = true]) => {
          this.#eventEnable = [offnormal, fault, normal];
        }),
      ),
      optional(PROPERTIES.ackedTransitions, () => single(bits(this.#acked))),
      optional(
        PROPERTIES.notifyType,
        () => single(enumerated(this.#notifyType)),
        writesOne("enumerated", (value) => {
          if (value > NOTIFY_TYPE.event) return ERROR_CODE.valueOutOfRange;
          this.#notifyType = value;
          return undefined;
        }),
      ),
      optional(PROPERTIES.eventTimeStamps, () => arrayOfAll(timeStampField, this.timeStamps)),
      optional(PROPERTIES.eventMessageTexts, () => arrayOf(this.#last.map((last) => text(last?.messageText ?? "")))),
      optional(PROPERTIES.eventDetectionEnable, () => single(boolean(true))),
      optional(
        PROPERTIES.eventAlgorithmInhibit,
        () => single(boolean(this.#inhibited)),
        writesOne("boolean", (value) => {
          this.#inhibited = value;
          return undefined;
        }),
      ),
      ...(this.#definition.algorithm.kind === "none" ? [] : this.#delayEntries()),
      ...this.#algorithm.properties(this.#subject),
    ];
  }

  #delayEntries(): readonly PropertyEntry[] {
    return [
      optional(
        PROPERTIES.timeDelay,
        () => single(unsigned(this.#timeDelayS)),
        writesOne("unsigned", (value) => {
          this.#timeDelayS = value;
          return undefined;
        }),
      ),
      optional(
        PROPERTIES.timeDelayNormal,
        () => single(unsigned(this.#timeDelayNormalS)),
        writesOne("unsigned", (value) => {
          this.#timeDelayNormalS = value;
          return undefined;
        }),
      ),
    ];
  }

  // [BACnet 13.2.2.1] Reliability comes before the algorithm, and knows no delay
  #target(): { readonly state: number; readonly cause: number; readonly delayS: number } {
    const reliability = this.#subject.reliability();
    if (reliability !== RELIABILITY.noFaultDetected) return { state: EVENT_STATE.fault, cause: 0, delayS: 0 };
    if (this.#state === EVENT_STATE.fault || this.#inhibited) {
      return { state: EVENT_STATE.normal, cause: 0, delayS: 0 };
    }
    const { state, cause } = this.#algorithm.judge(this.#subject, this.#state);
    return { state, cause, delayS: state === EVENT_STATE.normal ? this.#timeDelayNormalS : this.#timeDelayS };
  }

  #transit(state: number, cause: number): void {
    const fromState = this.#state;
    const index = transitionTo(state);
    const ackRequired = this.#sink.ackRequired(this.notificationClass, index);
    const messageText = this.#definition.messageTexts?.[index] ?? `${this.#subject.name}${SAYS[state] ?? ""}`;
    const timeStamp = this.#sink.stamp();
    this.#state = state;
    this.#cause = cause;
    this.#pending = undefined;
    this.#last[index] = { timeStamp, state, messageText };
    // [BACnet 13.2.3] a transition that is not enabled is neither told nor to be acknowledged
    const enabled = this.#eventEnable[index];
    this.#acked[index] = !(ackRequired && enabled);
    if (!enabled) return;
    this.#sink.tell({
      object: this.#subject.id,
      notificationClass: this.notificationClass,
      eventType: this.#eventTypeOf(state, fromState),
      notifyType: this.#notifyType,
      fromState,
      toState: state,
      timeStamp,
      messageText,
      ackRequired,
      parameters: this.#parameters(state, fromState),
    });
  }

  // [BACnet 13.2.5.3] what concerns a fault is told as CHANGE_OF_RELIABILITY
  #eventTypeOf(state: number, fromState?: number): number {
    const fault = state === EVENT_STATE.fault || fromState === EVENT_STATE.fault;
    return fault ? EVENT_TYPE.changeOfReliability : this.#algorithm.eventType;
  }

  #parameters(state: number, fromState: number): NotificationParameters {
    if (this.#eventTypeOf(state, fromState) !== EVENT_TYPE.changeOfReliability) {
      return this.#algorithm.parameters(this.#subject, state, fromState);
    }
    return {
      type: "changeOfReliability",
      value: {
        reliability: this.#subject.reliability(),
        statusFlags: this.#subject.statusFlags(),
        propertyValues: [{ property: PROPERTIES.presentValue, values: [this.#subject.presentValue()] }],
      },
    };
  }
}

/** Is it the very same time stamp? */
export function sameStamp(a: BacnetTimeStamp, b: BacnetTimeStamp): boolean {
  const [one, other] = [encodeBody(timeStampField, a), encodeBody(timeStampField, b)];
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
