import { useTranslation } from "react-i18next";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { addressOf } from "../../router.ts";
import { Icon } from "../../ui/icon.tsx";
import { Link } from "../../ui/link.tsx";
import { useNames } from "../../ui/use-names.ts";

interface Props {
  readonly alarm: AlarmView;
  /** Narrows the list to the alarm's place. */
  readonly onArea: (area: string) => void;
}

/** Where it is, what stands there, and what else is raised there. */
export function AlarmPlace({ alarm: { area, zone, device, point }, onArea }: Props) {
  const { t } = useTranslation();
  const names = useNames();
  return (
    <section className="section alarm-place" data-testid="alarm-place">
      <h3>{t("alarm.locate.title")}</h3>
      <p>
        <strong>{names.place(area)}</strong>
        {zone !== undefined && <span> · {names.zone(zone)}</span>}
      </p>
      <div className="place-acts">
        {device !== undefined && (
          <Link to={addressOf("/devices", { device, point })} testId="locate-device">
            <Icon name="target" /> {t("alarm.locate.device")}
          </Link>
        )}
        {area !== undefined && (
          <>
            <Link to={addressOf("/devices", { space: area })}>
              <Icon name="building" /> {t("alarm.locate.space")}
            </Link>
            <button type="button" className="plain" data-testid="locate-area" onClick={() => onArea(area)}>
              <Icon name="filter" /> {t("alarm.locate.area")}
            </button>
          </>
        )}
      </div>
      <p className="soft">{t("alarm.locate.noMap")}</p>
    </section>
  );
}
