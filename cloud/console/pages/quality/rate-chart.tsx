import { useTranslation } from "react-i18next";
import { BUCKET_MS, FLOOD_BEGINS_ABOVE, HOUR_LIMIT } from "#core/alarm/kpi-numbers.ts";
import type { KpiView } from "#core/contracts/alarm-quality.ts";
import { fullTime } from "../../i18n/format.ts";

/** Inner size of the drawing; it is stretched to the width there is. */
const [WIDTH, HEIGHT] = [960, 150];
/** More columns than this could not be told apart. */
const COLUMNS = 240;

/** Highest bucket of each column, first to last. */
export function columnsOf(view: KpiView, columns = COLUMNS): readonly number[] {
  const { from, to, rates } = view;
  const start = Date.parse(from);
  const span = Date.parse(to) - start;
  const count = Math.max(1, Math.min(columns, Math.ceil(span / rates.bucketMs)));
  const heights = new Array<number>(count).fill(0);
  for (const bucket of rates.buckets) {
    // The first bucket may begin before the period does.
    const place = Math.floor(((Date.parse(bucket.t) - start) / span) * count);
    const column = Math.min(count - 1, Math.max(0, place));
    heights[column] = Math.max(heights[column] ?? 0, bucket.count);
  }
  return heights;
}

/** The load by the clock as bars, the limit as a line, floods as shaded times. */
export function RateChart({ view }: { readonly view: KpiView }) {
  const { t } = useTranslation();
  const fine = view.rates.bucketMs === BUCKET_MS;
  const limit = fine ? FLOOD_BEGINS_ABOVE : HOUR_LIMIT;
  const columns = columnsOf(view);
  const most = Math.max(0, ...columns);
  const top = Math.max(limit * 1.5, most);
  const y = (count: number): number => HEIGHT - (count / top) * HEIGHT;
  const start = Date.parse(view.from);
  const span = Date.parse(view.to) - start;
  const x = (at: string | null): number =>
    Math.max(0, (((at === null ? start + span : Date.parse(at)) - start) / span) * WIDTH);
  const title = t(fine ? "alarmQuality.rates" : "alarmQuality.ratesHourly");
  const told = { count: most, floods: view.rates.floods.length };
  const hint = t(fine ? "alarmQuality.ratesHint" : "alarmQuality.ratesHintHourly", told);
  const width = WIDTH / columns.length;
  return (
    <figure className="rates" data-testid="rates">
      <figcaption>
        <h3>{title}</h3>
        <span className="soft">{hint}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${title}: ${hint}`}>
        {view.rates.floods.map((flood) => (
          <rect
            key={flood.from}
            className="rate-flood"
            x={x(flood.from)}
            width={Math.max(1, x(flood.to) - x(flood.from))}
            y={0}
            height={HEIGHT}
          />
        ))}
        {columns.map((count, column) =>
          count === 0 ? null : (
            <rect
              key={column}
              className={count > limit ? "rate-over" : "rate"}
              x={column * width}
              width={Math.max(0.5, width - 0.6)}
              y={y(count)}
              height={HEIGHT - y(count)}
            />
          ),
        )}
        <line className="rate-limit" x1={0} x2={WIDTH} y1={y(limit)} y2={y(limit)} />
      </svg>
      <div className="rate-axis soft" aria-hidden="true">
        <span>{fullTime(view.from).slice(5, 16)}</span>
        <span>{fullTime(view.to).slice(5, 16)}</span>
      </div>
    </figure>
  );
}
