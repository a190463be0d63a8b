import type { HistoryView, SeriesBucket } from "#core/contracts/history.ts";
import type { Value } from "#core/model/sample.ts";

/** A trend ready to be drawn: times in seconds since 1970, beside them one value a line. null breaks a line. */
export interface TrendLines {
  readonly times: readonly number[];
  /** Where the value was good: the value, or the mean of each bucket. */
  readonly main: readonly (number | null)[];
  /** Where it was uncertain: shown, but not as a fact. Absent for buckets. */
  readonly uncertain?: readonly (number | null)[];
  /** What is to be told of a time where there is no good value: quality and reason as `<quality>|<reason>`, or how many samples were bad. */
  readonly notes: readonly (string | number | undefined)[];
  /** Places in `times` of samples that were taken from the device's own record after an outage; none for buckets. */
  readonly historical?: readonly number[];
  /** Lowest and highest of each bucket; absent for samples. */
  readonly band?: { readonly min: readonly (number | null)[]; readonly max: readonly (number | null)[] };
}

/** A value as a height in the chart: states by their number. Text and no value have none. */
export function heightOf(value: Value): number | null {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

type Sample = NonNullable<HistoryView["samples"]>[number];

interface Drawn {
  readonly times: number[];
  readonly main: (number | null)[];
  readonly uncertain: (number | null)[];
  readonly notes: (string | undefined)[];
  readonly historical: number[];
}

function draw(
  into: Drawn,
  time: number,
  height: number | null,
  { quality, reason }: Pick<Sample, "quality" | "reason">,
) {
  into.times.push(time);
  into.main.push(quality === "good" ? height : null);
  into.uncertain.push(quality === "uncertain" ? height : null);
  into.notes.push(quality === "good" ? undefined : reason === undefined ? quality : `${quality}|${reason}`);
}

/** Samples as steps: what was good, what was uncertain, and nothing where there was no value to believe. */
export function sampleLines(samples: readonly Sample[]): TrendLines {
  const drawn: Drawn = { times: [], main: [], uncertain: [], notes: [], historical: [] };
  let previous: Sample | undefined;
  for (const sample of samples) {
    const time = Date.parse(sample.t) / 1000;
    // A value holds until the next one: where the quality changes its line ends just before, not at the sample before that.
    if (previous !== undefined && previous.quality !== sample.quality && time - 0.001 > (drawn.times.at(-1) ?? time))
      draw(drawn, time - 0.001, heightOf(previous.value), previous);
    if (sample.historical === true) drawn.historical.push(drawn.times.length);
    draw(drawn, time, heightOf(sample.value), sample);
    previous = sample;
  }
  return drawn;
}

/** Buckets as mean, minimum and maximum; states as the last one. A bucket without a usable value breaks all three. */
export function bucketLines(buckets: readonly SeriesBucket[]): TrendLines {
  const used = buckets.map((bucket) => (bucket.count > 0 ? bucket : undefined));
  return {
    times: buckets.map(({ t }) => Date.parse(t) / 1000),
    main: used.map((bucket) => bucket?.mean ?? heightOf(bucket?.last ?? null)),
    notes: buckets.map(({ count, bad }) => (count === 0 && bad > 0 ? bad : undefined)),
    band: { min: used.map((bucket) => bucket?.min ?? null), max: used.map((bucket) => bucket?.max ?? null) },
  };
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
  const last = lines.times.at(-1);
  if (last === undefined && (height === null || !(observedMs <= fromMs))) return lines;
  const from = last ?? fromMs / 1000;
  const begin = last === undefined ? [from] : [];
  const seen = observedMs / 1000 > from ? [observedMs / 1000] : [];
  const until = nowMs / 1000 > Math.max(from, ...seen) ? [nowMs / 1000] : [];
  const added = [...begin, ...seen, ...until];
  return {
    ...lines,
    times: [...lines.times, ...added],
    main: [...lines.main, ...added.map(() => height)],
    uncertain: [...(lines.uncertain ?? []), ...added.map(() => null)],
    notes: [...lines.notes, ...added.map(() => undefined)],
  };
}
