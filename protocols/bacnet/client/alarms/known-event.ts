import type { BacnetTimeStamp } from "../../codec/timestamp.ts";
import type { ObjectId } from "../../codec/values.ts";
import type { TransitionIndex } from "./alarm-map.ts";

/** What is known of the event state of one object. Three-fold values are to-offnormal, to-fault, to-normal. */
export interface KnownEvent {
  readonly object: ObjectId;
  /** EVENT_STATE. */
  readonly state: number;
  /** As the device shows them; a restart sets them too. */
  readonly acked: readonly boolean[];
  /** Is somebody known to have acknowledged it? */
  readonly witnessed: readonly boolean[];
  /** The transition of the alarm that is or was last. */
  readonly alarm?: TransitionIndex;
  readonly stamps: readonly (BacnetTimeStamp | undefined)[];
  /** The state that each transition led into, where it was told. */
  readonly states: readonly (number | undefined)[];
  readonly priority?: number;
  readonly message?: string;
}

/** No transition of which anything is so. */
export const NONE = [false, false, false] as const;

/** The transition of the alarm after one into `index`. */
export function alarmOf(index: TransitionIndex, before: KnownEvent | undefined): { readonly alarm?: TransitionIndex } {
  if (index !== 2) return { alarm: index };
  return before?.alarm === undefined ? {} : { alarm: before.alarm };
}

/** What was kept, with what JSON leaves out of lists. */
export function restored(kept: KnownEvent): KnownEvent {
  const { witnessed = NONE } = kept;
  const present = <T>(list: readonly (T | undefined)[]) => list.map((one) => one ?? undefined);
  return { ...kept, witnessed, stamps: present(kept.stamps), states: present(kept.states) };
}
