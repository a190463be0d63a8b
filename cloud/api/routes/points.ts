import { Type } from "typebox";
import { DeviceView } from "#core/contracts/devices.ts";
import { Page, PageQuery } from "#core/contracts/http.ts";
import { PointView } from "#core/contracts/points.ts";
import { HubError } from "#core/errors.ts";
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
/** Points and devices. */
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
