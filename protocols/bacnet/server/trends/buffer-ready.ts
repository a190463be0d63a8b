import { ERROR_CLASS, ERROR_CODE, PROPERTIES } from "../../codec/enums.ts";
import { EVENT_STATE, EVENT_TYPE, NOTIFY_TYPE } from "../../codec/event-enums.ts";
import type { ErrorPair } from "../../codec/services/error.ts";
import { type BacnetTimeStamp, timeStamp as timeStampField } from "../../codec/timestamp.ts";
import type { ObjectId } from "../../codec/values.ts";
import type { TransitionBits } from "../events/definition.ts";
import { type EventSource, NEVER, sameStamp, type TransitionSink } from "../events/reporter.ts";
import { arrayOfAll, bits, enumerated, optional, type PropertyEntry, single, unsigned } from "../object.ts";
import { writesBits, writesOne } from "../writing.ts";

/** Tells that so many records wait to be read. */
export interface BufferReadyDefinition {
  /** Instance of the NotificationClass object. */
  readonly notificationClass: number;
  /** Records after which it is told; 0: never. */
  readonly threshold: number;
}

const TO_NORMAL = 2;

/** BUFFER_READY of a log: a transition from normal to normal for every so many records. [BACnet 13.3.7] */
export class BufferReady implements EventSource {
  readonly notificationClass: number;
  readonly state = EVENT_STATE.normal;
  readonly notifyType = NOTIFY_TYPE.event;
  readonly #object: ObjectId;
  readonly #device: () => ObjectId;
  readonly #sink: TransitionSink;
  #threshold: number;
  #since = 0;
  #lastNotified = 0;
  #toldAt: BacnetTimeStamp = NEVER;
  #acked = true;
  #eventEnable: TransitionBits = [true, true, true];

  constructor(object: ObjectId, device: () => ObjectId, definition: BufferReadyDefinition, sink: TransitionSink) {
    this.#object = object;
    this.#device = device;
    this.#sink = sink;
    this.notificationClass = definition.notificationClass;
    this.#threshold = definition.threshold;
  }

  get active(): boolean {
    return !this.#acked;
  }

  get ackedTransitions(): TransitionBits {
    return [true, true, this.#acked];
  }

  get eventEnable(): TransitionBits {
    return this.#eventEnable;
  }

  get timeStamps(): readonly [BacnetTimeStamp, BacnetTimeStamp, BacnetTimeStamp] {
    return [NEVER, NEVER, this.#toldAt];
  }

  /** A record was made; `total` is its sequence number. */
  added(total: number): void {
    this.#since += 1;
    if (this.#threshold === 0 || this.#since < this.#threshold) return;
    const previousNotification = this.#lastNotified;
    this.#since = 0;
    this.#lastNotified = total;
    const [, , enabled] = this.#eventEnable;
    if (!enabled) return;
    const ackRequired = this.#sink.ackRequired(this.notificationClass, TO_NORMAL);
    this.#toldAt = this.#sink.stamp();
    this.#acked = !ackRequired;
    this.#sink.tell({
      object: this.#object,
      notificationClass: this.notificationClass,
      eventType: EVENT_TYPE.bufferReady,
      notifyType: this.notifyType,
      fromState: EVENT_STATE.normal,
      toState: EVENT_STATE.normal,
      timeStamp: this.#toldAt,
      ackRequired,
      parameters: {
        type: "bufferReady",
        value: {
          bufferProperty: { device: this.#device(), object: this.#object, property: PROPERTIES.logBuffer },
          previousNotification,
          currentNotification: total,
        },
      },
    });
  }

  acknowledge(state: number, timeStamp: BacnetTimeStamp): ErrorPair | undefined {
    if (!sameStamp(timeStamp, this.#toldAt)) {
      return { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.invalidTimeStamp };
    }
    if (state !== EVENT_STATE.normal) {
      return { errorClass: ERROR_CLASS.services, errorCode: ERROR_CODE.invalidEventState };
    }
    if (this.#acked) return undefined;
    this.#acked = true;
    this.#sink.tell({
      object: this.#object,
      notificationClass: this.notificationClass,
      eventType: EVENT_TYPE.bufferReady,
      notifyType: NOTIFY_TYPE.ackNotification,
      toState: state,
      timeStamp: this.#sink.stamp(),
      ackRequired: false,
    });
    return undefined;
  }

  properties(): readonly PropertyEntry[] {
    return [
      optional(
        PROPERTIES.notificationThreshold,
        () => single(unsigned(this.#threshold)),
        writesOne("unsigned", (value) => {
          this.#threshold = value;
          return undefined;
        }),
      ),
      optional(PROPERTIES.recordsSinceNotification, () => single(unsigned(this.#since))),
      optional(PROPERTIES.lastNotifyRecord, () => single(unsigned(this.#lastNotified))),
      optional(PROPERTIES.notificationClass, () => single(unsigned(this.notificationClass))),
      optional(
        PROPERTIES.eventEnable,
        () => single(bits(this.#eventEnable)),
        writesBits(3, ([offnormal = true, fault = true, normal = true]) => {
          this.#eventEnable = [offnormal, fault, normal];
        }),
      ),
      optional(PROPERTIES.ackedTransitions, () => single(bits(this.ackedTransitions))),
      optional(PROPERTIES.notifyType, () => single(enumerated(this.notifyType))),
      optional(PROPERTIES.eventTimeStamps, () => arrayOfAll(timeStampField, this.timeStamps)),
    ];
  }
}
