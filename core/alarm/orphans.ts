import type { Alarm } from "../model/alarm.ts";
import { isLatching } from "./law.ts";

/**
 * An alarm whose minting side no longer knows it, because its records were lost or put back from an older copy: nobody sees its
 * condition any more, so it no longer holds. A security alarm stays latched until a person resets it. The version stays: what that
 * side has told of it before changes nothing any more.
 */
export function orphaned(alarm: Alarm, at: number): Alarm {
  const { stale: _, shelvedUntil: _u, shelvedOnce: _o, suppressedBy: _by, unannounced: _un, ...rest } = alarm;
  const latched = alarm.condition !== "inactive" && isLatching(alarm);
  return {
    ...rest,
    live: false,
    condition: latched ? "latched" : "inactive",
    suppression: [],
    ...(alarm.live ? { clearedAt: at } : {}),
  };
}
