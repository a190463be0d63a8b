import type { AlarmView } from "#core/contracts/alarms.ts";
import { shortTime } from "../../i18n/format.ts";
import type { Translate } from "../../i18n/index.ts";

/** For how long an alarm is shelved, for a row: until a time, or until it returns to normal. Undefined when it is not shelved. */
export function shelvedText(
  { shelvedUntil, shelvedOnce, suppression }: Pick<AlarmView, "shelvedUntil" | "shelvedOnce" | "suppression">,
  t: Translate,
  nowMs: number,
): string | undefined {
  if (shelvedUntil === undefined || !suppression.includes("shelved")) return undefined;
  return shelvedOnce === true ? t("alarm.untilNormal") : t("alarm.until", { time: shortTime(shelvedUntil, nowMs) });
}
