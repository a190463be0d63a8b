import { Type } from "typebox";
import { Page, PageQuery } from "#core/contracts/http.ts";
import { PermitDecision, PermitRequest, PermitView } from "#core/contracts/maintenance.ts";
import { HubError } from "#core/errors.ts";
import type { Actor } from "../../ports.ts";
import { requireAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { isVisible } from "../visible.ts";
import { closed, IdParams, pageOf } from "./parts.ts";

const PermitQuery = Type.Object(
  {
    ...PageQuery,
    open: Type.Optional(
      Type.Boolean({ description: "true: those that have yet to come to an end; false: the others." }),
    ),
  },
  closed,
);

/** Maintenance permits: asked for, approved by somebody else, ended. */
export function maintenanceRoutes(deps: ApiDeps): readonly ApiRoute[] {
  /** A permit is seen where one of its places is seen, and acted on by who may do so in all of them. */
  const requireScope = (id: string, permission: string, actor: Actor): void => {
    const areas = deps.maintenance.scopeOf(id)?.areas ?? [];
    const visible = deps.authority.spaces(actor, "alarm.read");
    if (!areas.some((area) => isVisible(visible, area)))
      throw new HubError("PERMIT_UNKNOWN", `permit ${id}: no such permit`);
    for (const area of areas) requireAt(deps, actor, permission, area);
  };
  return [
    route({
      method: "GET",
      url: "/maintenance/permits",
      access: allow("alarm.read"),
      summary: "Maintenance permits, newest request first, with what each holds or held back",
      tag: "maintenance",
      query: PermitQuery,
      answer: Page(PermitView),
      handle: ({ query, actor }) =>
        deps.maintenance.list(
          { ...pageOf(query), ...(query.open === undefined ? {} : { open: query.open }) },
          deps.authority.spaces(actor, "alarm.read"),
        ),
    }),
    route({
      method: "POST",
      url: "/maintenance/permits",
      access: allow("maintenance.request"),
      summary: "Ask for a maintenance permit",
      tag: "maintenance",
      body: PermitRequest,
      answer: PermitView,
      handle({ body, actor, reply }) {
        for (const area of body.areas) requireAt(deps, actor, "maintenance.request", area);
        reply.code(201);
        return deps.maintenance.request(body, actor);
      },
    }),
    route({
      method: "POST",
      url: "/maintenance/permits/:id/approve",
      access: allow("maintenance.approve"),
      summary: "Approve what somebody else has asked for",
      tag: "maintenance",
      params: IdParams,
      body: PermitDecision,
      answer: PermitView,
      handle({ params, body, actor }) {
        requireScope(params.id, "maintenance.approve", actor);
        return deps.maintenance.approve(params.id, body, actor);
      },
    }),
    route({
      method: "POST",
      url: "/maintenance/permits/:id/reject",
      access: allow("maintenance.approve"),
      summary: "Reject a request",
      tag: "maintenance",
      params: IdParams,
      body: PermitDecision,
      answer: PermitView,
      handle({ params, body, actor }) {
        requireScope(params.id, "maintenance.approve", actor);
        return deps.maintenance.reject(params.id, body, actor);
      },
    }),
    route({
      method: "POST",
      url: "/maintenance/permits/:id/end",
      access: allow("maintenance.request"),
      summary: "End a permit before its time; one that was not active yet is withdrawn",
      tag: "maintenance",
      params: IdParams,
      body: PermitDecision,
      answer: PermitView,
      handle({ params, body, actor }) {
        requireScope(params.id, "maintenance.request", actor);
        return deps.maintenance.end(params.id, body, actor);
      },
    }),
  ];
}
