import { Button } from "antd";
import { useTranslation } from "react-i18next";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { shortTime } from "../../i18n/format.ts";
import type { AlarmActName } from "../../live/alarm-acts.ts";
import { shownState } from "../../live/alarm-order.ts";
import { useNow } from "../../live/hooks.ts";
import { Icon } from "../../ui/icon.tsx";
import { STATE_ICONS } from "./alarm-cells.tsx";
import { shelvedText } from "./shelved-text.ts";
import type { AlarmActs } from "./use-alarm-acts.ts";

interface Props {
  readonly alarm: AlarmView;
  readonly acts: AlarmActs;
}

/** What stands in the second line: an act and the one that takes it back are one place. */
function otherActs(alarm: AlarmView): readonly { readonly act: AlarmActName; readonly keyName: string }[] {
  return [
    ...(alarm.law === "security"
      ? []
      : [{ act: alarm.suppression.includes("shelved") ? "unshelve" : "shelve", keyName: "S" } as const]),
    { act: "comment", keyName: "C" },
    { act: "assign", keyName: "I" },
    { act: alarm.suppression.includes("outOfService") ? "returnToService" : "outOfService", keyName: "O" },
  ];
}

function ActKey({ name }: { readonly name: string }) {
  return (
    <span className="key" aria-hidden="true">
      {name}
    </span>
  );
}

/** State, and what may be done now. A button that may not be pressed says why. */
export function AlarmButtons({ alarm, acts }: Props) {
  const { t } = useTranslation();
  const state = shownState(alarm);
  const now = useNow(60_000);
  const shelved = shelvedText(alarm, t, now);
  const busy = acts.busy.has(alarm.id);
  const noAcknowledge = acts.blocked("acknowledge", alarm);
  const noReset = acts.blocked("reset", alarm);
  const resettable = alarm.law === "security";
  const reason = resettable && noReset !== "closed" ? noReset : noAcknowledge;
  return (
    <div className="detail-acts">
      <p className={`alarm-state state-${state}`} data-testid="alarm-state">
        <Icon name={STATE_ICONS[state]} />
        {t(`alarm.state.${state}`)}
        {alarm.stale && <span className="tag tag-bad">{t("alarm.state.stale")}</span>}
      </p>
      <p className="detail-duty">
        {shelved !== undefined && (
          <span className="tag" data-testid="alarm-shelved">
            {shelved}
          </span>
        )}
        {alarm.assignee !== undefined && (
          <span className="tag" data-testid="alarm-assignee">
            <Icon name="user" />
            {alarm.assignee}
          </span>
        )}
        {alarm.escalatedAt !== undefined && (
          <span className="tag tag-warn">
            <Icon name="up" />
            {t("alarm.escalated", { time: shortTime(alarm.escalatedAt, now) })}
          </span>
        )}
      </p>
      <div className="buttons">
        <Button
          type="primary"
          data-testid="acknowledge"
          disabled={noAcknowledge !== undefined}
          loading={busy && noAcknowledge === undefined}
          title={noAcknowledge === undefined ? undefined : t(`alarm.blocked.${noAcknowledge}`)}
          onClick={() => acts.ask("acknowledge", [alarm])}
        >
          {t("alarm.acknowledge")}
          <ActKey name="A" />
        </Button>
        {resettable && (
          <Button
            data-testid="reset"
            type={noReset === undefined ? "primary" : "default"}
            disabled={noReset !== undefined}
            loading={busy && noReset === undefined}
            title={noReset === undefined ? undefined : t(`alarm.blocked.${noReset}`)}
            onClick={() => acts.ask("reset", [alarm])}
          >
            {t("alarm.reset")}
            <ActKey name="R" />
          </Button>
        )}
      </div>
      <div className="buttons other-acts">
        {otherActs(alarm).map(({ act, keyName }) => {
          const blocked = acts.blocked(act, alarm);
          // What one may not do anyway takes no place.
          if (blocked === "noPermission" || blocked === "alwaysInService") return null;
          return (
            <Button
              key={act}
              size="small"
              data-testid={act}
              disabled={blocked !== undefined}
              title={blocked === undefined ? undefined : t(`alarm.blocked.${blocked}`)}
              onClick={() => acts.ask(act, [alarm])}
            >
              {t(`alarm.act.${act}`)}
              <ActKey name={keyName} />
            </Button>
          );
        })}
      </div>
      <p className="soft act-reason" data-testid="act-reason">
        {reason === undefined ? "" : t(`alarm.blocked.${reason}`)}
      </p>
    </div>
  );
}
