import { Type } from "typebox";
import { AuditEntry } from "#core/contracts/audit.ts";
import { Page } from "#core/contracts/http.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allowWhole, route } from "../route.ts";
import { ListQuery, pageOf } from "./parts.ts";

/** The audit log. */
export function recordRoutes(deps: ApiDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      url: "/audit",
      access: allowWhole("audit.read"),
      summary: "The audit log, newest first",
      tag: "audit",
      query: ListQuery,
      answer: Page(AuditEntry),
      handle: ({ query }) => deps.audit.list(pageOf(query)),
    }),
    route({
      method: "GET",
      url: "/audit/verify",
      access: allowWhole("audit.read"),
      summary: "Is the chain of the audit log whole?",
      tag: "audit",
      answer: Type.Object({ whole: Type.Boolean(), brokenAt: Type.Optional(Type.Integer()) }),
      handle() {
        const brokenAt = deps.audit.verify();
        return brokenAt === undefined ? { whole: true } : { whole: false, brokenAt };
      },
    }),
  ];
}
