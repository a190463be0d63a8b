import type { Aggregate, HistorySeriesView, HistoryView, SeriesBucket } from "#core/contracts/history.ts";
import { csvLine } from "#core/csv.ts";
import { InvalidInputError } from "#core/errors.ts";
import { type PointId, pointId } from "#core/ids.ts";
import { isFromRecord } from "#core/model/sample.ts";
import type { SiteCatalog } from "../ports.ts";
import type { Bucket, HistoryService, SeriesQuery, TelemetryStore } from "../telemetry-ports.ts";
import { iso } from "../time.ts";
import { autoInterval, bucketEdges, formatInterval, type Interval, parseInterval } from "./calendar.ts";
import { bucketFields, bucketLine, SAMPLE_FIELDS } from "./csv.ts";
import { type FilledBucket, fillBuckets } from "./fill.ts";

/** Buckets of a request that names no width: about one for two pixels of a chart. */
const AUTO_BUCKETS = 600;
/** Most buckets of one series, and of all series of one answer. */
const MAX_BUCKETS = 10_000;
const MAX_ANSWER_BUCKETS = 100_000;
/** Samples, or buckets of all series, that a file is made of at a time. */
const SLICE = 5000;
/** A file may be long, but not endless. */
const MAX_FILE_BUCKETS = 1_000_000;
const BOM = "\uFEFF";

interface Axis {
  readonly interval: Interval;
  readonly edges: readonly number[];
}

/** History of points for pages and programs. */
export class TelemetryHistoryService implements HistoryService {
  readonly #store: TelemetryStore;
  readonly #catalog: Pick<SiteCatalog, "point" | "timeZone">;
  constructor(store: TelemetryStore, catalog: Pick<SiteCatalog, "point" | "timeZone">) {
    this.#store = store;
    this.#catalog = catalog;
  }

  async samples(query: {
    readonly point: string;
    readonly from: number;
    readonly to: number;
    readonly limit: number;
  }): Promise<HistoryView> {
    const { from, to, limit } = query;
    checkRange(from, to);
    const point = pointId(query.point);
    const rows = await this.#store.read({ point, from, to, limit: limit + 1 });
    const samples = rows.slice(0, limit).map((row) => ({
      t: iso(row.observedAt),
      value: row.value,
      quality: row.quality,
      ...(row.reason === undefined ? {} : { reason: row.reason }),
      ...(isFromRecord(row) ? { historical: true } : {}),
    }));
    const next = rows[limit];
    const more = next === undefined ? {} : { truncated: true, nextFrom: iso(next.observedAt) };
    return { point, unit: this.#unit(point), samples, ...more };
  }

  async buckets(query: {
    readonly point: string;
    readonly from: number;
    readonly to: number;
    readonly interval?: string;
    readonly timeZone?: string;
  }): Promise<HistoryView> {
    const point = pointId(query.point);
    const { edges } = this.#axis(query, MAX_BUCKETS);
    const [buckets = []] = await this.#store.aggregate({ points: [point], edges });
    return {
      point,
      unit: this.#unit(point),
      buckets: buckets.map(({ t, min, max, mean, last, count, bad }) => ({
        t: iso(t),
        min,
        max,
        mean,
        last,
        count,
        bad,
      })),
    };
  }

  async series(query: SeriesQuery): Promise<HistorySeriesView> {
    const points = query.points.map(pointId);
    const { interval, edges } = this.#axis(
      query,
      Math.min(MAX_BUCKETS, Math.floor(MAX_ANSWER_BUCKETS / points.length)),
    );
    const series = await this.#filled(points, edges, query, await this.#before(points, edges, query));
    return {
      from: iso(edges[0] ?? query.from),
      to: iso(edges.at(-1) ?? query.to),
      interval: formatInterval(interval),
      series: points.map((point, i) => ({
        point,
        unit: this.#unit(point),
        buckets: shown(series[i] ?? [], query.aggregates),
      })),
    };
  }

  async *csv(query: SeriesQuery & { readonly raw: boolean; readonly bom: boolean }): AsyncGenerator<string> {
    checkRange(query.from, query.to);
    const points = query.points.map(pointId);
    // Before the first byte: a refusal must come as a problem document, not as the end of a file.
    const most = query.fill === "linear" ? MAX_ANSWER_BUCKETS : MAX_FILE_BUCKETS;
    const axis = query.raw ? undefined : this.#axis(query, Math.floor(most / points.length));
    const head = csvLine(axis === undefined ? SAMPLE_FIELDS : bucketFields(query.aggregates));
    let waiting = (query.bom ? BOM : "") + head;
    const lines = axis === undefined ? this.#allSamples(points, query) : this.#bucketLines(points, axis, query);
    // The head goes with the first lines: a store that is away is told as that, too.
    for await (const piece of lines) {
      yield waiting + piece;
      waiting = "";
    }
    if (waiting !== "") yield waiting;
  }

