import { Page } from "#core/contracts/http.ts";
import { OperatorPositionView } from "#core/contracts/operator-position.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { BoundedListQuery, boundedPage } from "./parts.ts";

/** The operator positions for those who sit at them: names and what they look after, nothing of who is told and how. */
export function operatorPositionRoutes(deps: ApiDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      url: "/alarms/positions",
      access: allow("alarm.read"),
      summary: "Operator positions that a workplace can be",
      tag: "alarms",
      query: BoundedListQuery,
      answer: Page(OperatorPositionView),
      handle({ query }) {
        const positions = deps.notify.list("positions").map(({ id, document }): OperatorPositionView => {
          const { name, nameEn, areas, categories } = document;
          return { id, name, nameEn, areas: [...areas], categories: [...categories] };
        });
        return boundedPage(positions, ({ id }) => id, query);
      },
    }),
  ];
}
