import { useTranslation } from "react-i18next";
import { figureNamed } from "#core/alarm/kpi-figures.ts";
import { judged } from "#core/alarm/kpi-numbers.ts";
import type { KpiTarget, KpiView } from "#core/contracts/alarm-quality.ts";
import type { Texts } from "../../i18n/zh-cn.ts";
import { durationText } from "./duration-text.ts";

const SIGNS = { atMost: "≤", below: "<", atLeast: "≥" } as const;
/** A shape for each judgement beside its colour and its word. */
const SHAPES = { good: "✓", fair: "▲", bad: "✕", none: "–" } as const;

type FigureName = keyof Texts["alarmQuality"]["figure"];

function shownValue(value: number, { unit }: KpiTarget): string {
  const text = String(Math.round(value * 10) / 10);
  return unit === "percent" ? `${text} %` : text;
}

/** One figure against its target: number, word, shape, and who says so. */
function KpiCard({ view, target }: { readonly view: KpiView; readonly target: KpiTarget }) {
  const { t } = useTranslation();
  const value = figureNamed(view.total, target.figure);
  // Shares of nothing tell nothing.
  const empty = target.figure.startsWith("priority.") && view.total.alarmCount === 0;
  const state = empty ? "none" : judged(value, target);
  const name = target.figure.replace(".", "/") as FigureName;
  const goal = `${SIGNS[target.sense]} ${target.target}${target.unit === "percent" ? " %" : ""}`;
  return (
    <li className={`kpi kpi-${state}`} data-testid="kpi" data-figure={target.figure} data-state={state}>
      <span className="kpi-name">{t(`alarmQuality.figure.${name}`)}</span>
      <strong className="kpi-value">{empty ? "–" : shownValue(value, target)}</strong>
      <span className="kpi-state">
        <i aria-hidden="true">{SHAPES[state]}</i> {t(`alarmQuality.judged.${state}`)}
      </span>
      <span className="kpi-target" title={t("alarmQuality.source", { source: target.source })}>
        {t("alarmQuality.target", { value: goal })}
      </span>
      <span className="kpi-source">{target.source}</span>
    </li>
  );
}

/** The figures of the whole period, each against its target. */
export function KpiCards({ view }: { readonly view: KpiView }) {
  const { t } = useTranslation();
  const { acknowledge, shelvedCount, shelvedOldestMs } = view.total;
  return (
    <section aria-label={t("alarmQuality.figures")}>
      <ul className="kpis">
        {view.targets.map((target) => (
          <KpiCard key={target.figure} view={view} target={target} />
        ))}
        <li className="kpi kpi-plain">
          <span className="kpi-name">{t("alarmQuality.acknowledge")}</span>
          <strong className="kpi-value">{durationText(acknowledge.medianMs, t)}</strong>
          <span className="kpi-state">{t("alarmQuality.median")}</span>
          <span className="kpi-target">
            {t("alarmQuality.p95")} {durationText(acknowledge.p95Ms, t)}
          </span>
        </li>
        <li className="kpi kpi-plain">
          <span className="kpi-name">{t("alarmQuality.shelved")}</span>
          <strong className="kpi-value">{shelvedCount}</strong>
          <span className="kpi-target">
            {t("alarmQuality.oldestShelved")} {durationText(shelvedOldestMs, t)}
          </span>
        </li>
      </ul>
    </section>
  );
}
