import { type Static, Type } from "typebox";
import { DeviceEventView } from "#core/contracts/devices.ts";
import { Page, PageQuery, Time } from "#core/contracts/http.ts";
import { InvalidInputError } from "#core/errors.ts";
import type { Actor, DeviceEventQuery } from "../../ports.ts";
import { mayAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { closed, pageOf } from "./parts.ts";

const EventQuery = Type.Object(
  {
    ...PageQuery,
    device: Type.Optional(Type.String({ maxLength: 200 })),
    kind: Type.Optional(Type.String({ maxLength: 64, description: "accessDenied, doorForced, motion ..." })),
    door: Type.Optional(Type.String({ maxLength: 64, description: "Door id." })),
    from: Type.Optional(Time),
    to: Type.Optional(Time),
  },
  closed,
);

function timeOf(text: string | undefined, name: string): number | undefined {
  const at = text === undefined ? undefined : Date.parse(text);
  if (Number.isNaN(at)) throw new InvalidInputError("TIME_RANGE_INVALID", `${name}: expected a time, got ${text}`);
  return at;
}

/** What devices told: cards read, motion, panel events. Who a person is, is told only with `access.read`. */
export function deviceEventRoutes(deps: ApiDeps): readonly ApiRoute[] {
  /** The filters in the service's words; undefined when the door is none that the actor sees. */
  const asked = (query: Static<typeof EventQuery>, actor: Actor): Partial<DeviceEventQuery> | undefined => {
    const { device, kind } = query;
    const door = query.door === undefined ? undefined : deps.doors.door(query.door);
    if (query.door !== undefined && (door === undefined || !mayAt(deps, actor, "point.read", door.space)))
      return undefined;
    const [from, to] = [timeOf(query.from, "from"), timeOf(query.to, "to")];
    return {
      ...(device === undefined ? {} : { device }),
      ...(kind === undefined ? {} : { kind }),
      ...(door === undefined ? {} : { door }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    };
  };
  return [
    route({
      method: "GET",
      url: "/events",
      access: allow("point.read"),
      summary: "What devices told: access, motion, panel events; newest first",
      tag: "events",
      query: EventQuery,
      answer: Page(DeviceEventView),
      handle({ query, actor }) {
        const filters = asked(query, actor);
        if (filters === undefined) return { items: [] };
        return deps.deviceEvents.list({
          ...pageOf(query),
          ...filters,
          visible: deps.authority.spaces(actor, "point.read"),
          personal: deps.authority.spaces(actor, "access.read"),
        });
      },
    }),
  ];
}
