import { useTranslation } from "react-i18next";
import { moved, TREND_SPANS, type TrendWindow, zoomedOut } from "../../live/trend-window.ts";
import { Icon, type IconName } from "../../ui/icon.tsx";

interface Props {
  readonly window: TrendWindow;
  readonly onChange: (window: TrendWindow) => void;
  /** Address of what is shown as a file. */
  readonly csv: string;
}

/** Spans, earlier, later, wider, back to now, and the file. Narrower: drag over the chart. */
export function TrendControls({ window, onChange, csv }: Props) {
  const { t } = useTranslation();
  const acts: readonly (readonly [string, IconName, string, () => TrendWindow])[] = [
    ["earlier", "left", t("point.earlier"), () => moved(window, -1, Date.now())],
    ["later", "right", t("point.later"), () => moved(window, 1, Date.now())],
    ["wider", "minus", t("point.wider"), () => zoomedOut(window, Date.now())],
  ];
  return (
    <div className="trend-controls">
      <fieldset className="ranges">
        <legend className="visually-hidden">{t("point.rangeLabel")}</legend>
        {TREND_SPANS.map(({ id, spanMs }) => (
          <button
            key={id}
            type="button"
            aria-pressed={window.endMs === undefined && window.spanMs === spanMs}
            data-testid={`range-${id}`}
            onClick={() => onChange({ spanMs })}
          >
            {t(`point.ranges.${id}`)}
          </button>
        ))}
      </fieldset>
      <div className="ranges">
        {acts.map(([id, icon, label, next]) => (
          <button
            key={id}
            type="button"
            aria-label={label}
            title={label}
            data-testid={`trend-${id}`}
            onClick={() => onChange(next())}
          >
            <Icon name={icon} />
          </button>
        ))}
        <button
          type="button"
          disabled={window.endMs === undefined}
          data-testid="trend-now"
          onClick={() => onChange({ spanMs: window.spanMs })}
        >
          {t("point.toNow")}
        </button>
        <a href={csv} download aria-label={t("point.csv")} title={t("point.csv")} data-testid="trend-csv">
          <Icon name="download" />
        </a>
      </div>
    </div>
  );
}
