import { age } from "../../i18n/format.ts";
import type { Translate } from "../../i18n/index.ts";

/** A length of time in one unit; a dash for none. */
export function durationText(ms: number | null, t: Translate): string {
  if (ms === null) return "–";
  if (ms < 60_000) return t("alarmQuality.seconds", { count: Math.round(ms / 100) / 10 });
  const { unit, count } = age(ms);
  return t(`age.${unit}`, { count });
}
