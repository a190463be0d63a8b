import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PointView } from "#core/contracts/http.ts";
import { useLoad } from "../../api/use-load.ts";
import { carriedOn, heightOf, TREND_RANGES, type TrendRange, trendLines } from "../../live/history-lines.ts";
import { useCell, useNow } from "../../live/hooks.ts";
import { useServices } from "../../services-context.ts";
import { EmptyState, ErrorState, LoadingState } from "../../ui/states.tsx";
import { TrendChart } from "./trend-chart.tsx";

const MOST_SAMPLES = 10_000;
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
  const { interval, spanMs } = range;
  const history = useLoad(`${id} ${range.id}`, async (signal) => {
    const now = Date.now();
    const asked = {
      from: new Date(now - spanMs).toISOString(),
      to: new Date(now).toISOString(),
      ...(interval === undefined || kind !== "number" ? { limit: MOST_SAMPLES } : { interval, agg: true }),
    };
    const answer = await api.history(id, asked, signal);
    return { lines: trendLines(answer, interval), truncated: answer.truncated === true, from: now - spanMs };
  });
  useReloadEach(round, history.reload);
  const { observedAt, quality, value } = point.current;
  const lines = useMemo(() => {
    if (history.data === undefined) return undefined;
    const now = quality === "good" ? Date.now() : Date.parse(observedAt ?? "");
    return carriedOn(history.data.lines, now, quality === "good" ? heightOf(value) : null);
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
      <TrendChart lines={lines} point={point} from={history.data.from} theme={theme} language={language} />
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
