import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { KpiSplit } from "#core/contracts/alarm-quality.ts";
import { AlarmCategory } from "#core/model/alarm.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { Choice } from "../../ui/choice.tsx";
import { Icon } from "../../ui/icon.tsx";
import { useNames } from "../../ui/use-names.ts";
import { PrintButton } from "./print-button.tsx";

/** What the page is asked for. */
export interface Asked {
  readonly period: "lastDay" | "lastWeek" | "lastMonth";
  readonly by: KpiSplit;
  readonly area?: string | undefined;
  readonly position?: string | undefined;
  readonly category?: AlarmCategory | undefined;
}

const PERIODS = ["lastDay", "lastWeek", "lastMonth"] as const;

/** Period, split and filters; the file and the printer. */
export function QualityToolbar(props: {
  readonly asked: Asked;
  readonly csv: string;
  readonly onChange: (asked: Asked) => void;
  readonly onReload: () => void;
}) {
  const { t } = useTranslation();
  const { site, positions } = useServices();
  const names = useNames();
  const spaces = useCell(site.names).spaces;
  const desks = useCell(positions);
  const { asked, csv, onChange, onReload } = props;
  return (
    <div className="quality-tools no-print">
      <fieldset className="periods">
        <legend className="visually-hidden">{t("alarmQuality.period")}</legend>
        {PERIODS.map((period) => (
          <label key={period} className={asked.period === period ? "chosen" : ""}>
            <input
              type="radio"
              name="period"
              className="visually-hidden"
              data-testid={`period-${period}`}
              checked={asked.period === period}
              onChange={() => onChange({ ...asked, period })}
            />
            {t(`alarmQuality.${period}`)}
          </label>
        ))}
      </fieldset>
      <label className="choice">
        <span>{t("alarmQuality.by")}</span>
        <select
          data-testid="quality-by"
          value={asked.by}
          onChange={({ target }) => {
            const by = KpiSplit.enum.find((one) => one === target.value);
            if (by !== undefined) onChange({ ...asked, by });
          }}
        >
          {KpiSplit.enum.map((by) => (
            <option key={by} value={by}>
              {t(`alarmQuality.splits.${by}`)}
            </option>
          ))}
        </select>
      </label>
      <Choice
        label={t("alarmQuality.area")}
        any={t("alarmQuality.anyArea")}
        value={asked.area}
        options={[...spaces.keys()].map((id) => ({ value: id, label: names.place(id) }))}
        onChange={(area) => onChange({ ...asked, area })}
      />
      <Choice
        label={t("alarmQuality.position")}
        any={t("alarmQuality.anyPosition")}
        value={asked.position}
        options={desks.map(({ id, name, nameEn }) => ({ value: id, label: names.language === "en" ? nameEn : name }))}
        onChange={(position) => onChange({ ...asked, position })}
      />
      <Choice<AlarmCategory>
        label={t("alarmQuality.category")}
        any={t("alarmQuality.anyCategory")}
        value={asked.category}
        options={AlarmCategory.enum.map((value) => ({ value, label: t(`alarm.category.${value}`) }))}
        onChange={(category) => onChange({ ...asked, category })}
      />
      <span className="quality-acts">
        <Button
          icon={<Icon name="refresh" />}
          aria-label={t("common.retry")}
          data-testid="quality-reload"
          onClick={onReload}
        />
        <a
          className="ant-btn ant-btn-default csv-link"
          href={`${csv}&lang=${names.language}`}
          download
          data-testid="quality-csv"
        >
          {t("alarmQuality.csv")}
        </a>
        <PrintButton />
      </span>
    </div>
  );
}
