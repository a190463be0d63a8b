import { Page } from "#core/contracts/http.ts";
import { Partition, Space, Zone } from "#core/model/site.ts";
import type { Visible } from "../../ports.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { BoundedListQuery, boundedPage } from "./parts.ts";

const inside = <T extends { readonly space: string }>(entries: readonly T[], visible: Visible): readonly T[] =>
  visible === "all" ? entries : entries.filter((entry) => visible.has(entry.space));

const idOf = ({ id }: { readonly id: string }): string => id;

/** Places and zones. */
export function siteRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const { catalog, authority } = deps;
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
  ];
}
