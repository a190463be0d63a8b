import { Type } from "typebox";
import { Completeness, QuarantineView } from "#core/contracts/completeness.ts";
import { GatewayView } from "#core/contracts/gateways.ts";
import { Page } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import { NAMESPACE } from "#core/sparkplug/topic.ts";
import type { Actor } from "../../ports.ts";
import { attachment } from "../byte-range.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, allowWhole, route } from "../route.ts";
import { gatewaySeen, seenGateway, wholeGatewayId } from "../visible.ts";
import { BoundedListQuery, boundedPage, closed, IdParams, ListQuery, pageOf } from "./parts.ts";

const BlobParams = Type.Object(
  { id: Type.String({ maxLength: 64 }), sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }) },
  closed,
);
const QuarantineParams = Type.Object(
  { id: Type.String({ maxLength: 200 }), row: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) },
  closed,
);
const BLOB_LIMIT = 32 * 1024 * 1024;

/** Gateways for people (`<site>/<gateway>` or the gateway's part alone), and what gateways themselves fetch and bring. */
export function gatewayRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const seen = (id: string, actor: Actor): string => seenGateway(deps, id, actor);
  return [
    route({
      method: "GET",
      url: "/gateways",
      access: allow("gateway.read"),
      summary: "Gateways: presence, backlog, acknowledged offsets, gaps",
      tag: "gateways",
      query: BoundedListQuery,
      answer: Page(GatewayView),
      handle({ query, actor }) {
        const isSeen = gatewaySeen(deps, actor);
        const gateways = deps.gateways.list().filter(({ id }) => isSeen(id));
        return boundedPage(gateways, ({ id }) => id, query);
      },
    }),
    route({
      method: "GET",
      url: "/gateways/:id",
      access: allow("gateway.read"),
      summary: "One gateway",
      tag: "gateways",
      params: IdParams,
      answer: GatewayView,
      handle({ params, actor }) {
        const gateway = deps.gateways.get(seen(params.id, actor));
        if (gateway) return gateway;
        throw new HubError("NOT_FOUND", `gateway ${params.id}: no such gateway`);
      },
    }),
    route({
      method: "GET",
      url: "/gateways/:id/completeness",
      access: allow("gateway.read"),
      summary: "Proof of completeness: which offsets are stored, which are missing and why",
      tag: "gateways",
      params: IdParams,
      answer: Completeness,
      async handle({ params, actor }) {
        const report = await deps.gateways.completeness(seen(params.id, actor));
        if (report) return report;
        throw new HubError("NOT_FOUND", `gateway ${params.id}: no such gateway`);
      },
    }),
    route({
      method: "GET",
      url: "/gateways/:id/quarantine",
      access: allow("gateway.read"),
      summary: "What the gateway sent and can never be stored, with the reason, newest first",
      tag: "gateways",
      params: IdParams,
      query: ListQuery,
      answer: Page(QuarantineView),
      handle({ params, query, actor }) {
        const page = deps.gateways.quarantine(seen(params.id, actor), pageOf(query));
        if (deps.authority.spaces(actor, "gateway.read") === "all") return page;
        return { ...page, items: page.items.map(withoutDevices) };
      },
    }),
    route({
      method: "GET",
      url: "/gateways/:id/quarantine/:row",
      access: allowWhole("system.manage"),
      summary: "The bytes of something that was put aside, as they came",
      tag: "gateways",
      params: QuarantineParams,
      handle({ params, actor, reply }) {
        const gateway = seen(params.id, actor);
        const bytes = deps.gateways.quarantinedBytes(gateway, params.row);
        if (bytes === undefined) throw new HubError("NOT_FOUND", `quarantine ${params.row}: no such row`);
        deps.audit.append({
          actor: actor.name,
          action: "quarantine.take",
          target: `${gateway} ${params.row}`,
          result: "ok",
          detail: { bytes: bytes.length },
          ...(actor.ip === undefined ? {} : { ip: actor.ip }),
        });
        // Never shown by a browser: what a stranger has sent is in it.
        return reply
          .type("application/octet-stream")
          .header("cache-control", "private, no-store")
          .header("content-disposition", attachment(`quarantine-${params.row}`, "bin"))
          .send(Buffer.from(bytes));
      },
    }),
    route({
      method: "GET",
      url: "/gateways/:id/bundle",
      access: { kind: "gateway" },
      summary: "The gateway's configuration bundle, by its own credential",
      tag: "gateways",
      params: IdParams,
      handle({ params, reply }) {
        const found = deps.catalog.bundle(wholeGatewayId(deps, params.id));
        if (found === undefined) throw new HubError("NOT_FOUND", `gateway ${params.id}: no such gateway`);
        return reply.type("application/json").header("x-parkhub-sha256", found.sha256).send(Buffer.from(found.text));
      },
    }),
    route({
      method: "PUT",
      url: "/gateways/:id/blobs/:sha256",
      access: { kind: "gateway" },
      summary: "A picture, a clip or a result from the gateway, by its own credential",
      tag: "gateways",
      params: BlobParams,
      bodyLimit: BLOB_LIMIT,
      takesBytes: true,
      async handle({ params, body, request, reply }) {
        if (!Buffer.isBuffer(body)) throw new HubError("VALIDATION", "expected bytes");
        await deps.blobs.put(params.sha256, request.headers["content-type"] ?? "application/octet-stream", body);
        return reply.code(204).send();
      },
    }),
  ];
}

/** What was put aside without what it says of devices: they may stand where the actor sees nothing. */
function withoutDevices({ reason: _reason, topic, ...row }: QuarantineView): QuarantineView {
  return { ...row, topic: topic.startsWith(`${NAMESPACE}/`) ? topic.split("/").slice(0, 4).join("/") : topic };
}
