import { Type } from "typebox";
import { CommandView } from "#core/contracts/commands.ts";
import { CertificateView } from "#core/contracts/gateways.ts";
import { Page } from "#core/contracts/http.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import { ID_PART_PATTERN } from "#core/ids.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allowWhole, route } from "../route.ts";
import { seenGateway } from "../visible.ts";
import { BoundedListQuery, boundedPage, closed, IdParams } from "./parts.ts";

const CertificateParams = Type.Object(
  { ...IdParams.properties, thumbprint: Type.String({ pattern: "^[0-9a-f]{40}$" }) },
  closed,
);
const channel = Type.String({ pattern: ID_PART_PATTERN, description: "Id of a channel of the gateway." });
const CertificateAct = Type.Object(
  {
    channel: Type.Optional(channel),
    reason: Type.Optional(Type.String({ maxLength: 500 })),
  },
  closed,
);
const params = Type.Optional(
  Type.Record(
    Type.String({ maxLength: 40 }),
    Type.Union([Type.String({ maxLength: 200 }), Type.Number(), Type.Boolean()]),
    {
      maxProperties: 20,
      description:
        "What the driver's search takes: for BACnet `low`, `high`, `to`, `network`, `instance`, `fresh` (protocols/bacnet/README.md).",
    },
  ),
);
const Search = Type.Union([
  Type.Object({ channel, params }, closed),
  Type.Object(
    { device: Type.String({ maxLength: 200, description: "Device id <site>/<gateway>/<device>." }), params },
    closed,
  ),
]);

/** Searching a network takes its time, ms. */
const SEARCH_EXPIRES_MS = 120_000;

/** What is done when a gateway's field networks are set up: searching them, and trusting whom they hold. */
export function commissioningRoutes(deps: ApiDeps): readonly ApiRoute[] {
  /** The channel that knows a certificate. */
  const channelOf = (gateway: string, thumbprint: string, named: string | undefined): string => {
    const channels = deps.certificates
      .of(gateway)
      .flatMap((known) => (known.thumbprint === thumbprint && known.trust !== "own" ? [known.channel] : []));
    const [found, another] = named === undefined ? channels : channels.filter((one) => one === named);
    if (found === undefined)
      throw new HubError("CERTIFICATE_UNKNOWN", `certificate ${thumbprint}: no channel of ${gateway} waits for it`);
    if (another !== undefined)
      throw new HubError("CHANNEL_AMBIGUOUS", `certificate ${thumbprint} is known to ${channels.join(", ")}: name one`);
    return `${gateway}/${found}`;
  };
  const acts = (["trust", "reject"] as const).map((act) =>
    route({
      method: "POST",
      url: `/gateways/:id/certificates/:thumbprint/${act}`,
      access: allowWhole("gateway.manage"),
      summary: act === "trust" ? "Trust a certificate from now on" : "Trust a certificate no more",
      tag: "gateways",
      params: CertificateParams,
      body: CertificateAct,
      answer: CommandView,
      handle({ params: { id, thumbprint }, body, actor, reply }) {
        const device = channelOf(seenGateway(deps, id, actor), thumbprint, body.channel);
        const action = act === "trust" ? "trustCertificate" : "rejectCertificate";
        const reason = body.reason === undefined ? {} : { reason: body.reason };
        return reply
          .code(202)
          .send(deps.commands.request({ device, action, params: { thumbprint }, ...reason }, actor));
      },
    }),
  );
  return [
    route({
      method: "GET",
      url: "/gateways/:id/certificates",
      access: allowWhole("gateway.manage"),
      summary: "Certificates that the gateway's channels know: its own, trusted ones, and those that wait for a person",
      tag: "gateways",
      params: IdParams,
      query: BoundedListQuery,
      answer: Page(CertificateView),
      handle({ params, query, actor }) {
        const known = deps.certificates.of(seenGateway(deps, params.id, actor));
        return boundedPage(known, (one) => `${one.channel}/${one.thumbprint}`, query);
      },
    }),
    ...acts,
    route({
      method: "POST",
      url: "/gateways/:id/discover",
      access: allowWhole("gateway.manage"),
      summary: "Search a channel for devices, or a device for points; the command's blob is a Discovery",
      tag: "gateways",
      params: IdParams,
      body: Search,
      answer: CommandView,
      handle({ params, body, actor, reply }) {
        const gateway = seenGateway(deps, params.id, actor);
        const device = "channel" in body ? `${gateway}/${body.channel}` : body.device;
        if (!device.startsWith(`${gateway}/`))
          throw new InvalidInputError("DEVICE_UNKNOWN", `device ${device} is not of ${gateway}`);
        const asked = body.params === undefined ? {} : { params: body.params };
        const request = { device, action: "discover", ...asked, expiresInMs: SEARCH_EXPIRES_MS };
        return reply.code(202).send(deps.commands.request(request, actor));
      },
    }),
  ];
}
