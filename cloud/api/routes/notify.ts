import { type Static, type TSchema, Type } from "typebox";
import { Page, PageQuery } from "#core/contracts/http.ts";
import {
  DeliveryStatus,
  DeliveryView,
  NOTIFY_SCHEMAS,
  NotifyKind,
  NotifyLanguage,
  type NotifyObjects,
  NotifyTestResult,
  NotifyVersion,
  OnCallView,
} from "#core/contracts/notify.ts";
import { ChannelSecrets } from "#core/contracts/notify-channel.ts";
import { HubError, InvalidInputError } from "#core/errors.ts";
import { IdPart } from "#core/model/site.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allowWhole, route } from "../route.ts";
import { BoundedListQuery, boundedPage, closed, pageOf } from "./parts.ts";

const access = allowWhole("notify.manage");
const tag = "notify";
const Id = Type.String({ ...IdPart });
const IdParams = Type.Object({ id: Id }, closed);
const Time = Type.String({ format: "date-time", maxLength: 40 });
const Why = Type.Optional(Type.String({ maxLength: 500, description: "Why it was changed; kept with the version." }));

const RemoveQuery = Type.Object(
  { version: Type.Integer({ minimum: 1, description: "Version that was looked at." }), why: Why },
  closed,
);
const VersionsQuery = Type.Object({ ...PageQuery, kind: Type.Optional(NotifyKind), id: Type.Optional(Id) }, closed);
const OnCallQuery = Type.Object({ at: Type.Optional(Time) }, closed);
const DeliveriesQuery = Type.Object(
  {
    ...PageQuery,
    status: Type.Optional(DeliveryStatus),
    channel: Type.Optional(Id),
    recipient: Type.Optional(Type.String({ minLength: 1, maxLength: 80 })),
    alarm: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    from: Type.Optional(Time),
    to: Type.Optional(Time),
    language: Type.Optional(NotifyLanguage),
  },
  closed,
);
const TestBody = Type.Object(
  { contact: Type.Optional(Type.String({ ...IdPart, description: "Who gets it; for mail and SMS." })) },
  closed,
);

/** What is written about each kind. */
const WORDS: Readonly<Record<NotifyKind, string>> = {
  positions: "operator positions",
  contacts: "contacts",
  rotas: "on-call rotas, each with the id of its position",
  channels: "channels; secrets are written and never read",
  rules: "rules of notification",
};

function shown(kind: NotifyKind, document: TSchema): TSchema {
  return Type.Object({
    id: Type.String(),
    version: Type.Integer(),
    document,
    ...(kind === "channels"
      ? { secretsSet: Type.Array(Type.String(), { description: "Names of the secrets that are there." }) }
      : {}),
  });
}

/** List, write and remove one kind. */
function routesOf(deps: ApiDeps, kind: NotifyKind): readonly ApiRoute[] {
  const { notify } = deps;
  const schema = NOTIFY_SCHEMAS[kind];
  const answer = shown(kind, schema);
  const view = (kept: { readonly id: string }): object =>
    kind === "channels" ? { ...kept, secretsSet: notify.secretsSet(kept.id) } : kept;
  const PutBody = Type.Object(
    {
      version: Type.Integer({ minimum: 0, description: "Version that was looked at; 0 makes a new one." }),
      document: schema,
      why: Why,
      ...(kind === "channels" ? { secrets: Type.Optional(ChannelSecrets) } : {}),
    },
    closed,
  );
  return [
    route({
      method: "GET",
      url: `/notify/${kind}`,
      access,
      summary: `All ${WORDS[kind]}`,
      tag,
      query: BoundedListQuery,
      answer: Page(answer),
      handle: ({ query }) => {
        const page = boundedPage(notify.list(kind), ({ id }) => id, query);
        return { ...page, items: page.items.map(view) };
      },
    }),
    route({
      method: "PUT",
      url: `/notify/${kind}/:id`,
      access,
      summary: `Makes or changes one of the ${WORDS[kind]}`,
      tag,
      params: IdParams,
      body: PutBody,
      answer,
      handle: ({ params, body, actor }) => {
        const { version, document, why, secrets } = body as {
          version: number;
          document: NotifyObjects[NotifyKind];
          why?: string;
          secrets?: Static<typeof ChannelSecrets>;
        };
        const change = {
          kind,
          id: params.id,
          version,
          document,
          ...(why === undefined ? {} : { why }),
          ...(secrets === undefined ? {} : { secrets }),
        };
        return view(notify.put(change, actor));
      },
    }),
    route({
      method: "DELETE",
      url: `/notify/${kind}/:id`,
      access,
      summary: `Removes one of the ${WORDS[kind]}`,
      tag,
      params: IdParams,
      query: RemoveQuery,
      handle: ({ params, query, actor, reply }) => {
        if (!notify.remove(kind, params.id, query.version, actor, query.why)) throw unknown(kind, params.id);
        return reply.code(204).send();
      },
    }),
  ];
}

function unknown(kind: NotifyKind, id: string): HubError {
  return new HubError("NOTIFY_UNKNOWN", `${kind}: there is no ${id}`);
}

/** Unix ms of a time in a query. @throws TIME_RANGE_INVALID */
function moment(text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new InvalidInputError("TIME_RANGE_INVALID", `expected an ISO 8601 time, got ${text}`);
  return at;
}

/** Who is told of alarms: positions, contacts, rota, channels, rules, and the ledger of what was sent. */
export function notifyRoutes(deps: ApiDeps): readonly ApiRoute[] {
  const { notify, clock } = deps;
  return [
    ...NotifyKind.enum.flatMap((kind) => routesOf(deps, kind)),
    route({
      method: "GET",
      url: "/notify/versions",
      access,
      summary: "Who changed what of the notification, and why; newest first",
      tag,
      query: VersionsQuery,
      answer: Page(NotifyVersion),
      handle: ({ query: { kind, id, ...page } }) =>
        notify.versions({
          ...pageOf(page),
          ...(kind === undefined ? {} : { kind }),
          ...(id === undefined ? {} : { id }),
        }),
    }),
    route({
      method: "GET",
      url: "/notify/on-call",
      access,
      summary: "Who is on call at each position, now or at a moment",
      tag,
      query: OnCallQuery,
      answer: Type.Object({ items: Type.Array(OnCallView) }),
      handle: ({ query }) => ({ items: notify.onCall(query.at === undefined ? clock.now() : moment(query.at)) }),
    }),
    route({
      method: "GET",
      url: "/notify/deliveries",
      access,
      summary: "The ledger: every message that was to be sent and what became of it; newest first",
      tag,
      query: DeliveriesQuery,
      answer: Page(DeliveryView),
      handle: ({ query }) => {
        const { limit, cursor, count, from, to, ...filter } = query;
        const page = pageOf({
          ...(limit === undefined ? {} : { limit }),
          ...(cursor === undefined ? {} : { cursor }),
          ...(count === undefined ? {} : { count }),
        });
        return notify.deliveries({
          ...page,
          ...filter,
          ...(from === undefined ? {} : { from: moment(from) }),
          ...(to === undefined ? {} : { to: moment(to) }),
        });
      },
    }),
    route({
      method: "POST",
      url: "/notify/channels/:id/test",
      access,
      summary: "Sends a test message at once and says how it went",
      tag,
      params: IdParams,
      body: TestBody,
      answer: NotifyTestResult,
      handle: ({ params, body, actor }) => notify.test(params.id, body.contact, actor),
    }),
  ];
}
