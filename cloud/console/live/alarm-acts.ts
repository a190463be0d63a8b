import type { AlarmView } from "#core/contracts/http.ts";

/** Why an act is not possible now; a text `alarm.blocked.<reason>`. */
export type Blocked =
  | "alreadyAcknowledged"
  | "noPermission"
  | "stillActive"
  | "notAcknowledged"
  | "facilityLaw"
  | "notLatched"
  | "closed";

/** What hinders the acknowledgement, or undefined when it may be done. */
export function acknowledgeBlocked(alarm: AlarmView, permissions: ReadonlySet<string>): Blocked | undefined {
  if (alarm.state === "A") return "closed";
  if (alarm.acknowledged) return "alreadyAcknowledged";
  return permissions.has("alarm.acknowledge") ? undefined : "noPermission";
}

/** What hinders the reset: a security alarm is reset only when its zone is clear and somebody has acknowledged it. [GB 50394 5.2.3] */
export function resetBlocked(alarm: AlarmView, permissions: ReadonlySet<string>): Blocked | undefined {
  if (alarm.law === "facility") return "facilityLaw";
  if (alarm.state === "A") return "closed";
  if (alarm.live) return "stillActive";
  if (alarm.condition !== "latched") return "notLatched";
  if (!alarm.acknowledged) return "notAcknowledged";
  return permissions.has("alarm.reset") ? undefined : "noPermission";
}
