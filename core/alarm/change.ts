import type { Clock } from "../clock.ts";
import type { Alarm, AlarmDefinition, AlarmTransition } from "../model/alarm.ts";
import type { FieldCondition } from "../model/field-condition.ts";
import type { FieldAct } from "./field.ts";
import type { AlarmContext, PendingDelay } from "./track.ts";

/** One transition that happened, with the whole alarm after it: what goes into the event lane and over the stored record. */
export interface AlarmChange {
  readonly transition: AlarmTransition;
  readonly alarm: Alarm;
  /** Unix ms, when the evaluator made it. */
  readonly at: number;
  /** Who acted; absent when the field or a timer did. */
  readonly actor?: string;
  /** The reason given by a person, or the definition that suppressed it by design. [AL-11] */
  readonly comment?: string;
  /** Number of the alarm's episode, to be stored with the record under `counter`, the name of what counts it. */
  readonly episode: number;
  readonly counter: string;
  /** The episode is over: the record need not be kept to go on after a restart. */
  readonly closed: boolean;
}

/** All that must survive a restart. [AL-14] */
export interface AlarmSnapshot {
  /** Last episode of each counter (`episodeCounter`); never goes back, so that no id is minted twice. */
  readonly episodes: Readonly<Record<string, number>>;
  /** Open alarms. */
  readonly alarms: readonly Alarm[];
  /** Delays that are running. */
  readonly delays: readonly PendingDelay[];
}

/** How an AlarmCommand ended. `refused.code` is one of AlarmRefusal, or `ALARM_UNKNOWN` when no such alarm is open here. */
export interface AlarmCommandOutcome {
  readonly changes: readonly AlarmChange[];
  readonly refused?: { readonly code: string; readonly message: string };
}

/** What the evaluator is made with. */
export interface AlarmEvaluatorOptions {
  /** Who mints: `<site>/<gateway>`, or `<site>` for the cloud. */
  readonly origin: string;
  /** Epoch of the store that keeps the episode counters; part of every id, so that a lost store mints no id again. */
  readonly epoch: string;
  readonly definitions: readonly AlarmDefinition[];
  readonly context: AlarmContext;
  readonly clock: Clock;
  /** What devices last said of their conditions, where another evaluator has known it. */
  readonly seen?: readonly FieldCondition[];
  readonly restored?: Omit<AlarmSnapshot, "delays"> & Partial<Pick<AlarmSnapshot, "delays">>;
  /** Told what a delay or the end of a shelving caused; everything else is the return value of the call that caused it. */
  readonly onChanges: (changes: readonly AlarmChange[]) => void;
  /** Told when a delay of a definition begins (to be stored) or ends (undefined: to be removed). */
  readonly onDelay?: (definition: string, delay: PendingDelay | undefined) => void;
  /** Told what a device that keeps the condition itself is to be told. Ask again with `comment` when it refuses. */
  readonly onFieldAct?: (act: FieldAct) => void;
  /** Told of an active condition that nobody configured and for which there is no room: it has become no alarm. */
  readonly onConditionRefused?: (seen: FieldCondition) => void;
}
