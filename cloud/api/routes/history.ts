import { Readable } from "node:stream";
import { type Static, Type } from "typebox";
import { AGGREGATES, type Aggregate, Fill, HistorySeriesView, HistoryView } from "#core/contracts/history.ts";
import { Time } from "#core/contracts/http.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import type { Actor } from "../../ports.ts";
import type { SeriesQuery } from "../../telemetry-ports.ts";
import { mayAt } from "../access.ts";
import { attachment } from "../byte-range.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { closed, IdParams } from "./parts.ts";

/** Most points in one request. */
const MAX_POINTS = 20;
const DEFAULT_LIMIT = 5000;

const RANGE = {
  from: Time,
  to: Type.Optional(Type.String({ format: "date-time", description: "ISO 8601, UTC; now when absent." })),
} as const;
const INTERVAL = {
  interval: Type.Optional(
    Type.String({
      pattern: "^(auto|[1-9][0-9]{0,9}(ms|s|m|h|d|w|mo|y)?|PT?[1-9][0-9]{0,7}[YMWDHS])$",
      description:
        "Width of a bucket: 30s, 15m, 1h; 1d, 1w, 1mo, 1y by the calendar; PT15M, P1D, P1M; milliseconds without a unit; auto.",
    }),
  ),
  tz: Type.Optional(
    Type.String({
      maxLength: 64,
      description: "IANA time zone in which days and months begin; the site's when absent.",
    }),
  ),
} as const;

const PointHistoryQuery = Type.Object(
  {
    ...RANGE,
    ...INTERVAL,
    agg: Type.Optional(Type.Boolean({ description: "Buckets of min, max, mean, last instead of samples." })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 20_000 })),
  },
  closed,
);
const SERIES = {
  points: Type.String({
    minLength: 1,
    maxLength: 6000,
    description: `Up to ${MAX_POINTS} point ids, joined by commas.`,
  }),
  ...RANGE,
  ...INTERVAL,
  agg: Type.Optional(
    Type.String({
      maxLength: 100,
      description: `Any of ${AGGREGATES.join(", ")}, joined by commas; min,max,mean,last when absent.`,
    }),
  ),
  fill: Type.Optional(Fill),
  rollover: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, description: "Value at which counters start again at 0, for increase." }),
  ),
} as const;
const HistorySeriesQuery = Type.Object(SERIES, closed);
const HistoryCsvQuery = Type.Object(
  {
    ...SERIES,
    raw: Type.Optional(Type.Boolean({ description: "Every sample instead of buckets." })),
    bom: Type.Optional(Type.Boolean({ description: "Begin with a byte order mark, for spreadsheets." })),
  },
  closed,
);

function timeZone(name: string): string {
  let cause: unknown;
  try {
    // Intl also takes offsets such as +08:17: of those there are thousands, and each format that is kept costs memory.
    if (!/^[+-]/.test(name)) return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone;
  } catch (error) {
    cause = error;
  }
  throw new InvalidInputError("TIME_ZONE_INVALID", `tz ${name}: expected an IANA time zone, e.g. Asia/Shanghai`, {
    cause,
  });
}

function aggregates(text = "min,max,mean,last"): readonly Aggregate[] {
  const names = text.split(",").map((name) => name.trim());
  const wrong = names.find((name) => !(AGGREGATES as readonly string[]).includes(name));
  if (wrong === undefined) return names as Aggregate[];
  throw new InvalidInputError("AGGREGATE_INVALID", `agg ${wrong}: expected any of ${AGGREGATES.join(", ")}`);
}

/** History of points: samples, buckets, several series, files. */
export function historyRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const known = (id: string, actor: Actor): string => {
    const found = deps.state.point(id);
    if (found && mayAt(deps, actor, "point.read", found.space)) return id;
    throw new HubError("POINT_UNKNOWN", `point ${id}: no such point`);
  };
  const range = (query: { from: string; to?: string }): { from: number; to: number } => {
    const from = Date.parse(query.from);
    const to = query.to === undefined ? deps.clock.now() : Date.parse(query.to);
    if (from < to) return { from, to };
    throw new InvalidInputError("TIME_RANGE_INVALID", "expected from before to");
  };
  const widths = ({ interval, tz }: { interval?: string; tz?: string }) => ({
    ...(interval === undefined ? {} : { interval }),
    ...(tz === undefined ? {} : { timeZone: timeZone(tz) }),
  });
  const seriesOf = (query: Static<typeof HistorySeriesQuery>, actor: Actor): SeriesQuery => {
    const points = [...new Set(query.points.split(",").map((id) => id.trim()))];
    if (points.length > MAX_POINTS)
      throw new InvalidInputError("POINTS_TOO_MANY", `${points.length} points: expected at most ${MAX_POINTS}`);
    return {
      points: points.map((id) => known(id, actor)),
      ...range(query),
      ...widths(query),
      aggregates: aggregates(query.agg),
      fill: query.fill ?? "none",
      ...(query.rollover === undefined ? {} : { rollover: query.rollover }),
    };
  };
  return [
    route({
      method: "GET",
      url: "/points/:id/history",
      access: allow("point.read"),
      summary: "What the point was, as samples or as buckets",
      tag: "points",
      params: IdParams,
      query: PointHistoryQuery,
      answer: HistoryView,
      handle({ params, query, actor }) {
        const point = known(params.id, actor);
        const times = range(query);
        return (query.agg ?? query.interval !== undefined)
          ? deps.history.buckets({ point, ...times, ...widths(query) })
          : deps.history.samples({ point, ...times, limit: query.limit ?? DEFAULT_LIMIT });
      },
    }),
    route({
      method: "GET",
      url: "/history",
      access: allow("point.read"),
      summary: "What several points were, as buckets over one axis of time",
      tag: "points",
      query: HistorySeriesQuery,
      answer: HistorySeriesView,
      handle: ({ query, actor }) => deps.history.series(seriesOf(query, actor)),
    }),
    route({
      method: "GET",
      url: "/history.csv",
      access: allow("point.read"),
      summary: "The same, or every sample, as a CSV file that is streamed",
      tag: "points",
      query: HistoryCsvQuery,
      async handle({ query, actor, reply }) {
        const { raw = false, bom = false } = query;
        const lines = deps.history.csv({ ...seriesOf(query, actor), raw, bom });
        // The first piece is made before the answer begins: what is refused is refused as a problem document.
        const first = await lines.next();
        const rest = async function* (): AsyncGenerator<string> {
          if (first.done !== true) yield first.value;
          yield* lines;
        };
        return reply
          .type("text/csv; charset=utf-8; header=present")
          .header("cache-control", "private, no-store")
          .header("content-disposition", attachment("history", "csv"))
          .send(Readable.from(rest(), { objectMode: false }));
      },
    }),
  ];
}
