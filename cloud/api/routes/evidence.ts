import { EvidenceRequest } from "#core/contracts/evidence.ts";
import { HubError } from "#core/errors.ts";
import { mayAt, requireAt } from "../access.ts";
import { attachment } from "../byte-range.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { IdParams } from "./parts.ts";

/** Evidence packs of alarms. */
export function evidenceRoutes(deps: ApiDeps): readonly ApiRoute[] {
  return [
    route({
      method: "POST",
      url: "/alarms/:id/evidence",
      access: allow("evidence.export"),
      summary: "Everything about an alarm as one signed zip file; the reason is audited",
      tag: "alarms",
      params: IdParams,
      body: EvidenceRequest,
      handle({ params, body, actor, reply }) {
        const alarm = deps.alarms.get(params.id);
        if (alarm === undefined || !mayAt(deps, actor, "alarm.read", alarm.area))
          throw new HubError("ALARM_UNKNOWN", `alarm ${params.id}: no such alarm`);
        requireAt(deps, actor, "evidence.export", alarm.area);
        const { name, bytes } = deps.evidence.export(params.id, body, actor);
        return reply
          .type("application/zip")
          .header("cache-control", "private, no-store")
          .header("content-disposition", attachment(name, "zip"))
          .send(bytes);
      },
    }),
  ];
}
