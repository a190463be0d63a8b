import type { TFunction } from "i18next";
import type { PositionEscalation } from "#core/contracts/notify.ts";
import { AlarmPriority } from "#core/model/alarm.ts";

/** What a position says of its times, as one line; empty where it says nothing. */
export function escalationText(escalation: PositionEscalation | undefined, t: TFunction): string {
  return AlarmPriority.enum
    .flatMap((priority) => {
      const minutes = escalation?.[priority];
      if (minutes === undefined) return [];
      const time = minutes === 0 ? t("notify.never") : t("notify.minutes", { minutes });
      return [`${t(`alarm.priority.${priority}`)} ${time}`];
    })
    .join(t("common.listSeparator"));
}
