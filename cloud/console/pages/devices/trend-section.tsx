import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PointView } from "#core/contracts/points.ts";
import { useLoad } from "../../api/use-load.ts";
import { bucketLines, carriedOn, heightOf, sampleLines } from "../../live/history-lines.ts";
import { useCell, useNow } from "../../live/hooks.ts";
import { boundsOf, TREND_SPANS, type TrendWindow, windowOf } from "../../live/trend-window.ts";
import { useServices } from "../../services-context.ts";
import { EmptyState, ErrorState, LoadingState } from "../../ui/states.tsx";
import { HealedNotes } from "./healed-notes.tsx";
import { TrendChart } from "./trend-chart.tsx";
import { TrendControls } from "./trend-controls.tsx";

/** More samples than this are shown as buckets: more than a chart has pixels. */
const MOST_SAMPLES = 2000;
/** A trend up to now is asked for again so often. */
const REFRESH_MS = 60_000;

function csvAddress({ id }: PointView, window: TrendWindow): string {
  const { fromMs, toMs } = boundsOf(window, Date.now());
  const range = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
  return `/api/v1/history.csv?${new URLSearchParams({ points: id, ...range, raw: "true", bom: "true" })}`;
}

/** What the point was, over the time chosen: a second to five years. */
export function TrendSection({ point }: { readonly point: PointView }) {
  const { t } = useTranslation();
  const [window, setWindow] = useState<TrendWindow>({ spanMs: TREND_SPANS[0].spanMs });
  return (
    <section className="section">
      <div className="trend-head">
        <h3>{t("point.trend")}</h3>
        {point.kind !== "string" && (
          <TrendControls window={window} onChange={setWindow} csv={csvAddress(point, window)} />
        )}
      </div>
      <div className="trend">
        {point.kind === "string" ? (
          <EmptyState title={t("point.noTrend")} />
        ) : (
          <Trend
            point={point}
            window={window}
            onZoom={(fromMs, toMs) => setWindow(windowOf(fromMs, toMs, Date.now()))}
          />
        )}
      </div>
    </section>
  );
}

interface TrendProps {
  readonly point: PointView;
  readonly window: TrendWindow;
  readonly onZoom: (fromMs: number, toMs: number) => void;
}

function Trend({ point, window, onZoom }: TrendProps) {
  const { t } = useTranslation();
  const { api, preferences } = useServices();
  const theme = useCell(preferences.theme);
  const language = useCell(preferences.language);
  const round = Math.floor(useNow(REFRESH_MS / 4) / REFRESH_MS);
  const { id } = point;
  const live = window.endMs === undefined;
  const history = useLoad(`${id} ${window.spanMs} ${window.endMs ?? "now"}`, async (signal) => {
    const bounds = boundsOf(window, Date.now());
    const asked = { from: new Date(bounds.fromMs).toISOString(), to: new Date(bounds.toMs).toISOString() };
    const answer = await api.history(id, { ...asked, limit: MOST_SAMPLES }, signal);
    // Each sample while they are few: only samples tell why a value was not good. Buckets for what changes all the time.
    if (answer.truncated !== true) return { bounds, lines: sampleLines(answer.samples ?? []) };
    const { series } = await api.historySeries([id], asked, signal);
    return { bounds, lines: bucketLines(series[0]?.buckets ?? []) };
  });
  useReloadEach(live ? round : 0, history.reload);
  const { observedAt, quality, value } = point.current;
  const shown = useMemo(() => {
    if (history.data === undefined) return undefined;
    const { lines, bounds } = history.data;
    if (!live) return { lines, ...bounds };
    const nowMs = Date.now();
    const height = quality === "good" ? heightOf(value) : null;
    const observedMs = observedAt === null ? Number.NaN : Date.parse(observedAt);
    const carried = carriedOn(lines, { fromMs: bounds.fromMs, nowMs, observedMs, height });
    return { lines: carried, fromMs: bounds.fromMs, toMs: nowMs };
  }, [history.data, live, observedAt, quality, value]);

  if (shown === undefined)
    return history.error === undefined ? (
      <LoadingState />
    ) : (
      <ErrorState error={history.error} onRetry={history.reload} />
    );
  if (shown.lines.times.length === 0) return <EmptyState title={t("point.noHistory")} />;
  return (
    <>
      <TrendChart {...shown} point={point} theme={theme} language={language} onZoom={onZoom} />
      <HealedNotes device={point.device} fromMs={shown.fromMs} toMs={shown.toMs} round={round} />
      <p className="soft trend-note">{t(shown.lines.band === undefined ? "point.gaps" : "point.band")}</p>
    </>
  );
}

/** Reloads when the round changes, but not in the first. */
function useReloadEach(round: number, reload: () => void): void {
  const [seen, setSeen] = useState(round);
  if (seen !== round) {
    setSeen(round);
    queueMicrotask(reload);
  }
}
