import { Type } from "typebox";
import { AuditEntry, Page } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import { mayAt } from "../access.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, allowWhole, route } from "../route.ts";
import { closed, ListQuery, pageOf } from "./parts.ts";

const ShaParams = Type.Object({ sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }) }, closed);
/** Kinds that a browser shows and never runs. Anything else is offered as a download. */
const SHOWN = new Set(["image/jpeg", "image/png", "video/mp4"]);

/** Pictures kept with alarms, and the audit log. */
export function recordRoutes(deps: ApiDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      url: "/blobs/:sha256",
      access: allow("alarm.read"),
      summary: "A picture by its SHA-256",
      tag: "alarms",
      params: ShaParams,
      async handle({ params, actor, reply }) {
        const shown = deps.pictures.spacesOf(params.sha256).some((space) => mayAt(deps, actor, "alarm.read", space));
        const blob =
          shown || mayAt(deps, actor, "alarm.read", undefined) ? await deps.blobs.get(params.sha256) : undefined;
        if (blob === undefined) throw new HubError("NOT_FOUND", `picture ${params.sha256}: not here, or not here yet`);
        const type = SHOWN.has(blob.contentType) ? blob.contentType : "application/octet-stream";
        return reply
          .type(type)
          .header("cache-control", "private, max-age=86400, immutable")
          .send(Buffer.from(blob.bytes));
      },
    }),
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
