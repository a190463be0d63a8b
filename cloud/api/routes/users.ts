import { Type } from "typebox";
import { Page, Time } from "#core/contracts/http.ts";
import { Grant } from "#core/contracts/session.ts";
import { HubError } from "#core/errors.ts";
import { IdPart } from "#core/model/site.ts";
import type { TokenEntry } from "../../ports.ts";
import { iso } from "../../time.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { closed, IdParams } from "./parts.ts";

const User = Type.Object({
  name: Type.String(),
  displayName: Type.String(),
  grants: Type.Array(Grant),
  disabled: Type.Boolean(),
});
const NewUser = Type.Object(
  {
    name: IdPart,
    displayName: Type.String({ minLength: 1, maxLength: 100 }),
    grants: Type.Array(Grant, { maxItems: 50 }),
    password: Type.String({ maxLength: 256 }),
  },
  closed,
);
const Token = Type.Object({
  id: Type.String(),
  name: Type.String(),
  user: Type.String(),
  grants: Type.Array(Grant),
  createdAt: Time,
  expiresAt: Type.Union([Time, Type.Null()]),
  usedAt: Type.Union([Time, Type.Null()]),
});
const NewToken = Type.Object(
  { name: IdPart, grants: Type.Array(Grant, { minItems: 1, maxItems: 50 }), expiresAt: Type.Optional(Time) },
  closed,
);

const shown = (entry: TokenEntry) => ({
  ...entry,
  createdAt: iso(entry.createdAt),
  expiresAt: entry.expiresAt === null ? null : iso(entry.expiresAt),
  usedAt: entry.usedAt === null ? null : iso(entry.usedAt),
});

/** Users, and the tokens of the one who is signed in. */
export function userRoutes(deps: ApiDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      url: "/users",
      access: allow("user.manage"),
      summary: "All users with their grants",
      tag: "users",
      answer: Page(User),
      handle: () => ({ items: deps.access.users() }),
    }),
    route({
      method: "POST",
      url: "/users",
      access: allow("user.manage"),
      summary: "A new user",
      tag: "users",
      body: NewUser,
      answer: User,
      async handle({ body, actor, reply }) {
        const { password, ...user } = body;
        const outside = user.grants.find((grant) => !deps.authority.may(actor, "user.manage", grant.space));
        if (outside) throw new HubError("FORBIDDEN", `${actor.name} does not manage users in ${outside.space}`);
        return reply.code(201).send(await deps.access.addUser(user, password, actor));
      },
    }),
    route({
      method: "GET",
      url: "/tokens",
      access: allow("token.manage"),
      summary: "One's own access tokens",
      tag: "users",
      answer: Page(Token),
      handle: ({ actor }) => ({ items: deps.access.tokens(actor.name).map(shown) }),
    }),
    route({
      method: "POST",
      url: "/tokens",
      access: allow("token.manage"),
      summary: "A new access token with some of one's own grants; shown this once",
      tag: "users",
      body: NewToken,
      answer: Type.Intersect([Token, Type.Object({ token: Type.String() })]),
      handle({ body, actor, reply }) {
        const expiresAt = body.expiresAt === undefined ? null : Date.parse(body.expiresAt);
        const { token, entry } = deps.access.addToken(actor.name, body.name, body.grants, expiresAt, actor);
        return reply.code(201).send({ ...shown(entry), token });
      },
    }),
    route({
      method: "DELETE",
      url: "/tokens/:id",
      access: allow("token.manage"),
      summary: "Withdraw one of one's own tokens",
      tag: "users",
      params: IdParams,
      answer: Type.Null(),
      handle({ params, actor, reply }) {
        if (!deps.access.removeToken(actor.name, params.id, actor))
          throw new HubError("NOT_FOUND", `token ${params.id}: ${actor.name} has none of this id`);
        return reply.code(204).send();
      },
    }),
  ];
}
