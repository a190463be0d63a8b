import { type Static, Type } from "typebox";
import { Page, Time } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import type { GatewayId } from "#core/ids.ts";
import { IdPart } from "#core/model/site.ts";
import type { ForeignClient, ForeignClientEntry } from "../../ports.ts";
import { iso } from "../../time.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allowWhole, route } from "../route.ts";
import { BoundedListQuery, boundedPage, closed, IdParams } from "./parts.ts";

const name = Type.String({
  ...IdPart,
  description: "User name at the broker; for a reader also its Sparkplug host id.",
});
const clientId = Type.Optional(Type.String({ ...IdPart, description: "MQTT client id; the name when absent." }));

const NewReader = Type.Object(
  {
    kind: Type.Enum(["reader"]),
    name,
    clientId,
    mayCommand: Type.Optional(
      Type.Boolean({ description: "May it send NCMD, ask for new births for instance? No when absent." }),
    ),
  },
  closed,
);
const NewForeignNode = Type.Object(
  {
    kind: Type.Enum(["foreignNode"]),
    name,
    clientId,
    edgeNode: Type.String({ ...IdPart, description: "Its Sparkplug edge node id; the group id is the site." }),
    space: Type.Optional(
      Type.String({ maxLength: 64, description: "Where its points lie; the whole site when absent." }),
    ),
  },
  closed,
);
const NewMqttClient = Type.Union([NewReader, NewForeignNode]);
const MqttClient = Type.Object({
  name: Type.String(),
  kind: Type.Enum(["reader", "foreignNode"]),
  clientId: Type.String(),
  mayCommand: Type.Optional(Type.Boolean()),
  node: Type.Optional(Type.String({ description: "<site>/<edge node id> of a foreign node." })),
  space: Type.Optional(Type.String()),
  completeness: Type.Optional(
    Type.Enum(["unknown"], {
      description: "A foreign node numbers nothing that it measures: nobody can tell what is missing.",
    }),
  ),
  createdAt: Time,
});

function shown(entry: ForeignClientEntry): Static<typeof MqttClient> {
  const { name, clientId } = entry;
  const common = { name, clientId, createdAt: iso(entry.createdAt) };
  if (entry.kind === "reader") return { kind: entry.kind, ...common, mayCommand: entry.mayCommand };
  return { kind: entry.kind, ...common, node: entry.node, space: entry.space, completeness: "unknown" };
}

function clientOf(deps: ApiDeps, body: Static<typeof NewMqttClient>): ForeignClient {
  const { name, clientId = name } = body;
  if (body.kind === "reader") return { kind: "reader", name, clientId, mayCommand: body.mayCommand === true };
  const { site } = deps.catalog;
  const root = deps.catalog.spaces().find(({ parent }) => parent === undefined)?.id ?? site;
  const node = `${site}/${body.edgeNode}` as GatewayId;
  return { kind: "foreignNode", name, clientId, node, space: body.space ?? root };
}

/** Foreign clients of the MQTT broker: host applications that read the site, edge nodes of other makers. */
export function mqttClientRoutes(deps: ApiDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      url: "/mqtt-clients",
      access: allowWhole("user.manage"),
      summary: "Foreign hosts and edge nodes that may connect to the MQTT broker",
      tag: "users",
      query: BoundedListQuery,
      answer: Page(MqttClient),
      handle: ({ query }) => boundedPage(deps.mqttClients.list().map(shown), (client) => client.name, query),
    }),
    route({
      method: "POST",
      url: "/mqtt-clients",
      access: allowWhole("user.manage"),
      summary: "A new foreign client of the MQTT broker; its password is shown this once",
      tag: "users",
      body: NewMqttClient,
      answer: Type.Intersect([MqttClient, Type.Object({ password: Type.String() })]),
      async handle({ body, actor, reply }) {
        const { password, entry } = await deps.mqttClients.add(clientOf(deps, body), actor);
        return reply.code(201).send({ ...shown(entry), password });
      },
    }),
    route({
      method: "DELETE",
      url: "/mqtt-clients/:id",
      access: allowWhole("user.manage"),
      summary: "Withdraw the credential of a foreign client; its connection ends",
      tag: "users",
      params: IdParams,
      answer: Type.Null(),
      handle({ params, actor, reply }) {
        if (!deps.mqttClients.remove(params.id, actor))
          throw new HubError("NOT_FOUND", `MQTT client ${params.id}: there is none of this name`);
        return reply.code(204).send();
      },
    }),
  ];
}
