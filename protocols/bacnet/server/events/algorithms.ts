import { ERROR_CODE, PROPERTIES } from "../../codec/enums.ts";
import { EVENT_STATE, EVENT_TYPE, PROPERTY_STATE } from "../../codec/event-enums.ts";
import type { NotificationParameters } from "../../codec/event-parameters.ts";
import type { BacnetValue } from "../../codec/values.ts";
import { bits, enumerated, listOf, optional, type PropertyEntry, real, single, unsigned } from "../object.ts";
import { writesBits, writesOne } from "../writing.ts";
import type { AlgorithmDefinition, EventSubject } from "./definition.ts";

/** State that the conditions call for; `cause` tells apart what is off-normal for different reasons. */
export interface Judgement {
  readonly state: number;
  readonly cause: number;
}

/** One event algorithm with its settings, which clients may change. [BACnet 13.3] */
export interface Algorithm {
  /** BACnetEventType of its notifications. */
  readonly eventType: number;
  judge(subject: EventSubject, state: number): Judgement;
  /** Parameters of the notification of a transition to `state`. */
  parameters(subject: EventSubject, state: number, fromState: number): NotificationParameters;
  properties(subject: EventSubject): readonly PropertyEntry[];
}

/** The algorithm of a definition. */
export function algorithmOf(definition: AlgorithmDefinition): Algorithm {
  switch (definition.kind) {
    case "outOfRange":
      return new OutOfRange(definition);
    case "changeOfState":
      return new ChangeOfState(definition.alarmValues);
    case "commandFailure":
      return COMMAND_FAILURE;
    case "none":
      return NONE;
    default:
      definition satisfies never;
      throw new TypeError("unknown event algorithm");
  }
}

const NORMAL: Judgement = { state: EVENT_STATE.normal, cause: 0 };
const HIGH: Judgement = { state: EVENT_STATE.highLimit, cause: 0 };
const LOW: Judgement = { state: EVENT_STATE.lowLimit, cause: 0 };

function numberOf(value: BacnetValue | undefined): number {
  return value !== undefined && "value" in value && typeof value.value === "number" ? value.value : Number.NaN;
}

class OutOfRange implements Algorithm {
  readonly eventType = EVENT_TYPE.outOfRange;
  #high: number;
  #low: number;
  #deadband: number;
  #enabled: { readonly low: boolean; readonly high: boolean };

  constructor(definition: Extract<AlgorithmDefinition, { kind: "outOfRange" }>) {
    this.#high = definition.highLimit;
    this.#low = definition.lowLimit;
    this.#deadband = definition.deadband ?? 0;
    this.#enabled = definition.limitEnable ?? { low: true, high: true };
  }

  // [BACnet 13.3.6]
  judge(subject: EventSubject, state: number): Judgement {
    const value = numberOf(subject.presentValue());
    if (this.#enabled.high && value > this.#high) return HIGH;
    if (this.#enabled.low && value < this.#low) return LOW;
    const staysHigh = state === EVENT_STATE.highLimit && this.#enabled.high && value >= this.#high - this.#deadband;
    if (staysHigh) return HIGH;
    const staysLow = state === EVENT_STATE.lowLimit && this.#enabled.low && value <= this.#low + this.#deadband;
    return staysLow ? LOW : NORMAL;
  }

  parameters(subject: EventSubject, state: number, fromState: number): NotificationParameters {
    // back to normal tells the limit that was exceeded [BACnet 13.3.6]
    const low = state === EVENT_STATE.lowLimit || (state === EVENT_STATE.normal && fromState === EVENT_STATE.lowLimit);
    return {
      type: "outOfRange",
      value: {
        exceedingValue: numberOf(subject.presentValue()),
        statusFlags: subject.statusFlags(),
        deadband: this.#deadband,
        exceededLimit: low ? this.#low : this.#high,
      },
    };
  }

  properties(): readonly PropertyEntry[] {
    const limit = (property: number, read: () => number, accept: (value: number) => void): PropertyEntry =>
      optional(
        property,
        () => single(real(read())),
        writesOne("real", (value) => {
          if (!Number.isFinite(value)) return ERROR_CODE.valueOutOfRange;
          accept(value);
          return undefined;
        }),
      );
    return [
      limit(
        PROPERTIES.highLimit,
        () => this.#high,
        (value) => {
          this.#high = value;
        },
      ),
      limit(
        PROPERTIES.lowLimit,
        () => this.#low,
        (value) => {
          this.#low = value;
        },
      ),
      limit(
        PROPERTIES.deadband,
        () => this.#deadband,
        (value) => {
          this.#deadband = Math.max(0, value);
        },
      ),
      optional(
        PROPERTIES.limitEnable,
        () => single(bits([this.#enabled.low, this.#enabled.high])),
        writesBits(2, ([low = true, high = true]) => {
          this.#enabled = { low, high };
        }),
      ),
    ];
  }
}

class ChangeOfState implements Algorithm {
  readonly eventType = EVENT_TYPE.changeOfState;
  readonly #alarmValues: readonly number[];

  constructor(alarmValues: readonly number[]) {
    this.#alarmValues = alarmValues;
  }

  // [BACnet 13.3.2]
  judge(subject: EventSubject): Judgement {
    const value = numberOf(subject.presentValue());
    return this.#alarmValues.includes(value) ? { state: EVENT_STATE.offnormal, cause: value } : NORMAL;
  }

  parameters(subject: EventSubject): NotificationParameters {
    const value = subject.presentValue();
    const choice = value.type === "enumerated" ? PROPERTY_STATE.binaryValue : PROPERTY_STATE.unsignedValue;
    return {
      type: "changeOfState",
      value: { newState: { choice, value: numberOf(value) }, statusFlags: subject.statusFlags() },
    };
  }

  properties(subject: EventSubject): readonly PropertyEntry[] {
    const [first = 1] = this.#alarmValues;
    return subject.presentValue().type === "enumerated"
      ? [optional(PROPERTIES.alarmValue, () => single(enumerated(first)))]
      : [optional(PROPERTIES.alarmValues, () => listOf(this.#alarmValues.map(unsigned)))];
  }
}

const COMMAND_FAILURE: Algorithm = {
  eventType: EVENT_TYPE.commandFailure,
  // [BACnet 13.3.4]
  judge(subject) {
    const feedback = subject.feedbackValue();
    if (feedback === undefined) return NORMAL;
    const differs = numberOf(feedback) !== numberOf(subject.presentValue());
    return differs ? { state: EVENT_STATE.offnormal, cause: 0 } : NORMAL;
  },
  parameters: (subject) => ({
    type: "commandFailure",
    value: {
      commandValue: [subject.presentValue()],
      statusFlags: subject.statusFlags(),
      feedbackValue: [subject.feedbackValue() ?? subject.presentValue()],
    },
  }),
  properties: () => [],
};

const NONE: Algorithm = {
  eventType: EVENT_TYPE.changeOfReliability,
  judge: () => NORMAL,
  // never asked: what has no algorithm tells its faults only, as CHANGE_OF_RELIABILITY
  parameters: (subject) => ({
    type: "changeOfReliability",
    value: { reliability: subject.reliability(), statusFlags: subject.statusFlags(), propertyValues: [] },
  }),
  properties: () => [],
};