  async *#allSamples(points: readonly PointId[], { from, to }: SeriesQuery): AsyncGenerator<string> {
    for (const point of points) yield* this.#sampleLines(point, from, to);
  }

  async *#sampleLines(point: PointId, from: number, to: number): AsyncGenerator<string> {
    const { name, unit } = this.#described(point);
    for (let at = from; at < to; ) {
      const rows = await this.#store.read({ point, from: at, to, limit: SLICE });
      const lines = rows.map(({ observedAt, value, quality, reason }) =>
        csvLine([iso(observedAt), point, name, unit, value, quality, reason ?? null]),
      );
      if (lines.length > 0) yield lines.join("");
      const last = rows.at(-1);
      if (last === undefined || rows.length < SLICE) return;
      at = last.observedAt + 1;
    }
  }

  async *#bucketLines(points: readonly PointId[], { edges }: Axis, query: SeriesQuery): AsyncGenerator<string> {
    // A line between two values is only known when both are.
    const step = query.fill === "linear" ? edges.length : Math.max(1, Math.floor(SLICE / points.length));
    let before = await this.#before(points, edges, query);
    for (let i = 0; i < edges.length - 1; i += step) {
      const series = await this.#filled(points, edges.slice(i, i + step + 1), query, before);
      const lines = points.flatMap((point, at) => {
        const described = { id: point, ...this.#described(point) };
        return shown(series[at] ?? [], query.aggregates).map((one) => bucketLine(described, one, query.aggregates));
      });
      if (lines.length > 0) yield lines.join("");
      before = series.map((buckets) => buckets.at(-1)?.last ?? null);
    }
  }

  async #filled(
    points: readonly PointId[],
    edges: readonly number[],
    { aggregates, fill, rollover }: SeriesQuery,
    before: readonly Bucket["last"][],
  ): Promise<readonly (readonly FilledBucket[])[]> {
    const counters = aggregates.includes("increase")
      ? { counters: new Map(points.map((point) => [point, rollover ?? null])) }
      : {};
    const timeWeighted = aggregates.includes("twa") ? { timeWeighted: true } : {};
    const found = await this.#store.aggregate({ points, edges, ...timeWeighted, ...counters });
    const beginnings = edges.slice(0, -1);
    return points.map((_, i) => fillBuckets(beginnings, found[i] ?? [], fill, before[i] ?? null));
  }

  /** The values that held just before the first edge, where they are needed; null for what was not usable then. */
  async #before(
    points: readonly PointId[],
    edges: readonly number[],
    { fill }: SeriesQuery,
  ): Promise<readonly Bucket["last"][]> {
    if (fill !== "previous") return [];
    const samples = await this.#store.at(points, (edges[0] ?? 0) - 1);
    return samples.map((sample) => (sample === undefined || sample.quality === "bad" ? null : sample.value));
  }

  #axis(
    query: { readonly from: number; readonly to: number; readonly interval?: string; readonly timeZone?: string },
    most: number,
  ): Axis {
    const { from, to, timeZone = this.#catalog.timeZone } = query;
    checkRange(from, to);
    const interval =
      query.interval === undefined || query.interval === "auto"
        ? autoInterval(to - from, AUTO_BUCKETS)
        : parseInterval(query.interval);
    return { interval, edges: bucketEdges(from, to, interval, timeZone, most) };
  }

  #unit(point: PointId): string | null {
    return this.#catalog.point(point)?.unit ?? null;
  }

  #described(point: PointId): { readonly name: string; readonly unit: string | null } {
    return { name: this.#catalog.point(point)?.name ?? point, unit: this.#unit(point) };
  }
}

function checkRange(from: number, to: number): void {
  if (!Number.isFinite(from) || !Number.isFinite(to) || to <= from)
    throw new InvalidInputError("HISTORY_RANGE_INVALID", `history from ${from} to ${to}: expected from < to`);
}

function shown(buckets: readonly FilledBucket[], aggregates: readonly Aggregate[]): SeriesBucket[] {
  const wanted = aggregates.filter((name): name is Exclude<Aggregate, "count"> => name !== "count");
  return buckets.map((bucket) => {
    const { t, count, bad, timeWeightedMean: twa = null, increase = null, filled } = bucket;
    const figures = { ...bucket, twa, increase };
    return {
      t: iso(t),
      count,
      bad,
      ...Object.fromEntries(wanted.map((name) => [name, figures[name]])),
      ...(filled === true ? { filled } : {}),
    };
  });
}
