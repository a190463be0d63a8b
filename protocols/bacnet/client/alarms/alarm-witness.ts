import { EVENT_STATE } from "../../codec/enums.ts";
import type { EventRow } from "./alarm-information.ts";
import { type TransitionIndex, transitionTo } from "./alarm-map.ts";
import { isUnspecified, sameStamp } from "./alarm-stamps.ts";
import type { KnownEvent } from "./known-event.ts";

/** Under which circumstances a device was read. */
export interface Look {
  /** Is it known to have started again since it was looked at last? */
  readonly restarted: boolean;
  /** Has nothing ever been known of it? */
  readonly first: boolean;
  /** What the class of the object wants acknowledged, where it is known. */
  readonly wants: readonly boolean[] | undefined;
}

/**
 * Did a person acknowledge the transition, as far as the flags of the device say so? They are also all set in a device that has
 * forgotten its alarms with a restart, and an alarm that nobody has seen must not be lost by that: a flag that is
 * set speaks of an acknowledgement only where it was not set for the very same time stamp before. At the first contact the device is
 * believed where its class wants an acknowledgement, and it says when the transition was.
 */
export function isWitnessed(at: TransitionIndex, row: EventRow, before: KnownEvent | undefined, look: Look): boolean {
  if (row.acked[at] !== true) return false;
  const { stamps } = row;
  if (stamps === undefined) return before?.witnessed[at] === true;
  const stamp = stamps[at];
  if (stamp === undefined || isUnspecified(stamp)) return false;
  if (before === undefined) return look.first && look.wants?.[at] === true;
  const old = before.stamps[at];
  if (old === undefined || !sameStamp(old, stamp)) return false;
  return before.witnessed[at] === true || (before.acked[at] === false && !look.restarted);
}

/**
 * Is the alarm acknowledged? While it is active the transition into its state counts; afterwards all that wait, then the one of the
 * alarm that is over. Undefined where nobody is known to have acknowledged, and the device does not wait for it.
 */
export function acknowledgement({ state, acked, witnessed, alarm }: KnownEvent): boolean | undefined {
  const index = state === EVENT_STATE.normal ? alarm : transitionTo(state);
  const waits = state === EVENT_STATE.normal ? acked.includes(false) : index !== undefined && acked[index] === false;
  if (waits) return false;
  return index !== undefined && witnessed[index] === true ? true : undefined;
}
