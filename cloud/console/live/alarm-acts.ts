import { mayLeaveService, operatorMayShelve } from "#core/alarm/law.ts";
import type { AlarmView } from "#core/contracts/alarms.ts";

/** What people do with an alarm. */
export type AlarmActName =
  | "acknowledge"
  | "reset"
  | "shelve"
  | "unshelve"
  | "outOfService"
  | "returnToService"
  | "comment"
  | "assign";

/** Why an act is not possible now; a text `alarm.blocked.<reason>`. */
export type Blocked =
  | "alreadyAcknowledged"
  | "noPermission"
  | "stillActive"
  | "notAcknowledged"
  | "facilityLaw"
  | "notLatched"
  | "closed"
  | "securityLaw"
  | "urgentNotShelved"
  | "alreadyShelved"
  | "notShelved"
  | "alwaysInService"
  | "alreadyOutOfService"
  | "inService";

/** The permission that each act needs. */
export const ACT_PERMISSIONS: Readonly<Record<AlarmActName, string>> = {
  acknowledge: "alarm.acknowledge",
  reset: "alarm.reset",
  shelve: "alarm.shelve",
  unshelve: "alarm.shelve",
  outOfService: "alarm.outOfService",
  returnToService: "alarm.outOfService",
  comment: "alarm.comment",
  assign: "alarm.assign",
};

/** Minutes for which an alarm can be shelved. [AL-10] */
export const SHELVE_MINUTES = [15, 30, 60, 240, 480] as const;

/** A security alarm is reset only when its zone is clear and somebody has acknowledged it. [GB 50394 5.2.3] */
function resetHindered(alarm: AlarmView): Blocked | undefined {
  if (alarm.law === "facility") return "facilityLaw";
  if (alarm.state === "A") return "closed";
  if (alarm.live) return "stillActive";
  if (alarm.condition !== "latched") return "notLatched";
  return alarm.acknowledged ? undefined : "notAcknowledged";
}

function shelveHindered(alarm: AlarmView): Blocked | undefined {
  if (alarm.law === "security") return "securityLaw";
  if (!operatorMayShelve(alarm)) return "urgentNotShelved";
  return alarm.suppression.includes("shelved") ? "alreadyShelved" : undefined;
}

function hindered(act: AlarmActName, alarm: AlarmView): Blocked | undefined {
  const { suppression, acknowledged, category } = alarm;
  switch (act) {
    case "acknowledge":
      return acknowledged ? "alreadyAcknowledged" : undefined;
    case "reset":
      return resetHindered(alarm);
    case "shelve":
      return shelveHindered(alarm);
    case "unshelve":
      return suppression.includes("shelved") ? undefined : "notShelved";
    case "outOfService":
      if (!mayLeaveService(category)) return "alwaysInService";
      return suppression.includes("outOfService") ? "alreadyOutOfService" : undefined;
    case "returnToService":
      return suppression.includes("outOfService") ? undefined : "inService";
    case "comment":
    case "assign":
      return undefined;
    default:
      return act satisfies never;
  }
}

/** What hinders an act, or undefined when it may be done. */
export function actBlocked(act: AlarmActName, alarm: AlarmView, permissions: ReadonlySet<string>): Blocked | undefined {
  if (alarm.state === "A" && act !== "comment" && act !== "reset") return "closed";
  return hindered(act, alarm) ?? (permissions.has(ACT_PERMISSIONS[act]) ? undefined : "noPermission");
}

/** What hinders the acknowledgement, or undefined when it may be done. */
export function acknowledgeBlocked(alarm: AlarmView, permissions: ReadonlySet<string>): Blocked | undefined {
  return actBlocked("acknowledge", alarm, permissions);
}

/** What hinders the reset. */
export function resetBlocked(alarm: AlarmView, permissions: ReadonlySet<string>): Blocked | undefined {
  return actBlocked("reset", alarm, permissions);
}

/** Must a word be given with it? The cloud asks for the same and refuses without. [AL-10, AL-12] */
export function commentNeeded(act: AlarmActName, alarm: Pick<AlarmView, "priority" | "law">): boolean {
  switch (act) {
    case "acknowledge":
      return alarm.priority === "urgent";
    case "reset":
      return alarm.law === "security";
    case "shelve":
    case "outOfService":
    case "comment":
      return true;
    case "unshelve":
    case "returnToService":
    case "assign":
      return false;
    default:
      return act satisfies never;
  }
}

/** Is a single one done without a dialog? */
export function actsAtOnce(act: AlarmActName, alarm: Pick<AlarmView, "priority" | "law">): boolean {
  return (act === "acknowledge" || act === "reset" || act === "unshelve") && !commentNeeded(act, alarm);
}
