import type { AlarmCommand } from "../model/command.ts";
import type { Value } from "../model/sample.ts";
import { MAX_SHELVE_MS } from "./law.ts";
import type { AlarmEvent } from "./lifecycle.ts";

/** What is known of the moment at which a condition changed. */
export interface Facts {
  readonly value?: Value;
  readonly sourceTime?: number;
  readonly observedAt: number;
}

/** The facts of a sample, an event or a condition. */
export function factsOf(seen: Facts): Facts {
  return {
    observedAt: seen.observedAt,
    ...(seen.sourceTime === undefined ? {} : { sourceTime: seen.sourceTime }),
    ...(seen.value === undefined ? {} : { value: seen.value }),
  };
}

/**
 * The event of the lifecycle that an operator's command asks for at `now`, Unix ms. For how long one may shelve counts by the clock
 * by which it was asked for: this one may be behind it.
 */
export function eventOf(command: AlarmCommand, now: number): AlarmEvent {
  const { action, occurrence, requestedBy, createdAt, until = 0, once = false, reason } = command;
  switch (action) {
    case "acknowledge":
    case "reset":
      return { type: action, occurrence, by: requestedBy, at: createdAt };
    case "shelve":
      return {
        type: action,
        occurrence,
        until: until - createdAt > MAX_SHELVE_MS ? until : Math.min(until, now + MAX_SHELVE_MS),
        reason: reason ?? "",
        once,
      };
    case "outOfService":
      return { type: action, occurrence, reason: reason ?? "" };
    case "unshelve":
    case "returnToService":
      return { type: action, occurrence };
    default:
      return action satisfies never;
  }
}
