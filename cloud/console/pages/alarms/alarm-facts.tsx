import { useTranslation } from "react-i18next";
import type { AlarmView } from "#core/contracts/alarms.ts";
import { fullTime } from "../../i18n/format.ts";
import { named } from "../../i18n/language.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { useNames } from "../../ui/use-names.ts";

/** Where, what kind, and when. */
export function AlarmFacts({ alarm }: { readonly alarm: AlarmView }) {
  const { t } = useTranslation();
  const { site } = useServices();
  const { zones, partitions } = useCell(site.names);
  const names = useNames();
  const zone = alarm.zone === undefined ? undefined : zones.get(alarm.zone);
  const partition = zone && partitions.get(zone.partition);
  const by = (at: string | undefined, who: string | undefined): string =>
    [fullTime(at), who].filter((text) => text !== undefined && text !== "").join(" · ");
  const facts: readonly (readonly [string, string])[] = [
    [t("alarm.detail.place"), names.place(alarm.area)],
    [t("alarm.detail.zone"), zone === undefined ? "" : named(zone, names.language)],
    [t("alarm.detail.partition"), partition === undefined ? "" : named(partition, names.language)],
    [t("alarm.detail.source"), names.device(alarm.device ?? alarm.source)],
    [t("alarm.detail.law"), t(`alarm.lawText.${alarm.law}`)],
    [t("alarm.detail.category"), t(`alarm.category.${alarm.category}`)],
    [
      t("alarm.detail.value"),
      typeof alarm.value === "number" || typeof alarm.value === "string" ? String(alarm.value) : "",
    ],
    [
      t("alarm.detail.occurrenceLabel"),
      alarm.occurrence > 1 ? t("alarm.detail.occurrence", { count: alarm.occurrence }) : "",
    ],
    [t("alarm.detail.raisedAt"), fullTime(alarm.raisedAt)],
    [t("alarm.detail.receivedAt"), alarm.receivedAt === alarm.raisedAt ? "" : fullTime(alarm.receivedAt)],
    [t("alarm.detail.clearedAt"), fullTime(alarm.clearedAt)],
    [t("alarm.detail.acknowledgedAt"), by(alarm.acknowledgedAt, alarm.acknowledgedBy)],
    [t("alarm.detail.assignee"), alarm.assignee ?? ""],
    [t("alarm.detail.escalatedAt"), fullTime(alarm.escalatedAt)],
    [
      t("alarm.detail.shelvedUntil"),
      alarm.shelvedOnce === true
        ? t("alarm.detail.shelvedOnce", { time: fullTime(alarm.shelvedUntil) })
        : fullTime(alarm.shelvedUntil),
    ],
    [t("alarm.detail.resetAt"), by(alarm.resetAt, alarm.resetBy)],
  ];
  return (
    <section className="section">
      <h3>{t("alarm.detail.facts")}</h3>
      <dl className="facts">
        {facts.map(([label, text]) =>
          text === "" ? null : (
            <div key={label} className="fact">
              <dt>{label}</dt>
              <dd>{text}</dd>
            </div>
          ),
        )}
      </dl>
    </section>
  );
}
