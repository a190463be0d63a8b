import { useTranslation } from "react-i18next";
import { grouped } from "../../i18n/format.ts";
import { ALARM_TABS, type AlarmTab } from "../../live/alarm-filter.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { Icon } from "../../ui/icon.tsx";

interface Props {
  readonly tab: AlarmTab;
  readonly onTab: (tab: AlarmTab) => void;
  readonly onHelp: () => void;
}

/** The lists that the open alarms are parted into. How many are held back is seen at all times. */
export function AlarmTabs({ tab, onTab, onHelp }: Props) {
  const { t } = useTranslation();
  const { tally } = useServices();
  const { tabs: counts } = useCell(tally);
  return (
    <div className="alarm-tabs">
      <fieldset>
        <legend className="visually-hidden">{t("alarm.tabs")}</legend>
        {ALARM_TABS.map((one) => (
          <button
            key={one}
            type="button"
            className={one !== "active" && counts[one] > 0 ? "holds" : ""}
            aria-pressed={one === tab}
            data-testid={`tab-${one}`}
            onClick={() => onTab(one)}
          >
            {t(`alarm.tab.${one}`)} <b>{grouped(counts[one])}</b>
          </button>
        ))}
      </fieldset>
      <span className="tab-tools">
        <a className="plain" href="/alarms?wall=1" target="_blank" rel="noreferrer" title={t("alarm.wall.open")}>
          <Icon name="screen" />
          {t("alarm.wall.link")}
        </a>
        <button type="button" className="plain" title={t("alarm.help.title")} data-testid="help" onClick={onHelp}>
          <span className="key" aria-hidden="true">
            ?
          </span>
          {t("alarm.help.title")}
        </button>
      </span>
    </div>
  );
}
