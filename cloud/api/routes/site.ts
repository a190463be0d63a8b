import { type Static, Type } from "typebox";
import { CommandView, Page } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import { Partition, Space, Zone } from "#core/model/site.ts";
import type { Actor, Visible } from "../../ports.ts";
import { requireAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { BoundedListQuery, boundedPage, closed, IdParams } from "./parts.ts";

const Camera = Type.Object({
  id: Type.String(),
  name: Type.String(),
  nameEn: Type.String(),
  space: Type.String(),
  ptz: Type.Boolean(),
  zones: Type.Array(Type.Object({ zone: Type.String(), preset: Type.Optional(Type.String()) })),
});
const Ptz = Type.Object({ preset: Type.String({ minLength: 1, maxLength: 64 }) }, closed);

const inside = <T extends { readonly space: string }>(entries: readonly T[], visible: Visible): readonly T[] =>
  visible === "all" ? entries : entries.filter((entry) => visible.has(entry.space));

const idOf = ({ id }: { readonly id: string }): string => id;

/** Places, zones and cameras. */
export function siteRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const { catalog, authority } = deps;
  const cameras = (actor: Actor) =>
    inside(catalog.devices(), authority.spaces(actor, "point.read"))
      .filter((device) => device.kind.startsWith("camera"))
      .map(
        ({ id, name, nameEn, space }): Static<typeof Camera> => ({
          id,
          name,
          nameEn,
          space,
          // A camera that can be turned tells where it looks.
          ptz: catalog.point(`${id}/pan`) !== undefined,
          zones: catalog
            .zones()
            .flatMap((zone) =>
              zone.camera === id
                ? [{ zone: zone.id, ...(zone.preset === undefined ? {} : { preset: zone.preset }) }]
                : [],
            ),
        }),
      );
  return [
    route({
      method: "GET",
      url: "/spaces",
      access: allow("site.read"),
      summary: "The tree of places",
      tag: "site",
      query: BoundedListQuery,
      answer: Page(Space),
      handle({ actor, query }) {
        const visible = authority.spaces(actor, "site.read");
        const spaces = catalog.spaces().filter(({ id }) => visible === "all" || visible.has(id));
        return boundedPage(spaces, idOf, query);
      },
    }),
    route({
      method: "GET",
      url: "/partitions",
      access: allow("site.read"),
      summary: "What is armed as one",
      tag: "site",
      query: BoundedListQuery,
      answer: Page(Partition),
      handle: ({ actor, query }) =>
        boundedPage(inside(catalog.partitions(), authority.spaces(actor, "site.read")), idOf, query),
    }),
    route({
      method: "GET",
      url: "/zones",
      access: allow("site.read"),
      summary: "Detector zones with camera, preset and light",
      tag: "site",
      query: BoundedListQuery,
      answer: Page(Zone),
      handle: ({ actor, query }) =>
        boundedPage(inside(catalog.zones(), authority.spaces(actor, "site.read")), idOf, query),
    }),
    route({
      method: "GET",
      url: "/cameras",
      access: allow("point.read"),
      summary: "Cameras and the zones they look at",
      tag: "site",
      query: BoundedListQuery,
      answer: Page(Camera),
      handle: ({ actor, query }) => boundedPage(cameras(actor), idOf, query),
    }),
    route({
      method: "POST",
      url: "/cameras/:id/ptz",
      access: allow("command.action"),
      summary: "Turn a camera to a preset",
      tag: "site",
      params: IdParams,
      body: Ptz,
      answer: CommandView,
      handle({ params, body, actor, reply }) {
        const camera = cameras(actor).find(({ id }) => id === params.id);
        if (camera === undefined) throw new HubError("DEVICE_UNKNOWN", `camera ${params.id}: no such camera`);
        requireAt(deps, actor, "command.action", camera.space);
        return reply
          .code(202)
          .send(
            deps.commands.request({ device: camera.id, action: "ptzPreset", params: { preset: body.preset } }, actor),
          );
      },
    }),
  ];
}
