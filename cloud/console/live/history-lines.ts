import type { HistoryView } from "#core/contracts/http.ts";
import type { Value } from "#core/model/sample.ts";

/** A trend ready to be drawn: times in seconds since 1970, beside them one value a line. null breaks the line. */
export interface TrendLines {
  readonly times: readonly number[];
  /** The value, or the mean of each bucket. */
  readonly main: readonly (number | null)[];
  /** Lowest and highest of each bucket; absent for samples. */
  readonly band?: { readonly min: readonly (number | null)[]; readonly max: readonly (number | null)[] };
}

/** How far back a trend looks. */
export interface TrendRange {
  readonly id: "m10" | "h1" | "h8" | "h24" | "d7";
  readonly spanMs: number;
  /** Width of a bucket, where there are too many samples to draw each: about as many buckets as the chart has pixels. */
  readonly interval: string;
}

/** The ranges offered. */
export const TREND_RANGES: readonly TrendRange[] = [
  { id: "m10", spanMs: 600_000, interval: "2s" },
  { id: "h1", spanMs: 3_600_000, interval: "10s" },
  { id: "h8", spanMs: 8 * 3_600_000, interval: "1m" },
  { id: "h24", spanMs: 24 * 3_600_000, interval: "3m" },
  { id: "d7", spanMs: 7 * 24 * 3_600_000, interval: "20m" },
];

/** Width of an interval such as `5m`, ms; 0 for what is none. */
export function intervalMs(text: string): number {
  const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  return Number(text.slice(0, -1)) * (units[text.slice(-1)] ?? 0) || 0;
}

/** A value as a height in the chart: states by their number. Text and no value have none. */
export function heightOf(value: Value): number | null {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Samples as a line that is broken wherever the value was not good: what was not known is not drawn. */
function sampleLines(samples: NonNullable<HistoryView["samples"]>): TrendLines {
  const times: number[] = [];
  const main: (number | null)[] = [];
  for (const { t, value, quality } of samples) {
    times.push(Date.parse(t) / 1000);
    main.push(quality === "good" ? heightOf(value) : null);
  }
  return { times, main };
}

/** Buckets as mean, minimum and maximum; a bucket that is missing or holds nothing good breaks all three. */
function bucketLines(buckets: NonNullable<HistoryView["buckets"]>, widthMs: number): TrendLines {
  const times: number[] = [];
  const main: (number | null)[] = [];
  const min: (number | null)[] = [];
  const max: (number | null)[] = [];
  let previous = Number.NaN;
  for (const bucket of buckets) {
    const at = Date.parse(bucket.t);
    if (at - previous > widthMs * 1.5) {
      times.push((previous + widthMs) / 1000);
      for (const line of [main, min, max]) line.push(null);
    }
    times.push(at / 1000);
    main.push(bucket.count === 0 ? null : (bucket.mean ?? heightOf(bucket.last)));
    min.push(bucket.count === 0 ? null : bucket.min);
    max.push(bucket.count === 0 ? null : bucket.max);
    previous = at;
  }
  return { times, main, band: { min, max } };
}

/** The lines of an answer of the history; `interval` is the width of its buckets if it has some. */
export function trendLines(history: HistoryView, interval: string): TrendLines {
  if (history.buckets !== undefined) return bucketLines(history.buckets, intervalMs(interval));
  return sampleLines(history.samples ?? []);
}

/** The newest value of the point, and the time up to which the trend is drawn; Unix ms. */
export interface TrendEnd {
  readonly fromMs: number;
  readonly nowMs: number;
  /** When the newest value was seen. */
  readonly observedMs: number;
  /** null when it is not good. */
  readonly height: number | null;
}

/**
 * The line carried on to now: a value holds until the next one is reported. A value that was last reported before the range begins
 * has held all through it. Only samples are carried on.
 */
export function carriedOn(lines: TrendLines, { fromMs, nowMs, observedMs, height }: TrendEnd): TrendLines {
  if (lines.band !== undefined) return lines;
  if (lines.times.length === 0) {
    if (height === null || !(observedMs <= fromMs)) return lines;
    return { times: [fromMs / 1000, nowMs / 1000], main: [height, height] };
  }
  const last = lines.times.at(-1) ?? 0;
  const seen = observedMs / 1000 > last ? [observedMs / 1000] : [];
  const until = nowMs / 1000 > Math.max(last, ...seen) ? [nowMs / 1000] : [];
  const added = [...seen, ...until];
  return { times: [...lines.times, ...added], main: [...lines.main, ...added.map(() => height)] };
}
