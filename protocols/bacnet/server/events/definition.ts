import type { BacnetValue, ObjectId } from "../../codec/values.ts";

/** When an object leaves its normal state. [BACnet 13.3] */
export type AlgorithmDefinition =
  | {
      /** Present_Value of an analog object beyond a limit. [BACnet 13.3.6] */
      readonly kind: "outOfRange";
      readonly highLimit: number;
      readonly lowLimit: number;
      /** How far inside the limit it is normal again; 0 when absent. */
      readonly deadband?: number;
      /** Limits that count; both when absent. */
      readonly limitEnable?: { readonly low: boolean; readonly high: boolean };
    }
  /** Present_Value is one of the states: 0 inactive and 1 active of a binary object, 1..n of a multi-state one. [BACnet 13.3.2] */
  | { readonly kind: "changeOfState"; readonly alarmValues: readonly number[] }
  /** An output whose feedback differs from its Present_Value. [BACnet 13.3.4] */
  | { readonly kind: "commandFailure" }
  /** Only faults of Reliability are told. */
  | { readonly kind: "none" };

/** Three flags in the standard's order: to off-normal, to fault, to normal. */
export type TransitionBits = readonly [toOffnormal: boolean, toFault: boolean, toNormal: boolean];

/** Intrinsic reporting of an object. [BACnet 13.2] */
export interface EventDefinition {
  readonly algorithm: AlgorithmDefinition;
  /** Instance of the NotificationClass object. */
  readonly notificationClass: number;
  /** `alarm` when absent. */
  readonly notifyType?: "alarm" | "event";
  /** How long the condition must last, s; 0 when absent. */
  readonly timeDelayS?: number;
  /** How long it must be over, s; Time_Delay when absent. */
  readonly timeDelayNormalS?: number;
  /** All when absent. */
  readonly eventEnable?: TransitionBits;
  /** What is said in each transition; made from the object's name when absent. */
  readonly messageTexts?: readonly [toOffnormal: string, toFault: string, toNormal: string];
}

/** What intrinsic reporting needs to know of its object. */
export interface EventSubject {
  readonly id: ObjectId;
  readonly name: string;
  presentValue(): BacnetValue;
  feedbackValue(): BacnetValue | undefined;
  reliability(): number;
  statusFlags(): readonly boolean[];
}
