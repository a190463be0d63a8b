import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLoad } from "../../api/use-load.ts";
import { sampleLines } from "../../live/history-lines.ts";
import { useCell } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { EmptyState, ErrorState, LoadingState } from "../../ui/states.tsx";
import { TrendChart } from "../devices/trend-chart.tsx";
import "./alarm-trend.css";

/** What is shown before and after the alarm, ms. */
const BEFORE_MS = 1_800_000;
const AFTER_MS = 1_800_000;
const MOST_SAMPLES = 2000;

/** The alarm's point around the alarm. Loaded when an alarm has a point. */
export default function AlarmTrend({ point: id, raisedAt }: { readonly point: string; readonly raisedAt: string }) {
  const { t } = useTranslation();
  const { api, preferences } = useServices();
  const theme = useCell(preferences.theme);
  const language = useCell(preferences.language);
  const [zoom, setZoom] = useState<{ readonly fromMs: number; readonly toMs: number }>();
  const raised = Date.parse(raisedAt);
  const trend = useLoad(`${id} ${raisedAt} ${zoom?.fromMs} ${zoom?.toMs}`, async (signal) => {
    const bounds = zoom ?? { fromMs: raised - BEFORE_MS, toMs: Math.min(Date.now(), raised + AFTER_MS) };
    const range = { from: new Date(bounds.fromMs).toISOString(), to: new Date(bounds.toMs).toISOString() };
    const [point, history] = await Promise.all([
      api.point(id, signal),
      api.history(id, { ...range, limit: MOST_SAMPLES }, signal),
    ]);
    return { point, bounds, lines: sampleLines(history.samples ?? []) };
  });
  return (
    <section className="section alarm-trend" data-testid="alarm-trend">
      <div className="alarm-trend-head">
        <h3>{t("alarm.trend.title")}</h3>
        {zoom !== undefined && (
          <button type="button" className="plain" onClick={() => setZoom(undefined)}>
            {t("alarm.trend.whole")}
          </button>
        )}
      </div>
      {trend.data === undefined && trend.error === undefined && <LoadingState />}
      {trend.error !== undefined && <ErrorState error={trend.error} onRetry={trend.reload} />}
      {trend.data !== undefined &&
        (trend.data.point.kind === "string" || trend.data.lines.times.length === 0 ? (
          <EmptyState title={t(trend.data.point.kind === "string" ? "point.noTrend" : "point.noHistory")} />
        ) : (
          <TrendChart
            lines={trend.data.lines}
            point={trend.data.point}
            {...trend.data.bounds}
            theme={theme}
            language={language}
            onZoom={(fromMs, toMs) => setZoom({ fromMs, toMs })}
          />
        ))}
    </section>
  );
}
