import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PointView } from "#core/contracts/http.ts";
import { useLoad } from "../../api/use-load.ts";
import { carriedOn, heightOf, TREND_RANGES, type TrendRange, trendLines } from "../../live/history-lines.ts";
import { useCell, useNow } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { EmptyState, ErrorState, LoadingState } from "../../ui/states.tsx";
import { TrendChart } from "./trend-chart.tsx";

const MOST_SAMPLES = 2000;
/** The history is asked for again so often. */
const REFRESH_MS = 60_000;

/** What the point was, over the range chosen. */
export function TrendSection({ point }: { readonly point: PointView }) {
  const { t } = useTranslation();
  const [range, setRange] = useState<TrendRange>(TREND_RANGES[0] as TrendRange);
  return (
    <section className="section">
      <div className="trend-head">
        <h3>{t("point.trend")}</h3>
        <fieldset className="ranges">
          <legend className="visually-hidden">{t("point.rangeLabel")}</legend>
          {TREND_RANGES.map((one) => (
            <button
              key={one.id}
              type="button"
              aria-pressed={one === range}
              data-testid={`range-${one.id}`}
              onClick={() => setRange(one)}
            >
              {t(`point.ranges.${one.id}`)}
            </button>
          ))}
        </fieldset>
      </div>
      <div className="trend">
        {point.kind === "string" ? (
          <EmptyState title={t("point.noTrend")} />
        ) : (
          <Trend key={range.id} point={point} range={range} />
        )}
      </div>
    </section>
  );
}

function Trend({ point, range }: { readonly point: PointView; readonly range: TrendRange }) {
  const { t } = useTranslation();
  const { api, preferences } = useServices();
  const theme = useCell(preferences.theme);
  const language = useCell(preferences.language);
  const round = Math.floor(useNow(REFRESH_MS / 4) / REFRESH_MS);
  const { id, kind } = point;
  const history = useLoad(`${id} ${range.id}`, async (signal) => {
    const nowMs = Date.now();
    const fromMs = nowMs - range.spanMs;
    const asked = { from: new Date(fromMs).toISOString(), to: new Date(nowMs).toISOString() };
    let answer = await api.history(id, { ...asked, limit: MOST_SAMPLES }, signal);
    // Each sample while they are few: only samples tell where a value was invalid. Buckets for what changes all the time.
    if (answer.truncated === true && kind === "number")
      answer = await api.history(id, { ...asked, interval: range.interval, agg: true }, signal);
    return { lines: trendLines(answer, range.interval), truncated: answer.truncated === true, fromMs };
  });
  useReloadEach(round, history.reload);
  const { observedAt, quality, value } = point.current;
  const lines = useMemo(() => {
    if (history.data === undefined) return undefined;
    const height = quality === "good" ? heightOf(value) : null;
    const observedMs = observedAt === null ? Number.NaN : Date.parse(observedAt);
    return carriedOn(history.data.lines, { fromMs: history.data.fromMs, nowMs: Date.now(), observedMs, height });
  }, [history.data, observedAt, quality, value]);

  if (lines === undefined || history.data === undefined)
    return history.error === undefined ? (
      <LoadingState />
    ) : (
      <ErrorState error={history.error} onRetry={history.reload} />
    );
  if (lines.times.length === 0) return <EmptyState title={t("point.noHistory")} />;
  return (
    <>
      <TrendChart lines={lines} point={point} from={history.data.fromMs} theme={theme} language={language} />
      <p className="soft trend-note">
        {t(history.data.truncated ? "point.truncated" : lines.band === undefined ? "point.gaps" : "point.band")}
      </p>
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
