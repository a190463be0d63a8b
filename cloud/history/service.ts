import type { HistoryView } from "#core/contracts/http.ts";
import { InvalidInputError } from "#core/errors.ts";
import { pointId } from "#core/ids.ts";
import type { HistoryService, SiteCatalog, TelemetryStore } from "../ports.ts";
import { iso } from "../time.ts";
import { startOfLocalDay } from "./local-day.ts";

/** Buckets of a request that names no width. */
const DEFAULT_BUCKETS = 300;
/** Most buckets in one answer. */
const MAX_BUCKETS = 10_000;

/** History of one point for pages and programs. */
export class TelemetryHistoryService implements HistoryService {
  readonly #store: TelemetryStore;
  readonly #catalog: Pick<SiteCatalog, "point" | "timeZone">;
  constructor(store: TelemetryStore, catalog: Pick<SiteCatalog, "point" | "timeZone">) {
    this.#store = store;
    this.#catalog = catalog;
  }

  /**
   * Raw samples, oldest first, `truncated` when there are more than `limit`; or with `agg` buckets of `intervalMs` that
   * begin with the local day of `timeZone` (the site's when absent). `from` inclusive, `to` exclusive, Unix ms.
   * @throws ID_INVALID, HISTORY_RANGE_INVALID, HISTORY_TOO_MANY_BUCKETS
   */
  async history(query: {
    readonly point: string;
    readonly from: number;
    readonly to: number;
    readonly intervalMs?: number;
    readonly agg?: boolean;
    readonly timeZone?: string;
    readonly limit: number;
  }): Promise<HistoryView> {
    const { from, to } = query;
    const point = pointId(query.point);
    if (!Number.isFinite(from) || !Number.isFinite(to) || to <= from)
      throw new InvalidInputError("HISTORY_RANGE_INVALID", `history from ${from} to ${to}: expected from < to`);
    const unit = this.#catalog.point(point)?.unit ?? null;
    if (query.agg === true) return { point, unit, buckets: await this.#buckets(point, query) };
    const rows = await this.#store.read({ point, from, to, limit: query.limit + 1 });
    const samples = rows
      .slice(0, query.limit)
      .map(({ observedAt, value, quality }) => ({ t: iso(observedAt), value, quality }));
    return { point, unit, samples, ...(rows.length > query.limit ? { truncated: true } : {}) };
  }

  async #buckets(
    point: ReturnType<typeof pointId>,
    query: {
      readonly from: number;
      readonly to: number;
      readonly intervalMs?: number;
      readonly timeZone?: string;
    },
  ): Promise<NonNullable<HistoryView["buckets"]>> {
    const { from, to, intervalMs, timeZone = this.#catalog.timeZone } = query;
    const bucketMs = intervalMs ?? Math.max(1000, Math.ceil((to - from) / DEFAULT_BUCKETS / 1000) * 1000);
    if (bucketMs < 1 || (to - from) / bucketMs > MAX_BUCKETS)
      throw new InvalidInputError(
        "HISTORY_TOO_MANY_BUCKETS",
        `intervals of ${bucketMs} ms over ${to - from} ms: expected at most ${MAX_BUCKETS}`,
      );
    const alignMs = startOfLocalDay(from, timeZone);
    const buckets = await this.#store.buckets({ point, from, to, bucketMs, alignMs });
    return buckets.map(({ t, ...rest }) => ({ t: iso(t), ...rest }));
  }
}
