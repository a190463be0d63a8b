import { useTranslation } from "react-i18next";
import type { KpiGroup, KpiView } from "#core/contracts/alarm-quality.ts";
import { AlarmCategory, AlarmPriority, Law } from "#core/model/alarm.ts";
import { fullTime } from "../../i18n/format.ts";
import type { Translate } from "../../i18n/index.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { type NamesShown, useNames } from "../../ui/use-names.ts";
import { durationText } from "./duration-text.ts";

type Positions = readonly { readonly id: string; readonly name: string; readonly nameEn: string }[];

/** What a part is called. */
function partText({ by }: KpiView, group: KpiGroup, names: NamesShown, positions: Positions, t: Translate): string {
  const { key, from, to } = group;
  switch (by) {
    case "hour":
      return fullTime(from).slice(5, 16);
    case "shift":
      return `${fullTime(from).slice(5, 16)} – ${fullTime(to).slice(11, 16)}`;
    case "day":
      return fullTime(from).slice(0, 10);
    case "month":
      return fullTime(from).slice(0, 7);
    case "area":
      return key === "" ? t("alarmQuality.nowhere") : names.place(key);
    case "law":
      return t(`alarm.law.${Law.enum.find((law) => law === key) ?? "facility"}`);
    case "category":
      return t(`alarm.category.${AlarmCategory.enum.find((category) => category === key) ?? "system"}`);
    case "priority":
      return t(`alarm.priority.${AlarmPriority.enum.find((priority) => priority === key) ?? "low"}`);
    case "position": {
      const position = positions.find(({ id }) => id === key);
      return position === undefined ? key : names.language === "en" ? position.nameEn : position.name;
    }
    default:
      return by satisfies never;
  }
}

/** The figures of each part. */
export function KpiGroups({ view }: { readonly view: KpiView }) {
  const { t } = useTranslation();
  const names = useNames();
  const positions = useCell(useServices().positions);
  return (
    <section className="panel quality-table" aria-label={t("alarmQuality.groups")}>
      <h3>{t("alarmQuality.groups")}</h3>
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">{t(`alarmQuality.splits.${view.by}`)}</th>
            <th scope="col" className="number">
              {t("alarmQuality.alarms")}
            </th>
            <th scope="col" className="number">
              {t("alarmQuality.figure.perHour")}
            </th>
            <th scope="col" className="number">
              {t("alarmQuality.peak")}
            </th>
            <th scope="col" className="number">
              {t("alarmQuality.flood")}
            </th>
            <th scope="col" className="number">
              {t("alarmQuality.stale")}
            </th>
            <th scope="col" className="number">
              {t("alarmQuality.acknowledge")} ({t("alarmQuality.median")} / {t("alarmQuality.p95")})
            </th>
          </tr>
        </thead>
        <tbody>
          {view.groups.map((group) => {
            const { alarmCount, perHour, maximumAlarmRate, floodPercent, staleCount, acknowledge } = group.figures;
            return (
              <tr key={group.key} data-testid="kpi-group">
                <td>{partText(view, group, names, positions, t)}</td>
                <td className="number">{alarmCount}</td>
                <td className="number">{perHour}</td>
                <td className="number">{maximumAlarmRate}</td>
                <td className="number">{floodPercent} %</td>
                <td className="number">{staleCount}</td>
                <td className="number">
                  {durationText(acknowledge.medianMs, t)} / {durationText(acknowledge.p95Ms, t)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
