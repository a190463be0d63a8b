import { Form, InputNumber } from "antd";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { ESCALATE_AFTER_MS } from "#core/alarm/escalation.ts";
import { MOST_ESCALATE_MINUTES } from "#core/contracts/notify.ts";
import { AlarmPriority } from "#core/model/alarm.ts";

const MINUTE_MS = 60_000;

/** The hub's own time for a priority in words. */
function standard(priority: AlarmPriority, t: TFunction): string {
  const ms = ESCALATE_AFTER_MS[priority];
  return ms === undefined ? t("notify.never") : String(ms / MINUTE_MS);
}

/** After how many minutes the alarms of a position are told further, by priority. */
export function EscalationFields() {
  const { t } = useTranslation();
  return (
    <fieldset className="notify-entries">
      <legend>{t("notify.escalateAfter")}</legend>
      <p className="soft">{t("notify.escalateHint")}</p>
      <div className="notify-entry-fields">
        {AlarmPriority.enum.map((priority) => (
          <Form.Item
            key={priority}
            name={["document", "escalateMinutes", priority]}
            label={t(`alarm.priority.${priority}`)}
          >
            <InputNumber
              min={0}
              max={MOST_ESCALATE_MINUTES}
              precision={0}
              placeholder={standard(priority, t)}
              data-testid={`escalate-${priority}`}
            />
          </Form.Item>
        ))}
      </div>
    </fieldset>
  );
}
