import { Type } from "typebox";
import { DeviceView, HistoryView, Page, PageQuery, PointView, Time } from "#core/contracts/http.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import type { Actor } from "../../ports.ts";
import { mayAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { closed, IdParams, ListQuery, pageOf } from "./parts.ts";

const PointQuery = Type.Object(
  {
    ...PageQuery,
    q: Type.Optional(Type.String({ maxLength: 100, description: "Part of id or name." })),
    device: Type.Optional(Type.String()),
    gateway: Type.Optional(Type.String()),
  },
  closed,
);
const HistoryQuery = Type.Object(
  {
    from: Time,
    to: Type.Optional(Time),
    interval: Type.Optional(
      Type.String({
        pattern: "^[1-9][0-9]{0,9}(ms|s|m|h|d)?$",
        description: "Width of a bucket, e.g. 5m, 1h; milliseconds without a unit.",
      }),
    ),
    agg: Type.Optional(Type.Boolean({ description: "Buckets of min, max, mean, last instead of samples." })),
    tz: Type.Optional(
      Type.String({
        maxLength: 64,
        description: "IANA time zone in which buckets begin with the day; the site's when absent.",
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 20_000 })),
  },
  closed,
);

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MOST_BUCKETS = 5000;

function intervalMs(text: string, spanMs: number): number {
  const [, count = "", unit = "ms"] = /^(\d+)([a-z]+)?$/.exec(text) ?? [];
  const ms = Number(count) * (UNIT_MS[unit] ?? 0);
  if (ms > 0 && spanMs / ms <= MOST_BUCKETS) return ms;
  throw new InvalidInputError(
    "INTERVAL_INVALID",
    `interval ${text}: expected at most ${MOST_BUCKETS} buckets in the range asked for`,
  );
}

function timeZone(name: string): string {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions().timeZone;
  } catch (cause) {
    throw new InvalidInputError("TIME_ZONE_INVALID", `tz ${name}: expected an IANA time zone, e.g. Asia/Shanghai`, {
      cause,
    });
  }
}

/** Points, their history, and devices. */
export function pointRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const visible = (actor: Actor) => deps.authority.spaces(actor, "point.read");
  const point = (id: string, actor: Actor): PointView => {
    const found = deps.state.point(id);
    if (found && mayAt(deps, actor, "point.read", found.space)) return found;
    throw new HubError("POINT_UNKNOWN", `point ${id}: no such point`);
  };
  return [
    route({
      method: "GET",
      url: "/points",
      access: allow("point.read"),
      summary: "Points with their current values, by id",
      tag: "points",
      query: PointQuery,
      answer: Page(PointView),
      handle({ query, actor }) {
        const { q, device, gateway } = query;
        return deps.state.points({
          ...pageOf(query),
          ...(q === undefined ? {} : { q }),
          ...(device === undefined ? {} : { device }),
          ...(gateway === undefined ? {} : { gateway }),
          visible: visible(actor),
        });
      },
    }),
    route({
      method: "GET",
      url: "/points/:id",
      access: allow("point.read"),
      summary: "One point with its current value",
      tag: "points",
      params: IdParams,
      answer: PointView,
      handle: ({ params, actor }) => point(params.id, actor),
    }),
    route({
      method: "GET",
      url: "/points/:id/history",
      access: allow("point.read"),
      summary: "What the point was, as samples or as buckets",
      tag: "points",
      params: IdParams,
      query: HistoryQuery,
      answer: HistoryView,
      handle({ params, query, actor }) {
        const { id } = point(params.id, actor);
        const from = Date.parse(query.from);
        const to = query.to === undefined ? deps.clock.now() : Date.parse(query.to);
        if (!(from < to)) throw new InvalidInputError("TIME_RANGE_INVALID", "expected from before to");
        const agg = query.agg ?? query.interval !== undefined;
        const width = query.interval === undefined ? undefined : intervalMs(query.interval, to - from);
        return deps.history.history({
          point: id,
          from,
          to,
          agg,
          limit: query.limit ?? 5000,
          ...(width === undefined ? {} : { intervalMs: width }),
          ...(query.tz === undefined ? {} : { timeZone: timeZone(query.tz) }),
        });
      },
    }),
    route({
      method: "GET",
      url: "/devices",
      access: allow("point.read"),
      summary: "Devices and whether they answer, by id",
      tag: "points",
      query: ListQuery,
      answer: Page(DeviceView),
      handle: ({ query, actor }) => deps.state.devices({ ...pageOf(query), visible: visible(actor) }),
    }),
    route({
      method: "GET",
      url: "/devices/:id",
      access: allow("point.read"),
      summary: "One device",
      tag: "points",
      params: IdParams,
      answer: DeviceView,
      handle({ params, actor }) {
        const found = deps.state.device(params.id);
        if (found && mayAt(deps, actor, "point.read", found.space)) return found;
        throw new HubError("DEVICE_UNKNOWN", `device ${params.id}: no such device`);
      },
    }),
  ];
}
