import { Button } from "antd";
import { useTranslation } from "react-i18next";
import type { AlarmView } from "#core/contracts/http.ts";
import { shownState } from "../../live/alarm-order.ts";
import { Icon } from "../../ui/icon.tsx";
import { STATE_ICONS } from "./alarm-cells.tsx";
import type { AlarmActs } from "./use-alarm-acts.ts";

/** State, and what may be done now. A button that may not be pressed says why. */
export function AlarmButtons({ alarm, acts }: { readonly alarm: AlarmView; readonly acts: AlarmActs }) {
  const { t } = useTranslation();
  const state = shownState(alarm);
  const busy = acts.busy.has(alarm.id);
  const noAcknowledge = acts.acknowledgeBlocked(alarm);
  const noReset = acts.resetBlocked(alarm);
  const resettable = alarm.law === "security";
  const reason = resettable && noReset !== "closed" ? noReset : noAcknowledge;
  return (
    <div className="detail-acts">
      <p className={`alarm-state state-${state}`} data-testid="alarm-state">
        <Icon name={STATE_ICONS[state]} />
        {t(`alarm.state.${state}`)}
        {alarm.stale && <span className="tag tag-bad">{t("alarm.state.stale")}</span>}
      </p>
      <div className="buttons">
        <Button
          type="primary"
          data-testid="acknowledge"
          disabled={noAcknowledge !== undefined}
          loading={busy && noAcknowledge === undefined}
          title={noAcknowledge === undefined ? undefined : t(`alarm.blocked.${noAcknowledge}`)}
          onClick={() => void acts.acknowledge(alarm)}
        >
          {t("alarm.acknowledge")}
          <span className="key" aria-hidden="true">
            A
          </span>
        </Button>
        {resettable && (
          <Button
            data-testid="reset"
            type={noReset === undefined ? "primary" : "default"}
            disabled={noReset !== undefined}
            loading={busy && noReset === undefined}
            title={noReset === undefined ? undefined : t(`alarm.blocked.${noReset}`)}
            onClick={() => void acts.reset(alarm)}
          >
            {t("alarm.reset")}
            <span className="key" aria-hidden="true">
              R
            </span>
          </Button>
        )}
      </div>
      <p className="soft act-reason" data-testid="act-reason">
        {reason === undefined ? "" : t(`alarm.blocked.${reason}`)}
      </p>
    </div>
  );
}
