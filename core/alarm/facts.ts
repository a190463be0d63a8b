import type { AlarmCommand } from "../model/command.ts";
import type { Value } from "../model/sample.ts";
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

/** The event of the lifecycle that an operator's command asks for. */
export function eventOf(command: AlarmCommand): AlarmEvent {
  const { action, occurrence, requestedBy, createdAt, until, reason } = command;
  switch (action) {
    case "acknowledge":
    case "reset":
      return { type: action, occurrence, by: requestedBy, at: createdAt };
    case "shelve":
      return { type: action, occurrence, until: until ?? 0, reason: reason ?? "" };
    case "outOfService":
      return { type: action, occurrence, reason: reason ?? "" };
    case "unshelve":
    case "returnToService":
      return { type: action, occurrence };
    default:
      return action satisfies never;
  }
}
